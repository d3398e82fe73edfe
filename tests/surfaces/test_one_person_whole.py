"""One person in Slack and in Discord: known on both, with one history."""

from __future__ import annotations

from pathlib import Path

from tests.fakes.openai_server import OpenAIServer
from tests.surfaces import on_discord, on_slack


async def test_what_was_asked_in_slack_is_in_the_history_on_discord(
    provider: OpenAIServer, database: str, tmp_path: Path
) -> None:
    async with (
        on_slack.slack_with_channels() as slack,
        on_discord.discord_with_channels() as discord,
        on_slack.open_school(slack, provider, database, tmp_path, http=False) as in_slack,
        on_discord.open_school(discord, provider, database, tmp_path) as in_discord,
    ):
        await in_slack.join("U3", "Cleo")
        await in_slack.join("U4", "Dan")
        await in_slack.write("U3", "How long is a sidereal day?")
        await in_slack.until_answered(in_slack.direct("U3"))
        await in_slack.write("U4", "Why is the sky dark at night?")
        await in_slack.until_answered(in_slack.direct("U4"))
        in_discord.arrive("13", "Somebody")
        await in_discord.type("13", f"/link {await in_slack.code_for('U3')}")
        await in_discord.until_told("13", "You are known here as Cleo now, in The Night Sky.")
        await in_discord.type("13", "/history")
        history = in_discord.everything(await in_discord.until_told("13", "sidereal"))
        assert "sky dark" not in history
        await in_discord.write("13")
        await in_discord.until_answered(in_discord.direct("13"))
        await in_slack.type("U3", "/history")
        await in_slack.until_told("U3", on_slack.QUESTION)
        assert in_slack.silent()
        assert in_discord.silent()
