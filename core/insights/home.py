"""What a student's home page shows: what is due and which grades were released, of their own classes only."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from sqlalchemy import and_, case, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from core.classes.models import Class, ClassMembership
from core.enums import GradeStatus, MembershipRole
from core.identity.models import AppUser
from core.published import published_assignments, published_extensions, published_grades, published_lesson_units

SOON = timedelta(days=14)


@dataclass(frozen=True, slots=True)
class Due:
    """A published assignment that is not past, their own extension included; `soon` within the next two weeks."""

    class_id: UUID
    title: str
    points: Decimal
    due_at: datetime
    soon: bool


@dataclass(frozen=True, slots=True)
class ReleasedGrade:
    """A grade as it was released: out of `points`, as those were then."""

    class_id: UUID
    title: str
    status: GradeStatus
    score: Decimal | None
    points: Decimal | None
    feedback: str
    released_at: datetime


@dataclass(frozen=True, slots=True)
class StudentHome:
    """What is due, soonest first, and the released grades, newest first."""

    due: tuple[Due, ...]
    grades: tuple[ReleasedGrade, ...]


async def student_home(session: AsyncSession, user_id: UUID, class_ids: Collection[UUID]) -> StudentHome:
    """Return what concerns a student in those of these classes where they are one: one statement over the views."""
    work, grades, more = published_assignments.c, published_grades.c, published_extensions.c
    due_at = case((work.due_at.is_not(None), func.greatest(work.due_at, more.due_at)))
    upcoming = due_at >= func.now()
    rows = (
        await session.execute(
            select(
                work.class_id,
                work.title,
                work.points,
                due_at.label("due_at"),
                upcoming.label("upcoming"),
                (due_at < func.now() + SOON).label("soon"),
                grades.status,
                grades.score,
                grades.points.label("graded_points"),
                grades.feedback,
                grades.released_at,
            )
            .join(
                ClassMembership,
                and_(
                    ClassMembership.class_id == work.class_id,
                    ClassMembership.app_user_id == user_id,
                    ClassMembership.role == MembershipRole.STUDENT,
                    ClassMembership.deleted_at.is_(None),
                ),
            )
            .join(AppUser, and_(AppUser.id == ClassMembership.app_user_id, AppUser.deleted_at.is_(None)))
            .outerjoin(published_grades, and_(grades.assignment_id == work.id, grades.student_user_id == user_id))
            .outerjoin(published_extensions, and_(more.assignment_id == work.id, more.student_user_id == user_id))
            .where(work.class_id.in_(class_ids), upcoming | grades.id.is_not(None))
            .order_by(due_at.nulls_last(), work.title, work.id)
        )
    ).all()
    released = [
        ReleasedGrade(
            row.class_id, row.title, row.status, row.score, row.graded_points, row.feedback or "", row.released_at
        )
        for row in rows
        if row.released_at is not None
    ]
    return StudentHome(
        due=tuple(Due(row.class_id, row.title, row.points, row.due_at, row.soon) for row in rows if row.upcoming),
        grades=tuple(sorted(released, key=lambda grade: grade.released_at, reverse=True)),
    )


async def suggest_lessons(
    session: AsyncSession, user_id: UUID, class_ids: Collection[UUID], *, limit: int = 4
) -> list[str]:
    """Return titles of lessons to ask about, the newest first, of those of these classes that the person is in."""
    lessons = published_lesson_units.c
    member = (
        select(ClassMembership.class_id)
        .join(Class, Class.id == ClassMembership.class_id)
        .where(ClassMembership.app_user_id == user_id, ClassMembership.deleted_at.is_(None), Class.deleted_at.is_(None))
    )
    titles = await session.scalars(
        select(lessons.title)
        .where(lessons.class_id.in_(class_ids), lessons.class_id.in_(member))
        .order_by(lessons.published_at.desc(), lessons.module_position, lessons.position, lessons.id)
        .limit(limit)
    )
    return list(titles)
