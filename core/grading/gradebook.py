"""The gradebook as teachers have it: every student and every assignment, draft and published side by side."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Uuid, bindparam, text
from sqlalchemy.ext.asyncio import AsyncSession

from core.audit.record import Actor
from core.classes.enrol import LmsIds
from core.grading.mark import NO_MARK, Mark, held_mark
from core.grading.plan_release import Shown
from core.identity.permissions import require_teacher


@dataclass(frozen=True, slots=True)
class Work:
    """An assignment as a column: as published, or else as its newest draft has it. `lms_id` is the LMS's id of it."""

    id: UUID
    title: str
    points: Decimal
    weight: Decimal
    published: bool
    lms_id: str | None


@dataclass(frozen=True, slots=True)
class Cell:
    """A grade: the draft with its version, and what the student sees, if anything."""

    version: int = 0
    draft: Mark = NO_MARK
    shown: Shown | None = None


NO_CELL = Cell()


@dataclass(frozen=True, slots=True)
class Pupil:
    """A student as a row. Their totals are no part of it: `draft_totals` and `published_totals` have them."""

    user_id: UUID
    name: str
    email: str
    section: str
    ids: LmsIds
    cells: Mapping[UUID, Cell] = field(default_factory=dict)

    def cell(self, work: Work) -> Cell:
        """Return their grade for an assignment."""
        return self.cells.get(work.id, NO_CELL)


@dataclass(frozen=True, slots=True)
class Gradebook:
    """A class's grades: columns in the class's order, rows by name."""

    class_id: UUID
    works: tuple[Work, ...]
    pupils: tuple[Pupil, ...]


_WORKS = text(
    """
SELECT a.id, r.title, r.points, r.weight, p.id IS NOT NULL AS published, a.lms_assignment_id
FROM assignments a
LEFT JOIN published_assignments p ON p.id = a.id
JOIN LATERAL (
    SELECT * FROM assignment_revisions v WHERE v.assignment_id = a.id AND v.deleted_at IS NULL
    ORDER BY v.id = a.published_revision_id DESC NULLS LAST, v.revision_number DESC LIMIT 1
) r ON true
WHERE a.class_id = :class_id AND a.deleted_at IS NULL
ORDER BY a.position, a.id
"""
).bindparams(bindparam("class_id", type_=Uuid()))
_PUPILS = text(
    """
SELECT u.id, u.name, u.email, s.section, s.lms_user_id, s.sis_user_id, s.login_id
FROM class_memberships s
JOIN app_users u ON u.id = s.app_user_id AND u.deleted_at IS NULL
WHERE s.class_id = :class_id AND s.role = 'STUDENT' AND s.deleted_at IS NULL
    AND (CAST(:section AS text) IS NULL OR lower(s.section) = lower(:section))
ORDER BY u.name, u.id
"""
).bindparams(bindparam("class_id", type_=Uuid()))
_CELLS = text(
    """
SELECT g.student_user_id, g.assignment_id, g.version, g.draft_status, g.draft_score, g.released_at IS NOT NULL AS shown,
    g.published_status, g.published_score, g.published_points, g.published_weight
FROM assignment_grade_rows g
JOIN assignments a ON a.id = g.assignment_id AND a.class_id = :class_id AND a.deleted_at IS NULL
WHERE g.deleted_at IS NULL
"""
).bindparams(bindparam("class_id", type_=Uuid()))


async def gradebook(session: AsyncSession, actor: Actor, class_id: UUID, *, section: str | None = None) -> Gradebook:
    """Return a class's gradebook, or one section's. Raises `NotPermitted`."""
    await require_teacher(session, actor, class_id)
    await session.flush()
    cells: dict[UUID, dict[UUID, Cell]] = {}
    for row in await session.execute(_CELLS, {"class_id": class_id}):
        cells.setdefault(row.student_user_id, {})[row.assignment_id] = _cell(row)
    works = await session.execute(_WORKS, {"class_id": class_id})
    pupils = await session.execute(_PUPILS, {"class_id": class_id, "section": section})
    return Gradebook(
        class_id=class_id,
        works=tuple(
            Work(row.id, row.title, row.points, row.weight, row.published, row.lms_assignment_id) for row in works
        ),
        pupils=tuple(
            Pupil(
                user_id=row.id,
                name=row.name,
                email=str(row.email),
                section=row.section,
                ids=LmsIds(row.lms_user_id, row.sis_user_id, row.login_id),
                cells=cells.get(row.id, {}),
            )
            for row in pupils
        ),
    )


def _cell(row: Any) -> Cell:  # noqa: ANN401  (a row of _CELLS)
    shown = None
    if row.shown:
        shown = Shown(
            held_mark(row.published_status, row.published_score),
            row.published_points or Decimal(0),
            row.published_weight or Decimal(0),
        )
    return Cell(row.version, held_mark(row.draft_status, row.draft_score), shown)
