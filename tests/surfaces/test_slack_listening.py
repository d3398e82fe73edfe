"""What Slack sends reaches the inbox once, over both transports, and is acknowledged only then."""

from __future__ import annotations

import asyncio
import json
import logging
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from slack_bolt.async_app import AsyncApp
from slack_bolt.oauth.async_oauth_settings import AsyncOAuthSettings
from slack_sdk.oauth.installation_store import Bot
from slack_sdk.oauth.installation_store.async_installation_store import AsyncInstallationStore
from slack_sdk.oauth.state_store import FileOAuthStateStore
from slack_sdk.web.async_client import AsyncWebClient

from adapters.slack import listen
from adapters.slack.forms import form_choice, form_view, unpack_form
from adapters.slack.listen import NOT_TAKEN, TOO_LATE, build_bolt_app
from adapters.slack.render import render
from adapters.slack.transports import run_socket, slack_routes
from core.errors import DatabaseUnavailable, InvalidInput
from core.events import Attachment, Command, Control, Deletion, Event, Message, Page, Place, Reaction, Visit
from core.ports import AnswerStream, LiveReply, Post, Profile, Responder
from core.replies import Audience, Choice, Choices, Field, Form, Note, Part, Reply, Text, as_shown, say
from tests.fakes.slack.delivery import Delivery
from tests.fakes.slack.workspace import Opened
from tests.fakes.slack_server import Failure, SlackServer
from tests.surfaces.on_slack import PING_SECONDS

Listening = Callable[[SlackServer, AsyncApp], AbstractAsyncContextManager[None]]
Serve = Callable[[Event, Responder], Awaitable[None]]
CARD = Form("New card", "card.save", (Field("front", "Front"), Field("back", "Back", required=False)), "c1")


@asynccontextmanager
async def by_socket(slack: SlackServer, app: AsyncApp) -> AsyncIterator[None]:
    stop, opened = asyncio.Event(), slack.sockets.opened
    running = asyncio.create_task(run_socket(app, slack.app_token, stop, ping_seconds=PING_SECONDS))
    try:
        await asyncio.wait_for(slack.sockets.wait_open(opened + 1), 10)
        yield
    finally:
        stop.set()
        await asyncio.wait_for(running, 10)


@asynccontextmanager
async def by_http(slack: SlackServer, app: AsyncApp) -> AsyncIterator[None]:
    application = web.Application()
    application.router.add_routes(slack_routes(app))
    async with TestServer(application) as server:
        slack.posting.url = str(server.make_url("/slack/events"))
        yield


@pytest.fixture(params=[by_socket, by_http], ids=["socket", "http"])
def listening(request: pytest.FixtureRequest) -> Listening:
    transport: Listening = request.param
    return transport


@dataclass(slots=True)
class Said:
    """A responder that keeps what it is given to say."""

    replies: list[Reply] = field(default_factory=list)
    heard: asyncio.Event = field(default_factory=asyncio.Event)

    async def send(self, reply: Reply) -> None:
        self.replies.append(reply)
        self.heard.set()

    async def send_live(self, reply: Reply) -> LiveReply | None:
        raise AssertionError("nothing is followed here")

    async def begin(self, answer_id: UUID, audience: Audience) -> AnswerStream:
        raise AssertionError("nothing is streamed here")

    async def open_thread(self, opening: Reply) -> str | None:
        raise AssertionError("no thread is opened here")

    async def working(self) -> None:
        return None

    async def profile(self) -> Profile | None:
        return None

    async def shared(self) -> bool:
        return False

    async def readers(self) -> frozenset[str] | None:
        return None

    async def fetch(self, attachment: Attachment) -> bytes:
        return b""

    async def retract(self, posts: Sequence[Post]) -> None:
        return None


