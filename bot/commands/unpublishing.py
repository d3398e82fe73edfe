"""/unpublish: what that hides, then hide it, now or at a moment; and calling off what was to come."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from bot.commands.editing import CANCEL, LEAVE, PUBLISH
from bot.commands.naming import (
    carried,
    carried_thing,
    carry,
    meant,
    name_option,
    number_in,
    packed,
    picked,
    picker,
    zone_of,
)
from bot.commands.registry import Command, Option, Request, Run, Who
from core.content.find import Thing, list_things
from core.content.kinds import Kind
from core.content.moments import say_moment
from core.content.publish import unpublish as unpublish_now
from core.content.schedule import cancel_schedule, read_class_moment, schedule
from core.enums import ActionKind
from core.errors import InvalidInput, NotFound
from core.replies import Choice, Choices, Note, Part, Reply, Text, say
from core.text import capital, literal

PLAN_UNPUBLISH, HIDE = "unpublish.plan", "unpublish.go"
AT = Option("at", "When, such as tomorrow 08:00, in the class's time zone")


async def moment_meant(session: AsyncSession, thing: Thing, said: str) -> tuple[int, str]:
    """Return the moment that was typed, in seconds, with its note; 0 for now. Raises `InvalidInput` at the option."""
    if not said:
        return 0, ""
    try:
        moment = await read_class_moment(session, thing.class_id, said)
    except InvalidInput as error:
        error.data["field"] = "at"
        raise
    return int(moment.at.timestamp()), moment.note


async def run_unpublish(request: Request) -> Reply | None:
    """Serve /unpublish: what it hides; without a name, what is published."""
    rest = carry({key: request.options[key] for key in ("at",) if key in request.options})
    if "name" in request.options:
        return await meant(request, then=plan_unpublish, action=PLAN_UNPUBLISH, question="Unpublish what?", rest=rest)
    async with request.app.sessions() as session:
        things = await list_things(session, request.actor, request.visitor.class_id)
    live = [each for each in things if each.live]
    if not live:
        return say("Nothing is published.")
    return picker(live, PLAN_UNPUBLISH, "What is to be hidden from students?", rest, mixed=True)


async def plan_unpublish(request: Request, thing: Thing) -> Reply:
    """Show what unpublishing would hide."""
    async with request.app.sessions() as session:
        at, note = await moment_meant(session, thing, request.options.get("at", ""))
        zone = await zone_of(session, thing.class_id)
    if not thing.live and not at:
        raise NotFound(f"{capital(thing.full_label)} is not published.")
    when = f" on {say_moment(datetime.fromtimestamp(at, zone))}" if at else ""
    hides = _HIDES.get(thing.kind.name, "")
    parts: list[Part] = [Text(f"Hide {literal(thing.full_label)} from students{when}?{hides} Nothing is deleted.")]
    parts += [Note(note)] if note else []
    label = "Schedule it" if at else "Unpublish"
    return Reply((*parts, Choices((Choice(label, HIDE, packed(thing, str(at))), Choice("Leave it", LEAVE)))))


_HIDES = {
    "module": " All its lessons, and what is only in them, are hidden with it.",
    "lesson": " Materials and assignments that are only in it are hidden with it.",
    "assignment": " It leaves every total.",
}


async def hide(request: Request) -> Reply:
    """Serve “Unpublish”."""
    thing, rest = await carried_thing(request)
    seconds = number_in("".join(rest[:1]))
    at = datetime.fromtimestamp(seconds, UTC)
    async with request.app.sessions.begin() as session:
        if seconds:
            await schedule(session, request.actor, thing.kind, thing.id, ActionKind.UNPUBLISH, at)
        else:
            await unpublish_now(session, request.actor, thing.kind, thing.id)
        zone = await zone_of(session, thing.class_id)
    if not seconds:
        choices = Choices((Choice("Publish it again…", PUBLISH, packed(thing)),))
        return say(f"Students don't see {literal(thing.full_label)} any more.", choices)
    return say(
        f"{literal(capital(thing.full_label))} is hidden from students on {say_moment(at.astimezone(zone))}.",
        Choices((Choice("Cancel it", CANCEL, packed(thing, ActionKind.UNPUBLISH.value)),)),
    )


async def cancel(request: Request) -> Reply:
    """Serve “Cancel it”: of a module also what was to come with it."""
    kind, root_id, rest = carried(request)
    act = next(
        (each for each in (ActionKind.PUBLISH, ActionKind.UNPUBLISH) if each.value == "".join(rest[:1])),
        ActionKind.PUBLISH,
    )
    return await _cancel(request, kind, root_id, act)


async def _cancel(request: Request, kind: Kind, root_id: UUID, act: ActionKind) -> Reply:
    async with request.app.sessions.begin() as session:
        off = await cancel_schedule(session, request.actor, kind, root_id, act)
    others = f", with {len(off) - 1} more that waited with it" if len(off) > 1 else ""
    return say(f"Cancelled{others}. Nothing changed for students; drafts can be edited again.")


COMMANDS = (
    Command(
        "unpublish",
        "Hide something from students, now or at a moment",
        run_unpublish,
        (name_option(), AT),
        Who.TEACHER,
    ),
)
CONTROLS: dict[str, Run] = {PLAN_UNPUBLISH: picked(plan_unpublish), HIDE: hide, CANCEL: cancel}
