"""The web application, and how it is served."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from aiohttp import web

from bot.app import App
from bot.web.health import health_routes
from bot.web.pages import load_pages
from bot.web.source_page import source_routes
from bot.web.submission_files import submission_routes
from core.errors import InvalidInput

_FAREWELL = 10.0  # seconds that requests get to end in


def make_web(app: App, *, slack_routes: Sequence[web.AbstractRouteDef] | None = None) -> web.Application:
    """Return health checks, source pages, files that were handed in, and the routes at which Slack calls over HTTP."""
    application = web.Application()
    application.on_response_prepare.append(_say_no_versions)
    application.add_routes(health_routes(app.engine))
    pages = load_pages()
    application.add_routes(source_routes(app, pages))
    application.add_routes(submission_routes(app, pages))
    application.add_routes(slack_routes or ())
    return application


async def _say_no_versions(_: web.Request, response: web.StreamResponse) -> None:
    response.headers.pop("Server", None)


async def run_web(app: App, stop: asyncio.Event, *, slack_routes: Sequence[web.AbstractRouteDef] | None = None) -> None:
    """Serve on PORT, on all interfaces, until `stop` is set; requests under way are finished.

    Raises `InvalidInput` when the port is taken.
    """
    # The access log would keep the tokens of everybody's links.
    runner = web.AppRunner(make_web(app, slack_routes=slack_routes), access_log=None, shutdown_timeout=_FAREWELL)
    await runner.setup()
    try:
        await web.TCPSite(runner, port=app.settings.port).start()
    except OSError as error:
        await runner.cleanup()
        raise InvalidInput(f"PORT {app.settings.port} can't be served: {error.strerror or error}.") from error
    try:
        await stop.wait()
    finally:
        await runner.cleanup()
