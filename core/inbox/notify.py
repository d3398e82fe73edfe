"""What people and channels are to be told: put once, taken by one sender at a time, posted, noted.

A row is PENDING until a sender takes it; then it is INTENDED, which is stored before anything is posted. Who finds one
INTENDED whose sender is gone looks for the post first. `state_changed_at` is when it was taken, or last held; of one
that is PENDING, when it may be taken. The names in `details` that senders use are `holder`, `to`, `with`, `posted`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import ARRAY, Row, Uuid, bindparam, func, text
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.ext.asyncio import AsyncSession

from core.db import Sessions
from core.enums import NotificationState, Platform
from core.inbox.models import Notification

PUBLISHED = "published"
PUBLICATION_FAILED = "publication_failed"
PROCESSED = "material.processed"  # to who uploaded it; details: `revision`
DUE_SOON = "assignment.due_soon"  # to a student; details: `assignment`, `due_at`
UNREACHED = "grades.unreached"  # to who released grades; details: `release_id`
WITHDRAWN = "withdrawn"  # tells nobody anything: what `notification_id` in its details has shown is taken away
LEASE = timedelta(minutes=2)  # a sender that shows no life for so long is gone

# News of what students don't see (its module is hidden, or it was unpublished since) waits until they do.
_SEEN = f"""(
    n.kind <> '{PUBLISHED}'
    OR EXISTS (SELECT FROM published_lesson_units v WHERE v.revision_id::text = n.details ->> 'revision')
    OR EXISTS (SELECT FROM published_assignments v WHERE v.revision_id::text = n.details ->> 'revision')
)"""
COLUMNS = "n.id, n.kind, n.class_id, n.app_user_id, n.details, n.created_at"
_IDS = bindparam("ids", type_=ARRAY(Uuid()))
_TAKE = text(
    f"""
    WITH open AS (
        SELECT n.id, n.state AS was FROM notifications n
        WHERE n.deleted_at IS NULL AND n.kind = ANY(:kinds) AND n.details -> 'with' IS NULL
            AND n.state IN ('PENDING', 'INTENDED')
            AND n.state_changed_at <= now() - CASE n.state WHEN 'INTENDED' THEN :lease ELSE interval '0' END
            AND (n.state = 'INTENDED' OR {_SEEN})
        ORDER BY n.created_at, n.id LIMIT :most FOR UPDATE SKIP LOCKED
    )
    UPDATE notifications n
    SET state = 'INTENDED', state_changed_at = now(),
        details = n.details || jsonb_build_object('holder', CAST(:holder AS text))
    FROM open WHERE n.id = open.id
    RETURNING {COLUMNS}, open.was = 'INTENDED' AS again
    """
)
# They follow the one that was taken first, for good: after a crash the same ones are looked for, by the same tag.
_JOIN = text(
    f"""
    WITH others AS (
        SELECT n.id FROM notifications n
        WHERE n.deleted_at IS NULL AND n.kind = '{PUBLISHED}' AND n.class_id = :class_id AND n.id <> :leader
            AND n.details ->> 'request' = :request AND n.details -> 'with' IS NULL AND {_SEEN}
            AND ((n.state = 'PENDING' AND n.state_changed_at <= now()) OR (n.state = 'INTENDED' AND n.id = ANY(:ids)))
        FOR UPDATE SKIP LOCKED
    )
    UPDATE notifications n
    SET state = 'INTENDED', state_changed_at = now(),
        details = n.details || jsonb_build_object('with', CAST(:leader AS uuid))
    FROM others WHERE n.id = others.id
    RETURNING {COLUMNS}
    """
).bindparams(
    bindparam("ids", type_=ARRAY(Uuid())), bindparam("leader", type_=Uuid()), bindparam("class_id", type_=Uuid())
)
_JOINED = text(
    f"""
    SELECT {COLUMNS} FROM notifications n
    WHERE n.state = 'INTENDED' AND n.deleted_at IS NULL AND n.details ->> 'with' = ANY(:leaders)
    """
)

_HOLD = text(
    """
    UPDATE notifications SET state_changed_at = now()
    WHERE id = ANY(:ids) AND state = 'INTENDED' AND details ->> 'holder' = ANY(:holders)
    RETURNING id
    """
).bindparams(_IDS)
_AIM = text(
    """
    UPDATE notifications SET state_changed_at = now(), details = details || :more
    WHERE id = :id AND state = 'INTENDED' AND deleted_at IS NULL AND details ->> 'holder' = :holder
    RETURNING id
    """
).bindparams(bindparam("id", type_=Uuid()), bindparam("more", type_=JSONB))
_FINISH = text(
    """
    UPDATE notifications
    SET state = :state, state_changed_at = now(), details = (details - 'holder') || :more,
        platform = coalesce(CAST(:platform AS platform), platform), message_id = coalesce(:message_id, message_id)
    WHERE id = :id OR (state = 'INTENDED' AND details ->> 'with' = CAST(CAST(:id AS uuid) AS text))
    """
).bindparams(
    bindparam("id", type_=Uuid()),
    bindparam("more", type_=JSONB),
    bindparam("state", type_=Notification.__table__.c.state.type),
)
_PUT_BACK = text(
    """
    UPDATE notifications
    SET state = 'PENDING', state_changed_at = now() + CAST(:wait AS interval), details = details - 'holder' - 'with'
    WHERE id = ANY(:ids) AND state = 'INTENDED'
    """
).bindparams(_IDS)
_PUT_OFF = text(
    """
    UPDATE notifications SET state_changed_at = now() + CAST(:wait AS interval) - CAST(:lease AS interval)
    WHERE id = ANY(:ids) AND state = 'INTENDED'
    """
).bindparams(_IDS)


@dataclass(frozen=True, slots=True)
class ToTell:
    """A notification to post: to a person, or in the channels of a class.

    With `again` a sender died over it, or does not know what came of it: it may have been posted since `created_at`,
    so look for it first. `posted` holds the messages that are known to be out, by channel binding; `request` is the
    same for what one act caused, and may be told together: `also` is what is.
    """

    id: UUID
    kind: str
    class_id: UUID | None
    app_user_id: UUID | None
    details: Mapping[str, Any]
    again: bool
    created_at: datetime
    also: tuple[ToTell, ...] = ()

    @property
    def posted(self) -> Mapping[str, str]:
        """The message ids that are out, by channel binding."""
        found: Mapping[str, str] = self.details.get("posted", {})
        return found

    @property
    def request(self) -> str:
        """What caused it."""
        return str(self.details.get("request", self.id))

    @property
    def holder(self) -> str:
        """Names the taking of it; another sender that takes it has another one."""
        return str(self.details.get("holder", ""))

    @property
    def ids(self) -> list[UUID]:
        """Its id, and those of what is told with it."""
        return [self.id, *(each.id for each in self.also)]


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


async def notify_each(
    session: AsyncSession, kind: str, details: Mapping[str, Mapping[str, Any]], *, class_id: UUID
) -> None:
    """Have a class told several things of a kind, by their keys, in one statement; otherwise the same."""
    if details:
        put = insert(Notification).on_conflict_do_nothing(
            index_elements=[Notification.dedupe_key], index_where=Notification.deleted_at.is_(None)
        )
        rows = [
            {"dedupe_key": key, "kind": kind, "class_id": class_id, "details": dict(each)}
            for key, each in details.items()
        ]
        await session.execute(put, rows)


async def take_notifications(sessions: Sessions, kinds: Sequence[str], *, most: int = 50) -> list[ToTell]:
    """Take what is to be told now, oldest first; nobody else gets it while it is held, and for `LEASE` after that.

    News of one act is one: the others are in its `also`, those as well that are more than `most`.
    """
    values = {"kinds": list(kinds), "lease": LEASE, "most": most, "holder": str(uuid4())}
    async with sessions.begin() as session:
        rows = (await session.execute(_TAKE, values)).all()
        taken = [to_tell(row, again=row.again) for row in sorted(rows, key=lambda row: (row.created_at, row.id))]
        return await _join_news(session, taken)


async def hold(sessions: Sessions, held: Collection[ToTell]) -> set[UUID]:
    """Go on holding notifications; return those that are still with who took them."""
    values = {"ids": [each.id for each in held], "holders": [each.holder for each in held]}
    async with sessions.begin() as session:
        return set((await session.scalars(_HOLD, values)).all())


async def aim(sessions: Sessions, told: ToTell, **to: Any) -> bool:  # noqa: ANN401  (plain JSON)
    """Note in `details` where it is about to be posted; False when it is somebody else's by now, or withdrawn."""
    values = {"id": told.id, "holder": told.holder, "more": to}
    async with sessions.begin() as session:
        return await session.scalar(_AIM, values) is not None


