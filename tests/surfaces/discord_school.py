"""A school whose class meets in Discord: the whole bot behind the local Discord."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from pydantic import SecretStr
from sqlalchemy import select, text

from adapters.discord.listen import Listener
from adapters.models.openai import OpenAIChat
from adapters.models.retry import RetryPolicy
from bot.app import App
from bot.bootstrap import open_app
from bot.discord import Discord, open_discord
from bot.settings import Settings
from core.audit.record import Actor
from core.classes.bind import bind_channel
from core.classes.enrol import enrol, get_class
from core.enums import GlobalRole, LinkMethod, MembershipRole, Platform
from core.identity.link import link
from core.identity.link_codes import make_code
from core.identity.models import Workspace
from core.identity.people import add_person
from core.identity.workspaces import admit_workspace
from tests.fakes.discord.records import FORUM, Interaction, Post
from tests.fakes.discord.world import BOT
from tests.fakes.discord_server import DiscordServer
from tests.fakes.openai_server import OpenAIServer
from tests.surfaces.discord_echo import pointed_at

CODE = "NIGHTSKY"
CHANNEL, ELSEWHERE, POSTS = "21", "22", "23"
OPERATOR = Actor.command_line()
QUESTION = "Why does the Moon have phases?"
PUBLIC_URL = "https://homeroom.test"


@dataclass(slots=True)
class School:
    """Discord, the bot, and the class in `CHANNEL` and the forum `POSTS`. `ELSEWHERE` is bound to nothing."""

    discord: DiscordServer
    app: App
    provider: OpenAIServer
    bot: Discord
    class_id: UUID
    people: dict[str, UUID] = field(default_factory=dict)

    async def join(
        self,
        user: str,
        name: str,
        role: MembershipRole = MembershipRole.STUDENT,
        *,
        linked: bool = True,
        enrolled: bool = True,
    ) -> UUID:
        """Add somebody to the server, to the class's roster, and tie the two."""
        self.discord.workspace.add_person(user, name)
        async with self.app.sessions.begin() as session:
            person = await add_person(
                session, OPERATOR, f"{name.lower()}@school.example", name=name, role=GlobalRole.UNASSIGNED
            )
            if enrolled:
                await enrol(session, OPERATOR, self.class_id, person.id, role)
            if linked:
                await link(session, OPERATOR, await self.workspace(), user, person.id, LinkMethod.OPERATOR)
        self.people[user] = person.id
        return person.id

    async def workspace(self) -> UUID:
        async with self.app.sessions() as session:
            wanted = select(Workspace.id).where(Workspace.external_id == self.discord.guild.id)
            return (await session.scalars(wanted)).one()

    async def code(self, user: str) -> str:
        """Have a code made that links somebody."""
        async with self.app.sessions.begin() as session:
            return (await make_code(session, OPERATOR, self.people[user])).code

    async def rows(self, statement: str, **values: Any) -> list[Any]:
        async with self.app.sessions() as session:
            return list((await session.execute(text(statement), values)).all())

    async def until_rows(self, statement: str, expected: list[tuple[Any, ...]]) -> None:
        """Wait until the database holds that."""
        found: list[Any] = []
        for _ in range(500):
            found = [tuple(row) for row in await self.rows(statement)]
            if found == expected:
                return
            await asyncio.sleep(0.02)
        raise AssertionError(found)

    def ask(self, user: str, question: str = QUESTION, channel: str = CHANNEL) -> Post:
        """Ask the bot where others read, by its name."""
        return self.discord.people.say(user, channel, f"<@{BOT}> {question}")

    def shown(self, channel: str) -> list[Post]:
        """The bot's posts in a channel that are not being written any more."""
        return [post for post in self.discord.workspace.shown(channel) if "Stop" not in labels(post)]

    async def until_shown(self, channel: str, count: int = 1) -> list[Post]:
        await self.discord.until(lambda: len(self.shown(channel)) >= count)
        await self.settled()
        assert len(self.shown(channel)) == count, [all_text(post) for post in self.shown(channel)]
        return self.shown(channel)

    def told(self, user: str) -> list[Post]:
        """What one person alone was shown."""
        posts = [*self.discord.workspace.private(user), *self.shown(self.discord.workspace.direct(user).id)]
        return sorted((post for post in posts if "Stop" not in labels(post)), key=lambda post: int(post.id))

    async def until_told(self, user: str, saying: str) -> Post:
        def found() -> list[Post]:
            return [post for post in self.told(user) if saying in all_text(post)]

        await self.discord.until(found)
        return found()[-1]

    async def settled(self) -> None:
        """Wait until everything that came in is served."""
        for _ in range(500):
            if not await self.rows(
                "SELECT 1 FROM inbox_events WHERE state IN ('RECEIVED', 'WORKING') AND waits_until IS NULL"
            ):
                return
            await asyncio.sleep(0.02)
        raise AssertionError("something is still being served")

    async def until_stored(self, key: str) -> None:
        """Wait until an event of that key, or with a key that begins so, is in the inbox and served."""
        for _ in range(500):
            if await self.rows("SELECT 1 FROM inbox_events WHERE dedupe_key LIKE :key", key=f"{key}%"):
                await self.settled()
                return
            await asyncio.sleep(0.02)
        raise AssertionError(f"{key} did not come in")

    async def done(self, interaction: Interaction) -> Interaction:
        """Wait until an interaction has been answered and served."""
        await self.discord.until(lambda: interaction.acknowledged)
        await self.settled()
        return interaction

    def silent(self) -> bool:
        """Whether the bot has said nothing that others could read."""
        private = {channel.id for channel in self.discord.workspace.channels.values() if channel.guild is None}
        return not any(
            post.author == BOT and post.to is None and post.channel not in private
            for post in self.discord.workspace.posts
            if not post.deleted
        )


