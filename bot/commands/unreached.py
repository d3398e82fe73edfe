"""Who could not be told of their grades, as their teachers read it."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from core.audit.record import Actor
from core.grading.plan_release import ReleasePlan
from core.inbox.notify_later import Unreached, unreached
from core.replies import Note, Part, Table, Text
from core.text import one_line

_MOST_LISTED = 15
_LONGEST = 120


async def unreached_of(session: AsyncSession, actor: Actor, plan: ReleasePlan) -> list[Part]:
    """Return who of a selection could not be told of grades in it; nothing where nobody. Raises `NotPermitted`."""
    grades = [line.row_id for line in plan.lines if line.row_id is not None and line.old is not None]
    missed = await unreached(session, actor, plan.selection.class_id, grades=grades)
    return [Text(f"{students(missed)} could not be told of their grades:"), *who_and_why(missed)] if missed else []


def who_and_why(missed: Sequence[Unreached]) -> list[Part]:
    """Return a table of people, each once, with the newest reason, and when they will see it."""
    newest = {each.user_id: each for each in reversed(missed)}
    people = sorted(newest.values(), key=lambda each: each.person or "")
    shown = people[:_MOST_LISTED]
    parts: list[Part] = [
        Table(("Student", "Why"), tuple((one_line(each.person or "", _LONGEST), each.reason) for each in shown))
    ]
    if len(people) > len(shown):
        parts.append(Note(f"… and {len(people) - len(shown)} more"))
    return [*parts, Note("They see it when they next write to me.")]


def students(missed: Sequence[Unreached]) -> str:
    """Return how many people these are, in words."""
    number = len({each.user_id for each in missed})
    return "1 student" if number == 1 else f"{number} students"
