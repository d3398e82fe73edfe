"""Slack's rate limits: so many calls a minute for each method and workspace, `chat.postMessage` by channel.

https://docs.slack.dev/apis/web-api/rate-limits; what Slack tolerates in bursts it does not say, so nothing here.
"""

from __future__ import annotations

import math
from collections import defaultdict, deque
from collections.abc import Callable

TIERS = {"chat.startStream": 20, "chat.stopStream": 20, "views.publish": 50, "apps.connections.open": 20}
_FIFTY = ("chat.update", "chat.delete", "reactions.", "conversations.", "users.lookupByEmail", "assistant.", "agents.")
_HUNDRED = ("chat.appendStream", "users.info", "views.", "chat.postEphemeral", "files.")
OTHERWISE = 50
POSTS = 60  # a minute in one channel …
POST_BURST = 5  # … of which so many may come at once


def calls_a_minute(method: str) -> int:
    """Return how often a minute one workspace may call a method."""
    if method in TIERS:
        return TIERS[method]
    if method.startswith(_HUNDRED):
        return 100
    return 50 if method.startswith(_FIFTY) else OTHERWISE


class Rates:
    """Counts calls. `minute` shortens Slack's minute, so that a test need not wait for one."""

    def __init__(self, clock: Callable[[], float], minute: float) -> None:
        self.minute = minute
        self._clock = clock
        self._calls: dict[tuple[str, ...], deque[float]] = defaultdict(deque)

    def seconds_to_wait(self, team_id: str, method: str, channel: str) -> int | None:
        """Count a call, or say after how many whole seconds it may be tried again."""
        if method == "auth.test":
            return None
        if method == "chat.postMessage":
            window = self.minute * POST_BURST / POSTS
            return self._count((team_id, method, channel), POST_BURST, window)
        return self._count((team_id, method), calls_a_minute(method), self.minute)

    def _count(self, key: tuple[str, ...], most: int, window: float) -> int | None:
        now, calls = self._clock(), self._calls[key]
        while calls and calls[0] <= now - window:
            calls.popleft()
        if len(calls) >= most:
            return max(1, math.ceil(calls[0] + window - now))
        calls.append(now)
        return None
