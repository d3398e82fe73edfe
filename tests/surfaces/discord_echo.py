"""A small discord.py client that says back what it hears; what it heard is kept."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, TypeVar

import discord
import pytest
from yarl import URL

from tests.fakes.discord_server import DiscordServer

Client = TypeVar("Client", bound=discord.Client)

QUICK: dict[str, Any] = {"guild_ready_timeout": 0.05, "allowed_mentions": discord.AllowedMentions.none()}


@contextmanager
def pointed_at(server: DiscordServer) -> Iterator[None]:
    """Let discord.py speak to the local Discord."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(discord.http.Route, "BASE", server.api_url)
        patch.setattr(discord.gateway.DiscordWebSocket, "DEFAULT_GATEWAY", URL(server.gateway_url))
        yield


class Echo(discord.Client):
    """A client, and in `heard` and `events` what reached it. It answers people's messages with their own words."""

    def __init__(self, intents: discord.Intents | None = None, **more: Any) -> None:
        super().__init__(intents=intents or discord.Intents.default(), **QUICK | more)
        self.heard: list[discord.Message] = []
        self.reactions: list[discord.RawReactionActionEvent] = []
        self.interactions: list[discord.Interaction[Any]] = []
        self.events: list[str] = []

    async def before_identify_hook(self, shard_id: int | None, *, initial: bool = False) -> None:
        """Identify at once: the five seconds that discord.py waits are for Discord's own limit."""

    async def on_message(self, message: discord.Message) -> None:
        self.heard.append(message)
        if not message.author.bot and message.content:
            await message.channel.send(message.content)

    async def on_raw_reaction_add(self, reaction: discord.RawReactionActionEvent) -> None:
        self.reactions.append(reaction)

    async def on_raw_reaction_remove(self, reaction: discord.RawReactionActionEvent) -> None:
        self.reactions.append(reaction)

    async def on_interaction(self, interaction: discord.Interaction[Any]) -> None:
        self.interactions.append(interaction)

    async def on_socket_event_type(self, name: str) -> None:
        self.events.append(name)


class ShardedEcho(Echo, discord.AutoShardedClient):
    """The same in several shards."""


@asynccontextmanager
async def connected(server: DiscordServer, client: Client) -> AsyncIterator[Client]:
    """Run a client until the block ends; inside it has logged in and is ready."""
    with pointed_at(server):
        await client.login(server.token)
        running = asyncio.create_task(client.connect())
        ready = asyncio.create_task(client.wait_until_ready())
        try:
            await asyncio.wait((running, ready), return_when=asyncio.FIRST_COMPLETED, timeout=10)
            if running.done():
                running.result()
            yield client
        finally:
            ready.cancel()
            await client.close()
            await asyncio.gather(running, return_exceptions=True)


async def refusal(call: Awaitable[object]) -> Any:
    """Return the error that a call is refused with."""
    with pytest.raises(discord.HTTPException) as raised:
        await call
    return raised.value


async def post(client: discord.Client, channel: str = "21", **body: Any) -> dict[str, Any]:
    route = discord.http.Route("POST", "/channels/{channel_id}/messages", channel_id=channel)
    answer: dict[str, Any] = await client.http.request(route, json=body)
    return answer
