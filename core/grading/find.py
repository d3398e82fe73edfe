"""What a teacher grades: a student by name, an assignment by name, and one student's work with its draft."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Uuid, bindparam, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from core.assignments.find import WorkItem, list_work, pick_work
from core.assignments.models import Assignment
from core.audit.record import Actor
from core.classes.models import ClassMembership
from core.enums import MembershipRole
from core.errors import Ambiguous, InvalidInput, NotFound
from core.grading.mark import Mark, held_mark
from core.identity.models import AppUser
from core.identity.permissions import require_teacher
from core.text import one_line

_MOST_CANDIDATES = 25  # of one menu on Discord


@dataclass(frozen=True, slots=True)
class Student:
    """A student of a class."""

    user_id: UUID
    name: str
    email: str
    section: str

    @property
    def label(self) -> str:
        """Return what a menu shows, which also names them."""
        return f"{self.name} ({self.email})"


@dataclass(frozen=True, slots=True)
class Piece:
    """One student's work for one assignment: their newest attempt, if any, and the draft with who saved it last.

    `student` is a name, with the address where another student of the class has the same.
    """

    class_id: UUID
    assignment_id: UUID
    assignment: str
    points: Decimal
    student_user_id: UUID
    student: str
    section: str
    submission_id: UUID | None
    attempt: int
    submitted_at: datetime | None
    late: bool
    body: str
    files: tuple[dict[str, Any], ...]
    version: int
    mark: Mark
    feedback: str
    by_user_id: UUID | None


async def list_students(session: AsyncSession, actor: Actor, class_id: UUID) -> list[Student]:
    """Return a class's students by name. Raises `NotPermitted`."""
    await require_teacher(session, actor, class_id)
    rows = await session.execute(
        select(AppUser.id, AppUser.name, AppUser.email, ClassMembership.section)
        .join(ClassMembership, ClassMembership.app_user_id == AppUser.id)
        .where(
            ClassMembership.class_id == class_id,
            ClassMembership.role == MembershipRole.STUDENT,
            ClassMembership.deleted_at.is_(None),
            AppUser.deleted_at.is_(None),
        )
        .order_by(AppUser.name, AppUser.id)
    )
    return [Student(row.id, row.name, str(row.email), row.section) for row in rows]


async def find_student(session: AsyncSession, actor: Actor, class_id: UUID, reference: str) -> Student:
    """Return the student that a teacher names: by address, by id, by name, or by a beginning of these.

    Raises `NotPermitted`, `NotFound`, `InvalidInput`, and `Ambiguous` with the candidates' `ids` in its data.
    """
    students = await list_students(session, actor, class_id)
    wanted = one_line(reference, 300).casefold()
    if not wanted:
        raise InvalidInput("Say who: by name, by a unique beginning of it, or by email address.")
    found = [each for each in students if wanted in _names(each)]
    found = found or [each for each in students if each.name.casefold() == wanted]
    found = found or [each for each in students if _begins(each, wanted)]
    if not found:
        raise NotFound(f"There is no student “{one_line(reference, 60)}” in this class.")
    if len(found) > 1:
        named = found[:_MOST_CANDIDATES]
        raise Ambiguous(
            f"Several students fit “{one_line(reference, 60)}”:",
            candidates=tuple(each.label for each in named),
            ids=tuple(each.user_id for each in named),
        )
    return found[0]


async def list_gradable(session: AsyncSession, actor: Actor, class_id: UUID) -> list[WorkItem]:
    """Return a class's assignments in its order; those that are not published have no number. Raises `NotPermitted`."""
    await require_teacher(session, actor, class_id)
    published = {item.id: item for item in await list_work(session, class_id)}
    rows = await session.execute(_WORKS, {"class_id": class_id})
    return [published.get(row.id) or WorkItem(row.id, None, row.title) for row in rows]


async def find_gradable(session: AsyncSession, actor: Actor, class_id: UUID, reference: str) -> WorkItem:
    """Return the assignment that a teacher names, published or not. Raises as `pick_work` does, and `NotPermitted`."""
    return pick_work(await list_gradable(session, actor, class_id), reference)


