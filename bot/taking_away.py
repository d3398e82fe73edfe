"""Takes away what a notification has shown, where the platform lets us, or says what is left of it."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

import structlog
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.commands.notices import write_notice
from bot.telling import Messengers, aimed_at
from bot.untold import forget
from core.classes.models import ChannelBinding
from core.db import Sessions
from core.enums import NotificationState, Platform
from core.errors import HomeroomError, NotReady, Unavailable
from core.grading.retract import RETRACTED
from core.identity.models import Workspace
from core.inbox.models import Notification
from core.inbox.notify import ToTell, note_told
from core.ports import Shown

log = structlog.get_logger(__name__)


async def take_away(sessions: Sessions, messengers: Messengers, told: ToTell) -> None:
    """Remove what a notification has shown, or put what is left of it there. Raises `NotReady`, `Unavailable`."""
    async with sessions() as session:
        row = await session.get(Notification, UUID(told.details["notification_id"]))
        reply, posts = None, list[tuple[Platform, Shown]]()
        if row is not None and row.state == NotificationState.INTENDED and row.deleted_at is None:
            raise NotReady  # it is being sent this moment, or is about to be looked for
        if row is not None and row.state == NotificationState.SENT:
            posts = await _posts_of(session, row)
            if told.kind == RETRACTED:
                reply = await write_notice(session, _as_told(row))
    for platform, shown in posts:
        messenger = messengers.get(platform)
        if messenger is None:
            continue
        try:
            await (messenger.remove(shown) if reply is None else messenger.change(shown, reply))
        except Unavailable:
            raise
        except HomeroomError as error:
            log.warning("notice_not_removed", platform=platform.value, code=error.code)
    async with sessions.begin() as session:
        if reply is None and row is not None:
            await forget(session, row.id)
        await note_told(session, told.id)


def _as_told(row: Notification) -> ToTell:
    return ToTell(row.id, row.kind, row.class_id, row.app_user_id, row.details, again=True, created_at=row.created_at)


async def _posts_of(session: AsyncSession, row: Notification) -> list[tuple[Platform, Shown]]:
    """Return the messages of a notification that was sent."""
    way = aimed_at(_as_told(row))
    if way is not None and row.message_id:
        shown = Shown(way.workspace, str(row.details["channel"]), tuple(row.message_id.split()))
        return [(way.platform, shown)]
    posted: Mapping[str, str] = row.details.get("posted", {})
    rows = await session.execute(
        select(ChannelBinding.id, ChannelBinding.channel_id, Workspace.platform, Workspace.external_id)
        .join(Workspace, Workspace.id == ChannelBinding.workspace_id)
        .where(ChannelBinding.id.in_([UUID(each) for each in posted]))
    )
    return [
        (each.platform, Shown(each.external_id, each.channel_id, tuple(posted[str(each.id)].split()))) for each in rows
    ]
