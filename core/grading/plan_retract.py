"""What taking a release back would hide, grade by grade; taking it back is held to that."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import ARRAY, Uuid, bindparam, text
from sqlalchemy.ext.asyncio import AsyncSession

from core.audit.record import Actor
from core.grading.mark import held_mark
from core.grading.plan_release import Selection, Shown
from core.identity.permissions import require_teacher


@dataclass(frozen=True, slots=True)
class RetractLine:
    """One released grade. `seen` says whether its student is in the class and the assignment published: sees it now."""

    row_id: UUID
    assignment: str
    student_user_id: UUID
    student: str
    email: str
    released: Shown
    seen: bool
    state: str  # all that is lost by taking it back


@dataclass(frozen=True, slots=True)
class RetractPlan:
    """A dry run, in the class's order and then by name."""

    selection: Selection
    lines: tuple[RetractLine, ...]

    @property
    def fingerprint(self) -> str:
        """A short text that is another one for a retraction that would take back something else."""
        return hashlib.sha256("\n".join(sorted(line.state for line in self.lines)).encode()).hexdigest()[:16]


# Also of assignments that are unpublished or deleted and of students who have left: should they come back, so would
# what they were shown.
_PLAN = text(
    """
SELECT g.id, coalesce(r.title, '') AS title, g.student_user_id, u.name, u.email,
    g.published_status, g.published_score, g.published_points, g.published_weight,
    s.app_user_id IS NOT NULL AND u.deleted_at IS NULL
        AND EXISTS (SELECT FROM published_assignments p WHERE p.id = a.id) AS seen,
    concat_ws(' ', g.id, g.published_status, g.published_score, md5(g.published_feedback), g.published_points,
        g.published_weight) AS state
FROM assignments a
JOIN assignment_grade_rows g ON g.assignment_id = a.id AND g.released_at IS NOT NULL AND g.deleted_at IS NULL
JOIN app_users u ON u.id = g.student_user_id
LEFT JOIN class_memberships s ON s.class_id = a.class_id AND s.app_user_id = g.student_user_id
    AND s.role = 'STUDENT' AND s.deleted_at IS NULL
LEFT JOIN LATERAL (
    SELECT v.title FROM assignment_revisions v WHERE v.assignment_id = a.id
    ORDER BY v.id = a.published_revision_id DESC NULLS LAST, v.deleted_at IS NULL DESC, v.revision_number DESC LIMIT 1
) r ON true
WHERE a.class_id = :class_id
    AND (:every_assignment OR a.id = ANY (:assignment_ids))
    AND (CAST(:section AS text) IS NULL OR lower(s.section) = lower(:section))
    AND (CAST(:student AS uuid) IS NULL OR g.student_user_id = :student)
ORDER BY a.position, a.id, u.name, u.id
"""
).bindparams(
    bindparam("class_id", type_=Uuid()),
    bindparam("assignment_ids", type_=ARRAY(Uuid())),
    bindparam("student", type_=Uuid()),
)


async def plan_retract(session: AsyncSession, actor: Actor, selection: Selection) -> RetractPlan:
    """Return what taking a selection back would hide now; nothing is changed. Raises `NotPermitted`."""
    await require_teacher(session, actor, selection.class_id)
    await session.flush()
    rows = await session.execute(
        _PLAN,
        {
            "class_id": selection.class_id,
            "every_assignment": not selection.assignment_ids,
            "assignment_ids": list(selection.assignment_ids),
            "section": selection.section,
            "student": selection.student_user_id,
        },
    )
    lines = tuple(
        RetractLine(
            row_id=row.id,
            assignment=row.title,
            student_user_id=row.student_user_id,
            student=row.name,
            email=str(row.email),
            released=Shown(
                held_mark(row.published_status, row.published_score), row.published_points, row.published_weight
            ),
            seen=row.seen,
            state=row.state,
        )
        for row in rows
    )
    return RetractPlan(selection, lines)
