"""The gateway: sockets that events go over, and the sessions that outlive them.

https://docs.discord.com/developers/events/gateway
"""

from __future__ import annotations

import asyncio
import itertools
import json
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from aiohttp import web

from tests.fakes.discord.present import guild_json, member_json, without_content
from tests.fakes.discord.records import Json
from tests.fakes.discord.world import APPLICATION, BOT, World

GUILDS, MEMBERS, PRESENCES, MESSAGES, REACTIONS, TYPING = (1 << bit for bit in (0, 1, 8, 9, 10, 11))
DIRECT_MESSAGES, DIRECT_REACTIONS, DIRECT_TYPING, CONTENT = (1 << bit for bit in (12, 13, 14, 15))
PRIVILEGED = MEMBERS | PRESENCES | CONTENT
_KNOWN_INTENTS = (1 << 26) - 1
_CHUNK = 1000
DISPATCH, HEARTBEAT, IDENTIFY, RESUME, RECONNECT, MEMBERS_REQUEST, INVALID, HELLO, ACK = (0, 1, 2, 6, 7, 8, 9, 10, 11)
_IGNORED = (3, 4)  # presence and voice


class Closing(Exception):
    """The socket is closed with a code that says why."""


@dataclass(slots=True, eq=False)
class Connection:
    """One socket. Frames wait in a queue, so that they are sent in the order they were said in."""

    socket: web.WebSocketResponse
    request: web.Request
    deflate: Any | None
    silent: bool = False
    queue: asyncio.Queue[Json] = field(default_factory=asyncio.Queue)
    session: Session | None = None

    def send(self, op: int, data: Any = None, seq: int | None = None, name: str | None = None) -> None:
        if not self.silent:
            self.queue.put_nowait({"op": op, "d": data, "s": seq, "t": name})

    async def write(self) -> None:
        while not self.socket.closed:
            text = json.dumps(await self.queue.get())
            try:
                if self.deflate is None:
                    await self.socket.send_str(text)
                else:
                    packed = self.deflate.compress(text.encode()) + self.deflate.flush(zlib.Z_SYNC_FLUSH)
                    await self.socket.send_bytes(packed)
            except ConnectionError:
                return


@dataclass(slots=True, eq=False)
class Session:
    """What a client identified for: its intents and shard, and every event since, numbered."""

    id: str
    intents: int
    shard: tuple[int, int]
    connection: Connection | None
    sent: list[tuple[int, str, Json]] = field(default_factory=list)

    @property
    def seq(self) -> int:
        return len(self.sent)

    def covers(self, guild_id: str | None) -> bool:
        number = 0 if guild_id is None else (int(guild_id) >> 22) % self.shard[1]
        return number == self.shard[0]

    def dispatch(self, name: str, data: Json) -> None:
        self.sent.append((self.seq + 1, name, data))
        if self.connection is not None:
            self.connection.send(DISPATCH, data, self.seq, name)


