"""Sends notifications: each taken by one process, its place stored before the post, and looked for after a crash.

The worker does it. It has the tokens by its environment, needs no more than REST, and so one process sends to all
platforms: somebody who is on two of them is told once, on the one they used last.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from functools import partial
from uuid import UUID

import structlog
from sqlalchemy.exc import SQLAlchemyError

from bot.commands.notices import NOTICES
from bot.refreshing_home import refresh_home
from bot.taking_away import take_away
from bot.telling import Messengers, tell_person
from bot.telling_class import tell_class
from bot.untold import note_untold
from core.db import Sessions
from core.errors import NotReady, Unavailable
from core.grading.retract import HOME_CHANGED, RETRACTED
from core.inbox.notify import LEASE, PUBLISHED, WITHDRAWN, ToTell, hold, put_back, put_off, take_notifications

log = structlog.get_logger(__name__)

KINDS = (PUBLISHED, RETRACTED, WITHDRAWN, HOME_CHANGED, *NOTICES)
AT_ONCE = 8
LOOK_EVERY = 2.0  # seconds between two looks for something to tell
GRACE = 10.0  # seconds that what is being sent gets when the process is told to stop
_SOON = timedelta(seconds=5)
_FIRST_WAIT, _LONGEST_WAIT = timedelta(seconds=5), timedelta(minutes=10)
_GIVE_UP = timedelta(hours=24)
_TOO_LONG = "Their platform took no messages for a day."


class Notifier:
    """Sends what is to be told, in one process; any number of them share the work."""

    def __init__(self, sessions: Sessions, messengers: Messengers, *, at_once: int = AT_ONCE) -> None:
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
                await tell_class(self._sessions, self._messengers, told)
            elif told.kind in (RETRACTED, WITHDRAWN):
                await take_away(self._sessions, self._messengers, told)
            elif told.kind == HOME_CHANGED:
                await refresh_home(self._sessions, self._messengers, told)
            else:
                await tell_person(self._sessions, self._messengers, told)
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
            await note_untold(self._sessions, told, _TOO_LONG)
            return
        async with self._sessions.begin() as session:
            await put_off(session, [told.id], wait=min(max(age / 4, _FIRST_WAIT), _LONGEST_WAIT))
