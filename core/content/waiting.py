"""What a thing waits for: its publication, as soon as its text is ready or at a moment, and its unpublication.

Whoever changes an action holds the lock of the thing it is about.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from core.audit.record import Actor
from core.content.kinds import Kind
from core.content.revisions import Root
from core.enums import ActionKind, ActionState
from core.inbox.models import ScheduledAction
from core.inbox.notify import PUBLICATION_FAILED, notify


async def waiting_action(
    session: AsyncSession, kind: Kind, root_id: UUID, act: ActionKind = ActionKind.PUBLISH
) -> ScheduledAction | None:
    """Return what a thing waits for, or None."""
    return await session.scalar(
        select(ScheduledAction)
        .where(
            ScheduledAction.kind == act,
            ScheduledAction.entity_type == kind.name,
            ScheduledAction.entity_id == root_id,
            ScheduledAction.state == ActionState.PENDING,
            ScheduledAction.deleted_at.is_(None),
        )
        .execution_options(populate_existing=True)
    )


async def is_due(session: AsyncSession, action: ScheduledAction) -> bool:
    """Say whether an action's moment has come."""
    # Not now(): a transaction that began before the action was written would take it for one of the future.
    return bool(await session.scalar(select(func.clock_timestamp() >= action.due_at)))


@dataclass(frozen=True, slots=True)
class Batch:
    """Things of a module that are published together or not at all."""

    id: UUID
    module_id: UUID


async def batch_of_module(session: AsyncSession, module_id: UUID) -> UUID | None:
    """Return the batch in which a module's things wait to be published, or None."""
    return await session.scalar(
        select(ScheduledAction.batch_id)
        .where(
            ScheduledAction.state == ActionState.PENDING,
            ScheduledAction.deleted_at.is_(None),
            ScheduledAction.details["module"].astext == str(module_id),
        )
        .limit(1)
    )


def wait_for_text(session: AsyncSession, actor: Actor, kind: Kind, root: Root, batch: Batch | None = None) -> None:
    """Have a thing published as soon as its text is ready; in a batch, as soon as all of that is."""
    session.add(_action(actor, kind, root, ActionKind.PUBLISH, func.now(), batch, {"queued": True}))


def wait_until(
    session: AsyncSession,
    actor: Actor,
    kind: Kind,
    root: Root,
    act: ActionKind,
    due_at: datetime,
    batch: Batch | None = None,
) -> None:
    """Have a thing published or unpublished at a moment, in a batch together with others."""
    session.add(_action(actor, kind, root, act, due_at, batch, {}))


def end(action: ScheduledAction, state: ActionState, error: str | None = None) -> None:
    """End an action's waiting."""
    action.state, action.done_at, action.error, action.retry_at = state, func.now(), error, None


async def tell_failure(session: AsyncSession, action: ScheduledAction, why: str) -> None:
    """Have who asked for an action told that it, or the batch it is in, could not be done: once for each reason."""
    if action.created_by_user_id is None:
        return
    digest = hashlib.sha256(why.encode()).hexdigest()[:16]
    await notify(
        session,
        f"{PUBLICATION_FAILED}:{action.batch_id or action.id}:{digest}",
        PUBLICATION_FAILED,
        class_id=action.class_id,
        app_user_id=action.created_by_user_id,
        details={
            "thing": action.entity_type,
            "root": str(action.entity_id),
            "act": action.kind.value,
            "queued": bool(action.details.get("queued")),
            "why": why,
        },
    )


def _action(
    actor: Actor,
    kind: Kind,
    root: Root,
    act: ActionKind,
    due_at: object,
    batch: Batch | None,
    details: dict[str, object],
) -> ScheduledAction:
    return ScheduledAction(
        kind=act,
        entity_type=kind.name,
        entity_id=root.id,
        class_id=root.class_id,
        due_at=due_at,
        batch_id=batch.id if batch else None,
        details=details | ({"module": str(batch.module_id)} if batch else {}),
        created_by_user_id=actor.user_id,
    )
