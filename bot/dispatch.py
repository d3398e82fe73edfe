"""From a neutral event to a reply. The one place where errors become sentences for people."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from uuid import UUID, uuid4

import structlog
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError

from bot.app import App
from bot.commands import run_command, run_control
from bot.commands.asking import answer_message, asks
from bot.commands.classes import CHOOSE
from bot.commands.feedback import react
from bot.commands.home import home, prompts
from bot.commands.linking import linking_reply
from bot.commands.registry import Request
from bot.refusing import on_record
from bot.waiting_notices import tell_waiting
from core.answering.store import withdraw_question
from core.db import autocommit
from core.enums import Platform
from core.errors import Ambiguous, ChooseClass, DatabaseUnavailable, HomeroomError, NotFound, NotLinked, NotPermitted
from core.events import Command, Control, Deletion, Event, Message, Page, Reaction, Visit
from core.identity.link_email import link_by_email
from core.identity.resolve import Encounter, meet
from core.inbox.store import Stored, drop_waiting, let_wait
from core.ports import Responder
from core.replies import Choice, Choices, Note, Part, Reply, Text
from core.text import literal, literal_sentence

log = structlog.get_logger(__name__)

# PostgreSQL's codes for lock, statement and idle transaction timeouts, and for a deadlock (appendix A).
MAY_SUCCEED_LATER = frozenset({"55P03", "57014", "25P03", "40P01"})


async def dispatch(app: App, event: Event, responder: Responder, stored: Stored | None = None) -> bool:
    """Serve an event: find out who did it and in which class, do what is asked, reply. Never raises an `Exception`.

    Says whether the event is served; False for one that now waits until its sender has said who they are.
    """
    request_id = uuid4()
    served = True
    try:
        reply = await _serve(app, event, responder, request_id, stored)
    except (NotLinked, ChooseClass) as error:
        if _overheard(event):
            return True
        served = not await _wait(app, event, stored)
        reply = linking_reply(app, error) if isinstance(error, NotLinked) else _choose_class(error)
        reply = _of_form(event, reply, error)
    except HomeroomError as error:
        log.info("refused", request=str(request_id), code=error.code, kind=type(event).__name__)
        if isinstance(error, NotPermitted) and _overheard(event):
            return True
        reply = error_reply(error, event)
    except Exception as error:
        ours = convert_error(error, request_id)
        if isinstance(ours, DatabaseUnavailable):  # an outage is no fault of ours to trace
            log.error("database_unavailable", request=str(request_id), reason=type(error).__name__)  # noqa: TRY400
        else:
            log.exception("failed", request=str(request_id), kind=type(event).__name__)
        reply = error_reply(ours, event)
    if reply is not None:
        try:
            await responder.send(reply)
        except HomeroomError as error:
            log.warning("reply_not_shown", request=str(request_id), code=error.code, reason=error.sentence)
        except Exception:
            log.exception("reply_not_shown", request=str(request_id))
    await tell_waiting(app, event, responder)
    return served


def error_reply(error: HomeroomError, event: Event) -> Reply:
    """Return what a person reads when something that they did can't be done: always private."""
    parts: list[Part] = [Text(literal_sentence(error.sentence))]
    if isinstance(error, Ambiguous) and error.candidates:
        parts.append(Note("\n".join(f"- {literal(candidate)}" for candidate in error.candidates)))
    wrong = error.data.get("fields")
    if "field" in error.data:
        wrong = {error.data["field"]: error.sentence}
    errors = {str(name): str(said) for name, said in wrong.items()} if isinstance(wrong, Mapping) else {}
    return _of_form(event, Reply(tuple(parts), failed=True, field_errors=errors), error)


def _of_form(event: Event, reply: Reply, error: HomeroomError) -> Reply:
    """Return the reply to a form that was refused as one by which surfaces give back what was typed into it."""
    if not isinstance(event, Control) or not event.fields or reply.field_errors:
        return reply
    return replace(reply, failed=True, field_errors={"": error.sentence})


def convert_error(error: Exception, request_id: UUID) -> HomeroomError:
    """Return our error for one that nobody expected, with a number by which it is found in the log and the audit."""
    if isinstance(error, HomeroomError):
        return error
    if isinstance(error, DBAPIError) and getattr(error.orig, "sqlstate", None) in MAY_SUCCEED_LATER:
        return DatabaseUnavailable("The database is too busy right now, so this was not done. Please try again.")
    if isinstance(error, OperationalError | InterfaceError | OSError) or (
        isinstance(error, DBAPIError) and (error.connection_invalidated or error.statement is None)
    ):  # without a statement it failed to connect
        return DatabaseUnavailable("The database can't be reached right now, so this was not done. Please try again.")
    return HomeroomError(f"Something went wrong on our side. (Error {str(request_id)[:8]})")


async def meet_sender(app: App, event: Event) -> Encounter:
    """Return who did something, and where. Raises `NotFound` and `InvalidInput` at the terminal, for its address."""
    async with autocommit(app.sessions) as session:
        return await meet(session, event)


async def _serve(app: App, event: Event, responder: Responder, request_id: UUID, stored: Stored | None) -> Reply | None:
    if isinstance(event, Deletion):
        await _take_back(app, event)
        return None
    encounter = await meet_sender(app, event)
    if not isinstance(event, Reaction):
        encounter = await _link_by_email(app, event, responder, encounter)
    request = Request(
        app, encounter, event, responder, request_id=request_id, inbox_event_id=stored.id if stored else None
    )
    match event:
        case Message():
            return await answer_message(request, event)
        case Command():
            return await on_record(request, run_command(request, event))
        case Control():
            return await on_record(request, run_control(request, event))
        case Reaction():
            return await react(request, event) if encounter.person else None
        case Visit():
            return await (home(request) if event.page is Page.HOME else prompts(request))
        case _:
            raise NotFound


async def _link_by_email(app: App, event: Event, responder: Responder, encounter: Encounter) -> Encounter:
    """Tie a newcomer to the person on the roster whose address the workspace vouches for, where it may."""
    if encounter.person or encounter.lapsed or not encounter.email_trusted or encounter.workspace_id is None:
        return encounter
    profile = await responder.profile()
    if profile is None:
        return encounter
    surface = event.sender.platform.value.lower()
    async with app.sessions.begin() as session:
        linked = await link_by_email(session, encounter.workspace_id, event.sender.user_id, profile, surface=surface)
    return await meet_sender(app, event) if linked else encounter


async def _take_back(app: App, event: Deletion) -> None:
    platform, channel = event.sender.platform, event.place.channel_id
    async with app.sessions.begin() as session:
        await drop_waiting(session, platform, channel, event.message_id)
        await withdraw_question(session, platform, channel, event.message_id)


def _overheard(event: Event) -> bool:
    """Say whether an event was not meant for the bot alone, so that nobody expects to be told why it is silent."""
    return isinstance(event, Message) and not event.addressed


async def _wait(app: App, event: Event, stored: Stored | None) -> bool:
    """Let a question wait for who asked it; say whether it does."""
    if stored is None or not asks(event) or event.sender.platform is Platform.TERMINAL:
        return False
    async with app.sessions.begin() as session:
        await let_wait(session, stored.id, event.sender)
    return True


def _choose_class(error: ChooseClass) -> Reply:
    choices = tuple(Choice(title, CHOOSE, str(class_id)) for class_id, title in error.classes)
    return Reply((Text(literal_sentence(error.sentence)), Choices(choices)))
