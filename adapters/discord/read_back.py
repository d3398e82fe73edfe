"""What was written while nobody listened, read back from where questions are asked."""

from __future__ import annotations

from datetime import datetime

import discord
import structlog

from adapters.discord.calls import Calls
from adapters.discord.failures import TROUBLE, reason_of
from adapters.discord.packing import Json
from adapters.discord.places import DIRECT
from core.db import Sessions, autocommit
from core.enums import Platform
from core.inbox.read_back import places_to_read

log = structlog.get_logger(__name__)

_PAGE, _PAGES = 100, 5


async def read_back(sessions: Sessions, calls: Calls, since: datetime, shard: tuple[int, int]) -> list[Json]:
    """Return the messages since an aware moment in the places of a shard's servers, the oldest first.

    A shard is its number and how many there are. Direct messages count to the server they are answered for. What was
    taken in before is known by its key.
    """
    number, count = shard
    async with autocommit(sessions) as session:
        spots = await places_to_read(session, Platform.DISCORD)
    start = str(discord.utils.time_snowflake(since))
    found: dict[str, Json] = {}
    places = {
        spot.thread_id or spot.channel_id: spot.workspace
        for spot in spots
        if spot.workspace.isdecimal() and (int(spot.workspace) >> 22) % count == number
    }
    for place, guild in places.items():
        missed = await _read(calls, place, start)
        # A message that is asked for does not name its server; only direct messages have none.
        server = {} if not missed or await _is_direct(calls, place) else {"guild_id": guild}
        found |= {str(message["id"]): message | server for message in missed}
    log.info("discord_read_back", places=len(places), messages=len(found))
    return [found[name] for name in sorted(found, key=int)]


async def _is_direct(calls: Calls, place: str) -> bool:
    return int((await calls.channel(place)).get("type") or 0) == DIRECT


async def _read(calls: Calls, place: str, start: str) -> list[Json]:
    found: list[Json] = []
    for _ in range(_PAGES):
        try:
            page = await calls.history(place, after=start, most=_PAGE)
        except TROUBLE as error:
            log.info("discord_place_not_read", reason=reason_of(error))
            break
        found += page
        if len(page) < _PAGE:
            break
        start = str(page[-1]["id"])
    return found
