"""Grades of lessons, modules and classes: computed by PostgreSQL when asked for, never stored.

A mean is over the assignments' grades themselves, so a module's spans all of its assignments and is no mean of means.
Excused and ungraded work is left out and the weights of the rest make up the whole; missing work counts as zero, or is
left out, as the class has it; then the lowest grades are dropped, but never all. Work without points or (in a weighted
mean) without weight counts for nothing. Two results stand side by side: what was released, read from the published
views alone, and what the drafts would come to if everything were released now. Work that is not published, or deleted,
leaves both.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from sqlalchemy import Uuid, bindparam, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from core.audit.record import Actor
from core.classes.models import Class
from core.classes.settings import GradeAverage, settings_of
from core.errors import NotFound
from core.identity.permissions import require_teacher


class Scope(StrEnum):
    """What a total is of."""

    LESSON = "lesson"
    MODULE = "module"
    CLASS = "class"


@dataclass(frozen=True, slots=True)
class Total:
    """One student's mean in a scope, in percent to two decimals; of how many grades, and how many were dropped."""

    scope: Scope
    scope_id: UUID
    percent: Decimal
    counted: int
    dropped: int


Totals = dict[UUID, dict[UUID, Total]]  # by student, then by lesson, module or class

_PUBLISHED = """
    SELECT g.student_user_id, g.assignment_id, a.lesson_unit_id, coalesce(a.module_id, l.module_id) AS module_id,
        g.status, g.score, g.points, g.weight
    FROM published_grades g
    JOIN published_assignments a ON a.id = g.assignment_id
    LEFT JOIN published_lesson_units l ON l.id = a.lesson_unit_id
    WHERE g.class_id = :class_id AND (CAST(:student AS uuid) IS NULL OR g.student_user_id = :student)"""
_DRAFT = """
    SELECT g.student_user_id, g.assignment_id, a.lesson_unit_id, coalesce(a.module_id, l.module_id) AS module_id,
        g.draft_status AS status, g.draft_score AS score, a.points, a.weight
    FROM assignment_grade_rows g
    JOIN published_assignments a ON a.id = g.assignment_id
    LEFT JOIN published_lesson_units l ON l.id = a.lesson_unit_id
    JOIN class_memberships s ON s.class_id = a.class_id AND s.app_user_id = g.student_user_id
        AND s.role = 'STUDENT' AND s.deleted_at IS NULL
    WHERE g.deleted_at IS NULL AND a.class_id = :class_id
        AND (CAST(:student AS uuid) IS NULL OR g.student_user_id = :student)"""
# Thirty decimals in the quotients, and twenty left before the last rounding: three thirds make a whole, and a half is
# rounded up as on paper. Of equally low grades the one with most weight goes, which is best for the student.
_TOTALS = """
WITH items AS ({items}
), counted AS (
    SELECT student_user_id, assignment_id, lesson_unit_id, module_id,
        CASE status WHEN 'MISSING' THEN 0 ELSE score END::numeric(40, 30) / points AS share,
        CASE WHEN :simple THEN 1 ELSE weight END AS weight
    FROM items
    WHERE points > 0 AND (:simple OR weight > 0)
        AND (status = 'GRADED' AND score IS NOT NULL OR status = 'MISSING' AND :missing_as_zero)
), ranked AS (
    SELECT c.student_user_id, c.share, c.weight, s.scope, s.scope_id,
        row_number() OVER within_scope AS place,
        count(*) OVER (PARTITION BY c.student_user_id, s.scope, s.scope_id) AS number
    FROM counted c
    CROSS JOIN LATERAL (
        VALUES ('class', CAST(:class_id AS uuid)), ('module', c.module_id), ('lesson', c.lesson_unit_id)
    ) AS s (scope, scope_id)
    WHERE s.scope_id IS NOT NULL
    WINDOW within_scope AS (
        PARTITION BY c.student_user_id, s.scope, s.scope_id ORDER BY c.share, c.weight DESC, c.assignment_id
    )
)
SELECT student_user_id, scope, scope_id,
    round(round(100 * sum(share * weight) / sum(weight), 20), 2) AS percent,
    count(*) AS counted, max(number) - count(*) AS dropped
FROM ranked
WHERE place > least(:drop_lowest, number - 1)
GROUP BY student_user_id, scope, scope_id
"""
_UUIDS = (bindparam("class_id", type_=Uuid()), bindparam("student", type_=Uuid()))
_PUBLISHED_TOTALS = text(_TOTALS.format(items=_PUBLISHED)).bindparams(*_UUIDS)
_DRAFT_TOTALS = text(_TOTALS.format(items=_DRAFT)).bindparams(*_UUIDS)


async def published_totals(session: AsyncSession, actor: Actor, class_id: UUID) -> Totals:
    """Return everybody's totals as they see them themselves, for a teacher. Raises `NotPermitted`, `NotFound`."""
    await require_teacher(session, actor, class_id)
    return await _totals(session, class_id, None, drafts=False)


async def draft_totals(session: AsyncSession, actor: Actor, class_id: UUID) -> Totals:
    """Return everybody's totals if all drafts were released now, for a teacher. Raises `NotPermitted`, `NotFound`."""
    await require_teacher(session, actor, class_id)
    return await _totals(session, class_id, None, drafts=True)


async def own_totals(session: AsyncSession, user_id: UUID, class_id: UUID) -> dict[UUID, Total]:
    """Return a student's own totals, of what was released to them alone, by lesson, module and class."""
    return (await _totals(session, class_id, user_id, drafts=False)).get(user_id, {})


async def _totals(session: AsyncSession, class_id: UUID, student: UUID | None, *, drafts: bool) -> Totals:
    class_ = await session.scalar(
        select(Class).where(Class.id == class_id, Class.deleted_at.is_(None)).execution_options(populate_existing=True)
    )
    if class_ is None:
        raise NotFound("There is no such class.")
    settings = settings_of(class_)
    values = {
        "class_id": class_id,
        "student": student,
        "simple": settings["grade_average"] == GradeAverage.SIMPLE,
        "missing_as_zero": settings["missing_as_zero"],
        "drop_lowest": settings["drop_lowest"],
    }
    totals: Totals = {}
    await session.flush()
    for row in await session.execute(_DRAFT_TOTALS if drafts else _PUBLISHED_TOTALS, values):
        total = Total(Scope(row.scope), row.scope_id, row.percent, row.counted, row.dropped)
        totals.setdefault(row.student_user_id, {})[row.scope_id] = total
    return totals