async def piece_of(session: AsyncSession, actor: Actor, assignment_id: UUID, student_user_id: UUID) -> Piece:
    """Return one student's work for one assignment. Raises `NotFound`, `NotPermitted`."""
    class_id = await class_of_work(session, assignment_id)
    await require_teacher(session, actor, class_id)
    await session.flush()
    row = (await session.execute(_PIECE, {"assignment_id": assignment_id, "student": student_user_id})).one_or_none()
    if row is None:
        raise NotFound("There is no such student in this class.")
    return Piece(
        class_id=class_id,
        assignment_id=assignment_id,
        assignment=row.title,
        points=row.points,
        student_user_id=student_user_id,
        student=row.name,
        section=row.section,
        submission_id=row.submission_id,
        attempt=row.attempt or 0,
        submitted_at=row.submitted_at,
        late=bool(row.late),
        body=row.body or "",
        files=tuple(row.files or ()),
        version=row.version,
        mark=held_mark(row.draft_status, row.draft_score),
        feedback=row.draft_feedback or "",
        by_user_id=row.draft_updated_by_user_id,
    )


async def class_of_work(session: AsyncSession, assignment_id: UUID) -> UUID:
    """Return the class of an assignment. Raises `NotFound`."""
    class_id = await session.scalar(
        select(Assignment.class_id).where(Assignment.id == assignment_id, Assignment.deleted_at.is_(None))
    )
    if class_id is None:
        raise NotFound("There is no such assignment.")
    return class_id


def _names(student: Student) -> Sequence[str]:
    return student.user_id.hex, str(student.user_id), student.email.casefold(), student.label.casefold()


def _begins(student: Student, wanted: str) -> bool:
    """Whether a name, one of its words, or the address begins so."""
    name = student.name.casefold()
    starts = [name, student.email.casefold(), *name.split()]
    return any(each.startswith(wanted) for each in starts)


_NEWEST = """
JOIN LATERAL (
    SELECT * FROM assignment_revisions v WHERE v.assignment_id = a.id AND v.deleted_at IS NULL
    ORDER BY v.id = a.published_revision_id DESC NULLS LAST, v.revision_number DESC LIMIT 1
) r ON true"""
_WORKS = text(
    f"""
SELECT a.id, r.title FROM assignments a {_NEWEST}
WHERE a.class_id = :class_id AND a.deleted_at IS NULL ORDER BY a.position, a.id
"""
).bindparams(bindparam("class_id", type_=Uuid()))
_PIECE = text(
    f"""
SELECT r.title, r.points, s.section,
    CASE WHEN EXISTS (
        SELECT FROM class_memberships m JOIN app_users o ON o.id = m.app_user_id AND o.deleted_at IS NULL
        WHERE m.class_id = a.class_id AND m.role = 'STUDENT' AND m.deleted_at IS NULL AND o.id <> u.id
            AND lower(o.name) = lower(u.name)
    ) THEN u.name || ' (' || u.email || ')' ELSE u.name END AS name,
    w.id AS submission_id, w.attempt, w.submitted_at, w.late, w.body, w.files,
    coalesce(g.version, 0) AS version, g.draft_status, g.draft_score, g.draft_feedback, g.draft_updated_by_user_id
FROM assignments a {_NEWEST}
JOIN class_memberships s ON s.class_id = a.class_id AND s.app_user_id = :student
    AND s.role = 'STUDENT' AND s.deleted_at IS NULL
JOIN app_users u ON u.id = s.app_user_id AND u.deleted_at IS NULL
LEFT JOIN assignment_grade_rows g ON g.assignment_id = a.id AND g.student_user_id = u.id AND g.deleted_at IS NULL
LEFT JOIN LATERAL (
    SELECT * FROM assignment_submissions t
    WHERE t.assignment_id = a.id AND t.student_user_id = u.id AND t.deleted_at IS NULL
    ORDER BY t.attempt DESC LIMIT 1
) w ON true
WHERE a.id = :assignment_id AND a.deleted_at IS NULL
"""
).bindparams(bindparam("assignment_id", type_=Uuid()), bindparam("student", type_=Uuid()))
