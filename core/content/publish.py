"""Publish and unpublish: move the pointer that says what students see."""

from __future__ import annotations

from enum import StrEnum
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from core.audit.record import Actor, record
from core.content.kinds import Kind, draft_of, lock_root
from core.content.revisions import Indexed, Revision, Root
from core.enums import ActionKind, ActionState, ProcessingStatus, VisibilityState
from core.errors import NotFound, NotReady
from core.identity.permissions import require_teacher
from core.inbox.models import ScheduledAction


class Publication(StrEnum):
    """What publishing came to."""

    PUBLISHED = "published"
    QUEUED = "queued"  # the text is still being processed; it is published the moment it is ready


async def publish(session: AsyncSession, actor: Actor, kind: Kind, root_id: UUID) -> Publication:
    """Show a thing's draft to students, or queue that until its text is READY.

    Publishing again what was unpublished, with no newer draft, shows its newest published revision.
    Raises `NotFound`, `NotPermitted`, `NotReady` (the text could not be processed).
    """
    root = await lock_root(session, kind, root_id)
    await require_teacher(session, actor, root.class_id)
    revision = await draft_of(session, kind, root_id) or await _unpublished(session, kind, root)
    if revision is None:
        raise NotFound(f"This {kind.name} has no draft to publish.")
    if isinstance(revision, Indexed):
        if revision.processing_status is ProcessingStatus.FAILED:
            raise NotReady(
                f"This {kind.name} can't be published: {revision.failure_reason or 'its text could not be read.'}"
            )
        if revision.processing_status is not ProcessingStatus.READY:
            await _queue_publication(session, actor, kind, root)
            return Publication.QUEUED
    await _show(session, actor, kind, root, revision)
    return Publication.PUBLISHED


async def publish_if_queued(session: AsyncSession, actor: Actor, kind: Kind, root_id: UUID) -> bool:
    """Publish what waited for its text to be READY; with a FAILED text, the wait ends as failed. Says if published.

    Raises `NotFound`.
    """
    root = await lock_root(session, kind, root_id)
    action = await waiting_publication(session, kind, root_id)
    if action is None or not await _is_due(session, action):
        return False
    draft = await draft_of(session, kind, root_id)
    if not isinstance(draft, Indexed) or draft.processing_status in (
        ProcessingStatus.PENDING,
        ProcessingStatus.PROCESSING,
    ):
        return False
    if draft.processing_status is ProcessingStatus.FAILED:
        _end(action, ActionState.FAILED)
        action.error = draft.failure_reason
        return False
    await _show(session, actor, kind, root, draft)
    return True


async def unpublish(session: AsyncSession, actor: Actor, kind: Kind, root_id: UUID) -> None:
    """Hide a thing from students; its revisions stay.

    A draft that would be published as soon as it is READY waits no longer, or the thing would come back by itself; one
    that is scheduled for later stays scheduled. Raises `NotFound`, `NotPermitted`.
    """
    root = await lock_root(session, kind, root_id)
    await require_teacher(session, actor, root.class_id)
    action = await waiting_publication(session, kind, root_id)
    queued = action is not None and await _is_due(session, action)
    if root.published_revision_id is None and not queued:
        raise NotFound(f"This {kind.name} is not published.")
    if action is not None and queued:
        _end(action, ActionState.CANCELLED)
    before, root.published_revision_id = root.published_revision_id, None
    record(session, actor, f"{kind.name}.unpublish", kind.name, root.id, class_id=root.class_id, revision=before)


async def waiting_publication(session: AsyncSession, kind: Kind, root_id: UUID) -> ScheduledAction | None:
    """Return the publication that a thing waits for, queued or scheduled; the caller holds the root's lock."""
    return await session.scalar(
        select(ScheduledAction)
        .where(
            ScheduledAction.kind == ActionKind.PUBLISH,
            ScheduledAction.entity_type == kind.name,
            ScheduledAction.entity_id == root_id,
            ScheduledAction.state == ActionState.PENDING,
            ScheduledAction.deleted_at.is_(None),
        )
        .with_for_update()
        .execution_options(populate_existing=True)
    )


async def call_off_publication(session: AsyncSession, kind: Kind, root_id: UUID) -> None:
    """End a thing's waiting for publication, queued or scheduled; the caller holds the root's lock and audits."""
    action = await waiting_publication(session, kind, root_id)
    if action is not None:
        _end(action, ActionState.CANCELLED)


def _end(action: ScheduledAction, state: ActionState) -> None:
    action.state, action.done_at = state, func.now()


async def _is_due(session: AsyncSession, action: ScheduledAction) -> bool:
    # Not now(): a transaction that began before the action was written would take it for one of the future.
    return bool(await session.scalar(select(func.clock_timestamp() >= action.due_at)))


async def _show(session: AsyncSession, actor: Actor, kind: Kind, root: Root, revision: Revision) -> None:
    # Whatever waited for this is done now; an open wait would freeze every later draft.
    if (action := await waiting_publication(session, kind, root.id)) is not None:
        _end(action, ActionState.DONE)
    if revision.visibility_state is VisibilityState.DRAFT:
        revision.visibility_state = VisibilityState.PUBLISHED
        revision.published_at = func.now()
        await session.flush()  # the pointer's trigger wants to see it published
    before, root.published_revision_id = root.published_revision_id, revision.id
    await session.flush()
    record(
        session, actor, f"{kind.name}.publish", kind.name, root.id, class_id=root.class_id,
        revision=revision.id, before=before,
    )  # fmt: skip


async def _unpublished(session: AsyncSession, kind: Kind, root: Root) -> Revision | None:
    if root.published_revision_id is not None:
        return None
    return await session.scalar(
        select(kind.revision)
        .where(
            kind.root_column() == root.id,
            kind.revision.visibility_state == VisibilityState.PUBLISHED,
            kind.revision.deleted_at.is_(None),
        )
        .order_by(kind.revision.revision_number.desc())
        .limit(1)
    )


async def _queue_publication(session: AsyncSession, actor: Actor, kind: Kind, root: Root) -> None:
    waiting = await waiting_publication(session, kind, root.id)
    if waiting is not None and await _is_due(session, waiting):
        return
    if waiting is not None:  # scheduled for later, wanted now
        waiting.due_at = func.now()
    else:
        session.add(
            ScheduledAction(
                kind=ActionKind.PUBLISH,
                entity_type=kind.name,
                entity_id=root.id,
                class_id=root.class_id,
                due_at=func.now(),
                created_by_user_id=actor.user_id,
            )
        )
    record(session, actor, f"{kind.name}.queue_publication", kind.name, root.id, class_id=root.class_id)
