"""The four kinds of root + revision, so that each verb is written once."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from core.assignments.models import Assignment, AssignmentRevision
from core.content.models import LessonUnit, LessonUnitRevision, Module, ModuleRevision
from core.content.revisions import Indexed, Revision, Root
from core.enums import VisibilityState
from core.errors import NotFound
from core.materials.models import Material, MaterialRevision


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of thing that teachers write: its name in chat and audit, its root and its revision."""

    name: str
    root: type[Root]
    revision: type[Revision]

    @property
    def indexed(self) -> bool:
        """Whether its text is searched, and so has to be processed before it can be published."""
        return issubclass(self.revision, Indexed)

    def root_column(self) -> Any:  # noqa: ANN401  (an InstrumentedAttribute of any of four classes)
        """Return the revision's column that holds its root."""
        return getattr(self.revision, self.revision.root_key)


MODULE = Kind("module", Module, ModuleRevision)
LESSON = Kind("lesson", LessonUnit, LessonUnitRevision)
MATERIAL = Kind("material", Material, MaterialRevision)
ASSIGNMENT = Kind("assignment", Assignment, AssignmentRevision)

KINDS = {kind.name: kind for kind in (MODULE, LESSON, MATERIAL, ASSIGNMENT)}


async def lock_root(session: AsyncSession, kind: Kind, root_id: UUID, *, deleted: bool = False) -> Root:
    """Return a root, locked until the transaction ends, so that verbs on one thing follow one another.

    Raises `NotFound` if there is none, or (unless `deleted`) if it is deleted.
    """
    root = await session.get(kind.root, root_id, with_for_update=True, populate_existing=True)
    if root is None or (root.deleted_at is not None and not deleted):
        raise NotFound(f"There is no such {kind.name}.")
    return root


async def lock_roots(session: AsyncSession, kind: Kind, ids: Collection[UUID]) -> list[Root]:
    """Return several roots of a kind, deleted or not, locked by id as everybody does who locks several."""
    rows = await session.scalars(
        select(kind.root)
        .where(kind.root.id.in_(ids))
        .order_by(kind.root.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return list(rows)


async def draft_of(session: AsyncSession, kind: Kind, root_id: UUID) -> Revision | None:
    """Return the draft of a root as it is now, whatever the session read before it held the root's lock, or None."""
    return await session.scalar(
        select(kind.revision)
        .where(
            kind.root_column() == root_id,
            kind.revision.visibility_state == VisibilityState.DRAFT,
            kind.revision.deleted_at.is_(None),
        )
        .execution_options(populate_existing=True)
    )


async def latest_of(session: AsyncSession, kind: Kind, root_id: UUID) -> Revision | None:
    """Return the newest undeleted revision of a root: its draft, or what was published last."""
    return await session.scalar(
        select(kind.revision)
        .where(kind.root_column() == root_id, kind.revision.deleted_at.is_(None))
        .order_by(kind.revision.revision_number.desc())
        .limit(1)
        .execution_options(populate_existing=True)
    )


async def next_number(session: AsyncSession, kind: Kind, root_id: UUID) -> int:
    """Return the next revision number; numbers are never reused, deleted revisions count."""
    highest = await session.scalar(select(func.max(kind.revision.revision_number)).where(kind.root_column() == root_id))
    return int(highest or 0) + 1
