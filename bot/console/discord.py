"""`homeroom discord …`: help with setting up the bot in Discord."""

from __future__ import annotations

import aiohttp
import typer

from adapters.discord.application import read_application
from adapters.discord.permissions import PERMISSIONS, invite_url
from bot.console.run import notice, run_async
from bot.settings import read_settings
from core.errors import InvalidInput

app = typer.Typer(help="Discord: the bot's invitation.", no_args_is_help=True)


@app.callback()
def discord() -> None:
    """Keep `invite` a subcommand while it is the only one."""


@app.command()
def invite() -> None:
    """Print the address where the bot is brought into a server, with the permissions that it uses."""
    settings = read_settings()
    if settings.discord_bot_token is None:
        raise InvalidInput("Set DISCORD_BOT_TOKEN first: copy it from the application's page “Bot”.")
    token = settings.discord_bot_token.get_secret_value()
    typer.echo(run_async(_invite(token, settings.discord_api_url)))
    asked = ", ".join(name.replace("_", " ") for name, granted in PERMISSIONS if granted)
    notice(f"Open this as somebody who may manage the server. Asked for: {asked}.")


async def _invite(token: str, api_url: str) -> str:
    async with aiohttp.ClientSession() as session:
        return invite_url((await read_application(session, token, api_url)).id)