@dataclass(slots=True)
class Desk:
    """An inbox that keeps what it is given, may refuse, and may serve what comes."""

    said: Said = field(default_factory=Said)
    taken: list[Event] = field(default_factory=list)
    routes: list[Mapping[str, str]] = field(default_factory=list)
    asked: int = 0
    arrivals: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(0))
    refusals: int = 0
    open: asyncio.Event = field(default_factory=asyncio.Event)
    serve: Serve | None = None
    serving: set[asyncio.Future[None]] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.open.set()

    async def accept(self, event: Event, route: Mapping[str, str], responder: Responder | None = None) -> bool:
        self.asked += 1
        self.arrivals.release()
        await self.open.wait()
        if self.refusals:
            self.refusals -= 1
            raise DatabaseUnavailable
        if event.key in {taken.key for taken in self.taken}:
            return False
        self.taken.append(event)
        self.routes.append(route)
        if self.serve is not None:
            self.serving.add(asyncio.ensure_future(self.serve(event, responder or self.said)))
        return True

    def app(self, slack: SlackServer, **more: Any) -> AsyncApp:
        given: dict[str, Any] = {"commands": ("hr-ask",), "prefix": "hr-", "token": slack.bot_token} | more

        async def opened(*_: object) -> Responder:
            return self.said

        return build_bolt_app(self, opened, base_url=slack.api_url, signing_secret=slack.signing_secret, **given)


async def test_every_kind_of_deed_arrives_once(slack: SlackServer, listening: Listening) -> None:
    desk, people = Desk(), slack.people
    async with listening(slack, desk.app(slack)):
        said = people.say("U1", "C1", "<@UBOT> what is a mole?")
        await said.done()
        for delivery in said.deliveries:
            await slack.courier.send_again(delivery).done()
        post = slack.workspace.post("C1", "UBOT", "this", bot_id="BBOT", thread_ts=said.post.ts)
        button = {"type": "button", "action_id": "answer.retry#0", "text": {"type": "plain_text", "text": "Retry"}}
        post.blocks = [{"type": "actions", "elements": [button | {"value": "a1"}]}]
        deeds: list[Callable[[], Delivery | None]] = [
            lambda: people.react("U1", post, "+1"),
            lambda: people.react("U1", post, "+1", take_off=True),
            lambda: people.press("U1", post, "Retry"),
            lambda: people.command("U1", "C1", "/hr-ask", "why?"),
            lambda: people.open_home("U1"),
            lambda: people.press_stop("U1", "C1", said.post.ts),
            lambda: people.remove(said.post),
        ]
        for deed in deeds:
            sent = deed()
            assert sent is not None
            assert await sent.done() == {}
    kinds = [type(event) for event in desk.taken]
    assert kinds == [Message, Reaction, Reaction, Control, Command, Visit, Control, Deletion]
    question, _, taken_off, pressed, command, visit, _, deletion = desk.taken
    assert isinstance(question, Message)
    assert (question.text, question.addressed, question.message_id) == ("what is a mole?", True, said.post.ts)
    assert isinstance(taken_off, Reaction)
    assert (taken_off.added, taken_off.at is not None) == (False, True)
    assert isinstance(pressed, Control)
    assert (pressed.action, pressed.value, pressed.place.thread_id) == ("answer.retry", "a1", said.post.ts)
    assert isinstance(command, Command)
    assert (command.name, command.text) == ("ask", "why?")
    assert isinstance(visit, Visit)
    assert visit.page is Page.HOME
    assert isinstance(deletion, Deletion)
    assert deletion.message_id == said.post.ts
    assert {route["team_id"] for route in desk.routes} == {"T1"}


async def test_bots_edits_and_talk_among_people_are_acknowledged_and_left_alone(
    slack: SlackServer, listening: Listening
) -> None:
    desk, people = Desk(), slack.people
    slack.workspace.add_person("U9", bot=True)
    async with listening(slack, desk.app(slack)):
        root = people.say("U1", "C1", "lunch?")
        await root.done()
        await people.say("U2", "C1", "<@U1> yes", root.post.ts).done()
        await people.say("U9", "C1", "<@UBOT> hello", bot_id="B9").done()
        edited = people.edit(root.post, "<@UBOT> lunch?")
        assert edited is not None
        await edited.done()
        bot = AsyncWebClient(slack.bot_token, base_url=slack.api_url)
        posted = await bot.chat_postMessage(channel="C1", text="mine")
        await bot.chat_delete(channel="C1", ts=posted["ts"])
        for delivery in list(slack.courier.sent):
            await delivery.done()
    assert desk.taken == []


