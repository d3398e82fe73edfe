"""Publish or unpublish at a moment: put it down, call it off, list what is to come. The clock does it (due.py)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncSession

from core.audit.record import Actor, audit_row, record_all
from core.classes.models import Class
from core.content.conflict import Seen, stale
from core.content.import_times import zone_named
from core.content.kinds import KINDS, MODULE, Kind, lock_root, lock_roots
from core.content.moments import Moment, read_moment
from core.content.parts import IN_ORDER, Part
from core.content.publish import to_publish, why_unreadable
from core.content.publish_module import lock_module_parts
from core.content.readiness import Finding
from core.content.revisions import Root
from core.content.waiting import (
    batch_of_module,
    begun_at,
    end,
    wait_together,
    wait_until,
    waiting_action,
    waiting_actions,
)
from core.enums import ActionKind, ActionState, VisibilityState
from core.errors import Conflict, InvalidInput, NotFound, NotReady
from core.identity.permissions import require_teacher
from core.inbox.models import ScheduledAction

# What the audit log calls them.
_DOING = {ActionKind.PUBLISH: "publication", ActionKind.UNPUBLISH: "unpublishing"}


@dataclass(frozen=True, slots=True)
class Scheduled:
    """Something to come. Without `at` it happens as soon as its text is ready; `error` is why it did not yet.

    Things of one `batch_id` happen together, with the module `module_id`; `retry_at` is when it is tried again.
    """

    act: ActionKind
    kind: str
    root_id: UUID
    title: str
    at: datetime | None
    batch_id: UUID | None
    module_id: UUID | None
    error: str | None
    retry_at: datetime | None
    by_user_id: UUID | None


async def read_class_moment(session: AsyncSession, class_id: UUID, said: str) -> Moment:
    """Read a moment in a class's time zone. Raises `InvalidInput`, `NotFound`."""
    zone = await session.scalar(select(Class.time_zone).where(Class.id == class_id, Class.deleted_at.is_(None)))
    if zone is None:
        raise NotFound("There is no such class.")
    return read_moment(said, zone_named(zone), datetime.now(UTC))


async def schedule(
    session: AsyncSession,
    actor: Actor,
    kind: Kind,
    root_id: UUID,
    act: ActionKind,
    at: datetime,
    *,
    seen: Seen | None = None,
) -> None:
    """Have a thing published or unpublished at an aware moment; what is to be published can't be edited until then.

    Raises `NotFound` (nothing to publish), `NotPermitted`, `Conflict` (it waits already, or `seen` is not what would
    be published), `NotReady` (its text could not be processed), `InvalidInput` (the moment is past).
    """
    root = await lock_root(session, kind, root_id)
    await require_teacher(session, actor, root.class_id)
    _require_future(at)
    if act is ActionKind.PUBLISH:
        revision = await to_publish(session, kind, root)
        if revision is None:
            raise NotFound(f"This {kind.name} has no draft to publish.")
        if seen is not None and seen != Seen.of(revision):
            raise stale(kind, revision)
        if (reason := why_unreadable(revision)) is not None:
            raise NotReady(f"This {kind.name} can't be published: {reason}")
    elif act is not ActionKind.UNPUBLISH:
        raise InvalidInput
    elif root.published_revision_id is None and await waiting_action(session, kind, root_id) is None:
        raise NotFound(f"This {kind.name} is not published.")
    await _refuse_waiting(session, kind, root_id, act)
    wait_until(session, actor, kind, root, act, at)
    await session.flush()
    await record_all(session, [_row(actor, kind, root, f"schedule_{_DOING[act]}", at=at.isoformat())])


async def schedule_module(
    session: AsyncSession,
    actor: Actor,
    module_id: UUID,
    at: datetime,
    *,
    seen: str | None = None,
    anyway: bool = False,
) -> tuple[Sequence[Part], Sequence[Finding]]:
    """Have a module published at a moment with everything in it that has a draft now, together or not at all.

    What waits on its own already keeps its own moment. Returns what will be published, and what the teacher should
    know. Raises as `publish_module` and `schedule` do.
    """
    parts, findings = await lock_module_parts(session, actor, module_id, seen=seen, anyway=anyway)
    _require_future(at)
    if await batch_of_module(session, module_id) is not None:
        raise Conflict("This module waits to be published already; cancel that first.")
    waiting = await waiting_actions(session, {(part.kind.name, part.root.id) for part in parts})
    mine = [part for part in parts if (part.kind.name, part.root.id) not in waiting]
    if not mine:
        raise Conflict("Everything in this module waits to be published already; cancel that first.")
    batch = await wait_together(session, actor, module_id, [(part.kind, part.root) for part in mine], at)
    rows = [_row(actor, part.kind, part.root, "schedule_publication", at=at.isoformat(), batch=batch) for part in mine]
    await record_all(session, rows)
    return mine, findings


