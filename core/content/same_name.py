"""What tells things of one name apart: a material's file, the lesson something is in, when it was made."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from core.assignments.models import Assignment
from core.classes.models import Class
from core.content.import_times import zone_named
from core.content.kinds import ASSIGNMENT, MATERIAL, Kind
from core.content.models import LessonUnit, Module
from core.materials.models import LessonUnitMaterial, MaterialRevision


async def tell_apart(session: AsyncSession, kind: Kind, named_alike: Collection[Sequence[UUID]]) -> dict[UUID, str]:
    """Return what to say of each thing besides its name, for groups of things of one name, each in its order.

    It is another text for each thing of a group: the first that is of where it is and when it was made, else a count.
    """
    ids = [each for group in named_alike for each in group]
    if not ids:
        return {}
    told: list[dict[UUID, str]] = []
    if kind is MATERIAL:
        told += [await _files(session, ids), await _lessons(session, ids)]
    if kind is ASSIGNMENT:
        told.append(await _parents(session, ids))
    told.append(await _made(session, kind, ids))
    apart: dict[UUID, str] = {}
    for group in named_alike:
        counted = {root_id: f"no. {number} of that name" for number, root_id in enumerate(group, start=1)}
        fits = (each for each in [*told, counted] if len({each.get(root_id, "") for root_id in group}) == len(group))
        apart |= {root_id: said for root_id, said in next(fits).items() if root_id in group}
    return apart


async def _files(session: AsyncSession, ids: Sequence[UUID]) -> dict[UUID, str]:
    root_id = MaterialRevision.material_id
    rows = await session.execute(
        select(root_id, MaterialRevision.filename)
        .where(root_id.in_(ids), MaterialRevision.deleted_at.is_(None))
        .ext(distinct_on(root_id))
        .order_by(root_id, MaterialRevision.revision_number.desc())
    )
    return {row.material_id: row.filename for row in rows}


async def _lessons(session: AsyncSession, ids: Sequence[UUID]) -> dict[UUID, str]:
    rows = await session.execute(
        select(LessonUnitMaterial.material_id, Module.position.label("module"), LessonUnit.position)
        .join(LessonUnit, LessonUnit.id == LessonUnitMaterial.lesson_unit_id)
        .join(Module, Module.id == LessonUnit.module_id)
        .where(
            LessonUnitMaterial.material_id.in_(ids),
            LessonUnitMaterial.deleted_at.is_(None),
            LessonUnit.deleted_at.is_(None),
            Module.deleted_at.is_(None),
        )
        .order_by(Module.position, LessonUnit.position)
    )
    said = dict.fromkeys(ids, "the whole class")
    for row in rows:
        before = said[row.material_id]
        place = f"{row.module}.{row.position}"
        said[row.material_id] = f"{before}, {place}" if before.startswith("lesson") else f"lesson {place}"
    return said


async def _parents(session: AsyncSession, ids: Sequence[UUID]) -> dict[UUID, str]:
    above = aliased(Module)
    rows = await session.execute(
        select(Assignment.id, Module.position.label("module"), above.position.label("above"), LessonUnit.position)
        .outerjoin(Module, Module.id == Assignment.module_id)
        .outerjoin(LessonUnit, LessonUnit.id == Assignment.lesson_unit_id)
        .outerjoin(above, above.id == LessonUnit.module_id)
        .where(Assignment.id.in_(ids))
    )
    return {
        row.id: f"module {row.module}"
        if row.module is not None
        else f"lesson {row.above}.{row.position}"
        if row.position is not None
        else "the whole class"
        for row in rows
    }


async def _made(session: AsyncSession, kind: Kind, ids: Sequence[UUID]) -> dict[UUID, str]:
    rows = await session.execute(
        select(kind.root.id, kind.root.created_at, Class.time_zone)
        .join(Class, Class.id == kind.root.class_id)
        .where(kind.root.id.in_(ids))
    )
    return {row.id: f"made {row.created_at.astimezone(zone_named(row.time_zone)):%Y-%m-%d %H:%M}" for row in rows}