async def test_nothing_is_acknowledged_before_it_is_stored(slack: SlackServer, listening: Listening) -> None:
    desk = Desk()
    desk.open.clear()
    async with listening(slack, desk.app(slack)):
        sent = [
            *slack.people.say("U1", "C1", "<@UBOT> why?").deliveries,
            slack.people.command("U1", "C1", "/hr-ask", "why?"),
        ]
        for _ in sent:
            await asyncio.wait_for(desk.arrivals.acquire(), 10)
        assert all(delivery.seconds is None for delivery in sent)
        desk.open.set()
        for delivery in sent:
            await delivery.done()


async def test_what_could_not_be_stored_is_sent_again(slack: SlackServer, listening: Listening) -> None:
    desk = Desk(refusals=1)
    slack.courier.ack_seconds = 0.3
    async with listening(slack, desk.app(slack)):
        visit = slack.people.open_home("U1")
        assert visit is not None
        await visit.done()
    assert (visit.attempts, len(desk.taken)) == (2, 1)


async def test_a_store_that_hangs_is_one_that_fails(
    slack: SlackServer, listening: Listening, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listen, "STORE_SECONDS", 0.1)
    desk = Desk()
    desk.open.clear()
    async with listening(slack, desk.app(slack)):
        assert await slack.people.command("U1", "C1", "/hr-ask", "why?").done() == {"text": NOT_TAKEN}


async def test_who_typed_or_pressed_is_told_that_it_was_not_taken(slack: SlackServer, listening: Listening) -> None:
    desk = Desk(refusals=2)
    button = {"type": "button", "action_id": "go#0", "text": {"type": "plain_text", "text": "Go"}}
    post = slack.workspace.post("C1", "UBOT", "x", bot_id="BBOT", blocks=[{"type": "actions", "elements": [button]}])
    async with listening(slack, desk.app(slack)):
        assert await slack.people.command("U1", "C1", "/hr-ask", "why?").done() == {"text": NOT_TAKEN}
        await slack.people.press("U1", post, "Go").done()
        await slack.until(lambda: len(slack.workspace.private("U1")) == 2)
        assert [said.text for said in slack.workspace.private("U1")] == [NOT_TAKEN, NOT_TAKEN]
        opened = await open_card(slack)
        desk.refusals = 1
        await slack.people.submit(opened, front="mole").done()
        assert (opened.open, opened.errors) == (True, {"front": NOT_TAKEN})


async def open_card(slack: SlackServer, form: Form = CARD) -> Opened:
    bot = AsyncWebClient(slack.bot_token, base_url=slack.api_url)
    trigger = slack.workspace.grant_trigger("U1")
    shown = await bot.views_open(trigger_id=trigger, view=form_view(form, Place("C1", "1.1", private=False)))
    return slack.workspace.views[shown["view"]["id"]]


async def test_a_form_shows_its_errors_what_follows_and_closes(slack: SlackServer, listening: Listening) -> None:
    second = Form("How sure?", "card.sure", (Field("sure", "Sure", options=as_shown(("yes", "no"))),))

    async def serve(event: Event, responder: Responder) -> None:
        assert isinstance(event, Control)
        match event.fields:
            case {"front": "bad"}:
                await responder.send(Reply((), field_errors={"front": "Too short.", "class": "No such class."}))
            case {"front": "more"}:
                await responder.send(say("One more thing.", second))
            case _:
                await responder.send(say("Saved."))

    desk = Desk(serve=serve)
    async with listening(slack, desk.app(slack)):
        opened = await open_card(slack)
        await slack.people.submit(opened, front="bad").done()
        assert (opened.open, opened.errors) == (True, {"front": "Too short. No such class."})
        assert desk.said.replies == []
        await slack.people.submit(opened, front="more").done()
        assert (opened.open, opened.view["callback_id"]) == (True, "card.sure")
        assert [reply.text() for reply in desk.said.replies] == ["One more thing."]
        await slack.people.submit(opened, sure="yes").done()
        assert not opened.open
    assert [reply.text() for reply in desk.said.replies] == ["One more thing.", "Saved."]
    assert [event.place for event in desk.taken] == [Place("C1", "1.1", private=False)] * 3


