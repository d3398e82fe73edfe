"""The two ways in from Slack: Socket Mode, which the app opens itself, and HTTP, which Slack signs."""

from __future__ import annotations

import asyncio
import contextlib

import structlog
from aiohttp import web
from slack_bolt.adapter.aiohttp import to_aiohttp_response, to_bolt_request
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_bolt.oauth.async_oauth_settings import AsyncOAuthSettings

from adapters.slack.failures import TROUBLE, read_failure
from adapters.slack.oauth import install_routes
from core.errors import InvalidInput

log = structlog.get_logger(__name__)

EVENTS_PATH = "/slack/events"
PING_SECONDS = 10.0
TOKEN_REFUSED = frozenset({"invalid_auth", "not_authed", "not_allowed_token_type", "account_inactive", "token_revoked"})
LOST_AFTER = 5  # pings: by then the client has noticed and tried to reconnect


async def run_socket(app: AsyncApp, app_token: str, stop: asyncio.Event, *, ping_seconds: float = PING_SECONDS) -> None:
    """Hold a Socket Mode connection until `stop` is set, however often it breaks or can't be opened at first.

    The client reconnects by itself, but keeps to an address once it has one, and each is good for one attempt
    (https://docs.slack.dev/reference/methods/apps.connections.open); so a client that stays unconnected is replaced.
    Raises `InvalidInput` when Slack does not take the token: it never will.
    """
    await _check_token(app, app_token)
    stopped = asyncio.ensure_future(stop.wait())
    try:
        while not stop.is_set():
            handler = AsyncSocketModeHandler(app, app_token, ping_interval=ping_seconds)
            lost = asyncio.ensure_future(_until_lost(handler, ping_seconds))
            try:
                await asyncio.wait({stopped, lost}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                lost.cancel()
                await asyncio.gather(lost, return_exceptions=True)
                await handler.close_async()  # type: ignore[no-untyped-call]  # slack_bolt leaves it untyped
            if not stop.is_set():
                log.warning("slack_connection_replaced")
    finally:
        stopped.cancel()


async def _check_token(app: AsyncApp, app_token: str) -> None:
    """Ask for a connection and leave it unused; that Slack can't be reached is no reason not to begin."""
    try:
        await app.client.apps_connections_open(app_token=app_token)
    except TROUBLE as error:
        code = read_failure(error).code
        if code in TOKEN_REFUSED:
            raise InvalidInput(
                f"Slack does not take SLACK_APP_TOKEN ({code}). Make one with the scope connections:write on the app's "
                "page “Basic Information”, and turn Socket Mode on."
            ) from error
        log.warning("slack_not_reached_yet", code=code)


async def _until_lost(handler: AsyncSocketModeHandler, ping_seconds: float) -> None:
    """Connect, and return once the connection has been gone for a while."""
    connecting = asyncio.ensure_future(handler.connect_async())  # type: ignore[no-untyped-call]  # as above
    missed = 0
    try:
        while missed < LOST_AFTER:
            await asyncio.sleep(ping_seconds)
            missed = 0 if await handler.client.is_connected() else missed + 1
    finally:
        connecting.cancel()
        with contextlib.suppress(asyncio.CancelledError, Exception):
            await connecting


def slack_routes(app: AsyncApp, oauth: AsyncOAuthSettings | None = None) -> list[web.RouteDef]:
    """Return the routes to mount: what Slack posts, and with `oauth` the pages of the installation."""

    async def serve(request: web.Request) -> web.Response:
        if not _is_plausible(request):
            return web.json_response({"error": "invalid request"}, status=401)
        try:
            asked = await to_bolt_request(request)
        except (ValueError, TypeError, AttributeError, LookupError):  # no text, no JSON, or JSON of another shape
            return web.json_response({"error": "invalid request"}, status=400)
        return await to_aiohttp_response(await app.async_dispatch(asked))

    flow = app.oauth_flow if oauth is not None else None  # bolt makes one of the environment, too
    return [web.post(EVENTS_PATH, serve), *(install_routes(flow) if flow is not None else ())]


def _is_plausible(request: web.Request) -> bool:
    """Say whether the headers of a signature are such that bolt can check them; it fails on others with status 500."""
    moment = request.headers.get("X-Slack-Request-Timestamp", "0")
    signature = request.headers.get("X-Slack-Signature", "")
    return moment.isascii() and moment.isdigit() and len(moment) <= 12 and signature.isascii()  # noqa: PLR2004  (digits)
