"""From a neutral event to a reply. The one place where errors become sentences for people."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID, uuid4

import structlog
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError

from bot.app import App
from bot.commands import COMMANDS, CONTROLS
from bot.commands.asking import ask
from bot.commands.parse import parse_options
from bot.commands.registry import Request
from core.db import autocommit
from core.enums import Platform
from core.errors import Ambiguous, DatabaseUnavailable, HomeroomError, NotFound
from core.events import Command, Control, Event, Message, Reaction
from core.feedback.react import set_reaction, verdict_of
from core.identity.resolve import Visitor, resolve_by_email
from core.ports import Responder
from core.replies import Note, Part, Reply, Text, say
from core.text import one_line

log = structlog.get_logger(__name__)

# PostgreSQL's codes for lock_timeout, statement_timeout and idle_in_transaction_session_timeout (appendix A).
TIMED_OUT = frozenset({"55P03", "57014", "25P03"})


async def dispatch(app: App, event: Event, responder: Responder) -> None:
    """Serve an event: find out who asks and in which class, do what is asked, reply. Never raises an `Exception`."""
    request_id = uuid4()
    try:
        reply = await _serve(app, event, responder, request_id)
    except HomeroomError as error:
        log.info("refused", request=str(request_id), code=error.code, kind=type(event).__name__)
        reply = error_reply(error)
    except Exception as error:
        ours = convert_error(error, request_id)
        if isinstance(ours, DatabaseUnavailable):  # an outage is no fault of ours to trace
            log.error("database_unavailable", request=str(request_id), reason=type(error).__name__)  # noqa: TRY400
        else:
            log.exception("failed", request=str(request_id), kind=type(event).__name__)
        reply = error_reply(ours)
    if reply is not None:
        await responder.send(reply)


def error_reply(error: HomeroomError) -> Reply:
    """Return what a person reads when something can't be done: always private."""
    parts: list[Part] = [Text(error.sentence)]
    if isinstance(error, Ambiguous) and error.candidates:
        parts.append(Note("\n".join(f"- {candidate}" for candidate in error.candidates)))
    return Reply(tuple(parts), failed=True)


def convert_error(error: Exception, request_id: UUID) -> HomeroomError:
    """Return our error for one that nobody expected, with a number by which it is found in the log and the audit."""
    if isinstance(error, HomeroomError):
        return error
    if isinstance(error, DBAPIError) and getattr(error.orig, "sqlstate", None) in TIMED_OUT:
        return DatabaseUnavailable("The database is too busy right now, so this was not done. Please try again.")
    if isinstance(error, OperationalError | InterfaceError | OSError) or (
        isinstance(error, DBAPIError) and error.connection_invalidated
    ):
        return DatabaseUnavailable("The database can't be reached right now, so this was not done. Please try again.")
    return HomeroomError(f"Something went wrong on our side. (Error {str(request_id)[:8]})")


async def resolve(app: App, event: Event) -> Visitor:
    """Return who sent an event, and in which class. Raises `NotFound`, `NotPermitted`, `Ambiguous`."""
    if event.sender.platform is not Platform.TERMINAL:
        raise NotFound("I don't know you here yet.")
    async with autocommit(app.sessions) as session:
        return await resolve_by_email(session, event.sender.user_id, event.place.class_code)


async def _serve(app: App, event: Event, responder: Responder, request_id: UUID) -> Reply | None:
    visitor = await resolve(app, event)
    request = Request(app, visitor, event, responder, {}, request_id)
    match event:
        case Message():
            await ask(request, event.text)
            return None
        case Command():
            return await _run_command(request, event)
        case Control():
            control = CONTROLS.get(event.action)
            if control is None:
                raise NotFound("That choice does nothing any more.")
            return await control(request)
        case Reaction():
            await _react(request, event)
            return None
        case _:
            raise NotFound


async def _run_command(request: Request, event: Command) -> Reply | None:
    command = COMMANDS.get(event.name.lower())
    if command is None:
        return say(f"There is no command /{one_line(event.name, 40)}. /help lists them.", failed=True)
    typed = dict(event.options) or parse_options(command, event.text)
    options = command.check(typed)
    return await command.run(replace(request, options=options))


async def _react(request: Request, event: Reaction) -> None:
    if verdict_of(event.emoji) is None:
        return
    try:
        answer_id = UUID(event.message_id)
    except ValueError:
        return  # a reaction on something that is no answer of ours
    async with request.app.sessions.begin() as session:
        await set_reaction(
            session,
            request.visitor.user_id,
            answer_id,
            event.sender.platform,
            event.emoji,
            stands=event.added,
        )