@pytest.mark.parametrize("length", [20, 2_500])
async def test_errors_that_come_too_late_lose_nothing_that_was_typed(
    slack: SlackServer, listening: Listening, monkeypatch: pytest.MonkeyPatch, length: int
) -> None:
    monkeypatch.setattr(listen, "STORE_SECONDS", 0.1)
    closed = asyncio.Event()

    async def serve(event: Event, responder: Responder) -> None:
        await closed.wait()
        await responder.send(Reply((), field_errors={"back": "Too rude."}, audience=Audience.HERE))

    desk, typed = Desk(serve=serve), "x" * length
    async with listening(slack, desk.app(slack)):
        opened = await open_card(slack)
        await slack.people.submit(opened, front="mole", back=typed).done()
        assert not opened.open
        closed.set()
        await asyncio.wait_for(desk.said.heard.wait(), 10)
    (late,) = desk.said.replies
    assert late.audience is Audience.PERSON
    assert "Back: Too rude." in late.text()
    again = [part for part in late.parts if isinstance(part, Form)]
    if length == 20:
        assert again == [Form(CARD.title, CARD.action, (Field("front", "Front", "mole"), again[0].fields[1]), "c1")]
        assert again[0].fields[1] == Field("back", "Back", typed, required=False)
    else:
        assert [field.value for field in again[0].fields] == ["mole", ""]
        assert typed in late.text()


async def test_a_form_that_is_refused_for_no_field_stays_open_unless_there_is_more_to_show(
    slack: SlackServer, listening: Listening
) -> None:
    async def serve(event: Event, responder: Responder) -> None:
        assert isinstance(event, Control)
        parts: tuple[Part, ...] = (Text("Say who\\_is meant:"), Note("- Ada\\_1"))
        if event.fields["front"] == "more":
            parts = (*parts, Choices((Choice("Link", "link"),)))
        await responder.send(Reply(parts, failed=True, field_errors={"": "Say who_is meant:"}))

    desk = Desk(serve=serve)
    async with listening(slack, desk.app(slack)):
        opened = await open_card(slack)
        await slack.people.submit(opened, front="mole").done()
        assert (opened.open, opened.errors) == (True, {"front": "Say who_is meant: - Ada_1"})
        assert desk.said.replies == []
        await slack.people.submit(opened, front="more").done()
        assert not opened.open
    (after,) = desk.said.replies
    assert [type(part) for part in after.parts] == [Text, Note, Choices, Form]
    assert after.parts[-1].fields[0].value == "more"  # type: ignore[union-attr]


async def test_a_form_that_came_twice_is_just_closed(slack: SlackServer, listening: Listening) -> None:
    desk = Desk()
    async with listening(slack, desk.app(slack)):
        opened = await open_card(slack)
        sent = slack.people.submit(opened, front="mole")
        await sent.done()
        again = slack.courier.send_again(sent)
        assert await again.done() == {}
    assert len(desk.taken) == 1
    assert again.seconds is not None
    assert again.seconds < 1


def offer(slack: SlackServer) -> Any:
    choice = form_choice(CARD)
    assert choice is not None
    (shown,) = render(Reply((Choices((choice,)),)))
    return slack.workspace.post("C1", "UBOT", shown.text, blocks=list(shown.blocks), bot_id="BBOT")


async def test_a_button_opens_its_form_at_once_and_is_not_stored(slack: SlackServer, listening: Listening) -> None:
    desk = Desk()
    async with listening(slack, desk.app(slack)):
        await slack.people.press("U1", offer(slack), "New card…").done()
        await slack.until(lambda: slack.workspace.views)
    (opened,) = slack.workspace.views.values()
    assert (opened.user, opened.view["callback_id"]) == ("U1", "card.save")
    assert desk.asked == 0
    assert unpack_form(form_choice(CARD).value) == CARD  # type: ignore[union-attr]  # it fits a button


