"""Tells a class, in each of its channels, what was published."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import structlog

from bot.commands.notices import write_news
from bot.telling import Messengers, posted_since
from bot.untold import forget, note_untold
from core.classes.models import Class
from core.content.announce import announces, channels_of, read_news
from core.db import Sessions
from core.errors import HomeroomError, Unavailable
from core.inbox.notify import ToTell, aim, note_posted, note_told, put_back
from core.ports import Addressee

log = structlog.get_logger(__name__)


async def tell_class(sessions: Sessions, messengers: Messengers, told: ToTell) -> None:
    """Post news once in each channel that wants it. Raises `Unavailable`; what is posted by then is noted.

    News may have waited for long: a class that wants none by now is told none, nor later.
    """
    assert told.class_id is not None  # noqa: S101  (news is always a class's)
    async with sessions() as session:
        channels = await channels_of(session, told.class_id)
        news = await read_news(session, [told, *told.also])
        class_ = await session.get_one(Class, told.class_id)
    if not announces(class_.settings):
        async with sessions.begin() as session:
            if told.posted:
                await note_told(session, told.id)
            else:
                for id_ in told.ids:
                    await forget(session, id_)
        return
    if told.id not in {each.notification_id for each in news} and not told.posted and not told.again:
        async with sessions.begin() as session:  # hidden a moment ago: told when it is seen again
            await put_back(session, told.ids)
        return
    reached, reason = bool(told.posted), ""
    for channel in channels:
        wanted = [each for each in news if channel.wants(each)]
        if not wanted or str(channel.binding_id) in told.posted or channel.platform not in messengers:
            continue
        if not await aim(sessions, told):
            return
        try:
            shown = await messengers[channel.platform].tell(
                Addressee(channel.workspace, channel_id=channel.channel_id),
                write_news(wanted, class_.title, ZoneInfo(class_.time_zone)),
                told.id,
                since=posted_since(told),
                settle=_nowhere,
            )
        except Unavailable:
            raise
        except HomeroomError as error:
            log.warning("class_not_told", platform=channel.platform.value, code=error.code)
            reason = error.sentence
            continue
        reached = True
        async with sessions.begin() as session:
            ids = " ".join(shown.message_ids)
            await note_posted(session, told.id, channel.binding_id, channel.platform, ids)
    if reason and not reached:
        await note_untold(sessions, told, reason)
        return
    async with sessions.begin() as session:
        await note_told(session, told.id)


async def _nowhere(_: str) -> None:
    return
