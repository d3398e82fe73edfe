"""Files in the local Slack: put up by the app, sent by people, asked for in forms, fetched with a token only."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest
from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_sdk.errors import SlackRequestError

from tests.fakes.slack_server import Failure, SlackServer
from tests.surfaces.conftest import Run
from tests.surfaces.echo import client, code

UPLOAD_FORM: dict[str, Any] = {
    "type": "modal",
    "callback_id": "work",
    "title": {"type": "plain_text", "text": "Work"},
    "submit": {"type": "plain_text", "text": "Send"},
    "blocks": [
        {
            "type": "input",
            "block_id": "files",
            "label": {"type": "plain_text", "text": "Files"},
            "element": {"type": "file_input", "action_id": "input", "filetypes": ["pdf", "txt"], "max_files": 2},
        }
    ],
}


async def fetch(url: str, token: str | None) -> tuple[int, str, bytes]:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    async with aiohttp.ClientSession() as session, session.get(url, headers=headers) as response:
        return response.status, response.content_type, await response.read()


async def test_the_app_puts_a_file_into_a_thread(slack: SlackServer) -> None:
    web = client(slack)
    asked = slack.people.say("U1", "C1", "my marks?").post
    await web.files_upload_v2(
        channel="C1", thread_ts=asked.ts, filename="märks 1.csv", content="a,b\n", title="Marks", initial_comment="Here"
    )
    (post,) = slack.workspace.shown("C1")
    (file,) = post.files
    assert (post.text, post.thread_ts, file.title, file.content) == ("Here", asked.ts, "Marks", b"a,b\n")
    event = slack.courier.sent[-1].payload["event"]
    assert (event["subtype"], event["files"][0]["id"], event["bot_id"]) == ("file_share", file.id, "BBOT")
    known = (await web.files_info(file=file.id))["file"]
    assert (known["name"], known["size"], known["filetype"]) == ("märks 1.csv", 4, "csv")
    assert known["shares"]["public"]["C1"][0]["ts"] == post.ts
    assert await fetch(known["url_private_download"], slack.bot_token) == (200, "text/csv", b"a,b\n")


async def test_an_upload_goes_step_by_step(slack: SlackServer) -> None:
    web = client(slack)
    assert await code(web.files_getUploadURLExternal(filename="a.txt", length=0)) == "missing_argument"
    given = await web.files_getUploadURLExternal(filename="a.txt", length=3)
    file = {"id": given["file_id"], "title": "A"}
    early = web.files_completeUploadExternal(files=[file], channel_id="C1")
    assert await code(early) == "file_not_found"
    assert await code(web.files_info(file=file["id"])) == "file_not_found"
    async with aiohttp.ClientSession() as session:
        for body, status in ((b"four", 400), (b"abc", 200), (b"abc", 404)):
            async with session.post(given["upload_url"], data=body) as response:
                assert response.status == status
        slack.workspace.add_channel("C2", "U1", with_bot=False)
        assert await code(web.files_completeUploadExternal(files=[file], channel_id="C2")) == "not_in_channel"
        done = await web.files_completeUploadExternal(files=[file], channel_id="C1")
        assert done["files"] == [file]
        assert await code(web.files_completeUploadExternal(files=[file], channel_id="C1")) == "file_not_found"
        # Seen of the real one: of a JSON body this method reads nothing.
        headers = {"Authorization": f"Bearer {slack.bot_token}"}
        url, body_json = f"{slack.api_url}files.getUploadURLExternal", {"filename": "a", "length": 1}
        async with session.post(url, json=body_json, headers=headers) as response:
            assert (await response.json())["error"] == "invalid_arguments"
    slack.fail("upload", Failure(500))
    with pytest.raises(SlackRequestError):
        await web.files_upload_v2(channel="C1", filename="b.txt", content="b")


async def test_a_file_is_only_for_the_token_of_a_bot_that_sees_it(slack: SlackServer) -> None:
    said = slack.people.share("U1", slack.workspace.direct("U1").id, ("a.pdf", b"%PDF"), text="look")
    (event,) = [delivery.payload["event"] for delivery in said.deliveries]
    assert (event["subtype"], event["channel_type"], event["text"]) == ("file_share", "im", "look")
    url = event["files"][0]["url_private_download"]
    assert await fetch(url, slack.bot_token) == (200, "application/pdf", b"%PDF")
    slack.install("T2")
    for token in (None, "xoxb-wrong", slack.team("T2").workspace.bot_token):
        status, kind, page = await fetch(url, token)
        assert (status, kind) == (200, "text/html")
        assert b"Sign in" in page
    slack.workspace.add_channel("C2", "U1", with_bot=False)
    hidden = slack.people.share("U1", "C2", ("b.txt", b"b")).post.files[0]
    assert (await fetch(hidden.as_file()["url_private"], slack.bot_token))[0] == 404
    assert await code(client(slack).files_info(file=hidden.id)) == "file_not_found"
    slack.scopes -= {"files:read"}
    assert (await fetch(url, slack.bot_token))[1] == "text/html"
    assert await code(client(slack).files_info(file=hidden.id)) == "missing_scope"


async def test_in_a_shared_channel_an_event_names_a_file_only(slack: SlackServer) -> None:
    slack.workspace.add_channel("C2", "U1", shared=True)
    said = slack.people.share("U1", "C2", ("a.txt", b"a"), text="<@UBOT> see")
    message, mention = (delivery.payload["event"] for delivery in said.deliveries)
    assert [set(file) for file in message["files"]] == [{"id", "file_access"}]
    assert (mention["type"], mention["files"], "subtype" in mention) == ("app_mention", message["files"], False)
    assert (await client(slack).files_info(file=message["files"][0]["id"]))["file"]["name"] == "a.txt"


async def test_a_form_takes_files(slack: SlackServer, run: Run) -> None:
    app = AsyncApp(client=client(slack), signing_secret=slack.signing_secret)
    heard: list[dict[str, Any]] = []

    async def submit(ack: AsyncAck, body: dict[str, Any]) -> None:
        await ack()
        heard.append(body)

    app.view("work")(submit)
    trigger = slack.workspace.grant_trigger("U1")
    await client(slack).views_open(trigger_id=trigger, view=UPLOAD_FORM)
    (opened,) = slack.workspace.views.values()
    async with run(slack, app):
        with pytest.raises(AssertionError, match="takes"):
            slack.people.attach(opened, "files", "a.exe", b"MZ")
        with pytest.raises(AssertionError, match="10 MB"):
            slack.people.attach(opened, "files", "a.pdf", b"x" * (10 * 1024 * 1024 + 1))
        with pytest.raises(AssertionError, match="without its field"):
            slack.people.submit(opened)
        file = slack.people.attach(opened, "files", "a.pdf", b"%PDF")
        slack.people.attach(opened, "files", "b.txt", b"b")
        with pytest.raises(AssertionError, match="no more"):
            slack.people.attach(opened, "files", "c.txt", b"c")
        await slack.people.submit(opened).done()
        await slack.until(lambda: heard)
    state = heard[0]["view"]["state"]["values"]["files"]["input"]
    assert (state["type"], [given["name"] for given in state["files"]]) == ("file_input", ["a.pdf", "b.txt"])
    assert {"id", "name", "size", "mimetype", "url_private", "url_private_download"} <= set(state["files"][0])
    assert (await fetch(state["files"][0]["url_private_download"], slack.bot_token))[2] == file.content


async def test_a_form_with_files_needs_the_scope_and_sane_numbers(slack: SlackServer) -> None:
    web = client(slack)
    for wrong in (0, 11):
        view = {**UPLOAD_FORM, "blocks": [_with(UPLOAD_FORM["blocks"][0], max_files=wrong)]}
        assert await code(web.views_open(trigger_id=slack.workspace.grant_trigger("U1"), view=view)) == (
            "invalid_arguments"
        )
    slack.scopes -= {"files:read"}
    refused = web.views_open(trigger_id=slack.workspace.grant_trigger("U1"), view=UPLOAD_FORM)
    assert await code(refused) == "missing_scope"


def _with(block: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {**block, "element": {**block["element"], **more}}
