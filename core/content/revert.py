"""Revert: an old revision's content becomes a new draft; nothing students see changes."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from core.audit.record import Actor, record
from core.content.conflict import Seen, stale
from core.content.edit import begin_draft, process_again, refuse_while_scheduled
from core.content.kinds import Kind, draft_of, latest_of, lock_root
from core.content.revisions import Revision
from core.errors import NotFound
from core.identity.permissions import require_teacher
from core.ports import Queue

_LAST_NUMBER = 2**31 - 1  # what the column holds


async def revert(
    session: AsyncSession,
    actor: Actor,
    kind: Kind,
    root_id: UUID,
    revision_number: int,
    *,
    queue: Queue,
    seen: Seen | None = None,
) -> Revision:
    """Copy an old revision into a new DRAFT; a draft that stood is kept in the history, deleted softly.

    `seen` is the newest text that the person knew of. Raises `NotFound`, `NotPermitted`, `Conflict` (the draft waits to
    be published, or another text stands there than was seen).
    """
    root = await lock_root(session, kind, root_id)
    await require_teacher(session, actor, root.class_id)
    await refuse_while_scheduled(session, kind, root_id)
    old = None
    if 0 < revision_number <= _LAST_NUMBER:
        old = await session.scalar(
            select(kind.revision).where(kind.root_column() == root_id, kind.revision.revision_number == revision_number)
        )
    if old is None:
        raise NotFound(f"This {kind.name} has no revision {revision_number}.")
    newest = await latest_of(session, kind, root_id)
    if seen is not None and newest is not None and seen != Seen.of(newest):
        raise stale(kind, newest, {name: getattr(old, name) for name in kind.revision.content_columns})
    draft = await draft_of(session, kind, root_id)
    if draft is not None:
        draft.deleted_at, draft.deleted_by_user_id = func.now(), actor.user_id
        await session.flush()
    content = {name: getattr(old, name) for name in kind.revision.content_columns}
    draft = await begin_draft(session, actor, kind, root_id, content)
    if kind.indexed:
        await process_again(session, queue, kind, draft)
    record(
        session, actor, f"{kind.name}.revert", kind.name, root_id, class_id=root.class_id,
        revision=draft.id, from_revision=old.id,
    )  # fmt: skip
    return draft
