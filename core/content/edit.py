"""Edit drafts. What students see stays as it is until somebody publishes."""

from __future__ import annotations

from dataclasses import asdict
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from core.audit.record import Actor, record
from core.content.fields import Fields
from core.content.kinds import Kind, draft_of, latest_of, lock_root, next_number
from core.content.revisions import Indexed, Revision
from core.enums import ActionKind, ActionState, ProcessingStatus
from core.errors import Conflict, NotFound
from core.identity.permissions import require_teacher
from core.inbox.models import ScheduledAction
from core.materials.queueing import queue_processing
from core.ports import Queue


async def edit_draft(
    session: AsyncSession,
    actor: Actor,
    kind: Kind,
    root_id: UUID,
    fields: Fields,
    *,
    queue: Queue,
    expected_version: int | None = None,
    imported: bool = False,
) -> Revision | None:
    """Write a thing's draft, beginning one from the newest revision where there is none.

    Returns the draft, or None when nothing differs. `expected_version` is the draft's version that the editor saw (0:
    there was none): if it has moved on, raises `Conflict` with both texts in its data. `imported` marks a draft as
    the importer's own, which a later import may overwrite. Raises `NotFound`, `NotPermitted`.
    """
    root = await lock_root(session, kind, root_id)
    await require_teacher(session, actor, root.class_id)
    await refuse_while_scheduled(session, kind, root_id)
    content = asdict(fields)
    draft = await draft_of(session, kind, root_id)
    if expected_version is not None and expected_version != (draft.version if draft else 0):
        raise Conflict(
            f"Somebody else edited this {kind.name} meanwhile; nothing was overwritten.",
            mine=content,
            theirs={name: getattr(draft, name) for name in content} if draft else None,
        )
    newest = draft or await latest_of(session, kind, root_id)
    if newest is None:
        raise NotFound(f"There is no such {kind.name}.")
    if all(getattr(newest, name) == value for name, value in content.items()):
        return None
    if draft is None:
        draft = await begin_draft(session, actor, kind, root_id, content)
    else:
        for name, value in content.items():
            setattr(draft, name, value)
        draft.version += 1
        draft.updated_at = func.now()
    draft.updated_by_user_id = None if imported else actor.user_id
    if isinstance(draft, Indexed):
        await process_again(session, queue, kind, draft)
    await session.flush()
    record(
        session, actor, f"{kind.name}.edit", kind.name, root_id, class_id=root.class_id,
        revision=draft.id, version=draft.version,
    )  # fmt: skip
    return draft


async def begin_draft(
    session: AsyncSession, actor: Actor, kind: Kind, root_id: UUID, content: dict[str, object]
) -> Revision:
    """Add a root's next revision, a DRAFT with this content; the caller holds the root's lock and audits."""
    draft = kind.revision(
        **{kind.revision.root_key: root_id},
        revision_number=await next_number(session, kind, root_id),
        created_by_user_id=actor.user_id,
        updated_by_user_id=actor.user_id,
        **content,
    )
    session.add(draft)
    await session.flush()
    return draft


async def process_again(session: AsyncSession, queue: Queue, kind: Kind, draft: Revision) -> None:
    """Send a draft whose text changed back to the workers; its old chunks stay under their generation."""
    if isinstance(draft, Indexed):
        draft.processing_status = ProcessingStatus.PENDING
        draft.failure_code = draft.failure_reason = None
    await session.flush()
    await queue_processing(session, queue, kind, draft.id)


async def refuse_while_scheduled(session: AsyncSession, kind: Kind, root_id: UUID) -> None:
    """Raise `Conflict` while a thing waits to be published: what was agreed to be shown must not change under it."""
    due = await session.scalar(
        select(ScheduledAction.due_at).where(
            ScheduledAction.kind == ActionKind.PUBLISH,
            ScheduledAction.entity_type == kind.name,
            ScheduledAction.entity_id == root_id,
            ScheduledAction.state == ActionState.PENDING,
            ScheduledAction.deleted_at.is_(None),
        )
    )
    if due is not None:
        raise Conflict(f"This {kind.name} is waiting to be published, so its draft is frozen; cancel that first.")
