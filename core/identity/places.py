"""Where a platform's places belong: whose direct messages count as which workspace's, and what a channel stands for."""

from __future__ import annotations

from sqlalchemy import exists, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from core.classes.models import ChannelBinding
from core.enums import ChannelPurpose, Platform
from core.identity.models import Workspace

# Where a class of theirs lives comes first, then where they were linked last.
_HOME = text(
    """
    SELECT w.external_id
    FROM workspaces w
    JOIN workspace_identities i ON i.workspace_id = w.id AND i.platform_user_id = :user AND i.deleted_at IS NULL
    WHERE w.platform = CAST(:platform AS platform) AND w.deleted_at IS NULL AND w.revoked_at IS NULL
    ORDER BY EXISTS (
        SELECT FROM class_memberships m
        JOIN class_workspaces k ON k.class_id = m.class_id AND k.workspace_id = w.id AND k.deleted_at IS NULL
        WHERE m.app_user_id = i.app_user_id AND m.deleted_at IS NULL
    ) DESC, i.linked_at DESC, w.external_id
    LIMIT 1
    """
)


async def home_of(session: AsyncSession, platform: Platform, user_id: str) -> str | None:
    """Return the platform's id of the workspace that a user's direct messages count to; None for one not linked.

    Of several in which they are linked it is one where a class of theirs lives, and the one linked last.
    """
    found: str | None = await session.scalar(_HOME, {"platform": platform.value, "user": user_id})
    return found


async def live_workspaces(session: AsyncSession, platform: Platform) -> list[str]:
    """Return the platform's ids of the workspaces where Homeroom is at home, the oldest first."""
    wanted = (
        select(Workspace.external_id)
        .where(Workspace.platform == platform, Workspace.deleted_at.is_(None), Workspace.revoked_at.is_(None))
        .order_by(Workspace.created_at, Workspace.external_id)
    )
    return list(await session.scalars(wanted))


async def stands_for_class(session: AsyncSession, platform: Platform, workspace: str, channel_id: str) -> bool:
    """Say whether a channel of a workspace stands for a class, or a lesson of one."""
    bound = exists(ChannelBinding).where(
        ChannelBinding.channel_id == channel_id,
        ChannelBinding.purpose == ChannelPurpose.CLASS,
        ChannelBinding.deleted_at.is_(None),
        ChannelBinding.workspace_id == Workspace.id,
        Workspace.platform == platform,
        Workspace.external_id == workspace,
        Workspace.deleted_at.is_(None),
        Workspace.revoked_at.is_(None),
    )
    return bool(await session.scalar(select(bound.select_from(Workspace))))
