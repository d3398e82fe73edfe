"""Where a person is told something that is for them alone: on the surface they used last, where their class lives."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Uuid, bindparam, text
from sqlalchemy.ext.asyncio import AsyncSession

from core.enums import Platform
from core.identity.raising import LINK_STANDS

_WAYS = text(
    f"""
    SELECT w.id AS workspace_id, w.platform, w.external_id AS workspace, i.platform_user_id AS user_id, i.linked_at,
        ARRAY(
            SELECT b.channel_id FROM channel_bindings b
            WHERE b.workspace_id = w.id AND b.class_id = :class_id AND b.purpose = 'CLASS' AND b.deleted_at IS NULL
            ORDER BY b.created_at
        ) AS channels,
        (
            SELECT n.details -> 'to' ->> 'direct' FROM notifications n
            WHERE n.app_user_id = i.app_user_id AND n.details -> 'to' ->> 'workspace' = w.external_id
                AND n.details -> 'to' ->> 'user' = i.platform_user_id AND n.details -> 'to' ->> 'direct' <> ''
            ORDER BY n.state_changed_at DESC LIMIT 1
        ) AS direct
    FROM workspace_identities i
    JOIN workspaces w ON w.id = i.workspace_id AND w.deleted_at IS NULL AND w.revoked_at IS NULL
    JOIN app_users u ON u.id = i.app_user_id AND u.deleted_at IS NULL
    WHERE i.app_user_id = :user_id AND i.deleted_at IS NULL AND w.platform::text = ANY(:platforms) AND {LINK_STANDS}
        AND (
            CAST(:class_id AS uuid) IS NULL
            OR EXISTS (
                SELECT FROM class_workspaces k
                WHERE k.class_id = :class_id AND k.workspace_id = w.id AND k.deleted_at IS NULL
            )
        )
    ORDER BY i.linked_at DESC, i.id
    """
).bindparams(bindparam("user_id", type_=Uuid()), bindparam("class_id", type_=Uuid()))
# Only for who has several accounts: it looks through the inbox, which holds some days.
_LAST_USED = text(
    """
    SELECT greatest(
        (
            SELECT max(e.created_at) FROM inbox_events e
            WHERE e.platform = CAST(:platform AS platform) AND e.sender = :sender
        ),
        (
            SELECT max(d.created_at) FROM message_deliveries d
            JOIN chat_messages m ON m.id = d.chat_message_id
            JOIN chats c ON c.id = m.chat_id
            WHERE c.app_user_id = :user_id AND d.workspace_id = :workspace_id
        )
    )
    """
).bindparams(bindparam("user_id", type_=Uuid()), bindparam("workspace_id", type_=Uuid()))


@dataclass(frozen=True, slots=True)
class Way:
    """An account of a person's. `workspace` and `user_id` are the platform's; `channels` are those of the class there.

    `direct` is where they alone were told something before, if that is not where everybody is: a private thread.
    """

    platform: Platform
    workspace: str
    user_id: str
    channels: tuple[str, ...] = ()
    direct: str = ""

    def as_data(self) -> dict[str, Any]:
        """Return it as JSON, for a notification's details."""
        return {
            "platform": self.platform.value,
            "workspace": self.workspace,
            "user": self.user_id,
            "direct": self.direct,
        }


async def ways_to(
    session: AsyncSession, user_id: UUID, class_id: UUID | None, platforms: Collection[Platform]
) -> list[Way]:
    """Return where a person can be told something of a class, the surface they used last first."""
    values = {"user_id": user_id, "class_id": class_id, "platforms": [each.value for each in platforms]}
    rows = list((await session.execute(_WAYS, values)).all())
    if len(rows) > 1:
        used = {}
        for row in rows:
            at = await session.scalar(
                _LAST_USED,
                {
                    "platform": row.platform,
                    "sender": f"{row.workspace} {row.user_id}",
                    "user_id": user_id,
                    "workspace_id": row.workspace_id,
                },
            )
            used[row.workspace_id, row.user_id] = max(at or row.linked_at, row.linked_at)
        rows.sort(key=lambda row: used[row.workspace_id, row.user_id], reverse=True)
    return [
        Way(Platform(row.platform), row.workspace, row.user_id, tuple(row.channels), row.direct or "") for row in rows
    ]
