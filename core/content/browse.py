"""What students can look through: lessons, materials and assignments, published only."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import aggregate_order_by, array
from sqlalchemy.ext.asyncio import AsyncSession

from core.errors import Ambiguous, InvalidInput, NotFound
from core.published import (
    published_assignments,
    published_lesson_unit_materials,
    published_lesson_units,
    published_materials,
    published_modules,
)
from core.text import one_line

_NUMBER = re.compile(r"(\d+)\.(\d+)\.?")
_MOST_CANDIDATES = 8


@dataclass(frozen=True, slots=True)
class LessonItem:
    """A lesson in its module. `number` is its outline number, as people name it: `2.3`."""

    id: UUID
    number: str
    title: str
    module_title: str


@dataclass(frozen=True, slots=True)
class MaterialItem:
    """A material and the outline numbers of the lessons it belongs to."""

    id: UUID
    title: str
    filename: str
    page_count: int | None
    lessons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AssignmentItem:
    """An assignment, with its due date as an aware moment."""

    id: UUID
    title: str
    instructions: str
    points: Decimal
    due_at: datetime | None
    lesson: str


async def list_lessons(session: AsyncSession, class_id: UUID) -> list[LessonItem]:
    """Return a class's published lessons in outline order."""
    lessons, modules = published_lesson_units.c, published_modules.c
    rows = await session.execute(
        select(lessons.id, lessons.module_position, lessons.position, lessons.title, modules.title.label("module"))
        .join(published_modules, modules.id == lessons.module_id)
        .where(lessons.class_id == class_id)
        .order_by(lessons.module_position, modules.id, lessons.position, lessons.id)
    )
    return [LessonItem(row.id, f"{row.module_position}.{row.position}", row.title, row.module) for row in rows]


async def list_materials(session: AsyncSession, class_id: UUID) -> list[MaterialItem]:
    """Return a class's published materials, each with the lessons it belongs to.

    In the order of the first of its lessons, and there in the lesson's own; what is the whole class's comes last.
    """
    materials, links, lessons = (
        published_materials.c,
        published_lesson_unit_materials.c,
        published_lesson_units.c,
    )
    number = func.concat(lessons.module_position, ".", lessons.position)
    rows = await session.execute(
        select(
            materials.id,
            materials.title,
            materials.filename,
            materials.page_count,
            func.array_agg(aggregate_order_by(number, lessons.module_position, lessons.position))
            .filter(lessons.id.is_not(None))
            .label("lessons"),
        )
        .outerjoin(published_lesson_unit_materials, links.material_id == materials.id)
        .outerjoin(published_lesson_units, lessons.id == links.lesson_unit_id)
        .where(materials.class_id == class_id)
        .group_by(materials.id, materials.title, materials.filename, materials.page_count, materials.position)
        .order_by(
            func.min(array([lessons.module_position, lessons.position, links.position])),
            materials.position,
            materials.id,
        )
    )
    return [MaterialItem(row.id, row.title, row.filename, row.page_count, tuple(row.lessons or ())) for row in rows]


async def list_assignments(session: AsyncSession, class_id: UUID) -> list[AssignmentItem]:
    """Return a class's published assignments, the next due first, those without a date last."""
    work, lessons = published_assignments.c, published_lesson_units.c
    rows = await session.execute(
        select(
            work.id, work.title, work.instructions, work.points, work.due_at,
            lessons.module_position, lessons.position,
        )
        .outerjoin(published_lesson_units, lessons.id == work.lesson_unit_id)
        .where(work.class_id == class_id)
        .order_by(work.due_at.nulls_last(), lessons.module_position, lessons.position, work.position, work.id)
    )  # fmt: skip
    return [
        AssignmentItem(
            row.id,
            row.title,
            row.instructions,
            row.points,
            row.due_at,
            f"{row.module_position}.{row.position}" if row.position is not None else "",
        )
        for row in rows
    ]


def _names(lesson: LessonItem) -> tuple[str, ...]:
    title = lesson.title.casefold()
    return str(lesson.id), title, f"{lesson.number} {title}"


async def find_lesson(session: AsyncSession, class_id: UUID, reference: str) -> LessonItem:
    """Return the published lesson that a person names. Raises `NotFound`, `Ambiguous`, `InvalidInput`."""
    return pick_lesson(await list_lessons(session, class_id), reference)


def pick_lesson(lessons: list[LessonItem], reference: str) -> LessonItem:
    """Pick by outline number (`2.3`), by id, by title, or by a unique beginning or part of the title."""
    wanted = one_line(reference, 300).casefold()
    if not wanted:
        raise InvalidInput("Say which lesson: by number (2.3) or by title.")
    if numbered := _NUMBER.fullmatch(wanted):
        exact = f"{int(numbered[1])}.{int(numbered[2])}"
        found = [lesson for lesson in lessons if lesson.number == exact]
    else:
        found = [lesson for lesson in lessons if wanted in _names(lesson)]
        found = found or [lesson for lesson in lessons if lesson.title.casefold().startswith(wanted)]
        found = found or [lesson for lesson in lessons if wanted in lesson.title.casefold()]
    if not found:
        raise NotFound(f"There is no lesson “{one_line(reference, 60)}” here. /lessons lists them.")
    if len(found) > 1:
        names = tuple(f"{lesson.number} {lesson.title}" for lesson in found[:_MOST_CANDIDATES])
        raise Ambiguous(f"Several lessons fit “{one_line(reference, 60)}”:", candidates=names)
    return found[0]
