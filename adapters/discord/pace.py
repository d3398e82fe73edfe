"""So many calls a second: Discord's limit of all calls together, which discord.py only learns of by being refused."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

CALLS_A_SECOND = 40  # of 50 (https://docs.discord.com/developers/topics/rate-limits#global-rate-limit)


@dataclass(slots=True)
class Pace:
    """Lets calls go one after another, evenly. What interactions answer is bound to no such limit."""

    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep
    _free: float = 0.0  # when the next may go

    async def turn(self) -> None:
        """Wait for one's turn."""
        now = self.clock()
        at = max(now, self._free)
        self._free = at + 1 / CALLS_A_SECOND
        if at > now:
            await self.sleep(at - now)
