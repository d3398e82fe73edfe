"""Delete softly and restore. A delete does not cascade: a hidden ancestor hides what is below it."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from core.audit.record import Actor, record
from core.content.kinds import Kind, lock_root
from core.content.models import LessonUnit
from core.content.move import lock_order
from core.content.revisions import Root
from core.content.waiting import end, waiting_action
from core.enums import ActionKind, ActionState
from core.errors import Conflict, NotFound
from core.identity.permissions import require_teacher

_IMPORTED = "Another {} was imported from the same file meanwhile; delete that one first."


async def delete(session: AsyncSession, actor: Actor, kind: Kind, root_id: UUID) -> None:
    """Delete a thing softly; it waits for nothing any longer. Raises `NotFound`, `NotPermitted`."""
    root = await lock_root(session, kind, root_id)
    await require_teacher(session, actor, root.class_id)
    for act in (ActionKind.PUBLISH, ActionKind.UNPUBLISH):
        if (action := await waiting_action(session, kind, root_id, act)) is not None:
            end(action, ActionState.CANCELLED)
    root.deleted_at, root.deleted_by_user_id = func.now(), actor.user_id
    record(session, actor, f"{kind.name}.delete", kind.name, root_id, class_id=root.class_id)


async def restore(session: AsyncSession, actor: Actor, kind: Kind, root_id: UUID) -> None:
    """Bring a deleted thing back, last where another has its number now.

    Raises `NotFound`, `NotPermitted`, `Conflict` (it was imported again meanwhile).
    """
    place = await session.get(kind.root, root_id, populate_existing=True)
    if place is None:
        raise NotFound(f"There is no such {kind.name}.")
    module_id = place.module_id if isinstance(place, LessonUnit) else None
    await lock_order(session, place.class_id, module_id)
    root = await lock_root(session, kind, root_id, deleted=True)
    await require_teacher(session, actor, root.class_id)
    if isinstance(root, LessonUnit) and root.module_id != module_id:  # restored and moved at this very moment
        raise Conflict("Somebody else moved this lesson meanwhile.")
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
        raise Conflict(_IMPORTED.format(kind.name))
    await _give_place(session, kind, root)
    root.deleted_at = root.deleted_by_user_id = None
    try:
        async with session.begin_nested():
            await session.flush()
    except IntegrityError as error:  # imported at this very moment, into another module
        raise Conflict(_IMPORTED.format(kind.name)) from error
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
