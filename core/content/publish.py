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
    """Publish what waited for its text to be READY; with a FAILED text, the wait ends as failed. Says if published."""
    action = await session.scalar(
        select(ScheduledAction)
        .where(
            ScheduledAction.kind == ActionKind.PUBLISH,
            ScheduledAction.entity_type == kind.name,
            ScheduledAction.entity_id == root_id,
            ScheduledAction.state == ActionState.PENDING,
            ScheduledAction.due_at <= func.now(),
            ScheduledAction.deleted_at.is_(None),
        )
        .with_for_update()
    )
    if action is None:
        return False
    root = await lock_root(session, kind, root_id)
    draft = await draft_of(session, kind, root_id)
    if not isinstance(draft, Indexed) or draft.processing_status in (
        ProcessingStatus.PENDING,
        ProcessingStatus.PROCESSING,
    ):
        return False
    action.done_at = func.now()
    if draft.processing_status is ProcessingStatus.FAILED:
        action.state, action.error = ActionState.FAILED, draft.failure_reason
        return False
    action.state = ActionState.DONE
    await _show(session, actor, kind, root, draft)
    return True


async def unpublish(session: AsyncSession, actor: Actor, kind: Kind, root_id: UUID) -> None:
    """Hide a thing from students; its revisions stay. Raises `NotFound`, `NotPermitted`."""
    root = await lock_root(session, kind, root_id)
    await require_teacher(session, actor, root.class_id)
    if root.published_revision_id is None:
        raise NotFound(f"This {kind.name} is not published.")
    before, root.published_revision_id = root.published_revision_id, None
    record(session, actor, f"{kind.name}.unpublish", kind.name, root.id, class_id=root.class_id, revision=before)


async def _show(session: AsyncSession, actor: Actor, kind: Kind, root: Root, revision: Revision) -> None:
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
    waiting = await session.scalar(
        select(ScheduledAction.id).where(
            ScheduledAction.kind == ActionKind.PUBLISH,
            ScheduledAction.entity_type == kind.name,
            ScheduledAction.entity_id == root.id,
            ScheduledAction.state == ActionState.PENDING,
            ScheduledAction.deleted_at.is_(None),
        )
    )
    if waiting is not None:
        return
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
