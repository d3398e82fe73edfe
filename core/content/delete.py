"""Delete softly and restore. A delete does not cascade: a hidden ancestor hides what is below it."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from core.audit.record import Actor, record
from core.content.kinds import Kind, lock_root
from core.errors import Conflict, NotFound
from core.identity.permissions import require_teacher


async def delete(session: AsyncSession, actor: Actor, kind: Kind, root_id: UUID) -> None:
    """Delete a thing softly. Raises `NotFound`, `NotPermitted`."""
    root = await lock_root(session, kind, root_id)
    await require_teacher(session, actor, root.class_id)
    root.deleted_at, root.deleted_by_user_id = func.now(), actor.user_id
    record(session, actor, f"{kind.name}.delete", kind.name, root_id, class_id=root.class_id)


async def restore(session: AsyncSession, actor: Actor, kind: Kind, root_id: UUID) -> None:
    """Bring a deleted thing back. Raises `NotFound`, `NotPermitted`, `Conflict` (something took its place)."""
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
    root.deleted_at = root.deleted_by_user_id = None
    record(session, actor, f"{kind.name}.restore", kind.name, root_id, class_id=root.class_id)
