"""How Slack brings something to the app: over sockets or by signed HTTP, again when it is not acknowledged."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import math
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import aiohttp
from aiohttp import web

from tests.fakes.slack.blocks import Refused

Json = dict[str, Any]
OPEN_SOCKETS = 10


@dataclass(slots=True)
class Delivery:
    """Something on its way: how often it was sent, how it was acknowledged, and how long that took."""

    kind: str  # events_api, slash_commands or interactive
    payload: Json
    settle: Callable[[Json], None] | None = None  # what Slack does with the acknowledgement
    attempts: int = 0
    answer: Json = field(default_factory=dict)
    seconds: float | None = None
    failure: str = ""
    _over: asyncio.Event = field(default_factory=asyncio.Event)

    async def done(self, seconds: float = 10.0) -> Json:
        """Wait for the acknowledgement and return what it carries. Fails the test when there is none."""
        await asyncio.wait_for(self.ended(), seconds)
        assert not self.failure, f"{self.kind} was never acknowledged: {self.failure}"
        return self.answer

    @property
    def over(self) -> bool:
        """Whether Slack has it acknowledged, or has given up."""
        return self._over.is_set()

    async def ended(self) -> None:
        """Wait until Slack has it acknowledged or has given up."""
        await self._over.wait()

    def end(self, failure: str = "") -> None:
        self.failure = failure
        self._over.set()


class Sockets:
    """Socket Mode: https://docs.slack.dev/apis/events-api/using-socket-mode."""

    def __init__(self, app_id: str) -> None:
        self.url = ""
        self.silent = False  # answers no pings any more
        self.opened = 0
        self._app_id = app_id
        self._tickets: set[str] = set()
        self._sockets: list[_Socket] = []
        self._turn = 0
        self._arrived = asyncio.Event()

    @property
    def count(self) -> int:
        return len(self._sockets)

    def ticket(self) -> str:
        """Return an address for one connection."""
        ticket = uuid.uuid4().hex
        self._tickets.add(ticket)
        return f"{self.url}?ticket={ticket}&app_id={self._app_id}"

    async def serve(self, request: web.Request) -> web.StreamResponse:
        ticket = request.query.get("ticket", "")
        if ticket not in self._tickets:
            return web.Response(status=403)
        self._tickets.discard(ticket)
        connection = web.WebSocketResponse(autoping=False)
        await connection.prepare(request)
        if len(self._sockets) >= OPEN_SOCKETS:
            await connection.send_json({"type": "disconnect", "reason": "too_many_websockets"})
            await connection.close()
            return connection
        socket = _Socket(connection, request.transport)
        self._sockets.append(socket)
        self.opened += 1
        await connection.send_json(
            {
                "type": "hello",
                "num_connections": len(self._sockets),
                "connection_info": {"app_id": self._app_id},
                "debug_info": {"host": "applink-test", "approximate_connection_time": 18060},
            }
        )
        self._arrived.set()
        try:
            async for message in connection:
                if message.type is aiohttp.WSMsgType.PING and not self.silent:
                    await connection.pong(message.data)
                elif message.type is aiohttp.WSMsgType.TEXT:
                    socket.hear(json.loads(message.data))
        finally:
            self._sockets.remove(socket)
            socket.gone.set()
        return connection

    async def attempt(self, delivery: Delivery, reason: str, seconds: float) -> str:
        """Send once, to one socket; return why it was not acknowledged, or nothing."""
        try:
            socket = await asyncio.wait_for(self._next(), seconds)
        except TimeoutError:
            return "no_connection"
        envelope = str(uuid.uuid4())
        waiting: asyncio.Future[Json] = asyncio.get_running_loop().create_future()
        socket.waiting[envelope] = waiting
        frame: Json = {
            "envelope_id": envelope,
            "type": delivery.kind,
            "accepts_response_payload": delivery.kind != "events_api",
            "payload": delivery.payload,
        }
        if delivery.kind == "events_api":
            frame |= {"retry_attempt": delivery.attempts - 1, "retry_reason": reason}
        gone: asyncio.Future[Any] = asyncio.ensure_future(socket.gone.wait())
        try:
            await socket.connection.send_json(frame)
            either: set[asyncio.Future[Any]] = {waiting, gone}
            await asyncio.wait(either, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        except ConnectionError:
            return "connection_closed"
        finally:
            gone.cancel()
            socket.waiting.pop(envelope, None)
        if not waiting.done():
            return "connection_closed" if socket.gone.is_set() else "timeout"
        delivery.answer = waiting.result()
        return ""

    async def refresh(self, reason: str = "refresh_requested") -> None:
        """Ask every connection to be replaced, as Slack does every few hours."""
        for socket in list(self._sockets):
            socket.leaving = True
            await socket.connection.send_json({"type": "disconnect", "reason": reason, "debug_info": {}})

    def drop(self) -> None:
        """Cut every connection without a word."""
        for socket in list(self._sockets):
            socket.leaving = True
            if socket.transport is not None:
                socket.transport.abort()

    async def close(self) -> None:
        for socket in list(self._sockets):
            await socket.connection.close()

    async def wait_open(self, opened: int = 1) -> None:
        """Wait until so many connections have been opened since the server started."""
        while self.opened < opened:
            self._arrived.clear()
            await self._arrived.wait()

    async def _next(self) -> _Socket:
        while True:
            ready = [socket for socket in self._sockets if not socket.leaving]
            if ready:
                self._turn += 1
                return ready[self._turn % len(ready)]
            self._arrived.clear()
            await self._arrived.wait()


class _Socket:
    def __init__(self, connection: web.WebSocketResponse, transport: asyncio.Transport | None) -> None:
        self.connection = connection
        self.transport = transport
        self.leaving = False
        self.gone = asyncio.Event()
        self.waiting: dict[str, asyncio.Future[Json]] = {}

    def hear(self, message: Json) -> None:
        waiting = self.waiting.get(message.get("envelope_id", ""))
        if waiting is not None and not waiting.done():
            waiting.set_result(message.get("payload") or {})


class Posting:
    """HTTP delivery: https://docs.slack.dev/authentication/verifying-requests-from-slack."""

    def __init__(self, signing_secret: str) -> None:
        self.url = ""
        self._secret = signing_secret

    async def attempt(self, delivery: Delivery, reason: str, seconds: float) -> str:
        retry = delivery.kind == "events_api" and delivery.attempts > 1
        number = {"X-Slack-Retry-Num": str(delivery.attempts - 1), "X-Slack-Retry-Reason": reason} if retry else {}
        body, kind = _encode(delivery)
        try:
            status, text, headers = await self.post(body, number | {"Content-Type": kind}, seconds)
        except TimeoutError:
            return "http_timeout"
        except aiohttp.ClientError:
            return "connection_failed"
        if not 200 <= status < 300:
            return "no_retry" if headers.get("X-Slack-No-Retry") == "1" else f"http_error {status}"
        delivery.answer = json.loads(text) if text.startswith("{") else ({"text": text} if text else {})
        return ""

    async def post(
        self, body: str, headers: dict[str, str], seconds: float = 3.0, *, secret: str = "", now: float | None = None
    ) -> tuple[int, str, dict[str, str]]:
        """Send a signed request; return status, text and headers. Another `secret` or time makes a forged one."""
        moment = str(int(time.time() if now is None else now))
        base = f"v0:{moment}:{body}".encode()
        signature = hmac.new((secret or self._secret).encode(), base, hashlib.sha256).hexdigest()
        signed = headers | {"X-Slack-Request-Timestamp": moment, "X-Slack-Signature": f"v0={signature}"}
        timeout = aiohttp.ClientTimeout(total=seconds)
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.post(self.url, data=body.encode(), headers=signed) as response,
        ):
            return response.status, await response.text(), dict(response.headers)


