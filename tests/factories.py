"""Rows for tests, made plainly: every function flushes, and gives back what students would have to see to see it."""

from __future__ import annotations

from decimal import Decimal
from itertools import count
from typing import Any, TypeVar
from uuid import UUID

import numpy as np
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from core.assignments.models import Assignment, AssignmentRevision
from core.classes.models import Class, ClassMembership
from core.content.models import LessonUnit, LessonUnitRevision, Module, ModuleRevision
from core.content.revisions import Revision, Root
from core.enums import GlobalRole, GradeStatus, MembershipRole, ProcessingStatus, VisibilityState
from core.grading.models import AssignmentGradeRow
from core.identity.models import AppUser
from core.materials.models import DEFAULT_DIMENSION, LessonUnitMaterial, Material, MaterialChunk, MaterialRevision

Row = TypeVar("Row")
AnyRoot = Module | LessonUnit | Material | Assignment

_REVISIONS: dict[type[Root], type[Revision]] = {
    Module: ModuleRevision,
    LessonUnit: LessonUnitRevision,
    Material: MaterialRevision,
    Assignment: AssignmentRevision,
}
_numbers = count(1)


async def add(session: AsyncSession, row: Row) -> Row:
    session.add(row)
    await session.flush()
    return row


async def person(
    session: AsyncSession, name: str = "Ada", *, email: str | None = None, role: GlobalRole = GlobalRole.UNASSIGNED
) -> AppUser:
    email = email or f"{name.partition(' ')[0].lower()}{next(_numbers)}@example.org"
    return await add(session, AppUser(name=name, email=email, global_role=role))


async def class_(
    session: AsyncSession, code: str | None = None, *, title: str = "Astronomy", language: str = "english"
) -> Class:
    return await add(session, Class(code=code or f"CLASS-{next(_numbers)}", title=title, language=language))


async def enrol(
    session: AsyncSession, to: Class, who: AppUser, role: MembershipRole = MembershipRole.STUDENT
) -> ClassMembership:
    return await add(session, ClassMembership(class_id=to.id, app_user_id=who.id, role=role))


async def module(session: AsyncSession, of: Class, title: str = "The sky", *, published: bool = True) -> Module:
    root = await add(session, Module(class_id=of.id))
    await revision(session, root, title=title, published=published)
    return root


async def lesson(
    session: AsyncSession,
    of: Module,
    title: str = "The Moon",
    *,
    body: str = "The Moon circles the Earth.",
    published: bool = True,
    status: ProcessingStatus = ProcessingStatus.READY,
) -> LessonUnit:
    root = await add(session, LessonUnit(class_id=of.class_id, module_id=of.id))
    await revision(session, root, title=title, body=body, published=published, processing_status=status)
    return root


async def material(
    session: AsyncSession,
    of: Class,
    title: str = "Moon notes",
    *,
    lessons: tuple[LessonUnit, ...] = (),
    published: bool = True,
    status: ProcessingStatus = ProcessingStatus.READY,
) -> Material:
    root = await add(session, Material(class_id=of.id))
    await revision(session, root, title=title, published=published, processing_status=status)
    for place in lessons:
        await link(session, place, root)
    return root


async def link(session: AsyncSession, place: LessonUnit, what: Material) -> LessonUnitMaterial:
    return await add(session, LessonUnitMaterial(lesson_unit_id=place.id, material_id=what.id))


async def assignment(
    session: AsyncSession,
    of: Class,
    title: str = "Observe the Moon",
    *,
    in_module: Module | None = None,
    in_lesson: LessonUnit | None = None,
    published: bool = True,
) -> Assignment:
    parents = {"module_id": in_module and in_module.id, "lesson_unit_id": in_lesson and in_lesson.id}
    root = Assignment(class_id=of.id, **parents)
    await add(session, root)
    await revision(session, root, title=title, published=published)
    return root


async def grade(
    session: AsyncSession, of: Assignment, student: AppUser, *, score: int = 80, released: bool = False
) -> AssignmentGradeRow:
    row = AssignmentGradeRow(
        assignment_id=of.id,
        student_user_id=student.id,
        draft_score=Decimal(score),
        draft_feedback="Well observed.",
        draft_status=GradeStatus.GRADED,
    )
    if released:
        row.published_score, row.published_feedback = row.draft_score, row.draft_feedback
        row.published_status, row.released_at = row.draft_status, func.now()
        row.published_points, row.published_weight = Decimal(100), Decimal(1)
    return await add(session, row)


async def revision(
    session: AsyncSession, root: AnyRoot, *, title: str = "Revised", published: bool = False, **content: Any
) -> Any:
    """Add the next revision of a root: a draft, or what students see from now on."""
    kind = _REVISIONS[type(root)]
    key = getattr(kind, kind.root_key)
    newest = await session.scalar(select(func.max(kind.revision_number)).where(key == root.id))
    if kind is MaterialRevision:
        file = {"storage_key": f"files/{next(_numbers)}", "filename": "notes.md", "media_type": "text/markdown"}
        content = {**file, "byte_size": 5, "sha256": b"\0" * 32, **content}
    row = kind(
        **{kind.root_key: root.id},
        revision_number=(newest or 0) + 1,
        title=title,
        visibility_state=VisibilityState.PUBLISHED if published else VisibilityState.DRAFT,
        **content,
    )
    if published:
        row.published_at = func.now()
    await add(session, row)
    if published:
        root.published_revision_id = row.id
        await session.flush()
    await session.refresh(row)
    return row


async def published_revision(session: AsyncSession, root: AnyRoot) -> Any:
    return await session.get_one(_REVISIONS[type(root)], root.published_revision_id)


async def chunks(
    session: AsyncSession,
    of: MaterialRevision | LessonUnitRevision,
    *texts: str,
    class_id: UUID,
    embeddings: np.ndarray[Any, np.dtype[np.float32]] | None = None,
) -> list[MaterialChunk]:
    """Write a new generation of chunks and make it the live one. Without `embeddings` each gets a vector of its own."""
    generation = of.chunk_generation + 1
    vectors = np.eye(len(texts), DEFAULT_DIMENSION, dtype=np.float32) if embeddings is None else embeddings
    owner = "material_revision_id" if isinstance(of, MaterialRevision) else "lesson_unit_revision_id"
    made = [
        await add(
            session,
            MaterialChunk(
                **{owner: of.id},
                class_id=class_id,
                generation=generation,
                ordinal=ordinal,
                language="english",
                context=of.title,
                text=body,
                locator={},
                embedding=vectors[ordinal],
            ),
        )
        for ordinal, body in enumerate(texts)
    ]
    of.chunk_generation, of.chunk_count = generation, len(made)
    of.token_count = sum([(await session.get_one(MaterialChunk, each.id)).token_count for each in made])
    await session.flush()
    return made
