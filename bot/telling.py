"""Tells one person, in private, where they were last seen; the place is stored before the post."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import partial

import structlog

from bot.commands.notices import write_notice
from bot.untold import forget, note_untold
from core.db import Sessions
from core.enums import Platform
from core.errors import HomeroomError, NotPermitted, Unavailable
from core.inbox.notify import ToTell, aim, note_told
from core.inbox.notify_where import Way, ways_to
from core.ports import Addressee, Messenger

log = structlog.get_logger(__name__)

Messengers = Mapping[Platform, Messenger]
NO_ACCOUNT = "They have not linked an account where this class meets."
_EARLIER = timedelta(minutes=1)  # by which a platform's clock may be behind the database's


async def tell_person(sessions: Sessions, messengers: Messengers, told: ToTell) -> None:
    """Post a notification to its person, the surface they used last first. Raises `NotReady`, `Unavailable`."""
    if told.app_user_id is None:
        await note_untold(sessions, told, NO_ACCOUNT)
        return
    async with sessions() as session:
        ways = _before_first(told, await ways_to(session, told.app_user_id, told.class_id, messengers))
        reply = await write_notice(session, told)
    if reply is None:
        await _drop(sessions, messengers, told)
        return
    reason = NO_ACCOUNT
    for way in ways:
        if not await aim(sessions, told, to=way.as_data()):
            return
        settle = partial(_settle_in, sessions, told, way)
        try:
            shown = await messengers[way.platform].tell(
                _person(way), reply, told.id, since=posted_since(told), settle=settle
            )
        except Unavailable:
            raise
        except HomeroomError as error:
            log.info("notification_refused", kind=told.kind, platform=way.platform.value, code=error.code)
            reason = error.sentence
            continue
        async with sessions.begin() as session:
            ids = " ".join(shown.message_ids)
            await note_told(session, told.id, platform=way.platform, message_id=ids, channel=shown.channel_id)
        return
    await note_untold(sessions, told, reason)


def posted_since(told: ToTell) -> datetime | None:
    """Return since when it may have been posted by a sender before us; None where nobody has tried."""
    return told.created_at - _EARLIER if told.again else None


def aimed_at(told: ToTell) -> Way | None:
    """Return where a sender was about to post it."""
    to = told.details.get("to")
    return Way(Platform(to["platform"]), to["workspace"], to["user"], direct=to.get("direct", "")) if to else None


async def _settle_in(sessions: Sessions, told: ToTell, way: Way, thread: str) -> None:
    await aim(sessions, told, to=way.as_data() | {"direct": thread})


async def _drop(sessions: Sessions, messengers: Messengers, told: ToTell) -> None:
    """Tell nothing, as there is nothing to tell any more; what a sender before us may have posted is removed."""
    way = aimed_at(told)
    if told.again and way is not None and way.platform in messengers:
        messenger = messengers[way.platform]
        try:
            shown = await messenger.find(_person(way), told.id, since=told.created_at - _EARLIER)
            if shown is not None:
                await messenger.remove(shown)
        except NotPermitted as error:
            log.warning("notice_not_removed", platform=way.platform.value, code=error.code)
    async with sessions.begin() as session:
        await note_told(session, told.id)
        await forget(session, told.id)


def _person(way: Way) -> Addressee:
    return Addressee(way.workspace, way.user_id, direct=way.direct, channels=way.channels)


def _before_first(told: ToTell, ways: list[Way]) -> list[Way]:
    """Begin with the way that a sender before us had chosen: it may stand there already."""
    aimed = aimed_at(told)
    if not told.again or aimed is None:
        return ways

    def other(way: Way) -> bool:
        return (way.platform, way.workspace, way.user_id) != (aimed.platform, aimed.workspace, aimed.user_id)

    return sorted(ways, key=other)
