"""Private threads for people who take no direct messages: one in each channel, which they can go on talking in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import structlog
from sqlalchemy.exc import SQLAlchemyError

from adapters.discord.calls import Calls
from adapters.discord.failures import NO_PLACE, TROUBLE, code_of, reason_of
from core.db import Sessions, autocommit
from core.enums import Platform
from core.errors import DatabaseUnavailable
from core.inbox.deliver import private_thread

log = structlog.get_logger(__name__)

PRIVATE = 12  # Discord's number of threads that only their members and moderators see
_NAME = "An answer for you alone"
_MANY = 1_000


@dataclass(frozen=True, slots=True)
class Alone:
    """Finds and begins the threads. `own` is the bot's user id.

    A thread is known by the answers it was begun for, and, where there were none yet, to the process that began it.
    """

    sessions: Sessions
    calls: Calls
    own: Callable[[], str]
    _begun: dict[tuple[str, str], str] = field(default_factory=dict)  # by person and channel

    async def known(self, user: str, guild: str, channel: str) -> str | None:
        """Return the thread that was begun for somebody in a channel. Raises `DatabaseUnavailable`."""
        if begun := self._begun.get((user, channel)):
            return begun
        try:
            async with autocommit(self.sessions) as session:
                return await private_thread(session, Platform.DISCORD, guild, user, channel)
        except (SQLAlchemyError, OSError) as error:
            raise DatabaseUnavailable from error

    async def thread(self, user: str, guild: str, channel: str) -> str:
        """Return the thread of somebody's in a channel, opened, or begin it.

        Raises one of `TROUBLE`, and `DatabaseUnavailable`.
        """
        known = await self.known(user, guild, channel)
        if known is None or not await self._opens(known, user):
            known = await self.calls.start_private_thread(channel, user, _NAME)
        while len(self._begun) >= _MANY:
            self._begun.pop(next(iter(self._begun)))
        self._begun[user, channel] = known
        return known

    async def _opens(self, thread: str, user: str) -> bool:
        """Say whether a thread can be used again; nothing private is said in one that is not as it was begun."""
        try:
            found = await self.calls.channel(thread)
            if found.get("type") != PRIVATE or str(found.get("owner_id")) != self.own():
                return False
            if (found.get("thread_metadata") or {}).get("archived"):
                await self.calls.reopen_thread(thread)
            await self.calls.let_in(thread, user)
        except TROUBLE as error:
            if code_of(error) not in NO_PLACE:
                raise
            log.info("discord_private_thread_gone", reason=reason_of(error))
            return False
        return True
