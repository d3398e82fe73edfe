"""Puts on the record who was refused a change in a class. Refused looks, and people nobody knows, are only logged."""

from __future__ import annotations

from collections.abc import Awaitable
from uuid import UUID

import structlog

from bot.commands import COMMANDS, CONTROLS, SUBCOMMAND
from bot.commands.registry import FORM_ACTION, Request
from core.audit.refused import record_refusal
from core.errors import HomeroomError, NotPermitted
from core.events import Command, Control
from core.replies import Reply

log = structlog.get_logger(__name__)

# Commands and subcommands that only show something, or are about one's own account.
_LOOKS = frozenset(
    {"ask", "assignments", "choose", "class", "export", "gradebook", "grades", "help", "history", "lessons", "link"}
    | {"list", "material", "materials", "module", "lesson", "assignment", "preview", "show", "unlink"}
)
# What choices are about that change something of a class, by the first word of their action; and which only show it.
_AREAS = frozenset({"assignment", "class", "grade", "gradebook", "publish", "release", "unpublish", "write"})
_ONLY_SHOWN = frozenset(
    {"assignment.open", "class.choose", "gradebook.person", "write.changed", "write.compare", "write.history"}
    | {"write.preview", "write.show"}
)


async def on_record(request: Request, doing: Awaitable[Reply | None]) -> Reply | None:
    """Do what a command or a control asks; where that is refused, put it on the record. Raises what `doing` raises."""
    try:
        return await doing
    except NotPermitted as error:  # by now what was begun is rolled back
        if (tried := _tried(request)) is not None and request.encounter.at_home and request.encounter.person:
            await _record(request, tried, error)
        raise


async def _record(request: Request, tried: str, error: NotPermitted) -> None:
    try:
        await record_refusal(request.app.sessions, request.actor, tried, _class_id(request, error))
    except Exception:  # the person is told all the same that they may not
        log.exception("refusal_not_recorded", request=str(request.request_id))


def _class_id(request: Request, error: NotPermitted) -> UUID | None:
    """Return the class in which something was tried, where that is known."""
    if isinstance(found := error.data.get("class_id"), UUID):
        return found
    bound = request.encounter.bound
    try:
        return request.visitor.class_id if bound is None else bound.class_id
    except HomeroomError:
        return None


def _tried(request: Request) -> str | None:
    """Return what an event would have changed, by its name; None for what changes nothing."""
    match request.event:
        case Command(name=name, text=text, options=options):
            return _command(name, options.get(SUBCOMMAND, "") or text)
        case Control(action=action) if action.startswith(FORM_ACTION):
            name, _, sub = action.removeprefix(FORM_ACTION).partition(" ")
            return _command(name, sub)
        case Control(action=action) if action in CONTROLS and action not in _ONLY_SHOWN:
            return action if action.partition(".")[0] in _AREAS else None
        case _:
            return None


def _command(name: str, words: str) -> str | None:
    command = COMMANDS.get(name.lower())
    if command is None:
        return None
    found, _ = command.find(words)
    if found.name in _LOOKS:
        return None
    return command.name if found is command else f"{command.name} {found.name}"
