"""/assignment extend: more time for one student, at once, and back to the date of all."""

from __future__ import annotations

from bot.commands.browsing import show_moment
from bot.commands.registry import Command, Option, OptionKind, Request, Who
from core.assignments.due import extend
from core.content.schedule import read_class_moment
from core.grading.find import find_gradable, find_student
from core.replies import Note, Part, Reply, Text, say
from core.text import literal

_NO_MORE = ("no", "none", "off")


async def run_extend(request: Request) -> Reply:
    """Serve /assignment extend."""
    options, actor, class_id = request.options, request.actor, request.visitor.class_id
    said = options["until"].strip()
    async with request.app.sessions.begin() as session:
        work = await find_gradable(session, actor, class_id, options["assignment"])
        student = await find_student(session, actor, class_id, options["student"])
        moment = None if said.casefold() in _NO_MORE else await read_class_moment(session, class_id, said)
        at = moment.at if moment is not None else None
        changed = await extend(session, actor, class_id, work.id, [student.user_id], at)
    if moment is None:
        same = "" if changed else " That is as it was."
        return say(f"{literal(student.name)} has until the date of all for {literal(work.title)}.{same}")
    until = show_moment(moment.at, request.visitor.time_zone)
    named = f"{literal(student.name)} has until {until} for {literal(work.title)}"
    parts: list[Part] = [Text(f"{named}, and hands nothing in late before.")]
    parts += [Note(moment.note)] if moment.note else []
    return Reply((*parts, Note("`until: none` takes it back.")))


COMMAND = Command(
    "extend",
    "Give one student more time",
    run_extend,
    (
        Option("assignment", "For which assignment", OptionKind.ASSIGNMENT, required=True, positional=True),
        Option("student", "Who", OptionKind.STUDENT, required=True, positional=True),
        Option("until", "Until when, such as “Fri 18:00”; none: the date of all", required=True, rest=True),
    ),
    Who.TEACHER,
)
