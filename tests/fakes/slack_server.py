"""A Slack on this machine: the unmodified slack-bolt talks to it by Socket Mode or HTTP.

`async with slack_server() as slack:` gives `api_url` for a client's `base_url`, `bot_token`, `app_token` and
`signing_secret`; `slack.people` does what people do, `slack.workspace` holds what they see. Set
`slack.posting.url` to have events posted there instead of sent over sockets. Every block and view the app sends is
checked. Left alone nothing is limited in number; `limits=True` enforces Slack's tiers, with a `minute` of so many
seconds.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer

from tests.fakes.slack import chat_methods, other_methods
from tests.fakes.slack.blocks import Refused
from tests.fakes.slack.calls import Call, Json, Method
from tests.fakes.slack.decode import read_request
from tests.fakes.slack.deeds import Deeds
from tests.fakes.slack.delivery import Courier, Posting, Sockets
from tests.fakes.slack.rates import Rates
from tests.fakes.slack.workspace import Workspace

METHODS: dict[str, tuple[Method, str | None]] = {**chat_methods.METHODS, **other_methods.METHODS}
ALL_SCOPES = frozenset(scope for _, scope in METHODS.values() if scope)
APP_TOKEN, SIGNING_SECRET = "xapp-test", "a signing secret"


@dataclass(frozen=True, slots=True)
class Failure:
    """What a call gets instead: an HTTP status, or an error with status 200. `retry_after` goes with 429."""

    status: int = 200
    error: str = "internal_error"
    retry_after: int = 1


class SlackServer:
    """The running server: workspaces by token, what was called, and what goes wrong next."""

    def __init__(self, *, limits: bool, minute: float, clock: Callable[[], float]) -> None:
        self.api_url = ""
        self.app_token = APP_TOKEN
        self.signing_secret = SIGNING_SECRET
        self.scopes = ALL_SCOPES
        self.calls: list[tuple[str, Json]] = []
        self.refusals: list[tuple[str, str]] = []
        self.sockets = Sockets("A1")
        self.posting = Posting(SIGNING_SECRET)
        self.courier = Courier(self.sockets, self.posting, self._notice)
        self._clock = clock
        self._rates = Rates(clock, minute) if limits else None
        self._workspaces: dict[str, Deeds] = {}
        self._failures: dict[str, deque[Failure]] = {}
        self._changed = asyncio.Event()

    @property
    def people(self) -> Deeds:
        """The people of the first workspace."""
        return next(iter(self._workspaces.values()))

    @property
    def workspace(self) -> Workspace:
        return self.people.workspace

    @property
    def bot_token(self) -> str:
        return self.workspace.bot_token

    def install(self, team_id: str) -> Deeds:
        """Install the app into a workspace; its token is `xoxb-` and the team's id."""
        workspace = Workspace(team_id, f"xoxb-{team_id}", self._clock)
        origin = self.api_url.removesuffix("api/")
        self._workspaces[workspace.bot_token] = Deeds(workspace, self.courier, f"{origin}response/")
        return self._workspaces[workspace.bot_token]

    def fail(self, method: str, *failures: Failure) -> None:
        """Say what the next calls of a method get."""
        self._failures.setdefault(method, deque()).extend(failures)

    def called(self, method: str) -> list[Json]:
        """The arguments of every call of a method that was let through."""
        return [arguments for name, arguments in self.calls if name == method]

    async def until(self, condition: Callable[[], object], seconds: float = 10.0) -> None:
        """Wait until something is so; looked at after every call and acknowledgement."""

        async def watch() -> None:
            while not condition():
                self._changed.clear()
                await self._changed.wait()

        await asyncio.wait_for(watch(), seconds)

    def application(self) -> web.Application:
        application = web.Application(client_max_size=8 * 1024 * 1024)
        application.router.add_route("*", "/api/{method}", self._serve_api)
        application.router.add_post("/response/{team}/{key}", self._serve_response)
        application.router.add_get("/link/", self.sockets.serve)
        return application

    async def _serve_api(self, request: web.Request) -> web.Response:
        method = request.match_info["method"]
        try:
            return await self._answer(method, request)
        except Refused as refused:
            self.refusals.append((method, refused.code))
            answer: Json = {"ok": False, "error": refused.code, **refused.more}
            if refused.messages:
                answer["response_metadata"] = {"messages": list(refused.messages)}
            return web.json_response(answer)
        finally:
            self._notice()

    async def _answer(self, method: str, request: web.Request) -> web.Response:
        token, arguments = await read_request(request)
        if method == "apps.connections.open":
            return self._connect(token)
        people = self._authorise(token)
        failures = self._failures.get(method)
        if failures:
            return _failed(failures.popleft())
        if method not in METHODS:
            raise Refused("unknown_method")
        work, scope = METHODS[method]
        if scope is not None and scope not in self.scopes:
            raise Refused("missing_scope", needed=scope, provided=",".join(sorted(self.scopes)))
        if self._rates is not None:
            channel = str(arguments.get("channel", ""))
            wait = self._rates.seconds_to_wait(people.workspace.team_id, method, channel)
            if wait is not None:
                self.refusals.append((method, "ratelimited"))
                return _failed(Failure(429, "ratelimited", wait))
        self.calls.append((method, arguments))
        call = Call(people.workspace, arguments, self.scopes, lambda _, event: people.emit(event))
        return web.json_response({"ok": True, **await work(call)})

    def _connect(self, token: str | None) -> web.Response:
        if token is None:
            raise Refused("not_authed")
        if token in self._workspaces:
            raise Refused("not_allowed_token_type")
        if token != self.app_token:
            raise Refused("invalid_auth")
        failures = self._failures.get("apps.connections.open")
        if failures:
            return _failed(failures.popleft())
        return web.json_response({"ok": True, "url": self.sockets.ticket()})

    def _authorise(self, token: str | None) -> Deeds:
        if token is None:
            raise Refused("not_authed")
        if token == self.app_token:
            raise Refused("not_allowed_token_type")
        people = self._workspaces.get(token)
        if people is None:
            raise Refused("invalid_auth")
        if people.workspace.revoked:
            raise Refused("token_revoked")
        return people

    async def _serve_response(self, request: web.Request) -> web.Response:
        body: Any = json.loads(await request.text())
        for people in self._workspaces.values():
            if people.workspace.team_id == request.match_info["team"]:
                try:
                    people.respond(request.match_info["key"], body)
                except Refused as refused:
                    return web.Response(status=404 if refused.code == "expired_url" else 400, text=refused.code)
                finally:
                    self._notice()
                return web.Response(text="ok")
        return web.Response(status=404, text="no_team")

    def _notice(self) -> None:
        self._changed.set()


def _failed(failure: Failure) -> web.Response:
    if failure.status == 429:
        headers = {"Retry-After": str(failure.retry_after)}
        return web.json_response({"ok": False, "error": "ratelimited"}, status=429, headers=headers)
    if failure.status >= 500:
        return web.Response(status=failure.status, text="<html>upstream error</html>", content_type="text/html")
    return web.json_response({"ok": False, "error": failure.error}, status=failure.status)


@asynccontextmanager
async def slack_server(
    *, limits: bool = False, minute: float = 60.0, clock: Callable[[], float] = time.monotonic
) -> AsyncIterator[SlackServer]:
    """Run a Slack with one workspace, `T1`."""
    slack = SlackServer(limits=limits, minute=minute, clock=clock)
    async with TestServer(slack.application()) as server:
        slack.api_url = str(server.make_url("/api/"))
        slack.sockets.url = str(server.make_url("/link/")).replace("http://", "ws://")
        slack.install("T1")
        try:
            yield slack
        finally:
            await slack.courier.close()
            await slack.sockets.close()