async def test_a_form_whose_trigger_has_expired_is_explained_to_who_pressed(
    slack: SlackServer, listening: Listening
) -> None:
    desk = Desk()
    slack.workspace.trigger_seconds = -1
    async with listening(slack, desk.app(slack)):
        await slack.people.press("U1", offer(slack), "New card…").done()
        await slack.until(lambda: slack.workspace.private("U1"))
    assert [post.text for post in slack.workspace.private("U1")] == [TOO_LATE]


async def test_a_connection_that_can_not_be_opened_at_first_is_tried_again(slack: SlackServer) -> None:
    slack.fail("apps.connections.open", Failure(500), Failure(error="internal_error"))
    desk = Desk()
    async with by_socket(slack, desk.app(slack)):
        await slack.people.say("U1", "C1", "<@UBOT> why?").done()
    assert len(desk.taken) == 1
    assert slack.sockets.opened == 1


async def test_a_spent_connection_address_is_not_tried_for_ever(slack: SlackServer) -> None:
    real, spent = slack.sockets.ticket, [f"{slack.sockets.url}?ticket=spent"]
    slack.sockets.ticket = lambda: spent.pop() if spent else real()  # type: ignore[method-assign]  # one bad address
    desk = Desk()
    async with by_socket(slack, desk.app(slack)):
        await slack.people.say("U1", "C1", "<@UBOT> why?").done()
    assert len(desk.taken) == 1


async def test_the_connection_ends_before_the_process_does(slack: SlackServer) -> None:
    async with by_socket(slack, Desk().app(slack)):
        assert slack.sockets.count == 1
    await slack.until(lambda: slack.sockets.count == 0, 2)


