"""Since when each shard may have missed something, and how that is caught up with once it listens again.

A session that is resumed brings what was missed (https://docs.discord.com/developers/events/gateway#resuming); before a
new one, everything has to be read back. Whatever is open is kept in the database too, for the process that comes next.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Collection
from datetime import UTC, datetime, timedelta
from itertools import chain, repeat

import discord
import structlog
from sqlalchemy.exc import SQLAlchemyError

from adapters.discord.calls import Calls
from adapters.discord.failures import TROUBLE, reason_of
from adapters.discord.packing import Json
from adapters.discord.read_back import Reader
from core.db import Sessions, autocommit
from core.enums import Platform
from core.errors import DatabaseUnavailable
from core.inbox.read_back import LOOK_BACK, Spot, close_gap, last_heard, note_gap, places_to_read

log = structlog.get_logger(__name__)

_AGAIN_AFTER = (1.0, 2.0, 5.0, 15.0, 60.0)  # seconds, the last of them again and again
# So long a connection may have been dead before that was noticed, and what was heard have waited to be stored.
_UNHEARD = timedelta(seconds=90)


class CatchUp:
    """Keeps since when each shard has not heard, and reads it back. `take` is handed each message, with its server."""

    def __init__(
        self,
        client: discord.AutoShardedClient,
        sessions: Sessions,
        calls: Calls,
        take: Callable[[Json], Awaitable[None]],
    ) -> None:
        self._client = client
        self._sessions = sessions
        self._calls = calls
        self._take = take
        self._start = datetime.now(UTC) - LOOK_BACK
        self._met: set[int] = set()  # shards that have had a session
        self._dropped: dict[int, datetime] = {}  # by shard that has no connection: since when
        self._unread: dict[int, datetime] = {}  # by shard with a new session: what is still to be read
        self._reading: list[datetime] = []
        self._keeping = asyncio.Lock()
        self._ended = asyncio.Event()

    async def begin(self) -> None:
        """Learn since when nobody has listened, before anything new comes in."""
        try:
            async with autocommit(self._sessions) as session:
                self._start = await last_heard(session, Platform.DISCORD) - _UNHEARD
        except (SQLAlchemyError, OSError) as error:
            log.warning("discord_gap_unknown", reason=type(error).__name__)  # as much as is worth it is read then
        await self._keep()

    async def dropped(self, shard: int) -> None:
        """Note that a shard has lost its connection."""
        self._dropped.setdefault(shard, datetime.now(UTC) - _UNHEARD if shard in self._met else self._start)
        await self._keep()

    async def resumed(self, shard: int) -> None:
        """Note that a shard's session went on: Discord has sent again what came since the drop."""
        self._dropped.pop(shard, None)
        await self._keep()

    def renewed(self, shard: int) -> None:
        """Note that a shard has a new session, to which nothing is sent again."""
        since = self._dropped.pop(shard, self._start)
        self._unread[shard] = min(since, self._unread.get(shard, since))
        self._met.add(shard)

    async def read(self, shard: int) -> None:
        """Have what a shard missed read back and taken in, tried as often as that takes while it is worth it."""
        since = self._unread.pop(shard, None)
        if since is None:
            return
        self._reading.append(since)
        try:
            await self._insist(shard, since)
        finally:
            self._reading.remove(since)
        await self._keep()

    def end(self) -> None:
        """Try nothing again; what is missing then is left to the next process."""
        self._ended.set()

    async def _insist(self, shard: int, since: datetime) -> None:
        began = datetime.now(UTC)
        left: Collection[Spot] | None = None  # None: all there are
        for pause in chain(_AGAIN_AFTER, repeat(_AGAIN_AFTER[-1])):
            try:
                left = await self._read(shard, max(since, datetime.now(UTC) - LOOK_BACK), left)
            except (DatabaseUnavailable, SQLAlchemyError, OSError) as error:
                log.warning("discord_not_read_back", shard=shard, reason=type(error).__name__)
            else:
                if not left:
                    return
            if datetime.now(UTC) - began > LOOK_BACK:
                log.error("discord_gap_lost", shard=shard)
                return
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._ended.wait(), pause)
                return

    async def _read(self, shard: int, since: datetime, wanted: Collection[Spot] | None) -> Collection[Spot]:
        """Return where it failed. Raises `DatabaseUnavailable` and what SQLAlchemy raises: it failed everywhere."""
        async with autocommit(self._sessions) as session:
            spots = await places_to_read(session, Platform.DISCORD)
        reader = Reader(self._client, self._calls, shard, self._client.shard_count or 1, since)
        left: set[Spot] = set()
        found: list[tuple[int, Json, Spot]] = []
        for spot in spots:
            if wanted is None or spot in wanted:
                try:
                    found += [(int(message["id"]), message, spot) for message in await reader.read(spot)]
                except TROUBLE as error:
                    log.warning("discord_place_not_read_yet", shard=shard, reason=reason_of(error))
                    left.add(spot)
        for _, message, spot in sorted(found, key=lambda each: each[0]):  # the oldest first, wherever it stands
            try:
                await self._take(message)
            except DatabaseUnavailable:
                raise
            except TROUBLE as error:
                log.warning("discord_message_not_taken_yet", shard=shard, reason=reason_of(error))
                left.add(spot)
            except Exception as error:  # noqa: BLE001  (one message must not keep the others from being answered)
                log.error("discord_message_not_taken", reason=type(error).__name__)  # noqa: TRY400  (it may quote)
        log.info("discord_read_back", shard=shard, messages=len(found), left=len(left))
        return left

    async def _keep(self) -> None:
        """Keep for the next process since when something is missing, or that nothing is."""
        if self._client.is_closed():
            return
        async with self._keeping:
            missing = [*self._dropped.values(), *self._unread.values(), *self._reading]
            if len(self._met) < (self._client.shard_count or 1):
                missing.append(self._start)
            try:
                async with autocommit(self._sessions) as session:
                    if missing:
                        await note_gap(session, Platform.DISCORD, min(missing))
                    else:
                        await close_gap(session, Platform.DISCORD)
            except (SQLAlchemyError, OSError) as error:
                log.warning("discord_gap_not_kept", reason=type(error).__name__)
