"""Delete softly and restore. A delete does not cascade: a hidden ancestor hides what is below it."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from core.audit.record import Actor, record
from core.content.kinds import Kind, lock_root
from core.content.models import LessonUnit
from core.content.publish import call_off_publication
from core.content.revisions import Root
from core.errors import Conflict, NotFound
from core.identity.permissions import require_teacher


async def delete(session: AsyncSession, actor: Actor, kind: Kind, root_id: UUID) -> None:
    """Delete a thing softly; it waits for publication no longer. Raises `NotFound`, `NotPermitted`."""
    root = await lock_root(session, kind, root_id)
    await require_teacher(session, actor, root.class_id)
    await call_off_publication(session, kind, root_id)
    root.deleted_at, root.deleted_by_user_id = func.now(), actor.user_id
    record(session, actor, f"{kind.name}.delete", kind.name, root_id, class_id=root.class_id)


async def restore(session: AsyncSession, actor: Actor, kind: Kind, root_id: UUID) -> None:
    """Bring a deleted thing back, last where another has its number now.

    Raises `NotFound`, `NotPermitted`, `Conflict` (it was imported again meanwhile).
    """
    root = await lock_root(session, kind, root_id, deleted=True)
    await require_teacher(session, actor, root.class_id)
    if root.deleted_at is None:
        raise NotFound(f"This {kind.name} is not deleted.")
    if root.external_id is not None and await session.scalar(
        select(kind.root.id).where(
            kind.root.class_id == root.class_id,
            kind.root.import_source == root.import_source,
            kind.root.external_id == root.external_id,
            kind.root.deleted_at.is_(None),
        )
    ):
        raise Conflict(f"Another {kind.name} was imported from the same file meanwhile; delete that one first.")
    await _give_place(session, kind, root)
    root.deleted_at = root.deleted_by_user_id = None
    record(session, actor, f"{kind.name}.restore", kind.name, root_id, class_id=root.class_id)


async def _give_place(session: AsyncSession, kind: Kind, root: Root) -> None:
    """Two lessons of one module would both be 2.3; what stayed keeps the number."""
    siblings = [kind.root.class_id == root.class_id, kind.root.deleted_at.is_(None)]
    if isinstance(root, LessonUnit):
        siblings.append(LessonUnit.module_id == root.module_id)
    last, taken = (
        await session.execute(
            select(func.max(kind.root.position), func.bool_or(kind.root.position == root.position)).where(*siblings)
        )
    ).one()
    if taken:
        root.position = last + 1
