"""Publish and unpublish: move the pointer that says what students see."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncSession

from core.audit.record import Actor, audit_row, record, record_all
from core.content.announce import announce
from core.content.conflict import Seen, stale
from core.content.kinds import Kind, draft_of, lock_root
from core.content.revisions import Indexed, Revision, Root
from core.content.waiting import (
    begun_at,
    end,
    is_due,
    tell_failure,
    wait_for_text,
    waiting_action,
    waiting_actions,
)
from core.enums import ActionState, ProcessingStatus, VisibilityState
from core.errors import NotFound, NotReady
from core.identity.permissions import require_teacher


class Publication(StrEnum):
    """What publishing came to."""

    PUBLISHED = "published"
    QUEUED = "queued"  # the text is still being processed; it is published the moment it is ready


async def publish(
    session: AsyncSession, actor: Actor, kind: Kind, root_id: UUID, *, seen: Seen | None = None
) -> Publication:
    """Show a thing's draft to students, or queue that until its text is READY.

    Publishing again what was unpublished, with no newer draft, shows its newest published revision. `seen` is the text
    that the person was shown before they confirmed. Raises `NotFound`, `NotPermitted`, `Conflict` (another text is
    there to be published by now), `NotReady` (the text could not be processed).
    """
    root = await lock_root(session, kind, root_id)
    await require_teacher(session, actor, root.class_id)
    revision = await to_publish(session, kind, root)
    if revision is None:
        raise NotFound(f"This {kind.name} has no draft to publish.")
    if seen is not None and seen != Seen.of(revision):
        raise stale(kind, revision)
    if (reason := why_unreadable(revision)) is not None:
        raise NotReady(f"This {kind.name} can't be published: {reason}")
    if not is_ready(revision):
        await _queue_publication(session, actor, kind, root)
        return Publication.QUEUED
    await show(session, actor, kind, root, revision)
    return Publication.PUBLISHED


async def publish_if_queued(session: AsyncSession, actor: Actor, kind: Kind, root_id: UUID) -> bool:
    """Publish what waited for its text to be READY, and say if that was so.

    With a FAILED text the wait ends as failed, and who asked is told; but one for a moment that has come goes on, with
    the reason. What is published together with other things is left to the clock. Raises `NotFound`.
    """
    root = await lock_root(session, kind, root_id)
    action = await waiting_action(session, kind, root_id)
    if action is None or action.batch_id is not None or not await is_due(session, action):
        return False
    draft = await draft_of(session, kind, root_id)
    if draft is None:
        return False
    if (reason := why_unreadable(draft)) is not None:
        if action.details.get("queued"):
            end(action, ActionState.FAILED, reason)
            await tell_failure(session, action, reason)
        else:
            action.error = reason
        return False
    if not is_ready(draft):
        return False
    await show(session, actor, kind, root, draft)
    return True


async def unpublish(session: AsyncSession, actor: Actor, kind: Kind, root_id: UUID) -> None:
    """Hide a thing from students; its revisions stay, and what hangs on it is hidden with it.

    A draft that would be published as soon as it is READY waits no longer, or the thing would come back by itself; one
    that is scheduled for later stays scheduled. Raises `NotFound`, `NotPermitted`.
    """
    root = await lock_root(session, kind, root_id)
    await require_teacher(session, actor, root.class_id)
    action = await waiting_action(session, kind, root_id)
    queued = action is not None and await is_due(session, action)
    if root.published_revision_id is None and not queued:
        raise NotFound(f"This {kind.name} is not published.")
    if action is not None and queued:
        end(action, ActionState.CANCELLED)
    before, root.published_revision_id = root.published_revision_id, None
    record(session, actor, f"{kind.name}.unpublish", kind.name, root.id, class_id=root.class_id, revision=before)


async def to_publish(session: AsyncSession, kind: Kind, root: Root) -> Revision | None:
    """Return what publishing would show: the draft, else what was shown last of a thing that is unpublished."""
    return (await all_to_publish(session, kind, [root])).get(root.id)


async def all_to_publish(session: AsyncSession, kind: Kind, roots: Sequence[Root]) -> dict[UUID, Revision]:
    """Return the same of each of these roots that has something to show, in one query."""
    root_id, state = kind.root_column(), kind.revision.visibility_state
    hidden = [root.id for root in roots if root.published_revision_id is None]
    revisions = await session.scalars(
        select(kind.revision)
        .where(
            root_id.in_([root.id for root in roots]),
            kind.revision.deleted_at.is_(None),
            or_(state == VisibilityState.DRAFT, root_id.in_(hidden)),
        )
        .ext(distinct_on(root_id))
        .order_by(root_id, (state == VisibilityState.DRAFT).desc(), kind.revision.revision_number.desc())
        .execution_options(populate_existing=True)
    )
    return {getattr(each, kind.revision.root_key): each for each in revisions}


def why_unreadable(revision: Revision) -> str | None:
    """Return why a revision's text could not be processed, or None."""
    if isinstance(revision, Indexed) and revision.processing_status is ProcessingStatus.FAILED:
        return revision.failure_reason or "its text could not be read."
    return None


def is_ready(revision: Revision) -> bool:
    """Say whether a revision's text, where it has one that is searched, is processed."""
    return not isinstance(revision, Indexed) or revision.processing_status is ProcessingStatus.READY


async def show(session: AsyncSession, actor: Actor, kind: Kind, root: Root, revision: Revision) -> None:
    """Let students see a revision from now on; the caller holds the root's lock and has asked for permission."""
    await show_all(session, actor, [(kind, root, revision)])


async def show_all(session: AsyncSession, actor: Actor, shown: Sequence[tuple[Kind, Root, Revision]]) -> None:
    """Let students see revisions of a class from now on, in as many statements as for one. The rest is as by `show`."""
    now = await begun_at(session)
    # Whatever waited for this is done now; an open wait would freeze every later draft.
    for action in (await waiting_actions(session, {(kind.name, root.id) for kind, root, _ in shown})).values():
        end(action, ActionState.DONE, now=now)
    for _, _, revision in shown:
        if revision.visibility_state is VisibilityState.DRAFT:
            revision.visibility_state, revision.published_at = VisibilityState.PUBLISHED, now
    await session.flush()  # the pointers' trigger wants to see them published
    rows = [
        audit_row(
            actor, f"{kind.name}.publish", kind.name, root.id, class_id=root.class_id,
            revision=revision.id, before=root.published_revision_id,
        )
        for kind, root, revision in shown
    ]  # fmt: skip
    for _, root, revision in shown:
        root.published_revision_id = revision.id
    await session.flush()
    await record_all(session, rows)
    await announce(session, actor, shown)


async def _queue_publication(session: AsyncSession, actor: Actor, kind: Kind, root: Root) -> None:
    waiting = await waiting_action(session, kind, root.id)
    if waiting is not None and waiting.batch_id is None and await is_due(session, waiting):
        return
    if waiting is not None:  # scheduled for later, wanted now
        end(waiting, ActionState.CANCELLED)
        await session.flush()
    wait_for_text(session, actor, kind, root)
    record(session, actor, f"{kind.name}.queue_publication", kind.name, root.id, class_id=root.class_id)