def _encode(delivery: Delivery) -> tuple[str, str]:
    if delivery.kind == "events_api":
        return json.dumps(delivery.payload), "application/json"
    form = delivery.payload if delivery.kind == "slash_commands" else {"payload": json.dumps(delivery.payload)}
    return urlencode(form), "application/x-www-form-urlencoded"


class Courier:
    """Delivers, waits for the acknowledgement, and sends events again as Slack does."""

    def __init__(self, sockets: Sockets, posting: Posting, changed: Callable[[], None]) -> None:
        self.sockets = sockets
        self.posting = posting
        self.ack_seconds = 3.0
        self.retry_after: tuple[float, ...] = (0.0, 60.0, 300.0)
        self.sent: list[Delivery] = []
        self._changed = changed
        self._tasks: set[asyncio.Task[None]] = set()

    def send(self, delivery: Delivery) -> Delivery:
        self.sent.append(delivery)
        self._start(self._deliver(delivery))
        return delivery

    def send_again(self, delivery: Delivery, reason: str = "timeout") -> Delivery:
        """Deliver what was acknowledged already once more, as Slack does when the acknowledgement got lost."""
        again = Delivery(delivery.kind, delivery.payload, attempts=delivery.attempts)
        self._start(self._deliver(again, reason))
        return again

    def slowest(self) -> float:
        """Return the most seconds from sending to acknowledgement; infinite where one was never acknowledged."""
        over = [sent for sent in self.sent if sent.seconds is not None or sent.failure]
        return max((math.inf if sent.seconds is None else sent.seconds for sent in over), default=0.0)

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _start(self, work: Any) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _deliver(self, delivery: Delivery, reason: str = "") -> None:
        transport = self.posting if self.posting.url else self.sockets
        # Only events are sent again; who typed a command or pressed a button sees that it failed.
        waits = (0.0, *self.retry_after) if delivery.kind == "events_api" else (0.0,)
        started = time.monotonic()
        for wait in waits:
            await asyncio.sleep(wait)
            delivery.attempts += 1
            reason = await transport.attempt(delivery, reason, self.ack_seconds)
            if not reason:
                delivery.seconds = time.monotonic() - started
            if not reason or reason == "no_retry":
                break
        if not reason and delivery.settle is not None:
            try:
                delivery.settle(delivery.answer)
            except Refused as error:
                reason = str(error)
        delivery.end(reason)
        self._changed()
