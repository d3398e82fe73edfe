"""What goes wrong with a call: before the work, after it, late, or without any answer."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from aiohttp import web


@dataclass(frozen=True, slots=True)
class Failure:
    """What a call gets instead: an HTTP status, or an error with status 200. `retry_after` goes with 429.

    With `done` the work is done first, so that whoever tries again does it twice. `drop` cuts the connection instead
    of answering. `hang` lets so many seconds pass first; alone it does the work and answers late, but well.
    """

    status: int = 200
    error: str | None = None
    retry_after: int = 1
    done: bool = False
    drop: bool = False
    hang: float = 0.0

    @property
    def works(self) -> bool:
        """Whether the work is done all the same."""
        return self.done or self.only_late

    @property
    def only_late(self) -> bool:
        return bool(self.hang) and self.status == 200 and self.error is None and not self.drop and not self.done

    async def answer(
        self, request: web.Request, otherwise: web.Response | None, closing: asyncio.Event
    ) -> web.Response:
        """Return what is answered; `otherwise` is the answer to the work where that was done."""
        if self.hang:
            await pause(self.hang, closing)
        if self.drop:
            if request.transport is not None:
                request.transport.abort()
            return web.Response(status=500)
        if self.only_late and otherwise is not None:
            return otherwise
        if self.status == 429:
            headers = {"Retry-After": str(self.retry_after)}
            return web.json_response({"ok": False, "error": "ratelimited"}, status=429, headers=headers)
        if self.status >= 500:
            return web.Response(status=self.status, text="<html>upstream error</html>", content_type="text/html")
        return web.json_response({"ok": False, "error": self.error or "internal_error"}, status=self.status)


async def pause(seconds: float, closing: asyncio.Event) -> None:
    """Wait, but no longer than the server lives."""
    try:
        await asyncio.wait_for(closing.wait(), seconds)
    except TimeoutError:
        return