async def cancel_schedule(
    session: AsyncSession, actor: Actor, kind: Kind, root_id: UUID, act: ActionKind = ActionKind.PUBLISH
) -> tuple[tuple[str, UUID], ...]:
    """Call off what a thing waits for, at a moment or for its text; of a module also what was to come with it.

    Returns the things (kind and id) that wait no longer. Raises `NotFound`, `NotPermitted`.
    """
    root = await lock_root(session, kind, root_id)
    await require_teacher(session, actor, root.class_id)
    things = [(kind, root)]
    if kind is MODULE and act is ActionKind.PUBLISH:
        things += await _waiting_in(session, root)
    waiting = await waiting_actions(session, {(each.name, thing.id) for each, thing in things}, act)
    now = await begun_at(session)
    called_off = [(each, thing) for each, thing in things if (each.name, thing.id) in waiting]
    if not called_off:
        raise NotFound(f"This {kind.name} waits for nothing.")
    for action in waiting.values():
        end(action, ActionState.CANCELLED, now=now)
    await session.flush()
    await record_all(session, [_row(actor, each, thing, f"call_off_{_DOING[act]}") for each, thing in called_off])
    return tuple((each.name, thing.id) for each, thing in called_off)


async def list_scheduled(
    session: AsyncSession, actor: Actor, class_id: UUID, root_id: UUID | None = None
) -> list[Scheduled]:
    """Return what is to come in a class (or for one thing of it), the soonest first. Raises `NotPermitted`."""
    await require_teacher(session, actor, class_id)
    of_thing = [ScheduledAction.entity_id == root_id] if root_id is not None else []
    rows = await session.scalars(
        select(ScheduledAction)
        .where(
            ScheduledAction.class_id == class_id,
            *of_thing,
            ScheduledAction.kind.in_(_DOING),
            ScheduledAction.state == ActionState.PENDING,
            ScheduledAction.deleted_at.is_(None),
        )
        .order_by(ScheduledAction.due_at, ScheduledAction.created_at, ScheduledAction.id)
        .execution_options(populate_existing=True)
    )
    actions = rows.all()
    titles: dict[UUID, str] = {}
    for kind in KINDS.values():
        if ids := {each.entity_id for each in actions if each.entity_type == kind.name}:
            titles |= await _titles(session, kind, ids)
    return [
        Scheduled(
            each.kind, each.entity_type, each.entity_id, titles.get(each.entity_id, ""),
            None if each.details.get("queued") else each.due_at, each.batch_id, _module_of(each),
            each.error, each.retry_at, each.created_by_user_id,
        )
        for each in actions
    ]  # fmt: skip


async def _titles(session: AsyncSession, kind: Kind, ids: Collection[UUID]) -> dict[UUID, str]:
    """Return what things are called once they are published: as their drafts say, else as they are or were shown."""
    root_id, revision = kind.root_column(), kind.revision
    draft = revision.visibility_state == VisibilityState.DRAFT
    shown = or_(kind.root.published_revision_id.is_(None), kind.root.published_revision_id == revision.id)
    rows = await session.execute(
        select(root_id.label("root_id"), revision.title)
        .join(kind.root, kind.root.id == root_id)
        .where(root_id.in_(ids), revision.deleted_at.is_(None), or_(draft, shown))
        .ext(distinct_on(root_id))
        .order_by(root_id, draft.desc(), revision.revision_number.desc())
    )
    return {row.root_id: row.title for row in rows}


async def _waiting_in(session: AsyncSession, module: Root) -> list[tuple[Kind, Root]]:
    """Return what waits to be published with a module, locked in order, without the module itself.

    There may be several batches of it: what was moved elsewhere while it waited stays in the older one.
    """
    actions = await session.scalars(
        select(ScheduledAction).where(
            ScheduledAction.state == ActionState.PENDING,
            ScheduledAction.deleted_at.is_(None),
            ScheduledAction.details["module"].astext == str(module.id),
        )
    )
    things = {(action.entity_type, action.entity_id) for action in actions} - {(MODULE.name, module.id)}
    locked: list[tuple[Kind, Root]] = []
    for kind in IN_ORDER:
        if ids := {root_id for name, root_id in things if name == kind.name}:
            locked += [(kind, root) for root in await lock_roots(session, kind, ids)]
    return locked


def _module_of(action: ScheduledAction) -> UUID | None:
    return UUID(str(action.details["module"])) if "module" in action.details else None


def _require_future(at: datetime) -> None:
    if at.tzinfo is None:
        raise InvalidInput("A moment needs a time zone.")
    if at <= datetime.now(UTC):
        raise InvalidInput("That moment is past.")


async def _refuse_waiting(session: AsyncSession, kind: Kind, root_id: UUID, act: ActionKind) -> None:
    action = await waiting_action(session, kind, root_id, act)
    if action is not None:
        what = f"be {'published' if act is ActionKind.PUBLISH else 'unpublished'}"
        due_at = None if action.details.get("queued") else action.due_at
        raise Conflict(f"This {kind.name} waits to {what} already; cancel that first.", due_at=due_at)


def _row(actor: Actor, kind: Kind, root: Root, action: str, **details: object) -> dict[str, Any]:
    return audit_row(actor, f"{kind.name}.{action}", kind.name, root.id, class_id=root.class_id, **details)
