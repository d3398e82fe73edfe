"""What Discord's gateway sends, kept in the inbox before anything else is done with it.

discord.py holds the connections: shards, heartbeats, resuming, rate limits. Events are read from the gateway's own
payloads (`on_socket_raw_receive`), which say the same in tests, in a replay and in what is read back.
"""

from __future__ import annotations

import asyncio
import json
import logging
import sys
import traceback
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import discord
import structlog

from adapters.discord.alone import PRIVATE
from adapters.discord.catch_up import CatchUp
from adapters.discord.intake import Intake
from adapters.discord.pace import paced
from adapters.discord.permissions import intents
from adapters.discord.places import THREADS, Where, where_of
from adapters.discord.receive import receive_deletion, receive_message, receive_reaction
from adapters.discord.route import MESSAGE, REACTION, route_of_event
from adapters.discord.take_interaction import take_interaction
from core.enums import Platform
from core.errors import DatabaseUnavailable
from core.inbox.tell_apart import key_of_change

log = structlog.get_logger(__name__)

Payload = Mapping[str, Any]

_RETRY_AFTER = (0.5, 1, 2, 4, 8, 15, 30)  # seconds; an event of the gateway's is not sent again
_MANY_PLACES = 5_000
_RECEIVED = "received"  # added to what the gateway sends: when that was
_GRACE = 5.0  # seconds that what has come in gets to be stored when the process ends


