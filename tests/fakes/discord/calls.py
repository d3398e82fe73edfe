"""One call of a route: what it names, brings and causes."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from aiohttp import BodyPartReader, web

from tests.fakes.discord.errors import Refused
from tests.fakes.discord.events import Events
from tests.fakes.discord.records import Channel, Json
from tests.fakes.discord.world import World

Files = dict[str, tuple[str, bytes]]  # by the number in `files[n]`: a name and bytes


@dataclass(frozen=True, slots=True)
class Call:
    """A call that was let through. `names` are the parts of its path, `privileged` the app's intents of that kind."""

    world: World
    events: Events
    names: dict[str, str]
    query: dict[str, str]
    body: Any
    files: Files
    privileged: int = 0

    def channel(self, *needed: str) -> Channel:
        """Return the channel that the path names. Raises `Refused` where the bot may not do what is needed."""
        return self.world.channel(self.names["channel"], *needed)


@dataclass(frozen=True, slots=True)
class Route:
    """What answers a method and path: JSON with `status`, or nothing with 204. `token` says whether it needs ours."""

    work: Callable[[Call], Awaitable[Any]]
    status: int = 200
    token: bool = True


async def read_body(request: web.Request) -> tuple[Any, Files]:
    """Return a body and the files with it. Raises `Refused`."""
    if not request.can_read_body:
        return {}, {}
    if request.content_type == "multipart/form-data":
        return await _read_parts(request)
    if request.content_type != "application/json":
        raise Refused(50035, status=400, message="Expected “Content-Type” header to be application/json.")
    return _parsed(await request.text()), {}


async def _read_parts(request: web.Request) -> tuple[Any, Files]:
    body: Json = {}
    files: Files = {}
    async for part in await request.multipart():
        assert isinstance(part, BodyPartReader)
        content, name = bytes(await part.read()), part.name or ""
        if name == "payload_json":
            body = _parsed(content.decode())
        elif name.startswith("files[") and name.endswith("]"):
            files[name[6:-1]] = (part.filename or "unknown", content)
    return body, files


def _parsed(text: str) -> Any:
    try:
        return json.loads(text or "{}")
    except ValueError as error:
        raise Refused(50109) from error
