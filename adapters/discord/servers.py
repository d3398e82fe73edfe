"""Discord's servers as workspaces: admitted when the bot comes in, revoked when it is put out."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import structlog
from sqlalchemy.exc import SQLAlchemyError

from adapters.discord.calls import Calls
from adapters.discord.failures import TROUBLE
from adapters.discord.places import shard_of
from core.audit.record import Actor
from core.db import Sessions, autocommit
from core.enums import Platform
from core.errors import DatabaseUnavailable
from core.identity.places import home_of, live_workspaces, stands_for_class
from core.identity.workspaces import admit_workspace, revoke_workspace

log = structlog.get_logger(__name__)

_MANY = 20  # servers that are asked about a stranger in direct messages
_REMEMBERED = 2_000


@dataclass(slots=True)
class Servers:
    """The servers that are workspaces of ours. Every method raises `DatabaseUnavailable`."""

    sessions: Sessions
    _met: dict[str, str] = field(default_factory=dict)  # strangers in direct messages, and where they come from

    async def admit(self, guild: str, name: str) -> None:
        """Be at home in a server; nothing new is no change."""
        async with _database(), self.sessions.begin() as session:
            await admit_workspace(session, _system(), Platform.DISCORD, guild, name, None)

    async def revoke(self, guild: str) -> None:
        """Be at home there no more."""
        self._met.clear()
        async with _database(), self.sessions.begin() as session:
            if await revoke_workspace(session, _system(), Platform.DISCORD, guild):
                log.warning("discord_left", workspace=guild)

    async def settle(self, shard: int, shards: int, guilds: Collection[str]) -> None:
        """Revoke the servers of a shard that the bot is not in any more: it was put out while it did not listen."""
        async with _database(), autocommit(self.sessions) as session:
            known = await live_workspaces(session, Platform.DISCORD)
        for guild in known:
            if guild not in guilds and guild.isdecimal() and shard_of(guild, shards) == shard:
                await self.revoke(guild)

    async def of_person(self, user: str, calls: Calls) -> str:
        """Return the server that somebody's direct messages count to; empty where there is none.

        It is the one where they are linked, and for a newcomer the first of ours that they are a member of.
        """
        async with _database(), autocommit(self.sessions) as session:
            home = await home_of(session, Platform.DISCORD, user)
            if home is not None:
                return home
            if user in self._met:
                return self._met[user]
            known = await live_workspaces(session, Platform.DISCORD)
        for guild in known[:_MANY]:
            try:
                await calls.is_member(guild, user)
            except TROUBLE:
                continue
            if len(self._met) >= _REMEMBERED:
                self._met.clear()
            self._met[user] = guild
            return guild
        return ""

    async def stands_for_class(self, guild: str, channel: str) -> bool:
        """Say whether a channel stands for a class."""
        async with _database(), autocommit(self.sessions) as session:
            return await stands_for_class(session, Platform.DISCORD, guild, channel)


@asynccontextmanager
async def _database() -> AsyncIterator[None]:
    try:
        yield
    except (SQLAlchemyError, OSError) as error:
        raise DatabaseUnavailable from error


def _system() -> Actor:
    return Actor.system("discord")