class Gateway:
    """Hands events to the sessions they concern; without a socket a session keeps them until it is resumed.

    `privileged` are the privileged intents that are switched on for the app.
    """

    def __init__(self, world: World, token: str, notice: Callable[[], None]) -> None:
        self.url = ""
        self.heartbeat_seconds = 41.25
        self.privileged = 0
        self.identified = self.resumed = self.refused = self.heartbeats = 0
        self.closes: list[int] = []
        self.sessions: dict[str, Session] = {}
        self.connections: set[Connection] = set()
        self._world, self._token, self._notice = world, token, notice
        self._refuse = 0
        self._count = itertools.count(1)

    @property
    def connected(self) -> int:
        """How many sessions have a socket."""
        return sum(session.connection is not None for session in self.sessions.values())

    def drop(self) -> None:
        """Cut every socket, without a word."""
        for connection in list(self.connections):
            self._cut(connection)

    def lose(self, shard: int | None = None) -> None:
        """Forget every session, or those of one shard, and cut their sockets: what happens now reaches nobody."""
        for session in list(self.sessions.values()):
            if shard in (None, session.shard[0]):
                del self.sessions[session.id]
                if session.connection is not None:
                    self._cut(session.connection)

    def silence(self) -> None:
        """Let the sockets there are fall silent: no heartbeat is acknowledged, no event sent. New ones work."""
        for connection in self.connections:
            connection.silent = True

    def reconnect(self) -> None:
        """Ask every client to connect anew and resume (op 7)."""
        for connection in self.connections:
            connection.send(RECONNECT)

    def refuse_resume(self, times: int = 1) -> None:
        """Answer the next RESUME with an invalid session (op 9), so that the client has to identify again."""
        self._refuse += times

    def emit(self, name: str, data: Json, *, guild: str | None, intent: int = 0) -> None:
        """Send an event to whom it concerns; a message without its content to those not entitled to it."""
        for session in self.sessions.values():
            if session.covers(guild) and (not intent or session.intents & intent):
                whole = not name.startswith("MESSAGE_") or "content" not in data or session.intents & CONTENT
                session.dispatch(name, data if whole else without_content(self._world, data))

    async def serve(self, request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse(compress=False, max_msg_size=4096 * 4)
        await socket.prepare(request)
        packs = request.query.get("compress") == "zlib-stream"
        connection = Connection(socket, request, zlib.compressobj() if packs else None)
        writing = asyncio.create_task(connection.write())
        self.connections.add(connection)
        try:
            self._greet(connection)
            async for frame in socket:
                if frame.type is aiohttp.WSMsgType.TEXT:
                    self._take(connection, frame.data)
                    self._notice()
        except Closing as closing:
            self.closes.append(closing.args[0])
            await socket.close(code=closing.args[0])
        finally:
            if socket.close_code in (1000, 1001) and connection.session is not None:
                self.sessions.pop(connection.session.id, None)
            self._detach(connection)
            writing.cancel()
            self._notice()
        return socket

    async def close(self) -> None:
        for connection in list(self.connections):
            await connection.socket.close(code=1001)

    def _greet(self, connection: Connection) -> None:
        if connection.request.query.get("v") not in ("9", "10"):
            raise Closing(4012)
        connection.send(HELLO, {"heartbeat_interval": int(self.heartbeat_seconds * 1000), "_trace": []})

    def _cut(self, connection: Connection) -> None:
        self._detach(connection)
        if connection.request.transport is not None:
            connection.request.transport.abort()

    def _detach(self, connection: Connection) -> None:
        self.connections.discard(connection)
        if connection.session is not None and connection.session.connection is connection:
            connection.session.connection = None

    def _take(self, connection: Connection, text: str) -> None:
        try:
            frame = json.loads(text)
            op, data = frame["op"], frame.get("d")
        except (ValueError, KeyError, TypeError) as error:
            raise Closing(4002) from error
        if op == HEARTBEAT:
            self.heartbeats += 1
            connection.send(ACK)
        elif op == IDENTIFY:
            self._identify(connection, data)
        elif op == RESUME:
            self._resume(connection, data)
        elif op not in (MEMBERS_REQUEST, *_IGNORED):
            raise Closing(4001)
        elif connection.session is None:
            raise Closing(4003)
        elif op == MEMBERS_REQUEST:
            self._tell_members(connection.session, data)

    def _identify(self, connection: Connection, data: Json) -> None:
        if connection.session is not None:
            raise Closing(4005)
        if data["token"].removeprefix("Bot ") != self._token:
            raise Closing(4004)
        number, of = data.get("shard", (0, 1))
        intents = data.get("intents")
        if not 0 <= number < of:
            raise Closing(4010)
        if not isinstance(intents, int) or intents & ~_KNOWN_INTENTS:
            raise Closing(4013)
        if intents & PRIVILEGED & ~self.privileged:
            raise Closing(4014)
        session = Session(f"session{next(self._count)}", intents, (number, of), connection)
        connection.session = self.sessions[session.id] = session
        self.identified += 1
        guilds = [guild for guild in self._world.guilds.values() if session.covers(guild.id)]
        ready = {
            "v": 10,
            "user": self._world.people[BOT].as_user() | {"verified": True, "mfa_enabled": True, "email": None},
            "guilds": [{"id": guild.id, "unavailable": True} for guild in guilds],
            "session_id": session.id,
            "session_type": "normal",
            "resume_gateway_url": self.url,
            "shard": [number, of],
            "application": {"id": APPLICATION, "flags": 0},
            "private_channels": [],
        }
        session.dispatch("READY", ready)
        for guild in guilds:
            if not guild.unavailable and intents & GUILDS:
                session.dispatch("GUILD_CREATE", guild_json(self._world, guild, everybody=bool(intents & PRESENCES)))

    def _resume(self, connection: Connection, data: Json) -> None:
        if data["token"].removeprefix("Bot ") != self._token:
            raise Closing(4004)
        session = self.sessions.get(data["session_id"] or "")
        if session is None or self._refuse:
            self._refuse = max(0, self._refuse - 1)
            self.refused += 1
            if session is not None:
                del self.sessions[session.id]
            connection.send(INVALID, data=False)
            return
        if data["seq"] is None or data["seq"] > session.seq:
            raise Closing(4007)
        self.resumed += 1
        connection.session, session.connection = session, connection
        for seq, name, event in session.sent[data["seq"] :]:
            connection.send(DISPATCH, event, seq, name)
        session.dispatch("RESUMED", {"_trace": []})

    def _tell_members(self, session: Session, data: Json) -> None:
        """Answer op 8, in chunks of a thousand; all members need the members intent."""
        guild = self._world.guilds.get(str(data["guild_id"]))
        if guild is None:
            return
        wanted, query = data.get("user_ids"), data.get("query")
        if wanted is None and not (query or data.get("limit")) and not session.intents & MEMBERS:
            return
        wanted = [str(wanted)] if isinstance(wanted, (str, int)) else wanted and [str(each) for each in wanted]
        if wanted is None:
            start = (query or "").lower()
            found = [each for each in guild.members if self._world.people[each].name.lower().startswith(start)]
            found = found[: data.get("limit") or None]
        else:
            found = [each for each in wanted if each in guild.members]
        pieces = [found[start : start + _CHUNK] for start in range(0, len(found), _CHUNK)] or [[]]
        for index, piece in enumerate(pieces):
            chunk: Json = {"guild_id": guild.id, "chunk_index": index, "chunk_count": len(pieces)}
            chunk["members"] = [member_json(self._world, guild, each) for each in piece]
            chunk["not_found"] = [each for each in wanted or () if each not in guild.members]
            session.dispatch("GUILD_MEMBERS_CHUNK", chunk | {"nonce": data.get("nonce")})
