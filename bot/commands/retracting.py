"""/release retract:yes: what students would not see any more, and taking it back."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from bot.commands.registry import Request, Run
from bot.commands.release_plan import LEAVE, MOST_ROWS, count_of
from bot.commands.release_selection import Chosen, pack, unpack
from bot.commands.which_class import value_of
from core.grading.plan_release import plan_release
from core.grading.retract import retract
from core.replies import Choice, Choices, Note, Reply, Table, Text, say
from core.text import literal

TAKE_BACK = "release.retract"


async def plan_retract(session: AsyncSession, request: Request, chosen: Chosen) -> Reply:
    """Return what taking a selection back would hide, with the choice to do it."""
    plan = await plan_release(session, request.actor, chosen.selection)
    shown = [line for line in plan.lines if line.old is not None]
    if not shown:
        return say(f"Nothing of {literal(chosen.name)} is released.")
    rows = tuple((line.student, line.assignment, str(line.old)) for line in shown[:MOST_ROWS])
    more = [Note(f"… and {len(shown) - MOST_ROWS} more.")] if len(shown) > MOST_ROWS else []
    doing = Choice(f"Take back {count_of(len(shown), 'grade')}", TAKE_BACK, pack(chosen.selection))
    return Reply(
        (
            Text(f"**{literal(chosen.name)}**: this is what students would not see any more. The drafts stay."),
            Table(("Who", "Assignment", "Sees now"), rows),
            *more,
            Choices((doing, Choice("Leave it", LEAVE))),
        )
    )


async def take_back(request: Request) -> Reply:
    """Serve “Take back”."""
    async with request.app.sessions.begin() as session:
        done = await retract(session, request.actor, unpack(value_of(request)))
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
