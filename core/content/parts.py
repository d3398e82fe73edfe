"""What is published together: one thing, or a module with everything in it that has a draft."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from core.assignments.models import Assignment
from core.content.kinds import ASSIGNMENT, LESSON, MATERIAL, MODULE, Kind
from core.content.models import LessonUnit
from core.content.publish import to_publish
from core.content.revisions import Revision, Root
from core.enums import VisibilityState
from core.errors import NotFound
from core.materials.models import LessonUnitMaterial, Material

# Whoever locks several things locks them in this order, and those of a kind by id: so nobody waits in a circle.
IN_ORDER = (MODULE, LESSON, MATERIAL, ASSIGNMENT)


@dataclass(frozen=True, slots=True)
class Part:
    """A thing that is to be published, the revision that students would see, and the one they see now."""

    kind: Kind
    root: Root
    revision: Revision
    live: Revision | None

    @property
    def name(self) -> str:
        """What identifies this very text: kind, id, revision and version."""
        return f"{self.kind.name} {self.root.id} {self.revision.revision_number}.{self.revision.version}"


async def part_of(session: AsyncSession, kind: Kind, root: Root) -> Part | None:
    """Return what publishing this thing would show, or None."""
    revision = await to_publish(session, kind, root)
    if revision is None:
        return None
    live = None
    if root.published_revision_id is not None:
        live = await session.get(kind.revision, root.published_revision_id)
    return Part(kind, root, revision, live)


async def parts_of_module(session: AsyncSession, module: Root, *, lock: bool) -> list[Part]:
    """Return the module if it has something to publish, then its lessons, their materials and its assignments' drafts.

    What was unpublished and has no draft stays hidden: somebody hid it on purpose. With `lock` everything in the
    module is locked, drafts or not, so that nothing comes or goes until the transaction ends; the caller holds the
    module's lock.
    """
    own = await part_of(session, MODULE, module)
    lessons = await _living(session, LessonUnit, [LessonUnit.module_id == module.id], lock=lock)
    lesson_ids = [each.id for each in lessons]
    linked = select(LessonUnitMaterial.material_id).where(
        LessonUnitMaterial.lesson_unit_id.in_(lesson_ids), LessonUnitMaterial.deleted_at.is_(None)
    )
    materials = await _living(
        session, Material, [Material.id.in_(linked), Material.class_id == module.class_id], lock=lock
    )
    belongs = or_(Assignment.module_id == module.id, Assignment.lesson_unit_id.in_(lesson_ids))
    assignments = await _living(session, Assignment, [belongs, Assignment.class_id == module.class_id], lock=lock)
    return [
        *([own] if own is not None else []),
        *await _drafts(session, LESSON, lessons),
        *await _drafts(session, MATERIAL, materials),
        *await _drafts(session, ASSIGNMENT, assignments),
    ]


async def load_root(session: AsyncSession, kind: Kind, root_id: UUID) -> Root:
    """Return a living root without locking it. Raises `NotFound`."""
    root = await session.get(kind.root, root_id, populate_existing=True)
    if root is None or root.deleted_at is not None:
        raise NotFound(f"There is no such {kind.name}.")
    return root


async def _living(session: AsyncSession, table: Any, where: Iterable[Any], *, lock: bool) -> list[Any]:  # noqa: ANN401  (any of three roots)
    statement = select(table).where(table.deleted_at.is_(None), *where).order_by(table.id)
    if lock:
        statement = statement.with_for_update()
    rows = await session.scalars(statement.execution_options(populate_existing=True))
    return list(rows)


async def _drafts(session: AsyncSession, kind: Kind, roots: Sequence[Root]) -> list[Part]:
    """Return the parts of those roots that have a draft, in their order for people."""
    of_root = kind.root_column()
    drafts = await session.scalars(
        select(kind.revision)
        .where(
            of_root.in_([root.id for root in roots]),
            kind.revision.visibility_state == VisibilityState.DRAFT,
            kind.revision.deleted_at.is_(None),
        )
        .execution_options(populate_existing=True)
    )
    draft_of = {getattr(draft, kind.revision.root_key): draft for draft in drafts}
    shown = [root.published_revision_id for root in roots if root.id in draft_of and root.published_revision_id]
    live = await session.scalars(select(kind.revision).where(kind.revision.id.in_(shown)))
    live_of: dict[UUID | None, Revision] = {each.id: each for each in live}
    return [
        Part(kind, root, draft_of[root.id], live_of.get(root.published_revision_id))
        for root in sorted(roots, key=lambda root: (root.position, root.id))
        if root.id in draft_of
    ]
