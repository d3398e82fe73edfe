"""The wiring of what tells people something by itself: one messenger for each platform that is configured."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import aiohttp
import discord
from discord.http import Route as Call
from slack_sdk.web.async_client import AsyncWebClient

from adapters.discord.calls import Calls
from adapters.discord.failures import TROUBLE, our_error
from adapters.discord.messenger import DiscordMessenger
from adapters.discord.pace import paced
from adapters.slack.installations import Installations, SlackApp
from adapters.slack.messenger import SlackMessenger
from adapters.slack.pace import Pace
from bot.app import App
from bot.notifying import Notifier
from core.enums import Platform
from core.ports import Messenger

_CALL_SECONDS = 15


@asynccontextmanager
async def open_messengers(app: App, *, pace: Pace | None = None) -> AsyncIterator[dict[Platform, Messenger]]:
    """Open a messenger for each configured platform; nobody is called before there is something to tell.

    `pace` stands in for the budget of calls to Slack, in tests.
    """
    settings, opened = app.settings, dict[Platform, Messenger]()
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(aiohttp.ClientSession())
        if settings.has_slack:
            opened[Platform.SLACK] = _slack(app, http, pace or Pace())
        if settings.discord_bot_token is not None:
            Call.BASE = settings.discord_api_url.rstrip("/")
            pages = f"{settings.public_url.rstrip('/')}/" if settings.public_url else None
            client = await stack.enter_async_context(discord.Client(intents=discord.Intents.none(), http_trace=paced()))
            token = settings.discord_bot_token.get_secret_value()
            opened[Platform.DISCORD] = DiscordMessenger(_Login(client, token, http), pages)
        yield opened


async def run_notifier(app: App, stop: asyncio.Event) -> None:
    """Send notifications until `stop` is set."""
    async with open_messengers(app) as messengers:
        await Notifier(app.sessions, messengers).run(stop)


def _slack(app: App, http: aiohttp.ClientSession, pace: Pace) -> SlackMessenger:
    settings = app.settings
    own_token = settings.slack_bot_token.get_secret_value() if settings.slack_bot_token else None
    about = SlackApp(
        settings.slack_client_id or "",
        settings.slack_client_secret.get_secret_value() if settings.slack_client_secret else "",
        settings.public_url or "",
        settings.slack_api_url,
    )
    store = Installations(app.sessions, app.secrets, about)

    async def client_for(team: str) -> AsyncWebClient:
        token = own_token or await store.token_for(team)
        return AsyncWebClient(token=token, base_url=settings.slack_api_url, timeout=_CALL_SECONDS, session=http)

    return SlackMessenger(client_for, pace)


class _Login:
    """Signs in to Discord's REST once, when it is first needed."""

    def __init__(self, client: discord.Client, token: str, http: aiohttp.ClientSession) -> None:
        self._client = client
        self._token = token
        self._calls = Calls(client.http, http)
        self._one_at_a_time = asyncio.Lock()

    async def __call__(self) -> tuple[Calls, str]:
        """Return calls, and the bot's user id. Raises `Unavailable`."""
        async with self._one_at_a_time:
            if self._client.user is None:
                try:
                    await self._client.login(self._token)
                except TROUBLE as error:
                    raise our_error(error) from error
        assert self._client.user is not None  # noqa: S101  (a login gives one)
        return self._calls, str(self._client.user.id)
