"""A student whose address the workspace vouches for is known without being asked."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from core.audit.record import Actor
from core.enums import LinkMethod
from core.errors import InvalidInput
from core.identity.link import link
from core.identity.people import check_email
from core.identity.raising import ABOVE_STUDENT, LINK_STANDS
from core.identity.tries import take_turn
from core.ports import Profile

_TIED = text(
    f"""
    SELECT u.id AS user_id, {LINK_STANDS} AS stands
    FROM workspace_identities i
    JOIN app_users u ON u.id = i.app_user_id AND u.deleted_at IS NULL
    WHERE i.workspace_id = :workspace_id AND i.platform_user_id = :platform_user_id AND i.deleted_at IS NULL
    """
)
# The lock comes first, alone: who is being made a teacher in this very moment is seen as one by the next statement.
_PERSON = text("SELECT id FROM app_users WHERE email = CAST(:email AS citext) AND deleted_at IS NULL FOR SHARE")
_STUDENT_HERE = text(
    f"""
    SELECT EXISTS (
        SELECT FROM app_users u
        JOIN class_memberships m ON m.app_user_id = u.id AND m.deleted_at IS NULL
        JOIN classes c ON c.id = m.class_id AND c.deleted_at IS NULL
        JOIN class_workspaces k ON k.class_id = c.id AND k.deleted_at IS NULL
        JOIN workspaces w ON w.id = k.workspace_id AND w.deleted_at IS NULL AND w.revoked_at IS NULL
        WHERE u.id = :user_id AND w.id = :workspace_id AND w.email_trusted AND NOT {ABOVE_STUDENT}
            AND NOT EXISTS (
                SELECT FROM workspace_identities untied
                WHERE untied.app_user_id = u.id AND untied.workspace_id = w.id
                    AND untied.platform_user_id = :platform_user_id
            )
    )
    """
)


async def link_by_email(
    session: AsyncSession, workspace_id: UUID, platform_user_id: str, profile: Profile, *, surface: str
) -> UUID | None:
    """Tie a workspace's user to the student who has their verified address; return that person, or None.

    None says nothing of why: no address, a guest or stranger, a workspace whose addresses nobody vouches for, no such
    person in a class that lives here, one who teaches or administers, or who was untied from this very account before.
    An account that is tied stays as it is.
    """
    if profile.guest or profile.stranger or not profile.email:
        return None
    try:
        email = check_email(profile.email)
    except InvalidInput:
        return None
    await take_turn(session, workspace_id, platform_user_id)
    account = {"workspace_id": workspace_id, "platform_user_id": platform_user_id}
    tied = (await session.execute(_TIED, account)).one_or_none()
    if tied is not None:
        return tied.user_id if tied.stands else None
    user_id = await session.scalar(_PERSON, {"email": email})
    if user_id is None:
        return None
    if not await session.scalar(_STUDENT_HERE, {"user_id": user_id, **account}):
        return None
    await link(session, Actor.person(user_id, surface), workspace_id, platform_user_id, user_id, LinkMethod.EMAIL)
    return UUID(str(user_id))
