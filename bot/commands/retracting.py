"""/release retract:yes: what students would not see any more, and taking it back."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from bot.commands.registry import Request, Run
from bot.commands.release_plan import LEAVE, MOST_ROWS, count_of
from bot.commands.release_selection import Chosen, name_of, pack, unpack
from bot.commands.telling_apart import told_apart
from bot.commands.which_class import value_of
from core.errors import Conflict
from core.grading.find import Student, list_students
from core.grading.plan_retract import RetractPlan, plan_retract
from core.grading.retract import retract
from core.replies import Choice, Choices, Note, Reply, Table, Text, say
from core.text import literal, literal_sentence

TAKE_BACK = "release.retract"


async def plan(session: AsyncSession, request: Request, chosen: Chosen) -> Reply:
    """Return what taking a selection back would hide, with the choice to do it."""
    students = await list_students(session, request.actor, chosen.selection.class_id)
    return _dry_run(await plan_retract(session, request.actor, chosen.selection), chosen.name, students)


def _dry_run(plan: RetractPlan, name: str, students: Sequence[Student]) -> Reply:
    lines = plan.lines
    if not lines:
        return say(f"Nothing of {literal(name)} is released.")
    here = [(each.user_id, each.name, each.email) for each in students]
    names = told_apart([*here, *((line.student_user_id, line.student, line.email) for line in lines)])
    rows = tuple(
        (names[line.student_user_id], line.assignment, f"{line.released}{'' if line.seen else ' (not seen now)'}")
        for line in lines[:MOST_ROWS]
    )
    more = [Note(f"… and {len(lines) - MOST_ROWS} more.")] if len(lines) > MOST_ROWS else []
    unseen = sum(not line.seen for line in lines)
    if unseen:
        more.append(Note(f"{count_of(unseen, 'grade')} would only show again with the work or the student."))
    doing = Choice(
        f"Take back {count_of(len(lines), 'grade')}", TAKE_BACK, f"{plan.fingerprint}:{pack(plan.selection)}"
    )
    return Reply(
        (
            Text(f"**{literal(name)}**: this is what students would not see any more. The drafts stay."),
            Table(("Who", "Assignment", "Sees now"), rows),
            *more,
            Choices((doing, Choice("Leave it", LEAVE))),
        )
    )


async def take_back(request: Request) -> Reply:
    """Serve “Take back”: what was shown is done; where other grades are released by now, they are shown instead."""
    fingerprint, _, packed = value_of(request).partition(":")
    selection = unpack(packed)
    try:
        async with request.app.sessions.begin() as session:
            done = await retract(session, request.actor, selection, fingerprint=fingerprint)
    except Conflict as error:
        changed = error.data.get("plan")
        if not isinstance(changed, RetractPlan):
            raise
        async with request.app.sessions() as session:
            name = await name_of(session, request, selection)
            students = await list_students(session, request.actor, selection.class_id)
        return Reply((Text(literal_sentence(error.sentence)), *_dry_run(changed, name, students).parts))
    if not done.retracted:
        return say("There was nothing to take back any more.")
    grades, people = count_of(done.retracted, "grade"), count_of(len(done.students), "student")
    said = [f"What I wrote to {count_of(done.messages, 'student')} goes from their messages."] if done.messages else []
    if done.read:
        said.append(f"{count_of(done.read, 'student')} read it when they came to me, which nobody can take back.")
    return say(
        f"Taken back: {grades} of {people}. They don't see them any more; your drafts stay as they are.",
        Note(" ".join([*said, "What `/grades` had shown somebody before stays on their screen."])),
    )


CONTROLS: dict[str, Run] = {TAKE_BACK: take_back}
