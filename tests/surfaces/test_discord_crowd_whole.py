"""A whole class asks at once, and Discord allows so many calls a second."""

from __future__ import annotations

import time
from pathlib import Path

from adapters.discord.stream import EDIT_SECONDS
from tests.fakes.openai_server import OpenAIServer
from tests.surfaces.on_discord import discord_with_channels, open_school

PEOPLE = 60


async def test_sixty_ask_at_once_within_discords_limits(provider: OpenAIServer, database: str, tmp_path: Path) -> None:
    async with (
        discord_with_channels(limits=True) as discord,
        open_school(discord, provider, database, tmp_path) as school,
    ):
        for number in range(PEOPLE):
            await school.join(str(100 + number), f"Student{number}")
        began = time.monotonic()
        asked = [
            school.begin_saying(str(100 + number), f"Why does the Moon have phases? I am number {number}.")
            for number in range(PEOPLE)
        ]
        await school.until(lambda: len(school.answers()) >= PEOPLE, 120)
        await school.settled()
        lasted = time.monotonic() - began
        print(f"\n{PEOPLE} answers, the last one done after {lasted:.1f} s")  # noqa: T201  (what this measures)
        assert len(school.answers()) == PEOPLE
        for post in asked:
            (answer,) = school.shown(post.id)
            assert "[1]" in answer.content
            assert answer.embeds[0]["title"] == "Sources"
            assert len(answer.edits) <= 2 + lasted / EDIT_SECONDS
        assert await school.statuses() == ["COMPLETED"] * PEOPLE
        assert not [code for _, code in discord.refusals if code == 429 or code >= 50_000]
