"""What operators see while they set Discord up."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from pydantic import SecretStr

from adapters.discord.check import check_discord
from adapters.discord.commands import SlashCommand, SlashOption, command_bodies
from adapters.discord.permissions import invite_url
from adapters.finding import State
from bot.bootstrap import open_app
from bot.cli import main
from bot.discord import run_discord, slash_commands
from bot.settings import Settings
from core.errors import InvalidInput
from tests.fakes.discord.command_rules import check_commands
from tests.fakes.discord_server import DiscordServer
from tests.surfaces.discord_echo import pointed_at


async def test_the_check_says_what_the_intent_would_add(local: DiscordServer) -> None:
    found = {each.check: each for each in await check_discord(local.token, local.api_url)}
    assert found["discord bot token"].state is State.OK
    assert found["discord intents"].state is State.NOTICE
    assert "without a mention" in found["discord intents"].says
    assert found["discord invite"].says == invite_url(local.application_id)
    local.gateway.privileged = 1 << 15
    found = {each.check: each for each in await check_discord(local.token, local.api_url)}
    assert found["discord intents"].state is State.OK


async def test_the_check_names_a_wrong_token_and_a_discord_that_is_away(local: DiscordServer) -> None:
    (wrong,) = await check_discord("nonsense", local.api_url)
    assert (wrong.state, "DISCORD_BOT_TOKEN" in wrong.says) == (State.WRONG, True)
    (away,) = await check_discord(local.token, "http://127.0.0.1:9/api/v10")
    assert (away.state, "can't be reached" in away.says) == (State.WRONG, True)


def test_the_invitation_asks_for_what_is_used_and_no_more() -> None:
    url = invite_url("901")
    assert url == (
        "https://discord.com/oauth2/authorize?client_id=901&scope=bot+applications.commands&permissions=377957239872"
    )


def test_without_a_token_there_is_no_invitation(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DISCORD_BOT_TOKEN", "")
    with pytest.raises(SystemExit) as ended:
        main(["discord", "invite"])
    assert ended.value.code == 2
    assert "DISCORD_BOT_TOKEN" in capsys.readouterr().err


def test_every_command_is_one_that_discord_takes() -> None:
    bodies = command_bodies(slash_commands("hr-"))
    check_commands(bodies)
    ask = next(body for body in bodies if body["name"] == "hr-ask")
    assert [option["name"] for option in ask["options"]] == ["question", "mode", "lesson", "private"]
    assert ask["options"][2]["autocomplete"]
    assert ask["contexts"] == [0, 1]


@pytest.mark.parametrize(
    "command",
    [
        SlashCommand("Two words", "x"),
        SlashCommand("many", "x", tuple(SlashOption(f"o{number}", "x") for number in range(26))),
    ],
)
def test_what_discord_would_refuse_is_refused_here(command: SlashCommand) -> None:
    with pytest.raises(InvalidInput):
        command_bodies([command])


async def test_the_process_connects_and_ends_when_it_is_told(
    local: DiscordServer, database: str, tmp_path: Path
) -> None:
    settings = Settings(
        database_url=database,
        homeroom_home=tmp_path,
        discord_bot_token=SecretStr(local.token),
        discord_api_url=local.api_url,
    )
    with pointed_at(local):
        async with open_app(settings) as app, asyncio.timeout(20):
            stop = asyncio.Event()
            running = asyncio.create_task(run_discord(app, stop))
            await local.until(lambda: local.gateway.connected)
            stop.set()
            await running
    await local.until(lambda: not local.gateway.connected)


async def test_a_token_that_discord_does_not_know_ends_the_process_with_a_sentence(
    local: DiscordServer, database: str, tmp_path: Path
) -> None:
    settings = Settings(
        database_url=database,
        homeroom_home=tmp_path,
        discord_bot_token=SecretStr("nonsense"),
        discord_api_url=local.api_url,
    )
    with pointed_at(local):
        async with open_app(settings) as app:
            with pytest.raises(InvalidInput, match="DISCORD_BOT_TOKEN"):
                await run_discord(app, asyncio.Event())
