"""What goes wrong with a call: before the work, after it, late, or without any answer."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from tests.fakes.discord.errors import Refused
from tests.fakes.discord.rates import limited


@dataclass(frozen=True, slots=True)
class Failure:
    """What a call gets instead: an HTTP status, or with `code` one of Discord's own errors.

    `retry_after` seconds and `everywhere` (the global limit) go with 429. With `done` the work is done first, so that
    whoever tries again does it twice. `drop` cuts the connection instead of answering. `hang` lets so many seconds
    pass first; alone it does the work and answers late, but well.
    """

    status: int = 200
    code: int | None = None
    retry_after: float = 0.1
    everywhere: bool = False
    done: bool = False
    drop: bool = False
    hang: float = 0.0

    @property
    def works(self) -> bool:
        """Whether the work is done all the same."""
        return self.done or self.only_late

    @property
    def only_late(self) -> bool:
        return bool(self.hang) and self.status == 200 and self.code is None and not self.drop and not self.done

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
            return limited(self.retry_after, everywhere=self.everywhere)
        if self.code is not None:
            refused = Refused(self.code, status=0 if self.status == 200 else self.status)
            return as_json(refused.as_json(), refused.status)
        return web.Response(status=self.status, text="<html>upstream error</html>", content_type="text/html")


def as_json(data: Any, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    """Answer with JSON. No charset stands in its type: discord.py compares the whole header."""
    headers = {"Content-Type": "application/json", **(headers or {})}
    return web.Response(body=json.dumps(data).encode(), status=status, headers=headers)


async def pause(seconds: float, until: asyncio.Event) -> None:
    """Wait, but no longer than until something happens, such as the end of the server."""
    try:
        await asyncio.wait_for(until.wait(), seconds)
    except TimeoutError:
        return
