"""Assignments as students name and open them: what is published, by number, by lesson, by title."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from core.assignments.models import Assignment, AssignmentSubmission
from core.audit.record import Actor
from core.enums import AiPolicy
from core.errors import Ambiguous, InvalidInput, NotFound
from core.identity.permissions import require_member, require_teacher
from core.published import published_assignments, published_lesson_units, published_modules
from core.text import one_line

_NUMBER = re.compile(r"#?\d{1,4}")
_PLACE = re.compile(r"\d{1,4}\.\d{1,4}")
_MOST_CANDIDATES = 25  # of one menu on Discord


@dataclass(frozen=True, slots=True)
class WorkItem:
    """An assignment by its names. `number` counts the published ones in the class's order; `place` is like “2.3”."""

    id: UUID
    number: int | None
    title: str
    place: str = ""

    @property
    def label(self) -> str:
        """Return what a menu shows, which also names it."""
        return self.title if self.number is None else f"{self.number} {self.title}"


@dataclass(frozen=True, slots=True)
class WorkCard:
    """A published assignment to look at. `place` is “2.3 Title”, or empty for one of the whole class."""

    id: UUID
    title: str
    instructions: str
    points: Decimal
    ai_policy: AiPolicy
    place: str


async def list_work(session: AsyncSession, class_id: UUID) -> list[WorkItem]:
    """Return a class's published assignments in its order."""
    work, lessons = published_assignments.c, published_lesson_units.c
    rows = await session.execute(
        select(work.id, work.title, lessons.module_position, lessons.position)
        .outerjoin(published_lesson_units, lessons.id == work.lesson_unit_id)
        .where(work.class_id == class_id)
        .order_by(work.position, work.id)
    )
    return [
        WorkItem(row.id, number, row.title, f"{row.module_position}.{row.position}" if row.position is not None else "")
        for number, row in enumerate(rows, start=1)
    ]


async def find_work(session: AsyncSession, class_id: UUID, reference: str) -> WorkItem:
    """Return the published assignment that a person names. Raises `NotFound`, `Ambiguous`, `InvalidInput`."""
    return pick_work(await list_work(session, class_id), reference)


async def show_work(session: AsyncSession, class_id: UUID, assignment_id: UUID) -> WorkCard:
    """Return a published assignment of a class. Raises `NotFound`."""
    work, lessons, modules = published_assignments.c, published_lesson_units.c, published_modules.c
    row = (
        await session.execute(
            select(
                work.id,
                work.title,
                work.instructions,
                work.points,
                work.ai_policy,
                func.concat(lessons.module_position, ".", lessons.position, " ", lessons.title).label("lesson"),
                lessons.id.label("lesson_id"),
                func.concat(modules.position, " ", modules.title).label("module"),
                modules.id.label("module_id"),
            )
            .outerjoin(published_lesson_units, lessons.id == work.lesson_unit_id)
            .outerjoin(published_modules, modules.id == work.module_id)
            .where(work.class_id == class_id, work.id == assignment_id)
        )
    ).one_or_none()
    if row is None:
        raise NotFound("There is no such assignment here. /assignments lists them.")
    place = row.lesson if row.lesson_id is not None else row.module if row.module_id is not None else ""
    return WorkCard(row.id, row.title, row.instructions, row.points, AiPolicy(row.ai_policy), place)


async def submission_for(session: AsyncSession, actor: Actor, submission_id: UUID) -> AssignmentSubmission:
    """Return an attempt to who handed it in, while they are in the class, or to a teacher of it.

    Raises `NotFound`, and `NotPermitted` for everybody else.
    """
    work = AssignmentSubmission
    row = (
        await session.execute(
            select(work, Assignment.class_id)
            .join(Assignment, Assignment.id == work.assignment_id)
            .where(work.id == submission_id, work.deleted_at.is_(None), Assignment.deleted_at.is_(None))
        )
    ).one_or_none()
    if row is None:
        raise NotFound("There is no such submission.")
    found: AssignmentSubmission = row.AssignmentSubmission
    if actor.user_id == found.student_user_id:
        await require_member(session, actor, row.class_id)
    else:
        await require_teacher(session, actor, row.class_id)
    return found


def pick_work(items: Sequence[WorkItem], reference: str) -> WorkItem:
    """Pick by number (`3`), by its lesson's number (`2.3`), by id, by title, or by a unique beginning or part of it.

    Raises `NotFound`, `InvalidInput`, and `Ambiguous` with the candidates' `ids` in its data.
    """
    wanted = one_line(reference, 300).casefold()
    if not wanted:
        raise InvalidInput("Say which assignment: by its number or its title.")
    found: list[WorkItem] = []
    if _NUMBER.fullmatch(wanted):
        found = [item for item in items if item.number == int(wanted.removeprefix("#"))]
    elif _PLACE.fullmatch(wanted):
        found = [item for item in items if item.place == wanted]
    found = found or [item for item in items if wanted in _names(item)]
    found = found or [item for item in items if item.title.casefold().startswith(wanted)]
    found = found or [item for item in items if wanted in item.title.casefold()]
    if not found:
        raise NotFound(f"There is no assignment “{one_line(reference, 60)}” here. /assignments lists them.")
    if len(found) > 1:
        named = found[:_MOST_CANDIDATES]
        raise Ambiguous(
            f"Several assignments fit “{one_line(reference, 60)}”:",
            candidates=tuple(item.label for item in named),
            ids=tuple(item.id for item in named),
        )
    return found[0]


def _names(item: WorkItem) -> tuple[str, ...]:
    return item.id.hex, str(item.id), item.title.casefold(), item.label.casefold()
