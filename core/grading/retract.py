"""Take a release back: students see nothing of those grades any more; the drafts stay as they are."""

from __future__ import annotations

from dataclasses import dataclass, replace
from uuid import UUID

from sqlalchemy import ARRAY, Uuid, bindparam, text
from sqlalchemy.dialects.postgresql import ENUM
from sqlalchemy.ext.asyncio import AsyncSession

from core.audit.record import Actor
from core.enums import ActorKind
from core.errors import Conflict
from core.grading.plan_release import Selection
from core.grading.plan_retract import plan_retract
from core.grading.release import RELEASED, audit_values, lock_grades
from core.identity.permissions import require_teacher

RETRACTED = "grades.retracted"  # tells nobody anything: its worker takes away what was shown
HOME_CHANGED = "home.changed"  # nor does this: what a person's home page shows is shown anew


@dataclass(frozen=True, slots=True)
class Retraction:
    """How many grades were taken back, and whose.

    `messages` says how many of them were told by a message, which is removed; `read` how many read it on a visit or at
    the terminal, where nothing can be.
    """

    retracted: int
    students: tuple[UUID, ...]
    messages: int = 0
    read: int = 0


_RETRACT = text(
    """
WITH chosen AS (
    SELECT * FROM assignment_grade_rows WHERE id = ANY (:row_ids)
), retracted AS (
    UPDATE assignment_grade_rows g SET
        published_score = NULL, published_feedback = NULL, published_status = NULL, published_points = NULL,
        published_weight = NULL, released_at = NULL, released_by_user_id = NULL
    FROM chosen c WHERE c.id = g.id
    RETURNING g.id
), audited AS (
    INSERT INTO audit_logs
        (actor_kind, actor_user_id, surface, request_id, action, entity_type, entity_id, class_id, details)
    SELECT :actor_kind, :actor, :surface, :request_id, 'grade.retract', 'grade', c.id, :class_id, jsonb_build_object(
        'assignment_id', c.assignment_id, 'student_user_id', c.student_user_id,
        'before', jsonb_build_object('status', c.published_status, 'score', c.published_score,
            'points', c.published_points, 'weight', c.published_weight),
        'after', NULL)
    FROM chosen c JOIN retracted r ON r.id = c.id
)
SELECT c.id, c.student_user_id FROM chosen c JOIN retracted r ON r.id = c.id ORDER BY c.student_user_id
"""
).bindparams(
    bindparam("actor", type_=Uuid()),
    bindparam("actor_kind", type_=ENUM(ActorKind, name="actor_kind", create_type=False)),
    bindparam("request_id", type_=Uuid()),
    bindparam("class_id", type_=Uuid()),
    bindparam("row_ids", type_=ARRAY(Uuid())),
)
# Whoever was not told yet, or could not be, is not told any more, unless something else of that release still stands.
# What was told, or may have been, is to be taken away; that is noted, so that no crash forgets it.
_UNTELL = text(
    """
WITH concerned AS (
    SELECT n.id, n.app_user_id, n.class_id, n.state, n.message_id, NOT EXISTS (
        SELECT FROM jsonb_array_elements_text(n.details -> 'grades') AS e (id)
        JOIN assignment_grade_rows g ON g.id = e.id::uuid AND g.released_at IS NOT NULL
    ) AS all_gone
    FROM notifications n
    WHERE n.kind = :released AND n.class_id = :class_id AND n.deleted_at IS NULL AND n.app_user_id = ANY (:students)
        AND n.details -> 'grades' ?| CAST(:row_ids AS text[])
    FOR UPDATE
), withdrawn AS (
    UPDATE notifications n SET deleted_at = now(), deleted_by_user_id = :actor
    FROM concerned c WHERE c.id = n.id AND c.state IN ('PENDING', 'FAILED') AND c.all_gone
), removed AS (
    INSERT INTO notifications (dedupe_key, app_user_id, class_id, kind, details)
    SELECT 'retract:' || CAST(:request_id AS uuid) || ':' || c.id, c.app_user_id, c.class_id, :retracted,
        jsonb_build_object('notification_id', c.id)
    FROM concerned c WHERE c.state IN ('INTENDED', 'SENT')
    ON CONFLICT DO NOTHING
), refreshed AS (
    INSERT INTO notifications (dedupe_key, app_user_id, class_id, kind)
    SELECT 'home:' || CAST(:request_id AS uuid) || ':' || student, student, :class_id, :home_changed
    FROM unnest(:students) AS s (student)
    ON CONFLICT DO NOTHING
)
SELECT count(DISTINCT app_user_id) FILTER (WHERE state = 'INTENDED' OR message_id IS NOT NULL) AS messages,
    count(DISTINCT app_user_id) FILTER (WHERE state = 'SENT' AND message_id IS NULL) AS read
FROM concerned
"""
).bindparams(
    bindparam("actor", type_=Uuid()),
    bindparam("request_id", type_=Uuid()),
    bindparam("class_id", type_=Uuid()),
    bindparam("students", type_=ARRAY(Uuid())),
)


async def retract(
    session: AsyncSession, actor: Actor, selection: Selection, *, fingerprint: str | None = None
) -> Retraction:
    """Hide a selection's released grades from their students again, with one audit row for each.

    `fingerprint` is that of the plan that was agreed to: if something else would now be taken back, nothing is done and
    `Conflict` has the new plan as `plan` in its data. Notifications that are still to be sent about the grades are
    withdrawn; each that was sent leaves one of kind `grades.retracted`, with its id as `notification_id`, for what it
    showed to be removed; and each student one of kind `home.changed`. Raises `NotPermitted`.
    """
    await require_teacher(session, actor, selection.class_id)
    locked = set(await lock_grades(session, selection))
    plan = await plan_retract(session, actor, selection)
    plan = replace(plan, lines=tuple(line for line in plan.lines if line.row_id in locked))
    if not plan.lines:
        return Retraction(0, ())
    if fingerprint is not None and fingerprint != plan.fingerprint:
        raise Conflict("Other grades are released than when you looked, so nothing was taken back.", plan=plan)
    row_ids = [line.row_id for line in plan.lines]
    rows = (await session.execute(_RETRACT, {**audit_values(actor, selection.class_id), "row_ids": row_ids})).all()
    students = tuple(dict.fromkeys(row.student_user_id for row in rows))
    untold = (
        await session.execute(
            _UNTELL,
            {
                "released": RELEASED,
                "retracted": RETRACTED,
                "home_changed": HOME_CHANGED,
                "class_id": selection.class_id,
                "students": list(students),
                "row_ids": [str(row.id) for row in rows],
                "actor": actor.user_id,
                "request_id": actor.request_id,
            },
        )
    ).one()
    return Retraction(len(rows), students, untold.messages, untold.read)
