"""Waits and tries again, within a bound a person is willing to sit through."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import TypeVar

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often to try again and how long to wait in all, in seconds.

    The total bounds waits only. A server that asks for more than is left is not waited for: better to fall back to
    another model at once.
    """

    retries: int = 2
    longest_total_wait: float = 20.0
    first_wait: float = 0.5

    async def run(
        self, attempt: Callable[[], Awaitable[Result]], *, wait_hint: Callable[[Exception], float | None]
    ) -> Result:
        """Return what `attempt` returns.

        `wait_hint` says of an error how long its server wants us to wait (0 when it does not say), or None when trying
        again is no use. Raises the last error.
        """
        waited = 0.0
        for tried in range(self.retries + 1):
            try:
                return await attempt()
            except Exception as error:
                hint = wait_hint(error)
                wait = max(hint or 0.0, self.first_wait * 2**tried * random.uniform(0.75, 1.25))  # noqa: S311 - jitter
                if hint is None or tried == self.retries or waited + wait > self.longest_total_wait:
                    raise
                waited += wait
                await asyncio.sleep(wait)
        raise AssertionError  # the last round returned or raised


def read_retry_after(headers: Mapping[str, str]) -> float:
    """Return the seconds a response asks to wait, 0 when it does not say.

    `retry-after-ms` is OpenAI's own; `retry-after` is seconds or an HTTP date (RFC 9110, section 10.2.3).
    """
    try:
        if milliseconds := headers.get("retry-after-ms"):
            return max(0.0, float(milliseconds) / 1000)
        stated = headers.get("retry-after", "").strip()
        if not stated:
            return 0.0
        if stated.replace(".", "", 1).isdigit():
            return float(stated)
        return max(0.0, parsedate_to_datetime(stated).timestamp() - time.time())
    except (ValueError, OverflowError):
        return 0.0
