"""The local Discord against the unmodified discord.py: it does what Discord does, pleasant or not."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.fakes.discord_server import DiscordServer, discord_server
from tests.surfaces.discord_echo import Echo, connected


@pytest.fixture
async def server() -> AsyncIterator[DiscordServer]:
    async with discord_server() as running:
        running.workspace.add_person("1", "Teacher")
        running.workspace.add_person("11", "Ada")
        running.workspace.add_person("12", "Ben")
        running.workspace.add_channel("21", "physics")
        yield running


async def test_a_message_is_echoed_and_the_echo_comes_back_as_the_bots_own(server: DiscordServer) -> None:
    async with connected(server, Echo()) as echo:
        server.people.say("11", "21", "<@900> hello")
        await server.until(lambda: len(echo.heard) == 2)
    assert [post.content for post in server.workspace.shown("21")] == ["<@900> hello"]
    assert [message.author.id for message in echo.heard] == [11, 900]
