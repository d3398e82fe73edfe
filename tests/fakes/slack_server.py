"""A Slack on this machine: the unmodified slack-bolt talks to it by Socket Mode or HTTP.

`async with slack_server() as slack:` gives `api_url` for a client's `base_url`, `bot_token`, `app_token` and
`signing_secret`; `slack.people` does what people do, `slack.workspace` holds what they see. Set
`slack.posting.url` to have events posted there instead of sent over sockets. Every block and view the app sends is
checked. `slack.app` is the app's registration, `slack.authorise` a code to install it with. Left alone nothing is
limited in number; `limits=True` enforces Slack's tiers, with a `minute` of so many seconds.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer

from tests.fakes.slack import (
    app_methods,
    chat_methods,
    conversation_methods,
    file_methods,
    other_methods,
    transfers,
    view_methods,
)
from tests.fakes.slack.blocks import Refused
from tests.fakes.slack.calls import Call, Json, Method
from tests.fakes.slack.decode import read_request
from tests.fakes.slack.deeds import Deeds
from tests.fakes.slack.delivery import Courier, Posting, Sockets
from tests.fakes.slack.failures import Failure, pause
from tests.fakes.slack.oauth import Authorisations, Registration
from tests.fakes.slack.rates import Rates
from tests.fakes.slack.workspace import Workspace

__all__ = ["ALL_SCOPES", "METHODS", "Failure", "SlackServer", "slack_server"]

METHODS: dict[str, tuple[Method, str | None]] = {
    **app_methods.METHODS,
    **chat_methods.METHODS,
    **conversation_methods.METHODS,
    **file_methods.METHODS,
    **other_methods.METHODS,
    **view_methods.METHODS,
}
ALL_SCOPES = (
    frozenset(scope for _, scope in METHODS.values() if scope)
    | conversation_methods.SCOPES
    | {"app_mentions:read", "commands"}
)
FORM_ONLY = frozenset({"files.getUploadURLExternal"})  # of a JSON body it reads nothing
APP_TOKEN, SIGNING_SECRET = "xapp-test", "a signing secret"


class SlackServer:
    """The running server: workspaces, what was called, and what goes wrong next.

    `answer_delay` holds back every answer of the API for so many seconds, after the work.
    """

    def __init__(self, *, limits: bool, minute: float, clock: Callable[[], float]) -> None:
        self.api_url = ""
        self.app_token = APP_TOKEN
        self.signing_secret = SIGNING_SECRET
        self.app = Registration()
        self.scopes = ALL_SCOPES
        self.answer_delay = 0.0
        self.calls: list[tuple[str, Json]] = []
        self.refusals: list[tuple[str, str]] = []
        self.sockets = Sockets(self.app.app_id)
        self.posting = Posting(SIGNING_SECRET)
        self.courier = Courier(self.sockets, self.posting, self._notice)
        self.authorisations = Authorisations(self.app, clock)
        self.authorise = self.authorisations.grant
        self.closing = asyncio.Event()
        self._clock = clock
        self._rates = Rates(clock, minute) if limits else None
        self._teams: dict[str, Deeds] = {}
        self._failures: dict[str, deque[Failure]] = {}
        self._changed = asyncio.Event()

    @property
    def people(self) -> Deeds:
        """The people of the first workspace."""
        return next(iter(self._teams.values()))

    @property
    def workspace(self) -> Workspace:
        return self.people.workspace

    @property
    def bot_token(self) -> str:
        return self.workspace.bot_token

    @property
    def origin(self) -> str:
        """Where everything is; `oauth/v2/authorize` below it is the page that asks somebody to allow the app."""
        return self.api_url.removesuffix("api/")

    def team(self, team_id: str) -> Deeds:
        """The people of a workspace, which is there whether or not the app is installed in it."""
        return self._teams[team_id]

    def install(self, team_id: str) -> Deeds:
        """Install the app into a workspace; its token is `xoxb-` and the team's id, another one the next time."""
        people = self._teams.get(team_id)
        if people is None:
            workspace = Workspace(team_id, f"xoxb-{team_id}", self._clock, origin=self.origin)
            people = self._teams[team_id] = Deeds(workspace, self.courier, f"{self.origin}response/")
        people.workspace.renew_token()
        return people

    def fail(self, method: str, *failures: Failure) -> None:
        """Say what the next calls of a method get; "upload", "download" and "response_url" count as methods too."""
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
        application = web.Application(client_max_size=64 * 1024 * 1024)
        application.router.add_route("*", "/api/{method}", self._serve_api)
        application.router.add_post("/response/{team}/{key}", self._serve_response)
        application.router.add_post("/upload/v1/{team}/{key}", self._serve_upload)
        application.router.add_get("/files-pri/{file}/{name:.+}", self._serve_file)
        application.router.add_get("/oauth/v2/authorize", self.authorisations.serve)
        application.router.add_get("/link/", self.sockets.serve)
        return application

    async def _serve_api(self, request: web.Request) -> web.Response:
        method = request.match_info["method"]
        try:
            response = await self._answer(method, request)
        except Refused as refused:
            self.refusals.append((method, refused.code))
            answer: Json = {"ok": False, "error": refused.code, **refused.more}
            if refused.messages:
                answer["response_metadata"] = {"messages": list(refused.messages)}
            response = web.json_response(answer)
        finally:
            self._notice()
        if self.answer_delay:
            await pause(self.answer_delay, self.closing)
        return response

    async def _answer(self, method: str, request: web.Request) -> web.Response:
        token, arguments = await read_request(request)
        if method in FORM_ONLY and request.content_type == "application/json":
            arguments = {}
        if method == "oauth.v2.access":
            authorization = request.headers.get("Authorization", "")
            return await self._work(method, request, lambda: self._redeem(arguments, authorization))
        if method == "apps.manifest.export":
            return await self._work(method, request, lambda: _answered(self.app.export(token, arguments)))
        if method == "apps.connections.open":
            self._check_app_token(token)
            return await self._work(method, request, lambda: _answered({"url": self.sockets.ticket()}))
        people = self._authorise(token)
        return await self._work(method, request, lambda: self._call(method, people, arguments))

    async def _work(
        self, method: str, request: web.Request, work: Callable[[], Awaitable[web.Response]]
    ) -> web.Response:
        """Do the work, or what was said to go wrong with it."""
        failures = self._failures.get(method)
        if not failures:
            return await work()
        failure = failures.popleft()
        done = await work() if failure.works else None
        self._notice()
        return await failure.answer(request, done, self.closing)

    async def _call(self, method: str, people: Deeds, arguments: Json) -> web.Response:
        if method not in METHODS:
            raise Refused("unknown_method")
        work, scope = METHODS[method]
        scopes = self._scopes(people)
        if scope is not None and scope not in scopes:
            raise Refused("missing_scope", needed=scope, provided=",".join(sorted(scopes)))
        if self._rates is not None:
            channel = str(arguments.get("channel", ""))
            wait = self._rates.seconds_to_wait(people.workspace.team_id, method, channel)
            if wait is not None:
                self.refusals.append((method, "ratelimited"))
                headers = {"Retry-After": str(wait)}
                return web.json_response({"ok": False, "error": "ratelimited"}, status=429, headers=headers)
        self.calls.append((method, arguments))
        call = Call(people.workspace, arguments, scopes, lambda _, event: people.emit(event), self.app)
        answer = {"ok": True, **await work(call)}
        headers = {"x-oauth-scopes": ",".join(sorted(scopes)), "x-accepted-oauth-scopes": scope or ""}
        return web.json_response(answer, headers=headers)

    async def _redeem(self, arguments: Json, authorization: str) -> web.Response:
        def install(team_id: str) -> Workspace:
            return self.install(team_id).workspace

        return await _answered(self.authorisations.redeem(arguments, authorization, install, self.scopes))

    def _scopes(self, people: Deeds) -> frozenset[str]:
        granted = people.workspace.scopes
        return self.scopes if granted is None else granted

    def _check_app_token(self, token: str | None) -> None:
        if token is None:
            raise Refused("not_authed")
        if token.startswith("xoxb-"):
            raise Refused("not_allowed_token_type")
        if token != self.app_token:
            raise Refused("invalid_auth")

    def _authorise(self, token: str | None) -> Deeds:
        if token is None:
            raise Refused("not_authed")
        if token == self.app_token:
            raise Refused("not_allowed_token_type")
        for people in self._teams.values():
            if token == people.workspace.bot_token or token in people.workspace.old_tokens:
                people.workspace.check_token(token)
                return people
        raise Refused("invalid_auth")

    async def _serve_response(self, request: web.Request) -> web.Response:
        body: Any = json.loads(await request.text())
        people = self._teams.get(request.match_info["team"])
        if people is None:
            return web.Response(status=404, text="no_team")

        async def respond() -> web.Response:
            try:
                people.respond(request.match_info["key"], body)
            except Refused as refused:
                self.refusals.append(("response_url", refused.code))
                gone = refused.code in ("expired_url", "used_url")
                return web.json_response({"ok": False, "error": refused.code}, status=404 if gone else 400)
            finally:
                self._notice()
            return web.Response(text="ok")

        return await self._work("response_url", request, respond)

    async def _serve_upload(self, request: web.Request) -> web.Response:
        people = self._teams.get(request.match_info["team"])
        if people is None:
            return web.Response(status=404, text="not found")
        return await self._work("upload", request, lambda: transfers.take_upload(people.workspace, request))

    async def _serve_file(self, request: web.Request) -> web.Response:
        team_id, _, file_id = request.match_info["file"].partition("-")
        people = self._teams.get(team_id)

        async def give() -> web.Response:
            scopes = self._scopes(people) if people else frozenset[str]()
            return transfers.give_file(people.workspace if people else None, file_id, request, scopes)

        return await self._work("download", request, give)

    def _notice(self) -> None:
        self._changed.set()


async def _answered(answer: Json) -> web.Response:
    return web.json_response({"ok": True, **answer})


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
            slack.closing.set()
            await slack.courier.close()
            await slack.sockets.close()