async def note_posted(
    session: AsyncSession, notification_id: UUID, binding_id: UUID, platform: Platform, message_id: str
) -> None:
    """Note that it stands in one of several channels; it is not done yet."""
    row = await session.get(Notification, notification_id, with_for_update=True, populate_existing=True)
    if row is not None:
        row.details = row.details | {"posted": row.details.get("posted", {}) | {str(binding_id): message_id}}
        row.platform, row.message_id, row.state_changed_at = platform, message_id, func.now()


async def note_told(
    session: AsyncSession,
    notification_id: UUID,
    state: NotificationState = NotificationState.SENT,
    *,
    platform: Platform | None = None,
    message_id: str | None = None,
    **more: Any,  # noqa: ANN401  (plain JSON)
) -> None:
    """Note that it is done, and what is told with it: SENT, or FAILED for good; `more` goes to `details`."""
    values = {"id": notification_id, "state": state, "message_id": message_id, "more": more}
    await session.execute(_FINISH, values | {"platform": platform.value if platform else None})


async def put_back(session: AsyncSession, ids: Sequence[UUID], *, wait: timedelta = timedelta()) -> None:
    """Let others take, after a while, what could not be told now and certainly was not posted."""
    await session.execute(_PUT_BACK, {"ids": list(ids), "wait": wait})


