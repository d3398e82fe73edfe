"""Edit drafts. What students see stays as it is until somebody publishes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from uuid import UUID

from sqlalchemy import func
from sqlalchemy.ext.asyncio import AsyncSession

from core.audit.record import Actor, record
from core.content.conflict import Seen, stale
from core.content.fields import Fields
from core.content.kinds import Kind, draft_of, latest_of, lock_root, next_number
from core.content.revisions import Indexed, Revision
from core.content.waiting import waiting_action
from core.enums import ProcessingStatus
from core.errors import Conflict, NotFound
from core.identity.permissions import require_teacher
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
    seen: Seen | None = None,
    imported: bool = False,
) -> Revision | None:
    """Write a thing's draft, beginning one from the newest revision where there is none.

    Returns the draft, or None when nothing differs. `seen` is the text that the editor had before them: if another
    stands there now, or the draft waits to be published, raises `Conflict` with both texts in its data (conflict.py).
    `expected_version` asks less: that the draft has this version (0: there is none). `imported` marks a draft as the
    importer's own, which a later import may overwrite. Raises `NotFound`, `NotPermitted`.
    """
    root = await lock_root(session, kind, root_id)
    await require_teacher(session, actor, root.class_id)
    content = asdict(fields)
    draft = await draft_of(session, kind, root_id)
    newest = draft or await latest_of(session, kind, root_id)
    if newest is None:
        raise NotFound(f"There is no such {kind.name}.")
    await refuse_while_scheduled(session, kind, root_id, mine=content)
    if expected_version is not None and expected_version != (draft.version if draft else 0):
        raise stale(kind, newest, content)
    if all(getattr(newest, name) == value for name, value in content.items()):
        return None
    if seen is not None and seen != Seen.of(newest):
        raise stale(kind, newest, content)
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


async def refuse_while_scheduled(
    session: AsyncSession, kind: Kind, root_id: UUID, *, mine: Mapping[str, object] | None = None
) -> None:
    """Raise `Conflict` while a thing waits to be published: what was agreed to be shown must not change under it.

    Its data keep `mine`, what somebody wrote, and `due_at`, None where it waits for its text alone.
    """
    action = await waiting_action(session, kind, root_id)
    if action is not None:
        due_at = None if action.details.get("queued") else action.due_at
        raise Conflict(
            f"This {kind.name} is waiting to be published, so its draft is frozen; cancel that first.",
            mine=mine,
            due_at=due_at,
        )
