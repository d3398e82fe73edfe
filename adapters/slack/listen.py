"""What Slack sends, over whichever transport: kept in the inbox first, acknowledged after that.

Bolt knows no redeliveries and acknowledges an event before its listener runs. Here an event is accepted in a
middleware of its listener: when the inbox can't take it there is no acknowledgement, and Slack sends it again
(https://docs.slack.dev/apis/events-api#error-handling). The inbox knows what it has seen.
"""

from __future__ import annotations

import asyncio
import logging
import re
import traceback
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import structlog
from slack_bolt.async_app import AsyncAck, AsyncApp, AsyncRespond
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.authorization.async_authorize import AsyncAuthorize
from slack_bolt.context.async_context import AsyncBoltContext
from slack_bolt.oauth.async_oauth_settings import AsyncOAuthSettings
from slack_sdk.oauth.installation_store.async_installation_store import AsyncInstallationStore
from slack_sdk.web.async_client import AsyncWebClient

from adapters.slack.failures import TROUBLE, read_failure
from adapters.slack.form_responder import FormResponder, refuse_form
from adapters.slack.forms import OPEN_FORM, form_view, unpack_form
from adapters.slack.receive import Payload, receive
from adapters.slack.route import route_of
from core.errors import DatabaseUnavailable, HomeroomError, InvalidInput
from core.events import Control, Event
from core.ports import Inbox, Responder

log = structlog.get_logger(__name__)

T = TypeVar("T")
OpenResponder = Callable[[Event, Mapping[str, str]], Awaitable[Responder]]

# What the manifest subscribes to, by bolt's name of the event.
HEARD: Mapping[str, tuple[str, ...]] = {
    "message": ("message.channels", "message.groups", "message.im", "message.mpim"),
    "app_mention": ("app_mention",),
    "reaction_added": ("reaction_added",),
    "reaction_removed": ("reaction_removed",),
    "agent_session_stopped": ("agent_session_stopped",),
    "app_home_opened": ("app_home_opened",),
}
LEFT = ("tokens_revoked", "app_uninstalled")
SUBSCRIPTIONS: tuple[str, ...] = (*(name for names in HEARD.values() for name in names), *LEFT)

STORE_SECONDS = 2.2  # Slack waits three, its own way and ours included
NOT_TAKEN = "I could not take that in just now, so nothing was done. Please try again in a moment."
TOO_LATE = "That took me too long, so Slack would not open the form. Please press the button again."
_ANY = re.compile("")


def build_bolt_app(
    inbox: Inbox,
    open_responder: OpenResponder,
    *,
    commands: Sequence[str],
    prefix: str = "",
    base_url: str = "https://slack.com/api/",
    signing_secret: str = "",
    token: str | None = None,
    oauth: AsyncOAuthSettings | None = None,
) -> AsyncApp:
    """Return the app with its listeners, the same for both ways in (`transports`).

    `commands` are the slash commands' names, `prefix` included. `oauth` brings the store of installations; without it
    `token` is the bot token of the one workspace. Raises `InvalidInput` where there is neither.
    """
    store = oauth.installation_store if oauth is not None else None
    if store is None and token is None:
        raise InvalidInput("Slack needs SLACK_BOT_TOKEN, or SLACK_CLIENT_ID and SLACK_CLIENT_SECRET.")
    quiet = _quiet_log()
    app = AsyncApp(
        name="homeroom",
        logger=quiet,
        client=AsyncWebClient(base_url=base_url, logger=quiet),
        signing_secret=signing_secret,
        authorize=_Tokens(token, store),  # type: ignore[arg-type]  # bolt's annotation leaves out its own class
        oauth_settings=oauth,
        ignoring_self_events_enabled=False,  # `receive` drops what the bot itself does
        attaching_conversation_kwargs_enabled=False,
        attaching_function_token_enabled=False,
    )
    intake = _Intake(inbox, open_responder, prefix)
    for name in HEARD:
        app.event(name, middleware=[intake.take_event])(_done)
    for name in LEFT:
        app.event(name, middleware=[_forget_installation(store)])(_done)
    for name in commands:
        app.command(f"/{name.removeprefix('/')}")(intake.take_command)
    app.action(_ANY)(intake.take_action)
    app.view(_ANY)(intake.take_form)
    app.error(_note_failure)
    return app


@dataclass(frozen=True, slots=True)
class _Intake:
    inbox: Inbox
    open_responder: OpenResponder
    prefix: str

    async def take_event(self, body: Payload, next: Callable[[], Awaitable[None]]) -> None:  # noqa: A002  (bolt's name)
        event = receive(body)
        if event is not None:
            await self._accept(event, body)
        await next()

    async def take_command(self, body: Payload, ack: AsyncAck) -> None:
        command = receive(body, prefix=self.prefix)
        try:
            if command is not None:
                await self._accept(command, body)
        except Exception as error:  # noqa: BLE001  (here and below: whatever it was, somebody waits to be told)
            await _note_not_taken(error)
            await ack(NOT_TAKEN)
        else:
            await ack()

    async def take_action(self, body: Payload, ack: AsyncAck, respond: AsyncRespond, client: AsyncWebClient) -> None:
        control = receive(body)
        if isinstance(control, Control) and control.action == OPEN_FORM:
            await ack()
            await _open_form(control, body, respond, client)
            return
        try:
            if control is not None:
                await self._accept(control, body)
        except Exception as error:  # noqa: BLE001
            await _note_not_taken(error)
            await ack()
            await _tell(NOT_TAKEN, body, respond, client)
        else:
            await ack()

    async def take_form(self, body: Payload, ack: AsyncAck) -> None:
        """Acknowledge with what is wrong with the form, or what comes after it, where that is known in time."""
        control = receive(body)
        if control is None:
            await ack()
            return
        view: Payload = body["view"]
        deadline = asyncio.get_running_loop().time() + STORE_SECONDS
        try:
            after = await _in_time(self.open_responder(control, route_of(body).as_data()))
            responder = FormResponder(after, view, control.place)
            new = await self._accept(control, body, responder)
        except Exception as error:
            await _note_not_taken(error)
            refusal = refuse_form(view, NOT_TAKEN)
            if refusal is None:
                raise  # no field to say it at: Slack says that the form could not be sent
            await ack(refusal)
        else:
            await ack(await responder.acknowledgement(deadline) if new else {})

    async def _accept(self, event: Event, body: Payload, responder: Responder | None = None) -> bool:
        return await _in_time(self.inbox.accept(event, route_of(body).as_data(), responder))