class Listener(discord.AutoShardedClient):
    """The connection. Without the privileged intent for members, and with nothing cached that people wrote."""

    def __init__(
        self,
        *,
        reads_all: bool,
        shard_count: int | None = None,
        prepare: Callable[[], Awaitable[Intake]],
        **more: Any,  # noqa: ANN401  (whatever discord.py's client takes)
    ) -> None:
        logging.getLogger("discord").setLevel(logging.WARNING)  # below that it writes out what people say
        logging.getLogger("discord.client").setLevel(logging.ERROR)  # it misses what only voices need
        super().__init__(
            intents=intents(reads_all=reads_all),
            shard_count=shard_count,
            max_messages=None,
            member_cache_flags=discord.MemberCacheFlags.none(),
            chunk_guilds_at_startup=False,
            allowed_mentions=discord.AllowedMentions.none(),
            enable_debug_events=True,  # which hands over the payloads
            http_trace=paced(),
            **more,
        )
        self._prepare = prepare
        self._intake: Intake | None = None
        self._places: dict[str, Where] = {}
        self._catch_up: CatchUp | None = None
        self._working: set[asyncio.Task[Any]] = set()
        self._reactions = asyncio.Lock()  # they are stored one after another, as each is known by the one before

    async def setup_hook(self) -> None:
        """Get ready between signing in and connecting."""
        intake = self._intake = await self._prepare()
        self._catch_up = CatchUp(self, intake.servers.sessions, intake.setting.calls, self.take_message)
        await self._catch_up.begin()

    @property
    def own_id(self) -> str:
        """The bot's user id."""
        return str(self.user.id) if self.user is not None else ""

    @property
    def intake(self) -> Intake:
        """Where events go; set once signed in."""
        if self._intake is None:
            raise RuntimeError("the client has not signed in yet")
        return self._intake

    @property
    def catch_up(self) -> CatchUp:
        """What reads back; set once signed in."""
        if self._catch_up is None:
            raise RuntimeError("the client has not signed in yet")
        return self._catch_up

    async def on_socket_raw_receive(self, frame: str) -> None:
        """Take in a payload of the gateway's, if it is one that matters."""
        if not any(kind in frame for kind in _QUOTED):
            return
        payload = json.loads(frame)
        take = _TAKEN.get(str(payload.get("t")))
        if take is not None:
            with self._at_work():
                await self._insist(take, payload["d"] | {_RECEIVED: datetime.now(UTC)})

    async def close(self) -> None:
        """Close the connections, and let what has come in be stored."""
        await super().close()
        if self._catch_up is not None:
            self._catch_up.end()
        working = self._working - {asyncio.current_task()}
        if working:
            await asyncio.wait(working, timeout=_GRACE)
        for task in working:
            task.cancel()
        await asyncio.gather(*working, return_exceptions=True)

    @contextmanager
    def _at_work(self) -> Iterator[None]:
        """Keep in mind what runs, for discord.py begins tasks and forgets them."""
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("events are taken in by tasks")
        self._working.add(task)
        try:
            yield
        finally:
            self._working.discard(task)

    async def on_error(self, event_method: str, /, *_: object, **__: object) -> None:
        """Note where something failed; what was in the event is not written down."""
        error, trace = sys.exc_info()[1:]  # discord.py calls this while it handles the error
        # Where it was and not the whole traceback: an error of the database's quotes what it was given.
        frames = traceback.extract_tb(trace)
        where = f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else None
        log.error("discord_event_failed", at=event_method, reason=type(error).__name__, where=where)

    async def on_shard_disconnect(self, shard_id: int) -> None:
        """Note since when a shard may have missed something."""
        with self._at_work():
            await self.catch_up.dropped(shard_id)

    async def on_shard_resumed(self, shard_id: int) -> None:
        """Forget that: Discord has sent it again."""
        with self._at_work():
            await self.catch_up.resumed(shard_id)

    async def on_shard_connect(self, shard_id: int) -> None:
        """Note that a session is a new one."""
        self.catch_up.renewed(shard_id)

    async def on_shard_ready(self, shard_id: int) -> None:
        """Read what was written while nobody listened; servers and their channels are known now."""
        with self._at_work():
            await self.catch_up.read(shard_id)

    async def take_message(self, payload: Payload) -> None:
        """Take in a message, from the gateway or read back."""
        author: Payload = payload.get("author") or {}
        if author.get("bot") or payload.get("webhook_id"):
            return
        guild, channel = str(payload.get("guild_id") or ""), str(payload.get("channel_id") or "")
        where = await self._where_for(str(author.get("id")), channel, guild)
        posted = where.forum and where.thread == str(payload.get("id"))
        if posted:
            posted = await self.intake.servers.stands_for_class(guild, where.channel)
        workspace = guild or await self.intake.servers.of_person(str(author.get("id")), self.intake.setting.calls)
        event = receive_message(payload, where, workspace, self._own_ids(guild), posted=posted)
        if event is not None:
            route = route_of_event(MESSAGE, event.sender.user_id, guild, where, event.message_id)
            await self.intake.inbox.accept(event, route.as_data())

    def _own_ids(self, guild: str) -> tuple[str, ...]:
        """Return the ids by which people mention the bot in a server; its role stands beside it in Discord's menu."""
        known = self.get_guild(int(guild)) if guild.isdecimal() else None
        role = known.self_role if known is not None else None
        return (self.own_id, str(role.id)) if role is not None else (self.own_id,)

    async def _take_deletion(self, payload: Payload) -> None:
        guild, channel = str(payload.get("guild_id") or ""), str(payload.get("channel_id") or "")
        where = await self.where(channel, guild)
        for message in payload.get("ids") or [payload.get("id")]:
            event = receive_deletion(channel, str(message), where, guild)
            route = route_of_event("deletion", "", guild, where, str(message))
            await self.intake.inbox.accept(event, route.as_data())

    async def _take_added(self, payload: Payload) -> None:
        async with self._reactions:
            await self._take_reaction(payload, added=True)

    async def _take_removed(self, payload: Payload) -> None:
        async with self._reactions:
            await self._take_reaction(payload, added=False)

    async def _take_reaction(self, payload: Payload, *, added: bool) -> None:
        at, user = payload[_RECEIVED], str(payload.get("user_id") or "")
        if user == self.own_id or payload.get("message_author_id") not in (None, self.own_id):
            return
        guild = str(payload.get("guild_id") or "")
        where = await self._where_for(user, str(payload.get("channel_id") or ""), guild)
        workspace = guild or await self.intake.servers.of_person(user, self.intake.setting.calls)
        event = receive_reaction(payload, where, workspace, self.own_id, added=added, at=at)
        if event is None:
            return
        key = await key_of_change(self.intake.servers.sessions, Platform.DISCORD, event.key, added=added)
        if key is not None:
            route = route_of_event(REACTION, user, guild, where, event.message_id)
            await self.intake.inbox.accept(replace(event, key=key), route.as_data())

    async def _take_interaction(self, payload: Payload) -> None:
        await take_interaction(self.intake, payload)

    async def _enter_server(self, payload: Payload) -> None:
        if not payload.get("unavailable"):
            await self.intake.servers.admit(str(payload["id"]), str(payload.get("name") or ""))

    async def _leave_server(self, payload: Payload) -> None:
        if not payload.get("unavailable"):  # an outage of Discord's own otherwise
            await self.intake.servers.revoke(str(payload["id"]))

    async def _begin_session(self, payload: Payload) -> None:
        shard, shards = payload.get("shard") or (0, 1)
        guilds = {str(guild["id"]) for guild in payload.get("guilds") or ()}
        await self.intake.servers.settle(int(shard), int(shards), guilds)

    async def _where_for(self, user: str, channel: str, guild: str) -> Where:
        """Return what kind of place a channel is to somebody: their own private thread is like direct messages."""
        where = await self.where(channel, guild)
        if where.alone and await self.intake.setting.alone.known(user, guild, where.channel) == where.thread:
            return replace(where, private=True)
        return where

    async def where(self, channel: str, guild: str) -> Where:
        """Return what kind of place a channel is: as discord.py knows it, else as Discord says."""
        if not guild:
            return Where(channel, private=True)
        known = self.get_channel(int(channel)) if channel.isdecimal() else None
        if isinstance(known, discord.Thread):
            tags = tuple(tag.name for tag in known.applied_tags)
            forum = isinstance(known.parent, discord.ForumChannel)
            alone = known.is_private() and str(known.owner_id) == self.own_id
            return Where(str(known.parent_id), channel, forum=forum, title=known.name, tags=tags, alone=alone)
        if known is not None:
            return Where(channel, forum=isinstance(known, discord.ForumChannel))
        if channel not in self._places:
            if len(self._places) >= _MANY_PLACES:
                self._places.clear()
            self._places[channel] = await self._ask_where(channel)
        return self._places[channel]

    async def _ask_where(self, channel: str) -> Where:
        calls = self.intake.setting.calls
        found = await calls.channel(channel)
        in_thread = int(found.get("type") or 0) in THREADS and found.get("parent_id")
        where = where_of(found, await calls.channel(str(found["parent_id"])) if in_thread else None)
        return replace(where, alone=found.get("type") == PRIVATE and str(found.get("owner_id")) == self.own_id)

    async def _insist(self, take: Callable[[Listener, Payload], Awaitable[None]], payload: Payload) -> None:
        """Have an event stored, however long the database is away within a minute: it does not come again."""
        for seconds in (*_RETRY_AFTER, None):
            try:
                await take(self, payload)
            except DatabaseUnavailable:
                if seconds is None:
                    log.error("discord_event_lost", kind=getattr(take, "__name__", ""))  # noqa: TRY400  (an outage)
                    return
                await asyncio.sleep(seconds)
            else:
                return


_TAKEN: Mapping[str, Callable[[Listener, Payload], Awaitable[None]]] = {
    "MESSAGE_CREATE": Listener.take_message,
    "MESSAGE_DELETE": Listener._take_deletion,  # noqa: SLF001  (here and below: the class's own table)
    "MESSAGE_DELETE_BULK": Listener._take_deletion,  # noqa: SLF001
    "MESSAGE_REACTION_ADD": Listener._take_added,  # noqa: SLF001
    "MESSAGE_REACTION_REMOVE": Listener._take_removed,  # noqa: SLF001
    "INTERACTION_CREATE": Listener._take_interaction,  # noqa: SLF001
    "GUILD_CREATE": Listener._enter_server,  # noqa: SLF001
    "GUILD_DELETE": Listener._leave_server,  # noqa: SLF001
    "READY": Listener._begin_session,  # noqa: SLF001
}
_QUOTED = tuple(f'"{name}"' for name in _TAKEN)
