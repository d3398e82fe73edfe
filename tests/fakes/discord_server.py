"""A Discord on this machine: the unmodified discord.py talks to it over gateway and REST.

`async with discord_server() as discord:` gives `api_url` for `discord.http.Route.BASE`, `gateway_url` for
`discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY`, and a `token`; `discord.people` does what people do,
`discord.workspace` holds what they see. Every message, modal and command the app sends is checked against Discord's
limits. Left alone nothing is limited in number; `limits=True` enforces the rate limits. By `clock`, in seconds,
interactions and limits run out.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from aiohttp import web
from aiohttp.test_utils import TestServer

from tests.fakes.discord import channel_routes, interaction_routes, message_routes, other_routes
from tests.fakes.discord.calls import Call, Route, read_body
from tests.fakes.discord.deeds import Deeds
from tests.fakes.discord.errors import Refused
from tests.fakes.discord.events import Events
from tests.fakes.discord.failures import Failure, as_json, pause
from tests.fakes.discord.gateway import Gateway
from tests.fakes.discord.published_rules import published
from tests.fakes.discord.rates import Rates, Verdict, banned, limited
from tests.fakes.discord.records import Guild, Json
from tests.fakes.discord.world import APPLICATION, World

__all__ = ["ROUTES", "DiscordServer", "Failure", "discord_server"]

ROUTES: dict[str, Route] = {
    **message_routes.ROUTES,
    **channel_routes.ROUTES,
    **interaction_routes.ROUTES,
    **other_routes.ROUTES,
}
TOKEN = "OTAw.test.token"
_BOT_GATEWAY = "GET /gateway/bot"
_LOOK_SECONDS = 0.01
_MAJOR = ("channel", "guild", "application", "token")


class DiscordServer:
    """The running server: what there is, what was called, and what goes wrong next.

    `calls` are the routes that were let through with their bodies, `refusals` those refused with Discord's code.
    `breaches` are what the published specification would not have let through, where it is at hand.
    `shards` is how many the server recommends; `answer_delay` holds back every answer for so many seconds.
    """

    def __init__(self, *, limits: bool, clock: Callable[[], float]) -> None:
        self.api_url = ""
        self.token = TOKEN
        self.application_id = APPLICATION
        self.shards = 1
        self.answer_delay = 0.0
        self.calls: list[tuple[str, Json]] = []
        self.refusals: list[tuple[str, int]] = []
        self.closing = asyncio.Event()
        self.workspace = World(clock)
        self.gateway = Gateway(self.workspace, TOKEN, self._notice)
        self.events = Events(self.workspace, self.gateway)
        self.people = Deeds(self.workspace, self.events)
        self.rates = Rates(clock)
        self.breaches: list[str] = []
        self._published = published()
        self._limits = limits
        self._failures: dict[str, deque[Failure]] = {}
        self._changed = asyncio.Event()

    @property
    def gateway_url(self) -> str:
        return self.gateway.url

    @property
    def guild(self) -> Guild:
        """The first server."""
        return next(iter(self.workspace.guilds.values()))

    def fail(self, route: str, *failures: Failure) -> None:
        """Say what the next calls of a route get, by its key in `ROUTES`; "GET attachment" is fetching a file."""
        assert route in ROUTES or route in (_BOT_GATEWAY, "GET attachment"), f"there is no route {route}"
        self._failures.setdefault(route, deque()).extend(failures)

    def called(self, route: str) -> list[Json]:
        """The bodies of every call of a route that was let through."""
        return [body for name, body in self.calls if name == route]

    async def until(self, condition: Callable[[], object], seconds: float = 10.0) -> None:
        """Wait until something is so; looked at after every call and frame, and every so often besides.

        What an app does with an event needs no call, so nothing tells of it here.
        """

        async def watch() -> None:
            while not condition():
                self._changed.clear()
                await pause(_LOOK_SECONDS, self._changed)

        await asyncio.wait_for(watch(), seconds)

    def application(self) -> web.Application:
        application = web.Application(client_max_size=128 * 1024 * 1024)
        api = "/api/v10"
        application.router.add_get(f"{api}/gateway", self._serve_gateway)
        application.router.add_get(f"{api}/gateway/bot", self._serve_gateway)
        for key, route in ROUTES.items():
            method, path = key.split(" ")
            application.router.add_route(method, api + path, self._handler(key, route))
        application.router.add_route("*", api + "/{path:.*}", self._serve_nothing)
        application.router.add_get("/attachments/{channel}/{file}/{name:.+}", self._serve_file)
        application.router.add_get("/", self.gateway.serve)
        return application

    def _handler(self, key: str, route: Route) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def serve(request: web.Request) -> web.Response:
            major = "/".join(request.match_info[name] for name in _MAJOR if name in request.match_info)
            verdict = self.rates.count(key, major) if self._limits else Verdict({})
            if self._limits and self.rates.banned:
                return banned()
            response = await self._answer(key, route, request, verdict)
            response.headers.update(verdict.headers)
            self.rates.count_invalid(response.status)
            self._notice()
            if self.answer_delay:
                await pause(self.answer_delay, self.closing)
            return response

        return serve

    async def _answer(self, key: str, route: Route, request: web.Request, verdict: Verdict) -> web.Response:
        try:
            if route.token:
                self._authorise(request)
            if verdict.wait is not None:
                self.refusals.append((key, 429))
                return limited(verdict.wait, everywhere=verdict.everywhere)
            return await self._work(key, request, lambda: self._call(key, route, request))
        except Refused as refused:
            self.refusals.append((key, refused.code))
            return as_json(refused.as_json(), refused.status)

    async def _work(self, key: str, request: web.Request, work: Callable[[], Awaitable[web.Response]]) -> web.Response:
        """Do the work, or what was said to go wrong with it."""
        failures = self._failures.get(key)
        if not failures:
            return await work()
        failure = failures.popleft()
        done = await work() if failure.works else None
        self._notice()
        return await failure.answer(request, done, self.closing)

    async def _call(self, key: str, route: Route, request: web.Request) -> web.Response:
        body, files = await read_body(request)
        names, query = dict(request.match_info), dict(request.query)
        call = Call(self.workspace, self.events, names, query, body, files, self.gateway.privileged)
        answer = await route.work(call)
        self.calls.append((key, body))
        if self._published is not None:
            self.breaches += self._published.breaches(key, body)
        return web.Response(status=204) if answer is None else as_json(answer, route.status)

    def _authorise(self, request: web.Request) -> None:
        if request.headers.get("Authorization") != f"Bot {self.token}":
            raise Refused(0)

    async def _serve_gateway(self, request: web.Request) -> web.Response:
        answer: Json = {"url": self.gateway.url}

        async def tell() -> web.Response:
            return as_json(answer)

        if request.path.endswith("/bot"):
            if request.headers.get("Authorization") != f"Bot {self.token}":
                return as_json(Refused(0).as_json(), 401)
            limit = {"total": 1000, "remaining": 1000, "reset_after": 86_400_000, "max_concurrency": 1}
            answer |= {"shards": self.shards, "session_start_limit": limit}
            return await self._work(_BOT_GATEWAY, request, tell)
        return await tell()

    async def _serve_file(self, request: web.Request) -> web.Response:
        async def give() -> web.Response:
            file = self.workspace.files.get(request.match_info["file"])
            if file is None:
                return web.Response(status=404, text="This content is no longer available.")
            return web.Response(body=file.content, content_type=file.kind)

        return await self._work("GET attachment", request, give)

    async def _serve_nothing(self, request: web.Request) -> web.Response:
        self.refusals.append((f"{request.method} {re.sub('^/api/v10', '', request.path)}", 404))
        return as_json({"message": "404: Not Found", "code": 0}, 404)

    def _notice(self) -> None:
        self._changed.set()


@asynccontextmanager
async def discord_server(
    *, limits: bool = False, clock: Callable[[], float] = time.monotonic
) -> AsyncIterator[DiscordServer]:
    """Run a Discord with one server that the app's bot is in."""
    discord = DiscordServer(limits=limits, clock=clock)
    async with TestServer(discord.application()) as server:
        discord.workspace.origin = str(server.make_url("/"))
        discord.api_url = str(server.make_url("/api/v10"))
        discord.gateway.url = str(server.make_url("/")).replace("http://", "ws://")
        discord.workspace.add_guild()
        try:
            yield discord
        finally:
            discord.closing.set()
            await discord.gateway.close()
    if discord.breaches:
        raise AssertionError("\n".join(dict.fromkeys(discord.breaches)))
