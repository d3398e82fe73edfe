"""Move, delete, restore, and put materials into lessons: what holds at once, whatever drafts there are, so it asks."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from bot.commands.creating import above_named, parent_named
from bot.commands.editing import LEAVE, SHOW
from bot.commands.naming import carried_thing, number_in, packed, picked
from bot.commands.registry import Request, Run
from bot.commands.which_class import uuid_of
from core.content.delete import delete as delete_thing
from core.content.delete import restore as restore_thing
from core.content.find import Thing, list_things, thing_of
from core.content.kinds import ASSIGNMENT, LESSON, MATERIAL, MODULE
from core.content.move import move as move_thing
from core.content.move import move_assignment, move_in_lesson, move_lesson
from core.errors import InvalidInput, NotFound
from core.materials.link import lessons_of, link_material, unlink_material
from core.replies import Choice, Choices, Reply, say
from core.text import literal

MOVE, DELETE, ASK_DELETE = "write.move", "write.delete", "write.ask_delete"
RESTORE, LINK, UNLINK = "write.restore", "write.link", "write.unlink"
_NONE, _CLASS = "-", "class"
_PLACE_PARTS = 2


async def run_move(request: Request, thing: Thing) -> Reply:
    """Serve /… move: say what it does, and do it once that is confirmed."""
    to, parent = request.options.get("to", "").strip(), request.options.get("in", "").strip()
    if not to and not parent and "lesson" not in request.options:
        raise InvalidInput(f"Say where to: {_HOW[thing.kind.name]}.", field="to")
    async with request.app.sessions() as session:
        wanted, value = await _wanted(session, request, thing, to, parent)
        stays = await _place_in_lessons(session, request, thing) if value[0] == _NONE else ""
    hides = " Students see it there at once." if thing.live else ""
    changes = " What follows moves on." if thing.kind is MATERIAL else " Numbers that follow may change."
    return say(
        f"Move {thing.kind.name} “{literal(thing.title)}” {wanted}?{hides}{changes}{stays}",
        Choices((Choice("Move it", MOVE, packed(thing, *value)), Choice("Leave it", LEAVE))),
    )


async def _wanted(
    session: AsyncSession, request: Request, thing: Thing, to: str, parent: str
) -> tuple[str, tuple[str, str]]:
    """Return where something is to go, in words and as a choice carries it: a parent, and a place in it."""
    module, dot, place = to.partition(".")
    if thing.kind is LESSON and dot:
        parent, to = parent or module, place
    if to and not (to.isdecimal() and int(to[:9]) > 0 and len(to) <= len("9999")):
        raise InvalidInput(f"“{to[:20]}” is no place: {_HOW[thing.kind.name]}.", field="to")
    if thing.kind is MATERIAL and (lesson := await _lesson(session, request)) is not None:
        if not to:
            raise InvalidInput(f"Say which place in the lesson: {_HOW[thing.kind.name]}.", field="to")
        if lesson.id not in await lessons_of(session, thing.id):
            raise InvalidInput(f"Material “{thing.title}” is not in lesson {lesson.label}.", field="lesson")
        return f"to place {int(to)} of lesson {literal(lesson.label)}", (lesson.id.hex, to)
    if not parent:
        return f"to place {int(to)}", (_NONE, to)
    if thing.kind is LESSON:
        found = await parent_named(session, request, parent, "in", MODULE)
        where = f"place {int(to)}" if to else "the end"
        return f"to {where} of module {literal(found.label)}", (found.id.hex, to)
    if thing.kind is not ASSIGNMENT:
        raise InvalidInput(f"A {thing.kind.name} belongs to the class; give it a place: {_HOW[thing.kind.name]}.")
    above = await above_named(session, request, parent)
    where = f", as number {int(to)} of the class" if to else ""
    if above is None:
        return f"to the whole class{where}", (_CLASS, to)
    return f"to {literal(above.full_label)}{where}", (f"{above.kind.name}={above.id.hex}", to)


async def _place_in_lessons(session: AsyncSession, request: Request, thing: Thing) -> str:
    """Say that the order within a lesson is another one, of what is in some."""
    if thing.kind is not MATERIAL or not (lessons := await lessons_of(session, thing.id)):
        return ""
    living = await list_things(session, request.actor, thing.class_id, LESSON)
    named = next((each for each in living if each.id in lessons), None)
    return (
        f" In lesson {literal(named.label)} its place stays; `lesson:{named.number}` moves it there." if named else ""
    )


async def move(request: Request) -> Reply:
    """Serve “Move it”."""
    thing, rest = await carried_thing(request)
    parent, to = [*rest, _NONE, ""][:2]
    place = number_in(to) if to else None
    async with request.app.sessions.begin() as session:
        if thing.kind is MATERIAL and parent != _NONE and place is not None:
            await move_in_lesson(session, request.actor, uuid_of(parent), thing.id, place)
            return say(f"Moved: material “{literal(thing.title)}” has another place in its lesson now.")
        if thing.kind is ASSIGNMENT and parent != _NONE:
            kind, _, id_ = parent.partition("=")
            module_id = uuid_of(id_) if kind == MODULE.name else None
            lesson_id = uuid_of(id_) if kind == LESSON.name else None
            await move_assignment(
                session, request.actor, thing.id, module_id=module_id, lesson_unit_id=lesson_id, to=place
            )
        elif thing.kind is LESSON and parent != _NONE:
            await move_lesson(session, request.actor, thing.id, uuid_of(parent), place)
        elif place is not None:
            await move_thing(session, request.actor, thing.kind, thing.id, place)
        else:
            raise NotFound("That choice does nothing any more.")
        now = await thing_of(session, request.actor, thing.kind, thing.id)
    return say(f"Moved: it is {now.kind.name} {literal(now.label)} now.", Choices((Choice("Show", SHOW, packed(now)),)))


_HOW = {
    MODULE.name: "`/module move NAME to:3`",
    LESSON.name: "`/lesson move NAME to:3`, or `to:2.3` for place 3 of module 2",
    MATERIAL.name: "`/material move NAME to:3`, or `lesson:2.3 to:1` for its place in a lesson",
    ASSIGNMENT.name: '`/assignment move NAME to:3`, or `in:2.3`, `in:"module 2"`, `in:class`',
}


async def ask_delete(_: Request, thing: Thing) -> Reply:
    """Serve /… delete: say what it hides."""
    hides = "Students don't see it any more, nor what hangs on it" if thing.live else "Students don't see it anyway"
    return say(
        f"Delete {thing.kind.name} “{literal(thing.title)}”? {hides}. `/{thing.kind.name} restore` brings it back.",
        Choices((Choice("Delete it", DELETE, packed(thing)), Choice("Leave it", LEAVE))),
    )


async def delete(request: Request) -> Reply:
    """Serve “Delete it”."""
    thing, _ = await carried_thing(request)
    async with request.app.sessions.begin() as session:
        await delete_thing(session, request.actor, thing.kind, thing.id)
    return say(
        f"{thing.kind.name.capitalize()} “{literal(thing.title)}” is deleted.",
        Choices((Choice("Restore it", RESTORE, packed(thing)),)),
    )


async def restore(request: Request, thing: Thing) -> Reply:
    """Serve /… restore, and the choice of what to restore."""
    async with request.app.sessions.begin() as session:
        await restore_thing(session, request.actor, thing.kind, thing.id)
        now = await thing_of(session, request.actor, thing.kind, thing.id)
    sees = "Students see it again, if nothing above it is hidden." if now.live else "Students don't see it yet."
    return say(f"{now.kind.name.capitalize()} {literal(now.label)} is back. {sees}")


async def run_link(request: Request, thing: Thing) -> Reply:
    """Serve /material link."""
    async with request.app.sessions() as session:
        lesson = await _lesson(session, request)
    if lesson is None:
        return await _pick_lesson(request, thing, LINK)
    seen = " Students of the class find it there at once." if thing.live else ""
    return say(
        f"Put material “{literal(thing.title)}” into lesson {literal(lesson.label)}?{seen} "
        "In lessons only, it is not the whole class's.",
        Choices((Choice("Put it there", LINK, packed(thing, lesson.id.hex)), Choice("Leave it", LEAVE))),
    )


async def run_unlink(request: Request, thing: Thing) -> Reply:
    """Serve /material unlink."""
    async with request.app.sessions() as session:
        lesson = await _lesson(session, request)
        lessons = await lessons_of(session, thing.id)
    if lesson is None:
        return await _pick_lesson(request, thing, UNLINK, lessons)
    last = " It is in no other lesson, so it becomes the whole class's." if lessons == {lesson.id} else ""
    return say(
        f"Take material “{literal(thing.title)}” out of lesson {literal(lesson.label)}?{last}",
        Choices((Choice("Take it out", UNLINK, packed(thing, lesson.id.hex)), Choice("Leave it", LEAVE))),
    )


async def _lesson(session: AsyncSession, request: Request) -> Thing | None:
    named = request.options.get("lesson", "")
    return await parent_named(session, request, named, "lesson", LESSON) if named else None


async def _pick_lesson(request: Request, thing: Thing, action: str, among: frozenset[UUID] | None = None) -> Reply:
    async with request.app.sessions() as session:
        lessons = await list_things(session, request.actor, thing.class_id, LESSON)
    fits = [each for each in lessons if among is None or each.id in among]
    if not fits:
        return say(
            f"Material “{literal(thing.title)}” is in no lesson." if among is not None else "There is no lesson yet."
        )
    choices = tuple(Choice(each.label, action, packed(thing, each.id.hex)) for each in fits[:25])
    what = "Into" if action == LINK else "Out of"
    return say(f"{what} which lesson? It holds at once.", Choices(choices))


async def link(request: Request) -> Reply:
    """Serve “Put it there”, and the choice of a lesson."""
    thing, lesson = await _pair(request)
    async with request.app.sessions.begin() as session:
        await link_material(session, request.actor, lesson.id, thing.id)
    return say(f"Material “{literal(thing.title)}” is in lesson {literal(lesson.label)}.")


async def unlink(request: Request) -> Reply:
    """Serve “Take it out”, and the choice of a lesson."""
    thing, lesson = await _pair(request)
    async with request.app.sessions.begin() as session:
        await unlink_material(session, request.actor, lesson.id, thing.id)
    return say(f"Material “{literal(thing.title)}” is no longer in lesson {literal(lesson.label)}.")


async def _pair(request: Request) -> tuple[Thing, Thing]:
    thing, rest = await carried_thing(request)
    async with request.app.sessions() as session:
        return thing, await thing_of(session, request.actor, LESSON, uuid_of("".join(rest[:1])))


CONTROLS: dict[str, Run] = {
    MOVE: move,
    ASK_DELETE: picked(ask_delete),
    DELETE: delete,
    RESTORE: picked(restore),
    LINK: link,
    UNLINK: unlink,
}
