"""The wiring of the Discord surface: the connection, the inbox it fills, and what answers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import discord
import structlog
from discord.gateway import DiscordWebSocket
from discord.http import Route as Call
from yarl import URL

from adapters.discord.alone import Alone
from adapters.discord.application import Application, read_application
from adapters.discord.calls import Calls
from adapters.discord.check import READS_ALL, READS_SOME
from adapters.discord.commands import SlashCommand, SlashOption, command_bodies, register_commands
from adapters.discord.failures import TROUBLE, our_error
from adapters.discord.intake import Intake, open_responder
from adapters.discord.listen import Listener
from adapters.discord.route import Route
from adapters.discord.servers import Servers
from adapters.discord.setting import Setting
from bot.app import App
from bot.commands import COMMANDS, offers
from bot.commands.registry import Command, Option, OptionKind, Who
from bot.dispatch import meet_sender
from bot.serving import Serving
from core.enums import Platform
from core.errors import InvalidInput
from core.events import Command as Typed
from core.events import Event
from core.ports import Responder
from core.replies import Offer, as_shown

log = structlog.get_logger(__name__)

_REGISTERED = Path("discord") / "commands.sha256"  # under the home: which commands Discord has been told of
SUGGESTED = frozenset(
    {OptionKind.LESSON, OptionKind.CLASS, OptionKind.ASSIGNMENT, OptionKind.STUDENT, OptionKind.THING}
)
# Hints for Discord's menu; what somebody may do is decided in core.
_SHOWN_TO = {
    Who.TEACHER: discord.Permissions(manage_messages=True),
    Who.ADMIN: discord.Permissions(manage_guild=True),
}


@dataclass(slots=True)
class Discord:
    """The surface as one process runs it."""

    app: App
    application: Application
    listener: Listener
    serving: Serving
    _token: str = field(repr=False)

    async def connect(self) -> None:
        """Sign in and hold the connections until `close`. Raises `Unavailable`."""
        try:
            await self.listener.login(self._token)
            await self.listener.connect()
        except TROUBLE as error:
            raise our_error(error) from error

    async def close(self) -> None:
        """Take leave of Discord."""
        await self.listener.close()


@asynccontextmanager
async def open_discord(app: App, **more: Any) -> AsyncIterator[Discord]:  # noqa: ANN401  (discord.py's own options)
    """Open the surface. `more` goes to discord.py's client.

    Raises `InvalidInput` (no token, or not one of Discord's), `Unavailable` (Discord can't be reached).
    """
    settings = app.settings
    if settings.discord_bot_token is None:
        raise InvalidInput("Discord needs DISCORD_BOT_TOKEN: copy it from the application's page “Bot”.")
    token = settings.discord_bot_token.get_secret_value()
    Call.BASE = settings.discord_api_url.rstrip("/")
    if settings.discord_gateway_url is not None:
        DiscordWebSocket.DEFAULT_GATEWAY = URL(settings.discord_gateway_url)
    async with aiohttp.ClientSession() as http:
        application = await read_application(http, token, settings.discord_api_url)
        log.info("discord_intents", says=READS_ALL if application.reads_all else READS_SOME)
        servers = Servers(app.sessions)

        async def prepare() -> Intake:
            bodies = command_bodies(slash_commands(settings.command_prefix))
            await register_commands(setting.calls, application.id, bodies, settings.home / _REGISTERED)
            return Intake(serving, servers, setting, suggest, settings.command_prefix)

        listener = Listener(reads_all=application.reads_all, prepare=prepare, **more)
        pages = f"{settings.public_url.rstrip('/')}/" if settings.public_url else None
        calls = Calls(listener.http, http, ended=listener.is_closed)
        alone = Alone(app.sessions, calls, lambda: listener.own_id)
        setting = Setting(calls, alone, lambda: listener.own_id, settings.discord_api_url, pages)

        async def respond(event: Event, data: Mapping[str, str]) -> Responder:
            return open_responder(servers, setting, event, Route.from_data(data))

        async def suggest(typed: Typed, option: str, so_far: str) -> list[Offer]:
            return await suggestions(app, typed, option, so_far)

        serving = Serving(app, Platform.DISCORD, respond)
        surface = Discord(app, application, listener, serving, token)
        try:
            yield surface
        finally:
            await surface.close()


async def run_discord(app: App, stop: asyncio.Event) -> None:
    """Serve Discord until `stop` is set."""
    async with open_discord(app) as surface, asyncio.TaskGroup() as group:
        connecting = group.create_task(surface.connect())
        await surface.serving.run(stop)
        await surface.close()
        await connecting


def slash_commands(prefix: str) -> list[SlashCommand]:
    """Return every command as Discord lists it, under the name this installation gives it."""
    return [_slash(command, prefix) for command in COMMANDS.values()]


async def suggestions(app: App, typed: Typed, option: str, so_far: str) -> list[Offer]:
    """Return what an option offers its person while they type it: what they see, and what is then sent.

    Raises what `meet` raises.
    """
    command = COMMANDS.get(typed.name)
    if command is None:
        return []
    found, _ = command.find(typed.text)
    encounter = await meet_sender(app, typed)
    offered = (await offers(app, encounter, typed.place, found)).get(option)
    if offered is None:
        offered = next((as_shown(each.choices) for each in found.options if each.name == option), ())
    wanted = so_far.strip().casefold()
    return [each for each in offered if wanted in each.label.casefold()]


def _slash(command: Command, prefix: str = "") -> SlashCommand:
    return SlashCommand(
        f"{prefix}{command.name}",
        command.help,
        tuple(_option(option) for option in command.options),
        tuple(_slash(sub) for sub in command.subcommands),
        _SHOWN_TO.get(command.who),
    )


def _option(option: Option) -> SlashOption:
    return SlashOption(
        option.name,
        option.help,
        option.required,
        option.choices,
        suggestions=option.kind in SUGGESTED,
        file=option.kind is OptionKind.FILE,
    )
