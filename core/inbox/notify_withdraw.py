"""Takes back what people were told, or were about to be."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import ARRAY, Uuid, bindparam, text
from sqlalchemy.ext.asyncio import AsyncSession

from core.inbox.notify import WITHDRAWN

# What was shown, or may have been, leaves a notification that has it removed, so that no crash forgets it. Withdrawn
# twice it is removed once: the key says so.
_WITHDRAW = text(
    f"""
    WITH concerned AS (
        SELECT id, app_user_id, class_id, state FROM notifications
        WHERE id = ANY(:ids) AND deleted_at IS NULL ORDER BY id FOR UPDATE
    ), gone AS (
        UPDATE notifications n SET deleted_at = now(), deleted_by_user_id = :actor
        FROM concerned c WHERE c.id = n.id AND c.state IN ('PENDING', 'FAILED')
    )
    INSERT INTO notifications (dedupe_key, app_user_id, class_id, kind, details)
    SELECT '{WITHDRAWN}:' || c.id, c.app_user_id, c.class_id, '{WITHDRAWN}', jsonb_build_object('notification_id', c.id)
    FROM concerned c WHERE c.state IN ('INTENDED', 'SENT')
    ON CONFLICT DO NOTHING
    """
).bindparams(bindparam("ids", type_=ARRAY(Uuid())), bindparam("actor", type_=Uuid()))


async def withdraw_notices(session: AsyncSession, ids: Collection[UUID], *, by: UUID | None = None) -> None:
    """Tell nobody of these any more, in the session's transaction; what was shown is removed soon after.

    `by` is whose act it is. A platform removes its own messages; what somebody read elsewhere they have read.
    """
    await session.execute(_WITHDRAW, {"ids": list(ids), "actor": by})
