"""How fast one process may call Slack, by workspace, and what Slack told it to leave alone for a while.

The tiers are those of https://docs.slack.dev/apis/web-api/rate-limits. Slack counts for all processes together; what
it refuses in spite of this budget is held back for as long as it says.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

MINUTE = 60.0
CALLS_A_MINUTE = {
    "chat.startStream": 20,
    "chat.stopStream": 20,
    "chat.appendStream": 100,
    "chat.postEphemeral": 100,
    "users.info": 100,
    "files.info": 100,
    "views.open": 100,
}
OTHERWISE = 50
POSTS, POST_SECONDS = 3, 3.0  # chat.postMessage: about one a second in a channel, a few of them at once
APPEND_SECONDS = 0.7
STREAM_SECONDS = 600.0  # Slack ends a stream by itself after about half of that
REFUSED_SECONDS = 3_600.0
_MANY_BUDGETS = 1_000

Key = tuple[str, str, str]


@dataclass(slots=True)
class _Budget:
    """`calls` slots in any `seconds`; `slots` are the moments of the last ones, given out ahead of time."""

    calls: int
    seconds: float
    slots: deque[float]
    held_until: float = 0.0

    def next_slot(self, now: float) -> float:
        soonest = self.slots[0] + self.seconds if len(self.slots) == self.calls else now
        return max(now, soonest, self.held_until)


@dataclass(slots=True)
class Pace:
    """The budgets of one process. `clock` is in seconds, as `sleep` takes them."""

    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep
    _budgets: dict[Key, _Budget] = field(default_factory=dict)
    _streams: dict[str, dict[str, float]] = field(default_factory=dict)  # by workspace: id, and when it was opened
    _refused: dict[tuple[str, str], float] = field(default_factory=dict)

    def take(self, team: str, method: str, channel: str = "") -> bool:
        """Take a call out of the budget if it may be made this moment."""
        budget, now = self._budget(team, method, channel), self.clock()
        if budget.next_slot(now) > now:
            return False
        budget.slots.append(now)
        return True

    async def wait(self, team: str, method: str, channel: str = "") -> None:
        """Take a call out of the budget, and wait until it may be made: first come, first served."""
        while True:
            budget, now = self._budget(team, method, channel), self.clock()
            slot = budget.next_slot(now)
            budget.slots.append(slot)
            if slot > now:
                await self.sleep(slot - now)
            if self.clock() >= budget.held_until:  # Slack may have refused another call meanwhile
                return

    def hold(self, team: str, method: str, seconds: float, channel: str = "") -> None:
        """Make no such call for so long, because Slack says so."""
        budget = self._budget(team, method, channel)
        budget.held_until = max(budget.held_until, self.clock() + seconds)

    def stream_opened(self, team: str, ts: str) -> None:
        """Count a stream, which shares the budget for appending with the others of its workspace."""
        self._streams.setdefault(team, {})[ts] = self.clock()

    def stream_closed(self, team: str, ts: str) -> None:
        """Count a stream as ended; one that was left open counts as ended when Slack would have ended it."""
        self._streams.get(team, {}).pop(ts, None)

    def between_appends(self, team: str) -> float:
        """Return after how many seconds a stream may append again, so that all of them get their turn."""
        streams, since = self._streams.get(team, {}), self.clock() - STREAM_SECONDS
        for ts, opened in list(streams.items()):
            if opened < since:
                del streams[ts]
        return APPEND_SECONDS * max(1, len(streams))

    def refuse_streams(self, team: str, channel: str = "") -> None:
        """Remember for an hour that a workspace, or one channel of it, takes no streams."""
        self._refused[team, channel] = self.clock() + REFUSED_SECONDS

    def takes_streams(self, team: str, channel: str) -> bool:
        """Say whether streams are worth trying there."""
        now = self.clock()
        return all(self._refused.get(key, now) <= now for key in ((team, ""), (team, channel)))

    def _budget(self, team: str, method: str, channel: str) -> _Budget:
        key = (team, method, channel if method == "chat.postMessage" else "")
        budget = self._budgets.get(key)
        if budget is None:
            if len(self._budgets) >= _MANY_BUDGETS:
                self._forget_idle()
            if method == "chat.postMessage":
                calls, seconds = POSTS, POST_SECONDS
            else:
                calls, seconds = CALLS_A_MINUTE.get(method, OTHERWISE), MINUTE
            budget = self._budgets[key] = _Budget(calls, seconds, deque(maxlen=calls))
        return budget

    def _forget_idle(self) -> None:
        now = self.clock()
        for key, budget in list(self._budgets.items()):
            if budget.held_until <= now and (not budget.slots or budget.slots[-1] + budget.seconds <= now):
                del self._budgets[key]
        for place, until in list(self._refused.items()):
            if until <= now:
                del self._refused[place]
