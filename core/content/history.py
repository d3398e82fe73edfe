"""What a thing's revisions were: each with who wrote it, who published it, when, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from core.audit.models import AuditLog
from core.audit.record import Actor
from core.content.conflict import Seen
from core.content.diff import Diff, diff_content
from core.content.kinds import Kind, latest_of
from core.content.parts import part_of
from core.content.revisions import Indexed, Revision, Root
from core.content.waiting import waiting_action
from core.enums import ProcessingStatus, VisibilityState
from core.errors import NotFound
from core.identity.models import AppUser
from core.identity.permissions import require_teacher

_LAST_NUMBER = 2**31 - 1  # what the column holds


class Standing(StrEnum):
    """What a revision is now."""

    DRAFT = "draft"
    LIVE = "live"  # what students see, if nothing above it is hidden
    EARLIER = "earlier"  # published once
    DISCARDED = "discarded"  # a draft that gave way when another revision was brought back


@dataclass(frozen=True, slots=True)
class Entry:
    """A revision. Names are None for the command line, an import or the system; times are aware.

    `published_at` is when it was shown first. Of a draft, `seen` is what to say to edit it or to publish it.
    """

    number: int
    seen: Seen
    standing: Standing
    title: str
    begun_by: str | None
    begun_at: datetime
    edited_by: str | None
    edited_at: datetime
    published_by: str | None
    published_at: datetime | None
    status: ProcessingStatus | None
    failure: str | None


@dataclass(frozen=True, slots=True)
class History:
    """A thing's revisions, the newest first. It waits until `due_at`, or for its text alone, when it `waits`."""

    entries: tuple[Entry, ...]
    deleted_at: datetime | None
    waits: bool
    due_at: datetime | None


async def read_history(session: AsyncSession, actor: Actor, kind: Kind, root_id: UUID) -> History:
    """Return all revisions of a thing, deleted or not, for its teachers. Raises `NotFound`, `NotPermitted`."""
    root = await _root_for(session, actor, kind, root_id)
    revisions = (
        await session.scalars(
            select(kind.revision)
            .where(kind.root_column() == root_id)
            .order_by(kind.revision.revision_number.desc())
            .execution_options(populate_existing=True)
        )
    ).all()
    publishers = await _publishers(session, kind, root_id)
    people = {each.created_by_user_id for each in revisions} | {each.updated_by_user_id for each in revisions}
    people |= set(publishers.values())
    rows = await session.execute(select(AppUser.id, AppUser.name).where(AppUser.id.in_(people - {None})))
    names: dict[UUID | None, str] = {row.id: row.name for row in rows}
    action = await waiting_action(session, kind, root_id)
    return History(
        tuple(_entry(root, each, names, publishers.get(each.id)) for each in revisions),
        root.deleted_at,
        action is not None,
        action.due_at if action is not None and not action.details.get("queued") else None,
    )


async def diff_draft(session: AsyncSession, actor: Actor, kind: Kind, root_id: UUID) -> Diff:
    """Compare what publishing would show with what students see.

    Raises `NotFound` (there is nothing to publish), `NotPermitted`.
    """
    root = await _root_for(session, actor, kind, root_id)
    part = await part_of(session, kind, root) if root.deleted_at is None else None
    if part is None:
        raise NotFound(f"This {kind.name} has no draft.")
    return diff_content(content_of(part.live) if part.live else None, content_of(part.revision))


async def diff_numbers(session: AsyncSession, actor: Actor, kind: Kind, root_id: UUID, before: int, after: int) -> Diff:
    """Compare two revisions by number. Raises `NotFound`, `NotPermitted`."""
    await _root_for(session, actor, kind, root_id)
    old, new = [await revision_numbered(session, kind, root_id, number) for number in (before, after)]
    return diff_content(content_of(old), content_of(new))


async def read_newest(session: AsyncSession, actor: Actor, kind: Kind, root_id: UUID) -> Revision:
    """Return the draft, or what was published last: what an edit form begins with. `Seen.of` it goes with the form.

    Raises `NotFound`, `NotPermitted`.
    """
    root = await _root_for(session, actor, kind, root_id)
    newest = await latest_of(session, kind, root_id) if root.deleted_at is None else None
    if newest is None:
        raise NotFound(f"There is no such {kind.name}.")
    return newest


async def revision_numbered(session: AsyncSession, kind: Kind, root_id: UUID, number: int) -> Revision:
    """Return a root's revision of any standing. Raises `NotFound`."""
    found = None
    if 0 < number <= _LAST_NUMBER:
        found = await session.scalar(
            select(kind.revision).where(kind.root_column() == root_id, kind.revision.revision_number == number)
        )
    if found is None:
        raise NotFound(f"This {kind.name} has no revision {number}.")
    return found


def content_of(revision: Revision) -> dict[str, object]:
    """Return a revision's content by column."""
    return {name: getattr(revision, name) for name in revision.content_columns}


async def _root_for(session: AsyncSession, actor: Actor, kind: Kind, root_id: UUID) -> Root:
    root = await session.get(kind.root, root_id, populate_existing=True)
    if root is None:
        raise NotFound(f"There is no such {kind.name}.")
    await require_teacher(session, actor, root.class_id)
    return root


async def _publishers(session: AsyncSession, kind: Kind, root_id: UUID) -> dict[UUID, UUID | None]:
    """Return who published each revision first; for what was scheduled or queued, nobody: the clock did."""
    rows = await session.execute(
        select(AuditLog.actor_user_id, AuditLog.details["revision"].astext.label("revision"))
        .where(
            AuditLog.entity_type == kind.name,
            AuditLog.entity_id == root_id,
            AuditLog.action == f"{kind.name}.publish",
        )
        .order_by(AuditLog.created_at.desc())
    )
    return {UUID(row.revision): row.actor_user_id for row in rows if row.revision}


def _entry(root: Root, revision: Revision, names: dict[UUID | None, str], publisher: UUID | None) -> Entry:
    if revision.id == root.published_revision_id:
        standing = Standing.LIVE
    elif revision.deleted_at is not None:
        standing = Standing.DISCARDED
    elif revision.visibility_state is VisibilityState.DRAFT:
        standing = Standing.DRAFT
    else:
        standing = Standing.EARLIER
    text = revision if isinstance(revision, Indexed) else None
    return Entry(
        number=revision.revision_number,
        seen=Seen.of(revision),
        standing=standing,
        title=revision.title,
        begun_by=names.get(revision.created_by_user_id),
        begun_at=revision.created_at,
        edited_by=names.get(revision.updated_by_user_id),
        edited_at=revision.updated_at,
        published_by=names.get(publisher),
        published_at=revision.published_at,
        status=text.processing_status if text else None,
        failure=text.failure_reason if text else None,
    )
