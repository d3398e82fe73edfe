"""What a teacher's home page shows: drafts that wait, questions nobody answered, grades that are not released."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlalchemy import ARRAY, Uuid, bindparam, text
from sqlalchemy.ext.asyncio import AsyncSession

from core.content.kinds import ASSIGNMENT, LESSON, MATERIAL, MODULE
from core.enums import EscalationState, GenerationStatus
from core.grading.release import RELEASED

SHOWN = 5  # of each kind, for each class
NAMED = 3  # of the people whom something concerns


@dataclass(frozen=True, slots=True)
class Draft:
    """A draft that students don't see yet; `new` when they see nothing of the thing at all.

    `publishes_at` is set where it is published by itself, then or as soon as its text is processed.
    """

    kind: str
    title: str
    new: bool
    edited_at: datetime
    publishes_at: datetime | None


@dataclass(frozen=True, slots=True)
class Unanswered:
    """A question without an answer from the material, asked `times` in a week; `asker` empty unless asked in public.

    `status` is FAILED where the answer broke off.
    """

    question: str
    asker: str
    times: int
    asked_at: datetime
    status: GenerationStatus


@dataclass(frozen=True, slots=True)
class OpenEscalation:
    """A question that waits for a teacher; `asker` empty unless asked in public."""

    question: str
    asker: str
    state: EscalationState
    asked_at: datetime


@dataclass(frozen=True, slots=True)
class PendingRelease:
    """An assignment with grades that differ from what students see."""

    title: str
    grades: int


@dataclass(frozen=True, slots=True)
class Untold:
    """How many students could not be told of their grades, `NAMED` of them by name; `at` is when it last happened."""

    students: int
    names: str
    at: datetime


@dataclass(slots=True)
class Desk:
    """What waits for the teachers of a class: the newest of each kind, and in `totals` how many there are."""

    drafts: list[Draft] = field(default_factory=list)
    unanswered: list[Unanswered] = field(default_factory=list)
    escalations: list[OpenEscalation] = field(default_factory=list)
    releases: list[PendingRelease] = field(default_factory=list)
    untold: Untold | None = None
    totals: dict[str, int] = field(default_factory=dict)


# What hangs on something deleted can't be shown, so its draft waits for nothing.
_PARENTS = {
    "lesson": "EXISTS (SELECT FROM modules p WHERE p.id = t.module_id AND p.deleted_at IS NULL)",
    "assignment": (
        "NOT EXISTS (SELECT FROM modules p WHERE p.id = t.module_id AND p.deleted_at IS NOT NULL)"
        " AND NOT EXISTS (SELECT FROM lesson_units p JOIN modules o ON o.id = p.module_id"
        " WHERE p.id = t.lesson_unit_id AND (p.deleted_at IS NOT NULL OR o.deleted_at IS NOT NULL))"
    ),
}
_TABLES = {MODULE: "modules", LESSON: "lesson_units", MATERIAL: "materials", ASSIGNMENT: "assignments"}
_DRAFTS = " UNION ALL ".join(
    f"SELECT t.class_id, '{kind.name}' AS kind, t.id, d.title, t.published_revision_id IS NULL AS new, d.updated_at"
    f" FROM {table} t JOIN {kind.root.revision_table} d ON d.{kind.revision.root_key} = t.id"
    " WHERE t.class_id IN (SELECT class_id FROM taught) AND t.deleted_at IS NULL AND d.deleted_at IS NULL"
    f" AND d.visibility_state = 'DRAFT' AND {_PARENTS.get(kind.name, 'true')}"
    for kind, table in _TABLES.items()
)
_DESK = text(
    f"""
