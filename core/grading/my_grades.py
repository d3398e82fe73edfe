"""What a student sees of their own grades: published columns only, through the published views."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from core.enums import GradeStatus, MembershipRole
from core.errors import NotPermitted
from core.grading.aggregate import Scope, Total, own_totals
from core.identity.permissions import membership_role
from core.published import published_assignments, published_grades, published_lesson_units, published_modules


@dataclass(frozen=True, slots=True)
class MyGrade:
    """A grade as it was released: out of `points`, as those were then. `place` is “2.3 Title”, or empty."""

    assignment_id: UUID
    title: str
    place: str
    status: GradeStatus
    score: Decimal | None
    points: Decimal
    feedback: str
    released_at: datetime


@dataclass(frozen=True, slots=True)
class MyTotal:
    """A lesson's or a module's grade, in percent; `name` is “2.3 Title” or “2 Title”."""

    name: str
    total: Total


@dataclass(frozen=True, slots=True)
class MyGrades:
    """A student's released grades in one class, in the class's order; `overall` is None while nothing counts."""

    grades: tuple[MyGrade, ...]
    lessons: tuple[MyTotal, ...]
    modules: tuple[MyTotal, ...]
    overall: Total | None


async def my_grades(session: AsyncSession, user_id: UUID, class_id: UUID) -> MyGrades:
    """Return what was released to a student in a class. Raises `NotPermitted` for everybody else."""
    if await membership_role(session, user_id, class_id) is not MembershipRole.STUDENT:
        raise NotPermitted("You are not a student of this class.", class_id=class_id)
    totals = await own_totals(session, user_id, class_id)
    lessons, modules = published_lesson_units.c, published_modules.c
    number = func.concat(lessons.module_position, ".", lessons.position, " ", lessons.title)
    lesson_rows = await session.execute(
        select(lessons.id, number.label("name"))
        .where(lessons.class_id == class_id)
        .order_by(lessons.module_position, lessons.position, lessons.id)
    )
    module_rows = await session.execute(
        select(modules.id, func.concat(modules.position, " ", modules.title).label("name"))
        .where(modules.class_id == class_id)
        .order_by(modules.position, modules.id)
    )
    found = {scope_id: total for scope_id, total in totals.items() if total.scope is not Scope.CLASS}
    return MyGrades(
        grades=await _grades(session, user_id, class_id),
        lessons=tuple(MyTotal(row.name, found[row.id]) for row in lesson_rows if row.id in found),
        modules=tuple(MyTotal(row.name, found[row.id]) for row in module_rows if row.id in found),
        overall=totals.get(class_id),
    )


async def _grades(session: AsyncSession, user_id: UUID, class_id: UUID) -> tuple[MyGrade, ...]:
    work, grades = published_assignments.c, published_grades.c
    lessons, modules = published_lesson_units.c, published_modules.c
    rows = await session.execute(
        select(
            work.id, work.title, grades.status, grades.score, grades.points, grades.feedback, grades.released_at,
            lessons.module_position, lessons.position, lessons.title.label("lesson"),
            modules.position.label("module_place"), modules.title.label("module"),
        )
        .join(published_grades, grades.assignment_id == work.id)
        .outerjoin(published_lesson_units, lessons.id == work.lesson_unit_id)
        .outerjoin(published_modules, modules.id == work.module_id)
        .where(work.class_id == class_id, grades.student_user_id == user_id)
        .order_by(
            func.coalesce(lessons.module_position, modules.position), lessons.position, work.position, work.id
        )
    )  # fmt: skip
    return tuple(
        MyGrade(
            assignment_id=row.id,
            title=row.title,
            place=_place(row.module_position, row.position, row.lesson, row.module_place, row.module),
            status=row.status,
            score=row.score,
            points=row.points,
            feedback=row.feedback or "",
            released_at=row.released_at,
        )
        for row in rows
    )


def _place(  # one argument a column
    module_position: int | None, position: int | None, lesson: str | None, module_place: int | None, module: str | None
) -> str:
    if lesson is not None:
        return f"{module_position}.{position} {lesson}"
    return f"{module_place} {module}" if module is not None else ""
