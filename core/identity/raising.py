"""When a person's rights rise, and what is asked of their links from then on.

The rule stands here once, as SQL over `app_users u` and `workspace_identities i`: a link made before its person last
rose does not do any more, and by email nobody is more than a student.
"""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import ARRAY, Uuid, bindparam, text
from sqlalchemy.ext.asyncio import AsyncSession

from core.audit.record import Actor, record

# Who teaches a deleted class counts as well: it may be restored.
ABOVE_STUDENT = """(
    u.global_role IN ('TEACHER', 'ADMIN')
    OR EXISTS (
        SELECT FROM class_memberships taught
        WHERE taught.app_user_id = u.id AND taught.role = 'TEACHER' AND taught.deleted_at IS NULL
    )
)"""
LINK_STANDS = f"""(
    (u.raised_at IS NULL OR i.linked_at >= u.raised_at)
    AND (i.method IN ('CODE', 'OTP', 'OPERATOR') OR NOT {ABOVE_STUDENT})
)"""

_IDS = bindparam("ids", type_=ARRAY(Uuid()))
# Locked in one order, so that two rosters at once wait for one another, and never in a circle.
_RISING = text(
    f"SELECT u.id FROM app_users u WHERE u.id = ANY(:ids) AND NOT {ABOVE_STUDENT} ORDER BY u.id FOR NO KEY UPDATE"
).bindparams(_IDS)
_RAISE = text("UPDATE app_users SET raised_at = now() WHERE id = ANY(:ids)").bindparams(_IDS)


async def raise_new_teachers(session: AsyncSession, actor: Actor, user_ids: Collection[UUID]) -> None:
    """Note that these people are about to teach a class, of those to whom that is new."""
    if not user_ids:
        return
    rising = list(await session.scalars(_RISING, {"ids": list(user_ids)}))
    if not rising:
        return
    await session.execute(_RAISE, {"ids": rising})
    for user_id in rising:
        record(session, actor, "person.raise", "app_user", user_id)