@asynccontextmanager
async def open_school(
    discord: DiscordServer,
    provider: OpenAIServer,
    database_url: str,
    home: Path,
    **changed: Any,
) -> AsyncIterator[School]:
    """Run the bot against the local Discord until the end of the block; `changed` are settings."""
    model = OpenAIChat(
        "chat", api_key=provider.api_key, base_url=provider.base_url, retry=RetryPolicy(retries=0, first_wait=0.01)
    )
    settings = Settings(
        database_url=database_url,
        homeroom_home=home,
        secret_key=SecretStr("a key of the tests' own that is long enough"),
        public_url=PUBLIC_URL,
        discord_bot_token=SecretStr(discord.token),
        discord_api_url=discord.api_url,
        discord_gateway_url=discord.gateway_url,
        **changed,
    )
    with pytest.MonkeyPatch.context() as patch, pointed_at(discord):
        patch.setattr(Listener, "before_identify_hook", _at_once)
        async with open_app(settings, models=[model]) as app, open_discord(app, guild_ready_timeout=0.05) as bot:
            async with app.sessions() as session:
                class_id = (await get_class(session, CODE)).id
            school = School(discord, app, provider, bot, class_id)
            await _settle_in(school)
            stop = asyncio.Event()
            async with asyncio.TaskGroup() as group:
                group.create_task(bot.serving.run(stop))
                connecting = group.create_task(bot.connect())
                try:
                    await discord.until(bot.listener.is_ready)
                    yield school
                    await school.settled()
                finally:
                    stop.set()
                    await bot.close()
                    connecting.cancel()


async def _at_once(*_: Any, **__: Any) -> None:
    """Identify at once: the five seconds that discord.py waits are for Discord's own limit."""


async def _settle_in(school: School) -> None:
    discord = school.discord
    discord.workspace.add_channel(ELSEWHERE, "elsewhere")
    discord.workspace.add_channel(POSTS, "questions", FORUM, tags=("optics", "moon"))
    async with school.app.sessions.begin() as session:
        workspace = await admit_workspace(session, OPERATOR, Platform.DISCORD, discord.guild.id, "School", None)
        for channel in (CHANNEL, POSTS):
            await bind_channel(session, OPERATOR, workspace.id, channel, school.class_id)


def labels(post: Post) -> list[str]:
    """What stands on a post's buttons, and in its menus."""
    parts = [part for row in post.components for part in row.get("components", ())]
    return [str(part.get("label", "")) for part in parts] + [
        option["label"] for part in parts for option in part.get("options", ())
    ]


def all_text(post: Post) -> str:
    """Everything a post says."""
    boxes = [f"{each.get('title', '')}\n{each.get('description', '')}" for each in post.embeds]
    return re.sub(r"\\([^\w\s])", r"\1", "\n".join([post.content, *boxes, *labels(post)]))
