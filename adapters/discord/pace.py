"""So many calls a second: Discord's limit of all calls together, which discord.py only learns of by being refused."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from types import SimpleNamespace

import aiohttp

CALLS_A_SECOND = 40  # of 50 (https://docs.discord.com/developers/topics/rate-limits#global-rate-limit)


@dataclass(slots=True)
class Pace:
    """Lets calls go one after another, evenly."""

    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep
    _free: float = 0.0  # when the next may go
    _going: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def turn(self) -> None:
        """Wait for one's turn; each is counted from when the one before really went, even where that was late."""
        async with self._going:
            wait = self._free - self.clock()
            if wait > 0:
                await self.sleep(wait)
            self._free = self.clock() + 1 / CALLS_A_SECOND


def paced(pace: Pace | None = None) -> aiohttp.TraceConfig:
    """Return what makes discord.py's calls keep the pace, given to its client as `http_trace`.

    It holds each call just before it is sent, after discord.py has waited for the bucket of its route: calls that wait
    there together would leave together. Calls of interactions do not go this way, and are bound to no such limit.
    """
    kept = pace or Pace()

    async def wait(_: aiohttp.ClientSession, __: SimpleNamespace, ___: aiohttp.TraceRequestStartParams) -> None:
        await kept.turn()

    trace = aiohttp.TraceConfig()
    trace.on_request_start.append(wait)
    return trace
