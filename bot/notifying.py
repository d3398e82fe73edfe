"""Sends notifications: each taken by one process, its place stored before the post, and looked for after a crash.

The worker does it. It has the tokens by its environment, needs no more than REST, and so one process sends to all
platforms: somebody who is on two of them is told once, on the one they used last.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from uuid import UUID
from zoneinfo import ZoneInfo

import structlog
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from bot.commands.notices import NOTICES, write_news, write_notice
from core.classes.models import ChannelBinding, Class
from core.content.announce import channels_of, read_news
from core.db import Sessions
from core.enums import NotificationState, Platform
from core.errors import HomeroomError, NotPermitted, NotReady, Unavailable
from core.grading.models import AssignmentGradeRow
from core.grading.release import RELEASED
from core.grading.retract import RETRACTED
from core.identity.models import Workspace
from core.inbox.models import Notification
from core.inbox.notify import (
    LEASE,
    PUBLISHED,
    UNREACHED,
    WITHDRAWN,
    ToTell,
    aim,
    hold,
    note_posted,
    note_told,
    notify,
    put_back,
    put_off,
    take_notifications,
)
from core.inbox.notify_where import Way, ways_to
from core.ports import Addressee, Messenger, Shown

log = structlog.get_logger(__name__)

KINDS = (PUBLISHED, RETRACTED, WITHDRAWN, *NOTICES)
AT_ONCE = 8
LOOK_EVERY = 2.0  # seconds between two looks for something to tell
GRACE = 10.0  # seconds that what is being sent gets when the process is told to stop
_SOON = timedelta(seconds=5)
_FIRST_WAIT, _LONGEST_WAIT = timedelta(seconds=5), timedelta(minutes=10)
_GIVE_UP = timedelta(hours=24)
_EARLIER = timedelta(minutes=1)  # by which a platform's clock may be behind the database's
_NO_ACCOUNT = "They have not linked an account where this class meets."
_TOO_LONG = "Their platform took no messages for a day."


class Notifier:
    """Sends what is to be told, in one process; any number of them share the work."""

    def __init__(self, sessions: Sessions, messengers: Mapping[Platform, Messenger], *, at_once: int = AT_ONCE) -> None:
        self._sessions = sessions
        self._messengers = messengers
        self._at_once = at_once
        self._held: dict[UUID, tuple[ToTell, asyncio.Task[None]]] = {}

    async def run(self, stop: asyncio.Event) -> None:
        """Send until `stop` is set; then finish what has begun."""
        holding, stopped = asyncio.create_task(self._hold()), asyncio.ensure_future(stop.wait())
        try:
            while not stop.is_set():
                await self._start_some()
                running = {task for _, task in self._held.values()}
                await asyncio.wait({stopped, *running}, timeout=LOOK_EVERY, return_when=asyncio.FIRST_COMPLETED)
            if self._held:
                await asyncio.wait({task for _, task in self._held.values()}, timeout=GRACE)
        finally:
            tasks = [holding, stopped, *(task for _, task in self._held.values())]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _start_some(self) -> None:
        free = self._at_once - len(self._held)
        if not free:
            return
        try:
            taken = await take_notifications(self._sessions, KINDS, most=free)
        except (SQLAlchemyError, OSError) as error:
            log.warning("notifications_not_read", reason=type(error).__name__)
            return
        for told in taken:
            task = asyncio.create_task(self._send(told))
            self._held[told.id] = told, task
            task.add_done_callback(partial(self._let_go, told.id))

    def _let_go(self, notification_id: UUID, done: asyncio.Task[None]) -> None:
        if self._held.get(notification_id, (None, None))[1] is done:
            del self._held[notification_id]

    async def _hold(self) -> None:
        """Show life; what is no longer ours is let go."""
        while True:
            await asyncio.sleep(LEASE.total_seconds() / 4)
            mine = dict(self._held)
            if not mine:
                continue
            try:
                still = await hold(self._sessions, [told for told, _ in mine.values()])
            except (SQLAlchemyError, OSError) as error:
                log.warning("notifications_not_held", reason=type(error).__name__)
                continue
            for notification_id, (_, task) in mine.items():
                if notification_id not in still:
                    task.cancel()

    async def _send(self, told: ToTell) -> None:
        """Send one, and note what came of it; the database may be away meanwhile."""
        try:
            await self._settle(told)
        except (SQLAlchemyError, OSError) as error:
            # It stays INTENDED, and is looked for when its lease has run out.
            log.warning("notification_not_noted", kind=told.kind, reason=type(error).__name__)

    async def _settle(self, told: ToTell) -> None:
        try:
            if told.kind == PUBLISHED:
                await self._tell_class(told)
            elif told.kind in (RETRACTED, WITHDRAWN):
                await self._take_away(told)
            else:
                await self._tell_person(told)
        except NotReady:
            async with self._sessions.begin() as session:
                await put_back(session, told.ids, wait=_SOON)
        except Unavailable as error:
            log.warning("notification_put_off", kind=told.kind, code=error.data.get("code", error.code))
            await self._put_off(told)
        except (SQLAlchemyError, OSError):
            raise
        except Exception:
            log.exception("notification_failed", kind=told.kind)
            await self._put_off(told)

    async def _put_off(self, told: ToTell) -> None:
        """Try again later, less and less often; for a day."""
        age = datetime.now(UTC) - told.created_at
        if age > _GIVE_UP:
            await self._fail(told, _TOO_LONG)
            return
        async with self._sessions.begin() as session:
            await put_off(session, [told.id], wait=min(max(age / 4, _FIRST_WAIT), _LONGEST_WAIT))

    async def _tell_person(self, told: ToTell) -> None:
        if told.app_user_id is None:
            await self._fail(told, _NO_ACCOUNT)
            return
        async with self._sessions() as session:
            ways = _before_first(told, await ways_to(session, told.app_user_id, told.class_id, self._messengers))
            reply = await write_notice(session, told)
        if reply is None:
            await self._drop(told)
            return
        reason = _NO_ACCOUNT
        for way in ways:
            if not await aim(self._sessions, told, to=way.as_data()):
                return
            try:
                shown = await self._messengers[way.platform].tell(
                    _person(way), reply, told.id, since=_since(told), settle=partial(self._settle_in, told, way)
                )
            except Unavailable:
                raise
            except HomeroomError as error:
                log.info("notification_refused", kind=told.kind, platform=way.platform.value, code=error.code)
                reason = error.sentence
                continue
            async with self._sessions.begin() as session:
                await note_told(
                    session,
                    told.id,
                    platform=way.platform,
                    message_id=" ".join(shown.message_ids),
                    channel=shown.channel_id,
                )
            return
        await self._fail(told, reason)

    async def _settle_in(self, told: ToTell, way: Way, thread: str) -> None:
        await aim(self._sessions, told, to=way.as_data() | {"direct": thread})

    async def _tell_class(self, told: ToTell) -> None:
        assert told.class_id is not None  # noqa: S101  (news is always a class's)
        async with self._sessions() as session:
            channels = await channels_of(session, told.class_id)
            news = await read_news(session, [told, *told.also])
            class_ = await session.get_one(Class, told.class_id)
        if told.id not in {each.notification_id for each in news} and not told.posted and not told.again:
            async with self._sessions.begin() as session:  # hidden a moment ago: told when it is seen again
                await put_back(session, told.ids)
            return
        reached, reason = bool(told.posted), ""
        for channel in channels:
            wanted = [each for each in news if channel.wants(each)]
            if not wanted or str(channel.binding_id) in told.posted or channel.platform not in self._messengers:
                continue
            if not await aim(self._sessions, told):
                return
            try:
                shown = await self._messengers[channel.platform].tell(
                    Addressee(channel.workspace, channel_id=channel.channel_id),
                    write_news(wanted, class_.title, ZoneInfo(class_.time_zone)),
                    told.id,
                    since=_since(told),
                    settle=_nowhere,
                )
            except Unavailable:
                raise
            except HomeroomError as error:
                log.warning("class_not_told", platform=channel.platform.value, code=error.code)
                reason = error.sentence
                continue
            reached = True
            async with self._sessions.begin() as session:
                ids = " ".join(shown.message_ids)
                await note_posted(session, told.id, channel.binding_id, channel.platform, ids)
        if reason and not reached:
            await self._fail(told, reason)
            return
        async with self._sessions.begin() as session:
            await note_told(session, told.id)

    async def _take_away(self, told: ToTell) -> None:
        """Remove what a notification has shown, or say what is left of it."""
        async with self._sessions() as session:
            row = await session.get(Notification, UUID(told.details["notification_id"]))
            reply, posts = None, list[tuple[Platform, Shown]]()
            if row is not None and row.state == NotificationState.INTENDED and row.deleted_at is None:
                raise NotReady  # it is being sent this moment, or is about to be looked for
            if row is not None and row.state == NotificationState.SENT:
                posts = await _posts_of(session, row)
                if told.kind == RETRACTED:
                    reply = await write_notice(session, _as_told(row))
        for platform, shown in posts:
            messenger = self._messengers.get(platform)
            if messenger is None:
                continue
            try:
                await (messenger.remove(shown) if reply is None else messenger.change(shown, reply))
            except Unavailable:
                raise
            except HomeroomError as error:
                log.warning("notice_not_removed", platform=platform.value, code=error.code)
        async with self._sessions.begin() as session:
            if reply is None and row is not None:
                await _delete(session, row.id)
            await note_told(session, told.id)

    async def _drop(self, told: ToTell) -> None:
        """Tell nothing, as there is nothing to tell any more; what a sender before us may have posted is removed."""
        way = _aimed_at(told)
        if told.again and way is not None and way.platform in self._messengers:
            messenger = self._messengers[way.platform]
            try:
                shown = await messenger.find(_person(way), told.id, since=told.created_at - _EARLIER)
                if shown is not None:
                    await messenger.remove(shown)
            except NotPermitted as error:
                log.warning("notice_not_removed", platform=way.platform.value, code=error.code)
        async with self._sessions.begin() as session:
            await note_told(session, told.id)
            await _delete(session, told.id)

    async def _fail(self, told: ToTell, reason: str) -> None:
        """Note why somebody could not be told; it waits for them, and who released grades is told so."""
        async with self._sessions.begin() as session:
            waits = "yes" if told.app_user_id is not None else "no"
            await note_told(session, told.id, NotificationState.FAILED, reason=reason, waits=waits)
            if told.kind == RELEASED:
                await _tell_releaser(session, told)


def _since(told: ToTell) -> datetime | None:
    return told.created_at - _EARLIER if told.again else None


def _person(way: Way) -> Addressee:
    return Addressee(way.workspace, way.user_id, direct=way.direct, channels=way.channels)


def _aimed_at(told: ToTell) -> Way | None:
    to = told.details.get("to")
    return Way(Platform(to["platform"]), to["workspace"], to["user"], direct=to.get("direct", "")) if to else None


def _before_first(told: ToTell, ways: list[Way]) -> list[Way]:
    """Begin with the way that a sender before us had chosen: it may stand there already."""
    aimed = _aimed_at(told)
    if not told.again or aimed is None:
        return ways

    def other(way: Way) -> bool:
        return (way.platform, way.workspace, way.user_id) != (aimed.platform, aimed.workspace, aimed.user_id)

    return sorted(ways, key=other)


async def _nowhere(_: str) -> None:
    return


def _as_told(row: Notification) -> ToTell:
    return ToTell(row.id, row.kind, row.class_id, row.app_user_id, row.details, again=True, created_at=row.created_at)


async def _posts_of(session: AsyncSession, row: Notification) -> list[tuple[Platform, Shown]]:
    """Return the messages of a notification that was sent."""
    way = _aimed_at(_as_told(row))
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


async def _delete(session: AsyncSession, notification_id: UUID) -> None:
    row = await session.get(Notification, notification_id, with_for_update=True, populate_existing=True)
    if row is not None and row.deleted_at is None:
        row.deleted_at = datetime.now(UTC)


async def _tell_releaser(session: AsyncSession, told: ToTell) -> None:
    released_by = await session.scalar(
        select(AssignmentGradeRow.released_by_user_id)
        .where(AssignmentGradeRow.id.in_([UUID(each) for each in told.details["grades"]]))
        .limit(1)
    )
    if released_by is not None:
        release_id = told.details["release_id"]
        await notify(
            session,
            f"{UNREACHED}:{release_id}",
            UNREACHED,
            class_id=told.class_id,
            app_user_id=released_by,
            details={"release_id": release_id},
        )