async def _in_time(work: Awaitable[T]) -> T:
    """Return what comes of some work with the database, which is away when it takes longer than Slack waits."""
    try:
        async with asyncio.timeout(STORE_SECONDS):
            return await work
    except TimeoutError as error:
        raise DatabaseUnavailable from error


async def _open_form(control: Control, body: Payload, respond: AsyncRespond, client: AsyncWebClient) -> None:
    """Open a form while its trigger lives: three seconds from the press."""
    try:
        view = form_view(unpack_form(control.value), control.place)
        await client.views_open(trigger_id=str(body.get("trigger_id")), view=view)
    except (*TROUBLE, ValueError) as error:
        log.warning("form_not_opened", reason=_reason(error))
        await _tell(TOO_LATE, body, respond, client)


async def _tell(sentence: str, body: Payload, respond: AsyncRespond, client: AsyncWebClient) -> None:
    """Say something to who pressed, where they pressed; from a page of ours in a direct message."""
    try:
        if body.get("response_url"):
            await respond(sentence, response_type="ephemeral", replace_original=False)
        else:
            await client.chat_postMessage(channel=str((body.get("user") or {}).get("id")), text=sentence)
    except TROUBLE as error:
        log.warning("person_not_told", reason=_reason(error))


def _forget_installation(store: AsyncInstallationStore | None) -> Callable[..., Awaitable[None]]:
    """Return the middleware that forgets a workspace's tokens before Slack is told that we know."""

    async def forget(body: Payload, context: AsyncBoltContext, next: Callable[[], Awaitable[None]]) -> None:  # noqa: A002
        event: Payload = body.get("event") or {}
        revoked: Payload = event.get("tokens") or {}
        log.warning("slack_left", kind=event.get("type"), workspace=context.team_id)
        if store is not None and (event.get("type") == "app_uninstalled" or revoked.get("bot")):
            await store.async_delete_all(enterprise_id=context.enterprise_id, team_id=context.team_id)
        await next()

    return forget


class _Tokens(AsyncAuthorize):
    """The bot token of a workspace. Bolt's own asks Slack about it at each event, and acknowledges when that fails."""

    def __init__(self, token: str | None, store: AsyncInstallationStore | None) -> None:
        self._token = token
        self._store = store

    async def __call__(
        self,
        *,
        context: AsyncBoltContext,
        enterprise_id: str | None,
        team_id: str | None,
        user_id: str | None,
        actor_enterprise_id: str | None = None,  # noqa: ARG002  (bolt may pass these three)
        actor_team_id: str | None = None,  # noqa: ARG002
        actor_user_id: str | None = None,  # noqa: ARG002
    ) -> AuthorizeResult | None:
        token = self._token
        if self._store is not None:
            found = await self._store.async_find_bot(
                enterprise_id=enterprise_id, team_id=team_id, is_enterprise_install=context.is_enterprise_install
            )
            token = found.bot_token if found is not None else None
        if token is None:
            return None
        return AuthorizeResult(enterprise_id=enterprise_id, team_id=team_id, user_id=user_id, bot_token=token)


async def _done() -> None:
    """Do nothing: the event was accepted on the way here, and bolt has acknowledged it."""


async def _note_failure(error: Exception) -> None:
    # Where it was and not the whole traceback: an error of the database's quotes what it was given.
    frames = traceback.extract_tb(error.__traceback__)
    where = f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else None
    log.error("slack_request_failed", reason=_reason(error), where=where)


async def _note_not_taken(error: Exception) -> None:
    if isinstance(error, HomeroomError):
        log.error("slack_request_not_taken", reason=error.code)
    else:
        await _note_failure(error)


def _reason(error: Exception) -> str:
    """Return what went wrong without what anybody wrote."""
    if isinstance(error, TROUBLE):
        return read_failure(error).code
    return error.code if isinstance(error, HomeroomError) else type(error).__name__


def _quiet_log() -> logging.Logger:
    """Return the log for bolt and the SDK: below an error they write out whole requests, which people wrote."""
    quiet = logging.getLogger("homeroom.slack")
    quiet.setLevel(logging.ERROR)
    if _without_traceback not in quiet.filters:
        quiet.addFilter(_without_traceback)
    return quiet


def _without_traceback(record: logging.LogRecord) -> bool:
    """Leave the sentence of a lost connection, which comes again at each attempt."""
    record.exc_info = None
    return True
