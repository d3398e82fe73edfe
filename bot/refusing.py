"""Puts on the record who was refused a change in a class. Refused looks, and people nobody knows, are only logged."""

from __future__ import annotations

from collections.abc import Awaitable
from uuid import UUID

import structlog

from bot.commands import CONTROLS, SUBCOMMAND, find_command, find_form
from bot.commands.registry import Look, Request
from core.audit.refused import record_refusal
from core.errors import HomeroomError, NotPermitted
from core.events import Command, Control
from core.replies import Reply

log = structlog.get_logger(__name__)


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
            found = find_command(name, options.get(SUBCOMMAND, "") or text)
        case Control(action=action):
            found = find_form(action)
            if found is None:
                control = CONTROLS.get(action)
                return None if control is None or isinstance(control, Look) else action
        case _:
            return None
    return None if found is None or isinstance(found[0].run, Look) else found[1]
