"""Put a material into a lesson, or take it out. Links belong to the roots: they hold at once."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from core.audit.record import Actor, record
from core.content.kinds import LESSON, MATERIAL, lock_root
from core.content.revisions import Root
from core.errors import InvalidInput, NotFound
from core.identity.permissions import require_teacher
from core.materials.models import LessonUnitMaterial


async def link_material(session: AsyncSession, actor: Actor, lesson_id: UUID, material_id: UUID) -> LessonUnitMaterial:
    """Put a material into a lesson, last; once is enough, and one that was taken out comes back.

    Raises `NotFound`, `NotPermitted`, `InvalidInput` (they are of two classes).
    """
    lesson = await _lock_both(session, actor, lesson_id, material_id)
    link = await _link(session, lesson_id, material_id)
    if link is not None and link.deleted_at is None:
        return link
    last = await session.scalar(
        select(func.max(LessonUnitMaterial.position)).where(
            LessonUnitMaterial.lesson_unit_id == lesson_id, LessonUnitMaterial.deleted_at.is_(None)
        )
    )
    if link is None:
        link = LessonUnitMaterial(lesson_unit_id=lesson_id, material_id=material_id)
        session.add(link)
    link.position = int(last or 0) + 1
    link.deleted_at = link.deleted_by_user_id = None
    await session.flush()
    _record(session, actor, "material.link", link, lesson)
    return link


async def unlink_material(session: AsyncSession, actor: Actor, lesson_id: UUID, material_id: UUID) -> None:
    """Take a material out of a lesson. In no lesson at all it is the whole class's.

    Raises `NotFound`, `NotPermitted`, `InvalidInput`.
    """
    lesson = await _lock_both(session, actor, lesson_id, material_id)
    link = await _link(session, lesson_id, material_id)
    if link is None or link.deleted_at is not None:
        raise NotFound("This material is not in that lesson.")
    link.deleted_at, link.deleted_by_user_id = func.now(), actor.user_id
    _record(session, actor, "material.unlink", link, lesson)


async def _lock_both(session: AsyncSession, actor: Actor, lesson_id: UUID, material_id: UUID) -> Root:
    lesson = await lock_root(session, LESSON, lesson_id)
    await require_teacher(session, actor, lesson.class_id)
    if (await lock_root(session, MATERIAL, material_id)).class_id != lesson.class_id:
        raise InvalidInput("A material can only be linked to lessons of its own class.")
    return lesson


async def _link(session: AsyncSession, lesson_id: UUID, material_id: UUID) -> LessonUnitMaterial | None:
    return await session.scalar(
        select(LessonUnitMaterial)
        .where(LessonUnitMaterial.lesson_unit_id == lesson_id, LessonUnitMaterial.material_id == material_id)
        .order_by(LessonUnitMaterial.deleted_at.desc().nulls_first())
        .limit(1)
    )


def _record(session: AsyncSession, actor: Actor, action: str, link: LessonUnitMaterial, lesson: Root) -> None:
    record(
        session, actor, action, "lesson_unit_material", link.id, class_id=lesson.class_id,
        lesson=link.lesson_unit_id, material=link.material_id,
    )  # fmt: skip


async def lessons_of(session: AsyncSession, material_id: UUID) -> frozenset[UUID]:
    """Return the lessons that a material is in; in none, it is the whole class's."""
    rows = await session.scalars(
        select(LessonUnitMaterial.lesson_unit_id).where(
            LessonUnitMaterial.material_id == material_id, LessonUnitMaterial.deleted_at.is_(None)
        )
    )
    return frozenset(rows)


async def materials_in(session: AsyncSession, lesson_id: UUID) -> list[UUID]:
    """Return the materials that are in a lesson, in its order."""
    rows = await session.scalars(
        select(LessonUnitMaterial.material_id)
        .where(LessonUnitMaterial.lesson_unit_id == lesson_id, LessonUnitMaterial.deleted_at.is_(None))
        .order_by(LessonUnitMaterial.position, LessonUnitMaterial.id)
    )
    return list(rows)