async def test_forged_and_garbled_requests_are_refused_and_not_written_down(
    slack: SlackServer, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    desk = Desk()
    body = json.dumps({"type": "event_callback", "team_id": "T1", "event": {"type": "message", "text": "my secret"}})
    kind = {"Content-Type": "application/json"}
    with caplog.at_level(logging.DEBUG):
        async with by_http(slack, desk.app(slack)):
            assert (await slack.posting.post(body, kind, secret="another"))[0] == 401
            assert (await slack.posting.post(body, kind, now=1_000_000_000))[0] == 401
            for forged in ("soon", "٣", "9" * 5_000, "-1"):
                assert (await post_raw(slack, body.encode(), forged, "v0=00"))[0] == 401
            assert (await post_raw(slack, body.encode(), "1", "v0=\u00e9"))[0] == 401
            for garbled in (b"\xff\xfe", b"{not json", b'{"type": '):
                assert (await post_raw(slack, garbled, "1", "v0=00"))[0] in (400, 401)
    assert desk.asked == 0
    assert "my secret" not in caplog.text
    assert "my secret" not in "".join(capfd.readouterr())


async def post_raw(slack: SlackServer, body: bytes, moment: str, signature: str) -> tuple[int, str]:
    import aiohttp  # noqa: PLC0415

    headers = {
        "Content-Type": "application/json",
        "X-Slack-Request-Timestamp": moment,
        "X-Slack-Signature": signature,
    }
    async with aiohttp.ClientSession() as session, session.post(slack.posting.url, data=body, headers=headers) as got:
        return got.status, await got.text()


async def test_a_challenge_is_echoed(slack: SlackServer) -> None:
    async with by_http(slack, Desk().app(slack)):
        challenge = json.dumps({"type": "url_verification", "token": "t", "challenge": "c4"})
        status, text, _ = await slack.posting.post(challenge, {"Content-Type": "application/json"})
    assert (status, json.loads(text)) == (200, {"challenge": "c4"})


async def test_a_revoked_token_of_one_workspace_is_only_noted(slack: SlackServer, listening: Listening) -> None:
    desk = Desk()
    async with listening(slack, desk.app(slack)):
        for event in (
            {"type": "app_uninstalled"},
            {"type": "tokens_revoked", "tokens": {"oauth": [], "bot": ["UBOT"]}},
        ):
            sent = slack.people.emit(event)
            assert sent is not None
            await sent.done()
    assert desk.asked == 0


class Store(AsyncInstallationStore):
    """Installations as the test says, and what was forgotten."""

    def __init__(self, *tokens: tuple[str, str], refusals: int = 0) -> None:
        self.tokens = dict(tokens)
        self.refusals = refusals

    async def async_find_bot(self, *, team_id: str | None, **_: Any) -> Bot | None:
        self._refuse()
        token = self.tokens.get(team_id or "")
        return (
            Bot(bot_token=token, team_id=team_id, bot_id="B", bot_user_id="UBOT", installed_at=0.0) if token else None
        )

    async def async_delete_all(self, *, team_id: str | None, **_: Any) -> None:
        self._refuse()
        del self.tokens[team_id or ""]

    def _refuse(self) -> None:
        if self.refusals:
            self.refusals -= 1
            raise DatabaseUnavailable

    def settings(self) -> AsyncOAuthSettings:
        return AsyncOAuthSettings(
            client_id="1.2",
            client_secret="s",
            scopes=["chat:write"],
            installation_store=self,
            state_store=FileOAuthStateStore(expiration_seconds=1),
        )


async def test_each_workspace_is_spoken_to_with_its_own_token(slack: SlackServer, listening: Listening) -> None:
    other = slack.install("T2")
    other.workspace.add_person("U7")
    other.workspace.add_channel("C7", "U7")
    choice = form_choice(CARD)
    assert choice is not None
    (shown,) = render(Reply((Choices((choice,)),)))
    post = other.workspace.post("C7", "UBOT", shown.text, blocks=list(shown.blocks), bot_id="BBOT")
    store, desk = Store(("T1", slack.bot_token), ("T2", other.workspace.bot_token)), Desk()
    async with listening(slack, desk.app(slack, token=None, oauth=store.settings())):
        await other.press("U7", post, "New card…").done()
        await slack.until(lambda: other.workspace.views)
        assert not slack.workspace.views
        gone = other.emit({"type": "app_uninstalled"})
        assert gone is not None
        await gone.done()
        assert store.tokens == {"T1": slack.bot_token}
        await other.say("U7", "C7", "<@UBOT> still there?").done()
    assert desk.asked == 0


async def test_a_store_that_is_away_loses_neither_events_nor_uninstalls(
    slack: SlackServer, listening: Listening
) -> None:
    store, desk = Store(("T1", slack.bot_token), refusals=1), Desk()
    slack.courier.ack_seconds = 0.3
    async with listening(slack, desk.app(slack, token=None, oauth=store.settings())):
        visit = slack.people.open_home("U1")
        assert visit is not None
        await visit.done()
        assert len(desk.taken) == 1
        store.refusals = 1
        gone = slack.people.emit({"type": "app_uninstalled"})
        assert gone is not None
        await gone.done()
    assert store.tokens == {}
    assert (visit.attempts, gone.attempts) == (2, 2)


async def test_a_token_is_used_whatever_else_the_environment_holds(
    slack: SlackServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("SLACK_CLIENT_ID", "SLACK_CLIENT_SECRET", "SLACK_BOT_TOKEN", "SLACK_SIGNING_SECRET"):
        monkeypatch.setenv(name, "another")  # bolt looks there by itself
    desk = Desk()
    app = desk.app(slack)
    assert [route.path for route in slack_routes(app)] == ["/slack/events"]
    async with by_http(slack, app):
        await slack.people.say("U1", "C1", "<@UBOT> why?").done()
        await slack.people.press("U1", offer(slack), "New card…").done()
        await slack.until(lambda: slack.workspace.views)
    assert len(desk.taken) == 1
    assert not os.listdir(tmp_path)  # noqa: PTH208  (a Path's own would block the loop as well, says ruff)


def test_it_needs_a_token_or_an_installation_store(slack: SlackServer) -> None:
    with pytest.raises(InvalidInput):
        Desk().app(slack, token=None)


async def test_many_at_once_are_acknowledged_in_time(slack: SlackServer, listening: Listening) -> None:
    desk = Desk()
    async with listening(slack, desk.app(slack)):
        said = [slack.people.say("U1", "C1", f"<@UBOT> {uuid4()}") for _ in range(60)]
        for one in said:
            await one.done()
    assert len(desk.taken) == 60
    assert max(delivery.seconds or 0 for one in said for delivery in one.deliveries) < 3