async def put_off(session: AsyncSession, ids: Sequence[UUID], *, wait: timedelta) -> None:
    """Let others take, after a while, what may have been posted: they look for it first."""
    await session.execute(_PUT_OFF, {"ids": list(ids), "wait": wait, "lease": LEASE})


def to_tell(row: Row[Any], *, again: bool) -> ToTell:
    """Return a row of `COLUMNS` as a notification that was taken."""
    return ToTell(row.id, row.kind, row.class_id, row.app_user_id, row.details, again, row.created_at)


async def _join_news(session: AsyncSession, taken: Sequence[ToTell]) -> list[ToTell]:
    if not any(each.kind == PUBLISHED for each in taken):
        return list(taken)
    others: dict[UUID, list[ToTell]] = {}
    again = [str(each.id) for each in taken if each.again and each.kind == PUBLISHED]
    for row in await session.execute(_JOINED, {"leaders": again}):
        others.setdefault(UUID(row.details["with"]), []).append(to_tell(row, again=True))
    joined: set[UUID] = set()
    for leader in taken:
        if leader.kind == PUBLISHED and not leader.again and leader.id not in joined:
            others[leader.id] = await _join(session, leader, taken)
            joined.update(each.id for each in others[leader.id])
    return [replace(each, also=tuple(others.get(each.id, ()))) for each in taken if each.id not in joined]


async def _join(session: AsyncSession, leader: ToTell, taken: Sequence[ToTell]) -> list[ToTell]:
    fresh = [each.id for each in taken if each.request == leader.request and not each.again]
    values = {"class_id": leader.class_id, "leader": leader.id, "request": leader.request, "ids": fresh}
    return [to_tell(row, again=False) for row in await session.execute(_JOIN, values)]
