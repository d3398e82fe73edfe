"""Views that lie on one another, and the addresses that answers go to, in the local Slack."""

from __future__ import annotations

from functools import partial
from typing import Any

import aiohttp
from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.webhook.async_client import AsyncWebhookClient

from tests.fakes.slack_server import Failure, SlackServer, slack_server
from tests.surfaces.conftest import Run
from tests.surfaces.echo import BUTTON, FORM, Clock, client, code

MORE: Any = {**FORM, "blocks": [*FORM["blocks"], {"type": "actions", "block_id": "more", "elements": [BUTTON]}]}


async def test_up_to_three_modals_lie_on_one_another(slack: SlackServer, run: Run) -> None:
    app = AsyncApp(client=client(slack), signing_secret=slack.signing_secret)
    outcomes: list[str] = []

    async def press(ack: AsyncAck, body: dict[str, Any], client: AsyncWebClient) -> None:
        await ack()
        push = client.views_push(trigger_id=body["trigger_id"], view=MORE)
        outcomes.append(await code(push) if len(slack.workspace.views) == 3 else (await push)["view"]["root_view_id"])

    async def submit(ack: AsyncAck) -> None:
        await ack({"response_action": "clear"})

    def has_grown(before: int) -> bool:
        return len(outcomes) > before

    app.action("go#0")(press)
    app.view("form")(submit)
    trigger = slack.workspace.grant_trigger("U1")
    await client(slack).views_open(trigger_id=trigger, view=MORE)
    (bottom,) = slack.workspace.views.values()
    async with run(slack, app):
        top = bottom
        while len(outcomes) < 3:
            pressed = len(outcomes)
            top = list(slack.workspace.views.values())[-1]
            await slack.people.press_in(top, "Go").done()
            await slack.until(partial(has_grown, pressed))
        assert outcomes == [bottom.id, bottom.id, "push_limit_reached"]
        assert top.previous == list(slack.workspace.views)[1]
        await slack.people.submit(top, name="Ada").done()
    assert [opened.open for opened in slack.workspace.views.values()] == [False] * 3


async def test_only_what_happens_in_a_modal_can_push_one(slack: SlackServer) -> None:
    web = client(slack)
    assert await code(web.views_push(trigger_id=slack.workspace.grant_trigger("U1"), view=FORM)) == "not_found"
    home = {"type": "home", "blocks": [{"type": "actions", "block_id": "b", "elements": [BUTTON]}]}
    await web.views_publish(user_id="U1", view=home)
    pressed = slack.people.press_in(slack.workspace.homes["U1"], "Go").payload
    assert (pressed["container"]["type"], pressed["view"]["type"], "response_url" in pressed) == ("view", "home", False)
    assert await code(web.views_push(trigger_id=pressed["trigger_id"], view=FORM)) == "not_found"
    trigger = slack.people.press_in(slack.workspace.homes["U1"], "Go").payload["trigger_id"]
    await web.views_open(trigger_id=trigger, view=FORM)
    (opened,) = slack.workspace.views.values()
    assert slack.people.close(opened) is None
    assert await code(web.views_update(view_id=opened.id, view=FORM)) == "not_found"


async def test_a_response_address_works_five_times_within_half_an_hour() -> None:
    clock = Clock()
    async with slack_server(clock=clock) as slack:
        slack.workspace.add_person("U1")
        slack.workspace.add_channel("C1", "U1")
        respond = AsyncWebhookClient(slack.people.command("U1", "C1", "/echo").payload["response_url"])
        clock.now += 1_799
        assert (await respond.send(text="")).status_code == 400
        for number in range(4):
            sent = await respond.send(text=f"{number}")
            assert (sent.status_code, sent.body) == (200, "ok")
        sent = await respond.send(text="six")
        assert (sent.status_code, sent.body) == (404, '{"ok": false, "error": "used_url"}')
        assert [post.text for post in slack.workspace.private("U1")] == ["0", "1", "2", "3"]
        late = AsyncWebhookClient(slack.people.command("U1", "C1", "/echo").payload["response_url"])
        clock.now += 1_801
        assert (await late.send(text="late")).status_code == 404
        assert slack.refusals[-1] == ("response_url", "expired_url")


async def test_a_response_address_changes_takes_away_and_says(slack: SlackServer) -> None:
    web = client(slack)
    root = slack.people.say("U1", "C1", "root").post
    blocks = [{"type": "actions", "block_id": "b", "elements": [BUTTON]}]
    await web.chat_postMessage(channel="C1", thread_ts=root.ts, text="x", blocks=blocks)
    (post,) = slack.workspace.shown("C1")
    pressed = slack.people.press("U2", post, "Go").payload
    assert pressed["container"] == {
        "type": "message",
        "message_ts": post.ts,
        "channel_id": "C1",
        "is_ephemeral": False,
        "thread_ts": root.ts,
    }
    respond = AsyncWebhookClient(pressed["response_url"])
    await respond.send(text="for you")
    await respond.send(text="for all", response_type="in_channel")
    await respond.send(text="changed", replace_original=True)
    wrong = await respond.send(text="x", blocks=[{"type": "sparkles"}])
    assert (wrong.status_code, "invalid_blocks" in wrong.body) == (400, True)
    assert [(private.text, private.to) for private in slack.workspace.private("U2")] == [("for you", "U2")]
    assert [shown.text for shown in slack.workspace.shown("C1")] == ["changed", "for all"]
    await respond.send(delete_original=True)
    assert post.deleted
    subtypes = [sent.payload["event"].get("subtype") for sent in slack.courier.sent if sent.kind == "events_api"]
    assert subtypes[-3:] == [None, "message_changed", "message_deleted"]


async def test_a_private_message_is_replaced_in_private(slack: SlackServer) -> None:
    blocks = [{"type": "actions", "block_id": "b", "elements": [BUTTON]}]
    await client(slack).chat_postEphemeral(channel="C1", user="U1", text="x", blocks=blocks)
    (post,) = slack.workspace.private("U1")
    delivered = len(slack.courier.sent)
    pressed = slack.people.press("U1", post, "Go").payload
    assert pressed["container"]["is_ephemeral"] is True
    await AsyncWebhookClient(pressed["response_url"]).send(text="done", replace_original=True)
    assert (post.text, post.blocks, slack.workspace.private("U1")) == ("done", [], [post])
    assert len(slack.courier.sent) == delivered + 1  # nobody else is told


async def test_a_response_address_fails_as_told(slack: SlackServer) -> None:
    url = slack.people.command("U1", "C1", "/echo").payload["response_url"]
    slack.fail("response_url", Failure(500), Failure(500, done=True))
    async with aiohttp.ClientSession() as session:
        for shown in (0, 1):
            async with session.post(url, json={"text": "x"}) as response:
                assert response.status == 500
            assert len(slack.workspace.private("U1")) == shown
