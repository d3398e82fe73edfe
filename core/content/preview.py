"""A draft as students would see it once it is published, for teachers alone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from core.assignments.models import Assignment, AssignmentRevision
from core.audit.record import Actor
from core.content.conflict import Seen
from core.content.history import read_newest
from core.content.kinds import Kind
from core.content.models import LessonUnit, LessonUnitRevision, Module, ModuleRevision
from core.content.parts import load_root, part_of
from core.content.readiness import Finding, find
from core.content.revisions import Indexed, Root
from core.enums import AiPolicy, ProcessingStatus, VisibilityState
from core.materials.models import LessonUnitMaterial, Material, MaterialChunk, MaterialRevision

_OPENING = 3  # passages


@dataclass(frozen=True, slots=True)
class Work:
    """What an assignment says besides its text."""

    points: Decimal
    opens_at: datetime | None
    due_at: datetime | None
    closes_at: datetime | None
    ai_policy: AiPolicy


@dataclass(frozen=True, slots=True)
class FilePreview:
    """A material's file: how it is called and how large it is (bytes), and the first passages found in it."""

    filename: str
    byte_size: int
    page_count: int | None
    opening: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Preview:
    """A thing's newest text. `number` is its outline number (`2`, `2.3`; empty for what has none).

    `live` says that students see this very text; `materials` and `assignments` are what they find in a lesson now.
    """

    kind: str
    root_id: UUID
    seen: Seen
    number: str
    title: str
    text: str
    live: bool
    draft: bool
    status: ProcessingStatus | None
    work: Work | None
    file: FilePreview | None
    materials: tuple[str, ...]
    assignments: tuple[str, ...]
    findings: tuple[Finding, ...]


async def preview(session: AsyncSession, actor: Actor, kind: Kind, root_id: UUID) -> Preview:
    """Return a thing's newest text with what stands in the way of publishing it. Raises `NotFound`, `NotPermitted`."""
    root = await load_root(session, kind, root_id)
    newest = await read_newest(session, actor, kind, root_id)
    part = await part_of(session, kind, root)
    text, work, file = "", None, None
    match newest:
        case ModuleRevision():
            text = newest.description
        case LessonUnitRevision():
            text = newest.body
        case AssignmentRevision():
            text = newest.instructions
            work = Work(newest.points, newest.opens_at, newest.due_at, newest.closes_at, newest.ai_policy)
        case MaterialRevision():
            file = FilePreview(newest.filename, newest.byte_size, newest.page_count, await _opening(session, newest))
    materials, assignments = await _inside(session, root)
    return Preview(
        kind=kind.name,
        root_id=root_id,
        seen=Seen.of(newest),
        number=await outline_number(session, root),
        title=newest.title,
        text=text,
        live=newest.id == root.published_revision_id,
        draft=newest.visibility_state is VisibilityState.DRAFT,
        status=newest.processing_status if isinstance(newest, Indexed) else None,
        work=work,
        file=file,
        materials=materials,
        assignments=assignments,
        findings=tuple(await find(session, [part])) if part is not None else (),
    )


async def outline_number(session: AsyncSession, root: Root) -> str:
    """Return the number that people call a thing by: a module's `2`, a lesson's `2.3`, an assignment's lesson's."""
    if isinstance(root, Module):
        return str(root.position)
    lesson: Root | None = root
    if isinstance(root, Assignment):
        if root.module_id is not None:
            return str((await session.get_one(Module, root.module_id)).position)
        lesson = await session.get(LessonUnit, root.lesson_unit_id) if root.lesson_unit_id is not None else None
    if not isinstance(lesson, LessonUnit):
        return ""
    module = await session.get_one(Module, lesson.module_id)
    return f"{module.position}.{lesson.position}"


async def _opening(session: AsyncSession, revision: MaterialRevision) -> tuple[str, ...]:
    rows = await session.scalars(
        select(MaterialChunk.text)
        .where(
            MaterialChunk.revision_id == revision.id,
            MaterialChunk.generation == revision.chunk_generation,
            MaterialChunk.ordinal < _OPENING,
        )
        .order_by(MaterialChunk.ordinal)
    )
    return tuple(rows)


async def _inside(session: AsyncSession, root: Root) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the titles of the published materials and assignments of a lesson, or a module's assignments.

    Not from the published views: they hold nothing of a lesson that is hidden.
    """
    materials: tuple[str, ...] = ()
    if isinstance(root, LessonUnit):
        titles = await session.scalars(
            select(MaterialRevision.title)
            .join(Material, Material.published_revision_id == MaterialRevision.id)
            .join(LessonUnitMaterial, LessonUnitMaterial.material_id == Material.id)
            .where(
                LessonUnitMaterial.lesson_unit_id == root.id,
                LessonUnitMaterial.deleted_at.is_(None),
                Material.deleted_at.is_(None),
            )
            .order_by(LessonUnitMaterial.position, LessonUnitMaterial.id)
        )
        materials = tuple(titles)
    parent = Assignment.module_id if isinstance(root, Module) else Assignment.lesson_unit_id
    if not isinstance(root, Module | LessonUnit):
        return materials, ()
    titles = await session.scalars(
        select(AssignmentRevision.title)
        .join(Assignment, Assignment.published_revision_id == AssignmentRevision.id)
        .where(parent == root.id, Assignment.deleted_at.is_(None))
        .order_by(Assignment.position, Assignment.id)
    )
    return materials, tuple(titles)
