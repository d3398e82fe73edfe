"""What was written while a shard did not listen, read back from where questions are asked.

A place is asked for its messages only where it may have new ones: what discord.py knows of channels and threads since
the session began says which message is their last.
"""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import dataclass, field
from datetime import datetime

import discord
import structlog

from adapters.discord.calls import Calls
from adapters.discord.failures import reason_of
from adapters.discord.packing import Json
from adapters.discord.places import DIRECT, shard_of
from core.inbox.read_back import Spot

log = structlog.get_logger(__name__)

_PAGE, _PAGES = 100, 20
_TOO_MANY, _BROKEN = 429, 500  # from this status on it is Discord's own trouble


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads what was said since an aware moment in the places of one shard, each place once."""

    client: discord.Client
    calls: Calls
    shard: int
    shards: int
    since: datetime
    _read: set[str] = field(default_factory=set)

    async def read(self, spot: Spot) -> list[Json]:
        """Return the messages at a spot, in a channel that stands for a class those of its threads and posts too.

        Nothing comes from where Discord lets nobody read. Raises one of `TROUBLE` where it may work later.
        """
        channel, guild = spot.channel_id, spot.workspace
        if not guild.isdecimal():
            return []
        if not (spot.bound or spot.thread_id or self._in_server(channel)):
            return await self._read_direct(channel)
        server = self.client.get_guild(int(guild)) if shard_of(guild, self.shards) == self.shard else None
        if server is None:
            return []
        if server.unavailable:
            raise ConnectionError("the server is not available yet")
        found = await self._read_place(spot.thread_id or channel)
        if spot.bound:
            for thread, last in (await self._threads(server, channel)).items():
                found += await self._read_place(thread, last)
        # A message that is asked for does not name its server.
        return [message | {"guild_id": guild} for message in found]

    def _in_server(self, channel: str) -> bool:
        return isinstance(self.client.get_channel(int(channel)), discord.abc.GuildChannel)

    async def _read_direct(self, channel: str) -> list[Json]:
        """Read direct messages, which come to the first shard, whichever server they count to."""
        if self.shard != 0:
            return []
        [about] = await self._unless_refused(self._about(channel)) or [{}]
        if about.get("type") != DIRECT:
            return []
        return await self._read_place(channel, int(about.get("last_message_id") or 0) or None)

    async def _threads(self, server: discord.Guild, channel: str) -> dict[str, int | None]:
        """Return the threads of a channel, or posts of a forum, with their last messages.

        Those not in use any more have fallen silent since, or were closed.
        """
        archived = await self._unless_refused(self.calls.archived_threads(channel))
        found = {str(each["id"]): int(each.get("last_message_id") or 0) or None for each in archived}
        return found | {str(each.id): each.last_message_id for each in server.threads if each.parent_id == int(channel)}

    async def _read_place(self, place: str, last: int | None = None) -> list[Json]:
        known = self.client.get_channel(int(place))
        last = last or getattr(known, "last_message_id", None)
        start = discord.utils.time_snowflake(self.since)
        if place in self._read or isinstance(known, discord.ForumChannel) or (last is not None and last < start):
            return []
        found = await self._unless_refused(self._history(place, str(start)))
        self._read.add(place)
        return found

    async def _history(self, place: str, start: str) -> list[Json]:
        found: list[Json] = []
        for _ in range(_PAGES):
            page = await self.calls.history(place, after=start, most=_PAGE)
            found += page
            if len(page) < _PAGE:
                return found
            start = str(page[-1]["id"])
        log.warning("discord_place_not_read_whole", messages=len(found))
        return found

    async def _about(self, channel: str) -> list[Json]:
        return [await self.calls.channel(channel)]

    @staticmethod
    async def _unless_refused(call: Awaitable[list[Json]]) -> list[Json]:
        try:
            return await call
        except discord.HTTPException as error:
            if error.status >= _BROKEN or error.status == _TOO_MANY:
                raise
            log.info("discord_place_not_read", reason=reason_of(error))
            return []
