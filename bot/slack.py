"""The wiring of the Slack surface: the bolt app, the inbox it fills, and what answers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiohttp
from aiohttp import web
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from adapters.slack.home_page import HomeResponder, PromptsResponder
from adapters.slack.installations import Installations, SlackApp, admit_own_workspace
from adapters.slack.listen import build_bolt_app
from adapters.slack.oauth import oauth_settings
from adapters.slack.pace import Pace
from adapters.slack.responder import SlackResponder
from adapters.slack.route import HOME, PROMPTS, Route
from adapters.slack.scopes import SCOPES
from adapters.slack.transports import run_socket, slack_routes
from bot.app import App
from bot.commands import COMMANDS
from bot.serving import Serving
from bot.settings import Settings
from bot.web.app import run_web
from core.enums import Platform
from core.errors import InvalidInput
from core.events import Event
from core.inbox.deliver import Deliveries
from core.ports import Responder

RESPONDERS: Mapping[str, type[SlackResponder]] = {HOME: HomeResponder, PROMPTS: PromptsResponder}
HTTP_ONLY = "Several workspaces need SLACK_MODE=http: over a socket the app has no page to be installed from."
_CALL_SECONDS = 15


@dataclass(frozen=True, slots=True)
class Slack:
    """The surface as one process runs it: `routes` are for HTTP, `run_socket` is for Socket Mode."""

    settings: Settings
    bolt: AsyncApp
    serving: Serving
    routes: Sequence[web.AbstractRouteDef]

    async def run_socket(self, stop: asyncio.Event, *, ping_seconds: float = 10.0) -> None:
        """Hold a Socket Mode connection until `stop` is set."""
        token = self.settings.slack_app_token
        if token is None:
            raise InvalidInput("Slack's Socket Mode needs SLACK_APP_TOKEN; it begins with xapp-.")
        await run_socket(self.bolt, token.get_secret_value(), stop, ping_seconds=ping_seconds)


@asynccontextmanager
async def open_slack(app: App, *, pace: Pace | None = None) -> AsyncIterator[Slack]:
    """Open the surface. `pace` stands in for the budget of calls, in tests.

    Raises `InvalidInput` (settings are missing), `Unavailable` (Slack refuses the token).
    """
    settings = app.settings
    own_token = settings.slack_bot_token.get_secret_value() if settings.slack_bot_token else None
    store = None if own_token else Installations(app.sessions, app.secrets, _slack_app(settings))
    async with aiohttp.ClientSession() as http:

        def client(token: str | None) -> AsyncWebClient:
            return AsyncWebClient(token=token, base_url=settings.slack_api_url, timeout=_CALL_SECONDS, session=http)

        if own_token:
            await admit_own_workspace(client(own_token), app.sessions)
        pace = pace or Pace()

        async def open_responder(event: Event, data: Mapping[str, str]) -> Responder:
            route = Route.from_data(data)
            token = own_token if store is None else await store.token_for(route.team_id)
            kind = RESPONDERS.get(route.kind, SlackResponder)
            return kind(client(token), route, event, Deliveries(app.sessions, Platform.SLACK, route.team_id), pace)

        serving = Serving(app, Platform.SLACK, open_responder)
        oauth = oauth_settings(store, SCOPES) if store is not None else None
        bolt = build_bolt_app(
            serving,
            open_responder,
            commands=[f"{settings.command_prefix}{name}" for name in COMMANDS],
            prefix=settings.command_prefix,
            base_url=settings.slack_api_url,
            signing_secret=settings.slack_signing_secret.get_secret_value() if settings.slack_signing_secret else "",
            token=own_token,
            oauth=oauth,
        )
        yield Slack(settings, bolt, serving, slack_routes(bolt, oauth))


async def run_slack(app: App, stop: asyncio.Event) -> None:
    """Serve Slack until `stop` is set, the way SLACK_MODE says. Raises `InvalidInput` for settings that don't fit."""
    if app.settings.slack_mode == "socket" and app.settings.slack_bot_token is None and app.settings.slack_client_id:
        raise InvalidInput(HTTP_ONLY)
    async with open_slack(app) as slack, asyncio.TaskGroup() as group:
        group.create_task(slack.serving.run(stop))
        if app.settings.slack_mode == "http":
            if app.settings.slack_signing_secret is None:
                raise InvalidInput("Slack over HTTP needs SLACK_SIGNING_SECRET.")
            group.create_task(run_web(app, stop, slack_routes=slack.routes))
        else:
            group.create_task(slack.run_socket(stop))


def _slack_app(settings: Settings) -> SlackApp:
    client_id, secret, url = settings.slack_client_id, settings.slack_client_secret, settings.public_url
    if client_id is None or secret is None or url is None:
        raise InvalidInput(
            "Slack needs SLACK_BOT_TOKEN, or SLACK_CLIENT_ID, SLACK_CLIENT_SECRET and PUBLIC_URL for many workspaces."
        )
    return SlackApp(client_id, secret.get_secret_value(), url, settings.slack_api_url)
