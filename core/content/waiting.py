"""What a thing waits for: its publication, as soon as its text is ready or at a moment, and its unpublication.

Whoever changes an action holds the lock of the thing it is about.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import func, insert, select
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
    return (await waiting_actions(session, {(kind.name, root_id)}, act)).get((kind.name, root_id))


async def waiting_actions(
    session: AsyncSession, things: Collection[tuple[str, UUID]], act: ActionKind = ActionKind.PUBLISH
) -> dict[tuple[str, UUID], ScheduledAction]:
    """Return what each of these things (kind and id) waits for, of those that do, in one query."""
    actions = await session.scalars(
        select(ScheduledAction)
        .where(
            ScheduledAction.kind == act,
            ScheduledAction.entity_type.in_({name for name, _ in things}),
            ScheduledAction.entity_id.in_({root_id for _, root_id in things}),
            ScheduledAction.state == ActionState.PENDING,
            ScheduledAction.deleted_at.is_(None),
        )
        .execution_options(populate_existing=True)
    )
    return {(each.entity_type, each.entity_id): each for each in actions}


async def begun_at(session: AsyncSession) -> datetime:
    """Return when the transaction began, which is what `now()` says: a value, so that many rows are written at once."""
    return (await session.execute(select(func.now()))).scalar_one()


async def is_due(session: AsyncSession, action: ScheduledAction) -> bool:
    """Say whether an action's moment has come."""
    # Not now(): a transaction that began before the action was written would take it for one of the future.
    return bool(await session.scalar(select(func.clock_timestamp() >= action.due_at)))


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


def wait_for_text(session: AsyncSession, actor: Actor, kind: Kind, root: Root) -> None:
    """Have a thing published as soon as its text is ready."""
    session.add(ScheduledAction(**_row(actor, kind, root, ActionKind.PUBLISH, func.now(), {"queued": True})))


def wait_until(session: AsyncSession, actor: Actor, kind: Kind, root: Root, act: ActionKind, due_at: datetime) -> None:
    """Have a thing published or unpublished at a moment."""
    session.add(ScheduledAction(**_row(actor, kind, root, act, due_at, {})))


async def wait_together(
    session: AsyncSession,
    actor: Actor,
    module_id: UUID,
    things: Iterable[tuple[Kind, Root]],
    due_at: datetime | None = None,
) -> UUID:
    """Have things of a module published together or not at all: at a moment, or as soon as the text of all is ready.

    Returns their batch.
    """
    batch_id, at = uuid4(), due_at or await begun_at(session)
    details = {"module": str(module_id)} | ({} if due_at else {"queued": True})
    rows = [_row(actor, kind, root, ActionKind.PUBLISH, at, details) | {"batch_id": batch_id} for kind, root in things]
    await session.flush()
    await session.execute(insert(ScheduledAction), rows)
    return batch_id


def end(action: ScheduledAction, state: ActionState, error: str | None = None, *, now: datetime | None = None) -> None:
    """End an action's waiting."""
    action.state, action.done_at, action.error, action.retry_at = state, now or func.now(), error, None


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


def _row(
    actor: Actor, kind: Kind, root: Root, act: ActionKind, due_at: object, details: Mapping[str, object]
) -> dict[str, Any]:
    return {
        "kind": act,
        "entity_type": kind.name,
        "entity_id": root.id,
        "class_id": root.class_id,
        "due_at": due_at,
        "details": dict(details),
        "created_by_user_id": actor.user_id,
    }
