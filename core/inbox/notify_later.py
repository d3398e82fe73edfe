"""What people could not be told: it waits until they come by themselves, and their teachers see why."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ARRAY, Boolean, Text, bindparam, func, literal, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from core.audit.record import Actor
from core.db import Sessions
from core.enums import NotificationState
from core.events import Sender
from core.identity.models import AppUser
from core.identity.permissions import require_teacher
from core.identity.raising import LINK_STANDS
from core.inbox.models import Notification
from core.inbox.notify import COLUMNS, UNREACHED, WITHDRAWN, ToTell, to_tell

# It is taken as a sender takes it, so that it is shown once; a process that dies over it leaves it to the senders.
_TAKE_WAITING = text(
    f"""
    UPDATE notifications n
    SET state = 'INTENDED', state_changed_at = now(), details = n.details - 'waits'
    FROM (
        SELECT u.id FROM workspaces w
        JOIN workspace_identities i
            ON i.workspace_id = w.id AND i.platform_user_id = :user AND i.deleted_at IS NULL
        JOIN app_users u ON u.id = i.app_user_id AND u.deleted_at IS NULL
        WHERE w.platform::text = :platform AND w.external_id = :workspace AND w.deleted_at IS NULL
            AND w.revoked_at IS NULL AND {LINK_STANDS}
        UNION ALL
        SELECT u.id FROM app_users u WHERE :platform = 'TERMINAL' AND u.email = :user AND u.deleted_at IS NULL
    ) who
    WHERE n.app_user_id = who.id AND n.deleted_at IS NULL AND n.kind = ANY(:kinds)
        AND (
            (n.state = 'FAILED' AND n.details ->> 'waits' = 'yes')
            OR (n.state = 'PENDING' AND n.state_changed_at <= now() AND :platform = 'TERMINAL')
        )
    RETURNING {COLUMNS}
    """
).bindparams(bindparam("user", type_=Text()), bindparam("platform", type_=Text()), bindparam("workspace", type_=Text()))


@dataclass(frozen=True, slots=True)
class Unreached:
    """Somebody who could not be told something, and why; `user_id` and `person` are None for a class's channels."""

    kind: str
    user_id: UUID | None
    person: str | None
    reason: str
    at: datetime


async def take_waiting(sessions: Sessions, sender: Sender, kinds: Iterable[str]) -> list[ToTell]:
    """Take what a person could not be told before, the oldest first, to be shown to them now.

    Nobody is told anything at the terminal by itself, so there it is also what they have not been told yet.
    """
    values = {
        "kinds": list(kinds),
        "platform": sender.platform.value,
        "workspace": sender.workspace_id,
        "user": sender.user_id,
    }
    async with sessions.begin() as session:
        rows = (await session.execute(_TAKE_WAITING, values)).all()
    rows = sorted(rows, key=lambda row: (row.created_at, row.id))
    return [to_tell(row, again=True) for row in rows]


async def unreached(
    session: AsyncSession,
    actor: Actor,
    class_id: UUID,
    *,
    release_id: UUID | None = None,
    grades: Collection[UUID] | None = None,
) -> list[Unreached]:
    """Return who of a class could not be told what, the newest first. Raises `NotPermitted` (no teacher of it).

    `release_id` narrows it down to one release, `grades` to what tells of one of these grades.
    """
    await require_teacher(session, actor, class_id)
    wanted = (
        select(Notification, AppUser.name)
        .outerjoin(AppUser, AppUser.id == Notification.app_user_id)
        .where(
            Notification.class_id == class_id,
            Notification.state == NotificationState.FAILED,
            Notification.deleted_at.is_(None),
        )
        .order_by(Notification.state_changed_at.desc(), Notification.id)
    )
    if release_id is not None:
        wanted = wanted.where(Notification.details["release_id"].astext == str(release_id))
    if grades is not None:
        ids = literal([str(each) for each in grades], ARRAY(Text()))
        wanted = wanted.where(Notification.details["grades"].op("?|", return_type=Boolean())(ids))
    return [
        Unreached(row.kind, row.app_user_id, name, str(row.details.get("reason", "")), row.state_changed_at)
        for row, name in await session.execute(wanted)
    ]


async def is_under_way(session: AsyncSession, release_id: UUID) -> bool:
    """Say whether there are people who are still to be told of a release."""
    open_ = (NotificationState.PENDING, NotificationState.INTENDED)
    count = await session.scalar(
        select(func.count()).where(
            Notification.state.in_(open_),
            Notification.deleted_at.is_(None),
            Notification.app_user_id.is_not(None),
            Notification.details["release_id"].astext == str(release_id),
            Notification.kind.not_in((UNREACHED, WITHDRAWN)),
        )
    )
    return bool(count)
