"""A surface's events: stored first, then served in this process, once; what a dead process left is taken up."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping
from uuid import UUID

import structlog
from sqlalchemy.exc import SQLAlchemyError

from bot.app import App
from bot.commands.asking import asks
from bot.dispatch import dispatch, error_reply
from core.answering.store import take_back
from core.db import autocommit
from core.enums import Platform
from core.errors import DatabaseUnavailable, HomeroomError
from core.events import Command, Control, Deletion, Event, Reaction, Visit
from core.inbox.deliver import posts_of_event
from core.inbox.store import LEASE, Stored, finish_event, is_held, renew_leases, store_event, take_events
from core.ports import Responder

log = structlog.get_logger(__name__)

OpenResponder = Callable[[Event, Mapping[str, str]], Awaitable[Responder]]

QUESTIONS_AT_ONCE = 24
OTHERS_AT_ONCE = 24  # a Stop does not wait behind the questions
LOOK_EVERY = 2.0  # seconds between two looks for events that nobody holds
GRACE = 10.0  # seconds that what is being served gets when the process is told to stop


class Serving:
    """The inbox of one surface in one process."""

    def __init__(self, app: App, platform: Platform, open_responder: OpenResponder) -> None:
        self._app = app
        self._platform = platform
        self._open = open_responder
        self._questions = asyncio.Semaphore(QUESTIONS_AT_ONCE)
        self._others = asyncio.Semaphore(OTHERS_AT_ONCE)
        self._held: dict[UUID, asyncio.Task[None]] = {}
        self._wake = asyncio.Event()

    async def accept(self, event: Event, route: Mapping[str, str], responder: Responder | None = None) -> bool:
        """Store an event and begin to serve it; False for one that was here before, or is none of ours.

        Raises `DatabaseUnavailable`: the event is not stored, and must not be acknowledged.
        """
        try:
            stored = await store_event(self._app.sessions, event, route)
        except (SQLAlchemyError, OSError) as error:
            log.error("event_not_stored", kind=type(event).__name__, reason=type(error).__name__)  # noqa: TRY400
            raise DatabaseUnavailable from error
        if stored is None:
            return False
        self._start(stored, responder)
        return True

    async def run(self, stop: asyncio.Event) -> None:
        """Hold what is being served, and take up what nobody holds, until `stop` is set; then end in good order."""
        looking = asyncio.create_task(self._look())
        holding = asyncio.create_task(self._hold())
        try:
            await stop.wait()
        finally:
            looking.cancel()
            if self._held:
                await asyncio.wait(self._held.values(), timeout=GRACE)
            holding.cancel()
            for task in self._held.values():
                task.cancel()
            await asyncio.gather(looking, holding, *self._held.values(), return_exceptions=True)

    def _start(self, stored: Stored, responder: Responder | None = None) -> None:
        task = asyncio.create_task(self._serve(stored, responder))
        self._held[stored.id] = task
        task.add_done_callback(lambda done: self._let_go(stored.id, done))

    def _let_go(self, event_id: UUID, done: asyncio.Task[None]) -> None:
        if self._held.get(event_id) is done:  # not one that has taken it up since, its lease having run out
            del self._held[event_id]

    async def _serve(self, stored: Stored, responder: Responder | None) -> None:
        event = stored.event
        try:
            responder = responder or await self._open(event, stored.route)
            if stored.given_up:
                await self._give_up(stored, responder)
                return
            line = self._questions if asks(event) else self._others
            waits = line.locked()
            async with line:
                if waits and not await is_held(self._app.sessions, stored):
                    return  # taken back by who asked it, or taken up by another process
                if stored.attempts > 1:
                    await self._begin_again(stored, responder)
                if await dispatch(self._app, event, responder, stored):
                    await finish_event(self._app.sessions, stored.id)
        except Exception:
            # Not finished: the lease runs out, and the event is taken up again, a few times at most.
            log.exception("event_not_served", kind=type(event).__name__)
        if isinstance(event, Command | Control):
            self._wake.set()  # it may have said who somebody is, for whom a question waits

    async def _give_up(self, stored: Stored, responder: Responder) -> None:
        """Tell who did it that nothing came of it; what was being served when processes died is not tried for ever."""
        log.error("event_given_up", kind=type(stored.event).__name__, attempts=stored.attempts)
        await finish_event(self._app.sessions, stored.id)
        if not isinstance(stored.event, Reaction | Deletion | Visit):
            await responder.send(
                error_reply(HomeroomError("I could not do that, though I tried. Please ask me again."), stored.event)
            )

    async def _begin_again(self, stored: Stored, responder: Responder) -> None:
        """Take back what the process that died had asked and posted."""
        async with autocommit(self._app.sessions) as session:
            posts = await posts_of_event(session, stored.id)
        log.warning("event_served_again", kind=type(stored.event).__name__, attempt=stored.attempts, posts=len(posts))
        await take_back(self._app.sessions, stored.id)
        if posts:
            await responder.retract(posts)

    async def _look(self) -> None:
        while True:
            try:
                for stored in await take_events(self._app.sessions, self._platform):
                    self._start(stored)
            except (SQLAlchemyError, OSError) as error:
                log.warning("inbox_not_read", reason=type(error).__name__)
            self._wake.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), LOOK_EVERY)

    async def _hold(self) -> None:
        while True:
            await asyncio.sleep(LEASE.total_seconds() / 3)
            if not self._held:
                continue
            try:
                await renew_leases(self._app.sessions, list(self._held))
            except (SQLAlchemyError, OSError) as error:
                log.warning("leases_not_renewed", reason=type(error).__name__)
