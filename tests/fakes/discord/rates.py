"""Discord's rate limits: a bucket for each route and channel, server or webhook, and one for everything.

https://docs.discord.com/developers/topics/rate-limits. The numbers of the buckets are not published; these are what
bots see in the headers.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass

from aiohttp import web

GLOBAL, INVALID, TEN_MINUTES = 50, 10_000, 600.0
_MESSAGE = "/channels/{channel}/messages/{message}"
# So many calls in so many seconds; reactions of every kind share one bucket.
_BUCKETS = {
    "POST /channels/{channel}/messages": (5, 5.0),
    f"PATCH {_MESSAGE}": (5, 5.0),
    f"DELETE {_MESSAGE}": (5, 1.0),
    "POST /channels/{channel}/typing": (5, 5.0),
    "PATCH /channels/{channel}": (2, 600.0),
    "reactions": (1, 0.25),
    "webhook": (5, 2.0),
}
_OTHERWISE = (50, 1.0)
_FREE = "POST /interactions/{interaction}/{token}/callback"


@dataclass(frozen=True, slots=True)
class Verdict:
    """The headers a call is answered with, and where it came too soon the seconds to wait."""

    headers: dict[str, str]
    wait: float | None = None
    everywhere: bool = False


class Rates:
    """Counts calls, those refused among them."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.invalid: deque[float] = deque()
        self.most_invalid = INVALID
        self._clock = clock
        self._calls: dict[tuple[str, str], deque[float]] = defaultdict(deque)

    def count(self, route: str, major: str) -> Verdict:
        """Count a call of a route with its major parameter."""
        if route == _FREE:  # answers to interactions are bound to no limit of the app
            return Verdict({})
        now = self._clock()
        if "/webhooks/" not in route:  # nor are their follow-ups to the global one
            wait = self._take(("everywhere", ""), GLOBAL, 1.0, now)
            if wait is not None:
                return Verdict({"X-RateLimit-Global": "true", "X-RateLimit-Scope": "global"}, wait, everywhere=True)
        name = bucket_of(route)
        most, window = _BUCKETS.get(name, _OTHERWISE)
        calls = self._calls[name, major]
        wait = self._take((name, major), most, window, now)
        reset = calls[0] + window - now if calls else window
        headers = {
            "X-RateLimit-Limit": str(most),
            "X-RateLimit-Remaining": str(max(0, most - len(calls))),
            "X-RateLimit-Reset": f"{time.time() + reset:.3f}",
            "X-RateLimit-Reset-After": f"{reset:.3f}",
            "X-RateLimit-Bucket": hashlib.sha256(name.encode()).hexdigest()[:20],
        }
        return Verdict(headers if wait is None else headers | {"X-RateLimit-Scope": "user"}, wait)

    def count_invalid(self, status: int) -> None:
        """Count an answer of 401, 403 or 429."""
        if status in (401, 403, 429):
            self.invalid.append(self._clock())

    @property
    def banned(self) -> bool:
        """Whether the address is shut out: 10,000 invalid requests in ten minutes."""
        now = self._clock()
        while self.invalid and self.invalid[0] <= now - TEN_MINUTES:
            self.invalid.popleft()
        return len(self.invalid) >= self.most_invalid

    def _take(self, key: tuple[str, str], most: int, window: float, now: float) -> float | None:
        """Count one, or say how long to wait. A window begins with its first call and starts over as a whole."""
        calls = self._calls[key]
        if calls and calls[0] <= now - window:
            calls.clear()
        if len(calls) >= most:
            return calls[0] + window - now
        calls.append(now)
        return None


def bucket_of(route: str) -> str:
    """Return the name of the bucket a route counts in."""
    if "/reactions" in route:
        return "reactions"
    return "webhook" if "/webhooks/" in route else route


def limited(wait: float, headers: dict[str, str] | None = None, *, everywhere: bool = False) -> web.Response:
    """Answer 429; without a `Via` header discord.py takes it for a ban."""
    body = {"message": "You are being rate limited.", "retry_after": round(wait, 3), "global": everywhere}
    about = {"Content-Type": "application/json", "Via": "1.1 google", "Retry-After": str(max(1, round(wait)))}
    about |= {"X-RateLimit-Global": "true"} if everywhere else {}
    return web.Response(body=json.dumps(body).encode(), status=429, headers=about | (headers or {}))


def banned() -> web.Response:
    """Answer as Cloudflare does to an address that is shut out: no `Via`, no JSON."""
    text = "<html>error code: 1015</html>"
    return web.Response(status=429, text=text, content_type="text/html", headers={"Retry-After": "3600"})
