"""Release grades: drafts become what students see, in one transaction, and each student is to be told once."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import ARRAY, Uuid, bindparam, text
from sqlalchemy.dialects.postgresql import ENUM
from sqlalchemy.ext.asyncio import AsyncSession

from core.audit.record import Actor
from core.enums import ActorKind
from core.errors import Conflict
from core.grading.plan_release import ReleasePlan, Selection, plan_release
from core.identity.permissions import require_teacher

RELEASED = "grades.released"  # the kind of notification


@dataclass(frozen=True, slots=True)
class Release:
    """What was released, and who is to be told."""

    id: UUID
    plan: ReleasePlan
    released: int
    students: tuple[UUID, ...]


# Locks in one order, first the assignments (so that none is published anew in between), then the grades.
_LOCK_ASSIGNMENTS = text(
    "SELECT id FROM assignments WHERE class_id = :class_id AND (:every_assignment OR id = ANY (:assignment_ids))"
    " ORDER BY id FOR SHARE"
).bindparams(bindparam("class_id", type_=Uuid()), bindparam("assignment_ids", type_=ARRAY(Uuid())))
_LOCK_ROWS = text(
    "SELECT g.id FROM assignment_grade_rows g WHERE g.assignment_id = ANY (:assignment_ids)"
    " AND (CAST(:student AS uuid) IS NULL OR g.student_user_id = :student) AND g.deleted_at IS NULL"
    " ORDER BY g.id FOR UPDATE"
).bindparams(bindparam("assignment_ids", type_=ARRAY(Uuid())), bindparam("student", type_=Uuid()))

# One statement: the same snapshot shows `before` as it was. Audit rows hold ids and values, notifications ids only, so
# that what a student is told is read from what is published when they are told.
_RELEASE = text(
    """
WITH before AS (
    SELECT id, published_status, published_score, published_points, published_weight
    FROM assignment_grade_rows WHERE id = ANY (:row_ids)
), released AS (
    UPDATE assignment_grade_rows g SET
        published_score = g.draft_score, published_feedback = g.draft_feedback, published_status = g.draft_status,
        published_points = r.points, published_weight = r.weight, released_at = now(), released_by_user_id = :by
    FROM assignments a JOIN assignment_revisions r ON r.id = a.published_revision_id
    WHERE g.id = ANY (:row_ids) AND a.id = g.assignment_id
    RETURNING g.*
), audited AS (
    INSERT INTO audit_logs
        (actor_kind, actor_user_id, surface, request_id, action, entity_type, entity_id, class_id, details)
    SELECT :actor_kind, :actor, :surface, :request_id, 'grade.release', 'grade', g.id, :class_id, jsonb_build_object(
        'release_id', CAST(:release_id AS uuid), 'assignment_id', g.assignment_id,
        'student_user_id', g.student_user_id,
        'before', CASE WHEN b.published_status IS NOT NULL THEN jsonb_build_object('status', b.published_status,
            'score', b.published_score, 'points', b.published_points, 'weight', b.published_weight) END,
        'after', jsonb_build_object('status', g.published_status, 'score', g.published_score,
            'points', g.published_points, 'weight', g.published_weight))
    FROM released g JOIN before b ON b.id = g.id
), told AS (
    INSERT INTO notifications (dedupe_key, app_user_id, class_id, kind, details)
    SELECT 'release:' || CAST(:release_id AS uuid) || ':' || g.student_user_id, g.student_user_id, :class_id, :kind,
        jsonb_build_object('release_id', CAST(:release_id AS uuid), 'grades', jsonb_agg(g.id ORDER BY g.id))
    FROM released g WHERE g.id = ANY (:told_ids) GROUP BY g.student_user_id
)
SELECT count(*) FROM released
"""
).bindparams(
    bindparam("row_ids", type_=ARRAY(Uuid())),
    bindparam("told_ids", type_=ARRAY(Uuid())),
    bindparam("by", type_=Uuid()),
    bindparam("actor", type_=Uuid()),
    bindparam("actor_kind", type_=ENUM(ActorKind, name="actor_kind", create_type=False)),
    bindparam("request_id", type_=Uuid()),
    bindparam("release_id", type_=Uuid()),
    bindparam("class_id", type_=Uuid()),
)


async def release(
    session: AsyncSession, actor: Actor, selection: Selection, *, fingerprint: str | None = None, by: UUID | None = None
) -> Release:
    """Show a selection's drafts to their students, with the points and weights of this moment.

    `fingerprint` is that of the plan that was agreed to: if the release would now do something else, nothing is done
    and `Conflict` has the new plan as `plan` in its data. `by` is on whose behalf the system does it. Blank grades stay
    unreleased, unless they were released before; of a weight alone nobody is told. Raises what `plan_release` does.
    """
    await require_teacher(session, actor, selection.class_id)
    locked = {None, *await lock_grades(session, selection)}
    plan = await plan_release(session, actor, selection)
    plan = replace(plan, lines=tuple(line for line in plan.lines if line.row_id in locked))
    release_id = uuid4()
    if not plan.changes:  # also where the button was pressed twice
        return Release(release_id, plan, 0, ())
    if fingerprint is not None and fingerprint != plan.fingerprint:
        raise Conflict("The grades have changed since you looked, so nothing was released. Look again.", plan=plan)
    released = await session.scalar(
        _RELEASE,
        {
            **audit_values(actor, selection.class_id),
            "row_ids": [line.row_id for line in plan.changes],
            "told_ids": [line.row_id for line in plan.changes if line.tells],
            "by": by or actor.user_id,
            "release_id": release_id,
            "kind": RELEASED,
        },
    )
    return Release(release_id, plan, int(released or 0), plan.students)


async def lock_grades(session: AsyncSession, selection: Selection) -> list[UUID]:
    """Let releases and saves of a selection's grades follow one another until the transaction ends; return their rows.

    A row that is made after that is none of them: to lock it too, out of order, could wait for somebody who waits for
    us.
    """
    await session.flush()
    ids = await session.scalars(
        _LOCK_ASSIGNMENTS,
        {
            "class_id": selection.class_id,
            "every_assignment": not selection.assignment_ids,
            "assignment_ids": list(selection.assignment_ids),
        },
    )
    rows = await session.scalars(_LOCK_ROWS, {"assignment_ids": list(ids), "student": selection.student_user_id})
    return list(rows)


def audit_values(actor: Actor, class_id: UUID) -> dict[str, Any]:
    """Return who acts, as the statements that audit by themselves want it."""
    return {
        "actor_kind": actor.kind,
        "actor": actor.user_id,
        "surface": actor.surface,
        "request_id": actor.request_id,
        "class_id": class_id,
    }
