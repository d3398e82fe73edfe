"""Create modules, lessons, materials and assignments: each a root with its first draft."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from core.assignments.models import Assignment
from core.audit.record import Actor, record
from core.classes.models import Class
from core.content.fields import AssignmentFields, FileFields, LessonFields, ModuleFields
from core.content.kinds import ASSIGNMENT, LESSON, MATERIAL, MODULE, Kind, lock_root
from core.content.models import LessonUnit, Module
from core.content.revisions import Root
from core.enums import MaterialKind
from core.errors import InvalidInput, NotFound
from core.identity.permissions import require_teacher
from core.materials.models import LessonUnitMaterial, Material
from core.materials.queueing import queue_processing
from core.ports import Queue


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a course import found something, so that importing again finds it."""

    import_source: str
    external_id: str


async def create_module(
    session: AsyncSession, actor: Actor, class_id: UUID, fields: ModuleFields, *, origin: Origin | None = None
) -> Module:
    """Create a module as a draft, last in its class. Raises `NotFound`, `NotPermitted`, `InvalidInput`."""
    await require_teacher(session, actor, class_id)
    await _lock_class(session, class_id)
    module = Module(class_id=class_id, position=await _last_position(session, Module, Module.class_id == class_id))
    await _begin(session, actor, MODULE, module, asdict(fields), origin)
    return module


async def create_lesson(
    session: AsyncSession,
    actor: Actor,
    module_id: UUID,
    fields: LessonFields,
    *,
    queue: Queue,
    origin: Origin | None = None,
) -> LessonUnit:
    """Create a lesson as a draft, last in its module. Raises `NotFound`, `NotPermitted`, `InvalidInput`."""
    module = await lock_root(session, MODULE, module_id)
    await require_teacher(session, actor, module.class_id)
    lesson = LessonUnit(
        class_id=module.class_id,
        module_id=module_id,
        position=await _last_position(session, LessonUnit, LessonUnit.module_id == module_id),
    )
    revision_id = await _begin(session, actor, LESSON, lesson, asdict(fields), origin)
    await queue_processing(session, queue, LESSON, revision_id)
    return lesson


async def create_material(
    session: AsyncSession,
    actor: Actor,
    class_id: UUID,
    fields: FileFields,
    *,
    queue: Queue,
    kind: MaterialKind = MaterialKind.FILE,
    lesson_unit_ids: tuple[UUID, ...] = (),
    origin: Origin | None = None,
) -> Material:
    """Create a material from a stored file as a draft, linked to lessons.

    Raises `NotFound`, `NotPermitted`, `InvalidInput`.
    """
    await require_teacher(session, actor, class_id)
    await _lock_class(session, class_id)
    material = Material(
        class_id=class_id, kind=kind, position=await _last_position(session, Material, Material.class_id == class_id)
    )
    revision_id = await _begin(session, actor, MATERIAL, material, asdict(fields), origin)
    for lesson_id in sorted(set(lesson_unit_ids)):  # in the order in which everybody locks several
        lesson = await lock_root(session, LESSON, lesson_id)
        if lesson.class_id != class_id:
            raise InvalidInput("A material can only be linked to lessons of its own class.")
        session.add(
            LessonUnitMaterial(
                lesson_unit_id=lesson_id,
                material_id=material.id,
                position=await _last_position(
                    session, LessonUnitMaterial, LessonUnitMaterial.lesson_unit_id == lesson_id
                ),
            )
        )
        await session.flush()
    await queue_processing(session, queue, MATERIAL, revision_id)
    return material


async def create_assignment(
    session: AsyncSession,
    actor: Actor,
    class_id: UUID,
    fields: AssignmentFields,
    *,
    module_id: UUID | None = None,
    lesson_unit_id: UUID | None = None,
    origin: Origin | None = None,
) -> Assignment:
    """Create an assignment of a class, or of one module or lesson of it, as a draft.

    Raises `NotFound`, `NotPermitted`, `InvalidInput`.
    """
    await require_teacher(session, actor, class_id)
    await _lock_class(session, class_id)
    if module_id is not None and lesson_unit_id is not None:
        raise InvalidInput("An assignment belongs to a module or to a lesson, not to both.")
    for kind, parent_id in ((MODULE, module_id), (LESSON, lesson_unit_id)):
        if parent_id is not None and (await lock_root(session, kind, parent_id)).class_id != class_id:
            raise InvalidInput(f"That {kind.name} is in another class.")
    assignment = Assignment(
        class_id=class_id,
        module_id=module_id,
        lesson_unit_id=lesson_unit_id,
        position=await _last_position(session, Assignment, Assignment.class_id == class_id),
    )
    await _begin(session, actor, ASSIGNMENT, assignment, asdict(fields), origin)
    return assignment


async def _begin(
    session: AsyncSession, actor: Actor, kind: Kind, root: Root, content: dict[str, Any], origin: Origin | None
) -> UUID:
    root.created_by_user_id = actor.user_id
    if origin is not None:
        root.import_source, root.external_id = origin.import_source, origin.external_id
    session.add(root)
    await session.flush()
    revision = kind.revision(
        **{kind.revision.root_key: root.id},
        revision_number=1,
        created_by_user_id=actor.user_id,
        updated_by_user_id=None if origin else actor.user_id,
        **content,
    )
    session.add(revision)
    await session.flush()
    record(session, actor, f"{kind.name}.create", kind.name, root.id, class_id=root.class_id, revision=revision.id)
    return revision.id


async def _lock_class(session: AsyncSession, class_id: UUID) -> None:
    found = await session.scalar(
        select(Class.id).where(Class.id == class_id, Class.deleted_at.is_(None)).with_for_update(key_share=True)
    )
    if found is None:
        raise NotFound("There is no such class.")


async def _last_position(session: AsyncSession, table: Any, where: Any) -> int:  # noqa: ANN401  (any ordered table)
    last = await session.scalar(select(func.max(table.position)).where(where, table.deleted_at.is_(None)))
    return int(last or 0) + 1
