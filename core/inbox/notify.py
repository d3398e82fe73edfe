"""What people and channels are to be told: put once, taken by one sender at a time, posted, noted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Uuid, bindparam, func, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from core.db import Sessions, autocommit
from core.enums import NotificationState, Platform
from core.inbox.models import Notification

PUBLISHED = "published"
PUBLICATION_FAILED = "publication_failed"
LEASE = timedelta(minutes=2)  # so long a sender has between its intent and the post

# News of what students don't see (its module is hidden, or it was unpublished since) waits until they do.
_TAKE = text(
    f"""
    WITH open AS (
        SELECT n.id, n.state AS was FROM notifications n
        WHERE n.deleted_at IS NULL AND n.kind = ANY(:kinds)
            AND (n.state = 'PENDING' OR (n.state = 'INTENDED' AND n.state_changed_at + :lease < now()))
            AND (
                n.kind <> '{PUBLISHED}'
                OR EXISTS (SELECT FROM published_lesson_units v WHERE v.revision_id::text = n.details ->> 'revision')
                OR EXISTS (SELECT FROM published_assignments v WHERE v.revision_id::text = n.details ->> 'revision')
            )
        ORDER BY n.created_at, n.id LIMIT :most FOR UPDATE SKIP LOCKED
    )
    UPDATE notifications n SET state = 'INTENDED', state_changed_at = now()
    FROM open WHERE n.id = open.id
    RETURNING n.id, n.kind, n.class_id, n.app_user_id, n.details, n.created_at, open.was = 'INTENDED' AS again
    """
)
_PUT_BACK = text(
    "UPDATE notifications SET state = 'PENDING', state_changed_at = now() WHERE id = ANY(:ids) AND state = 'INTENDED'"
).bindparams(bindparam("ids", type_=ARRAY(Uuid())))


@dataclass(frozen=True, slots=True)
class ToTell:
    """A notification to post: to a person, or in the channels of a class.

    With `again` a sender died over it, so it may have been posted: look for it first. `posted` holds the messages that
    are known to be out, by channel binding; `request` is the same for what one act caused, and may be told together.
    """

    id: UUID
    kind: str
    class_id: UUID | None
    app_user_id: UUID | None
    details: Mapping[str, Any]
    again: bool

    @property
    def posted(self) -> Mapping[str, str]:
        """The message ids that are out, by channel binding."""
        found: Mapping[str, str] = self.details.get("posted", {})
        return found

    @property
    def request(self) -> str:
        """What caused it."""
        return str(self.details.get("request", self.id))


async def notify(
    session: AsyncSession,
    key: str,
    kind: str,
    *,
    class_id: UUID | None = None,
    app_user_id: UUID | None = None,
    details: Mapping[str, Any] | None = None,
) -> bool:
    """Have somebody told, in the session's transaction, once per `key`. Says whether it is new."""
    put = (
        insert(Notification)
        .values(dedupe_key=key, kind=kind, class_id=class_id, app_user_id=app_user_id, details=dict(details or {}))
        .on_conflict_do_nothing(index_elements=[Notification.dedupe_key], index_where=Notification.deleted_at.is_(None))
        .returning(Notification.id)
    )
    return await session.scalar(put) is not None


async def take_notifications(sessions: Sessions, kinds: Sequence[str], *, most: int = 50) -> list[ToTell]:
    """Take what is to be told now, oldest first; nobody else gets it until `LEASE` is over."""
    async with autocommit(sessions) as session:
        rows = (await session.execute(_TAKE, {"kinds": list(kinds), "lease": LEASE, "most": most})).all()
    rows = sorted(rows, key=lambda row: (row.created_at, row.id))
    return [ToTell(row.id, row.kind, row.class_id, row.app_user_id, row.details, row.again) for row in rows]


async def note_posted(
    session: AsyncSession, notification_id: UUID, binding_id: UUID, platform: Platform, message_id: str
) -> None:
    """Note that it stands in one of several channels; it is not done yet."""
    row = await session.get(Notification, notification_id, with_for_update=True, populate_existing=True)
    if row is not None:
        row.details = row.details | {"posted": row.details.get("posted", {}) | {str(binding_id): message_id}}
        row.platform, row.message_id, row.state_changed_at = platform, message_id, func.now()


async def note_told(
    session: AsyncSession, notification_id: UUID, state: NotificationState = NotificationState.SENT
) -> None:
    """Note that it is done: SENT, or FAILED for good."""
    await session.execute(
        update(Notification).where(Notification.id == notification_id).values(state=state, state_changed_at=func.now())
    )


async def put_back(session: AsyncSession, ids: Sequence[UUID]) -> None:
    """Let others take what could not be told now, and certainly was not posted."""
    await session.execute(_PUT_BACK, {"ids": list(ids)})