WITH taught AS (
    SELECT s.class_id
    FROM class_memberships s
    JOIN classes c ON c.id = s.class_id AND c.deleted_at IS NULL
    JOIN app_users u ON u.id = s.app_user_id AND u.deleted_at IS NULL
    WHERE s.app_user_id = :user_id AND s.role = 'TEACHER' AND s.deleted_at IS NULL AND s.class_id = ANY(:class_ids)
), drafts AS ({_DRAFTS}),
-- Every question of the last week with what became of it; one that was answered when asked again is no more open.
unanswered AS (
    SELECT t.class_id, lower(btrim(q.text)) AS asked, count(*) AS times, max(q.created_at) AS at,
        (array_agg(q.text ORDER BY q.created_at DESC))[1] AS question,
        (array_agg(CASE WHEN t.thread_id IS NOT NULL THEN u.name END ORDER BY q.created_at DESC))[1] AS asker,
        (array_agg(a.status::text ORDER BY q.created_at DESC))[1] AS status
    FROM chat_messages a
    JOIN chats t ON t.id = a.chat_id AND t.deleted_at IS NULL
    JOIN chat_messages q ON q.id = a.answers_message_id AND q.deleted_at IS NULL
    JOIN app_users u ON u.id = t.app_user_id
    WHERE t.class_id IN (SELECT class_id FROM taught) AND a.role = 'ASSISTANT' AND a.deleted_at IS NULL
        AND a.created_at >= now() - interval '7 days' AND (a.status = 'FAILED' OR NOT a.grounded)
        AND NOT EXISTS (
            SELECT FROM chat_messages a2
            JOIN chats t2 ON t2.id = a2.chat_id
            JOIN chat_messages q2 ON q2.id = a2.answers_message_id
            WHERE t2.class_id = t.class_id AND t2.app_user_id = t.app_user_id
                AND lower(btrim(q2.text)) = lower(btrim(q.text))
                AND a2.created_at > a.created_at AND a2.status = 'COMPLETED' AND a2.grounded
        )
    GROUP BY t.class_id, lower(btrim(q.text))
), waiting AS (
    SELECT d.class_id, 'drafts' AS section, d.title, d.kind AS detail, d.new, NULL AS asker, 1 AS number,
        d.updated_at AS at, p.due_at
    FROM drafts d
    LEFT JOIN scheduled_actions p ON p.kind = 'PUBLISH' AND p.entity_type = d.kind AND p.entity_id = d.id
        AND p.state = 'PENDING' AND p.deleted_at IS NULL
    UNION ALL
    SELECT class_id, 'unanswered', question, status, NULL, asker, times, at, NULL FROM unanswered
    UNION ALL
    SELECT e.class_id, 'escalations', coalesce(q.text, ''), e.state::text, NULL,
        CASE WHEN t.thread_id IS NOT NULL THEN u.name END, 1, e.created_at, NULL
    FROM escalations e
    JOIN chat_messages a ON a.id = e.chat_message_id
    JOIN chats t ON t.id = a.chat_id
    LEFT JOIN chat_messages q ON q.id = a.answers_message_id AND q.deleted_at IS NULL
    JOIN app_users u ON u.id = e.asked_by_user_id
    WHERE e.class_id IN (SELECT class_id FROM taught) AND e.state <> 'RESOLVED' AND e.merged_into_id IS NULL
        AND e.deleted_at IS NULL
    UNION ALL
    SELECT w.class_id, 'releases', r.title, NULL, NULL, NULL, count(*), max(g.draft_updated_at), NULL
    FROM assignments w
    JOIN assignment_revisions r ON r.id = coalesce(w.published_revision_id, (
        SELECT id FROM assignment_revisions
        WHERE assignment_id = w.id AND deleted_at IS NULL ORDER BY revision_number DESC LIMIT 1
    ))
    JOIN assignment_grade_rows g ON g.assignment_id = w.id AND g.deleted_at IS NULL
    JOIN class_memberships s ON s.class_id = w.class_id AND s.app_user_id = g.student_user_id
        AND s.role = 'STUDENT' AND s.deleted_at IS NULL
    WHERE w.class_id IN (SELECT class_id FROM taught) AND w.deleted_at IS NULL
        AND CASE WHEN g.released_at IS NULL THEN g.draft_status <> 'UNGRADED'
            ELSE (g.draft_status, g.draft_score, g.draft_feedback)
                IS DISTINCT FROM (g.published_status, g.published_score, g.published_feedback) END
    GROUP BY w.class_id, w.id, r.title
    UNION ALL
    SELECT class_id, 'untold', array_to_string((array_agg(name ORDER BY at DESC, name))[1:{NAMED}], ', '),
        NULL, NULL, NULL, count(*), max(at), NULL
    FROM (
        SELECT n.class_id, u.id, u.name, max(n.state_changed_at) AS at
        FROM notifications n
        JOIN app_users u ON u.id = n.app_user_id AND u.deleted_at IS NULL
        JOIN class_memberships s ON s.class_id = n.class_id AND s.app_user_id = n.app_user_id
            AND s.role = 'STUDENT' AND s.deleted_at IS NULL
        WHERE n.class_id IN (SELECT class_id FROM taught) AND n.state = 'FAILED' AND n.kind = '{RELEASED}'
            AND n.deleted_at IS NULL
        GROUP BY n.class_id, u.id, u.name
    ) missed
    GROUP BY class_id
), ranked AS (
    SELECT *, count(*) OVER (PARTITION BY class_id, section) AS total,
        row_number() OVER (PARTITION BY class_id, section ORDER BY at DESC NULLS LAST, title) AS place
    FROM waiting
)
SELECT * FROM ranked WHERE place <= :shown ORDER BY class_id, section, place
"""
).bindparams(bindparam("class_ids", type_=ARRAY(Uuid)))


async def teacher_desks(session: AsyncSession, user_id: UUID, class_ids: Collection[UUID]) -> dict[UUID, Desk]:
    """Return what waits in those of these classes that the person teaches, by class: one statement.

    A class where nothing waits is left out. Who asked in private has no name here.
    """
    values = {"user_id": user_id, "class_ids": list(class_ids), "shown": SHOWN}
    desks: dict[UUID, Desk] = {}
    for row in await session.execute(_DESK, values):
        desk = desks.setdefault(row.class_id, Desk())
        desk.totals[row.section] = row.total
        match row.section:
            case "drafts":
                desk.drafts.append(Draft(row.detail, row.title, row.new, row.at, row.due_at))
            case "unanswered":
                status = GenerationStatus(row.detail)
                desk.unanswered.append(Unanswered(row.title, row.asker or "", row.number, row.at, status))
            case "escalations":
                state = EscalationState(row.detail)
                desk.escalations.append(OpenEscalation(row.title, row.asker or "", state, row.at))
            case "untold":
                desk.untold = Untold(row.number, row.title, row.at)
            case _:
                desk.releases.append(PendingRelease(row.title, row.number))
    return desks
