"""Whether the process lives, and whether it can serve."""

from __future__ import annotations

import asyncio

import structlog
from aiohttp import web
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.bootstrap import schema_revision
from core.errors import DatabaseUnavailable
from migrations.upgrade import newest_revision

log = structlog.get_logger(__name__)

_PATIENCE = 3.0  # seconds; a probe that waits longer has given up
_HEADERS = {"Cache-Control": "no-store"}


def health_routes(engine: AsyncEngine) -> list[web.RouteDef]:
    """Return /healthz, which answers as long as the process does, and /readyz, which asks the database."""
    newest = newest_revision()  # reads the migrations' files

    async def alive(_: web.Request) -> web.Response:
        return web.Response(text="alive\n", headers=_HEADERS)

    async def ready(_: web.Request) -> web.Response:
        fault = await _fault(engine, newest)
        return web.Response(text=f"{fault or 'ready'}\n", status=503 if fault else 200, headers=_HEADERS)

    return [web.get("/healthz", alive), web.get("/readyz", ready)]


async def _fault(engine: AsyncEngine, newest: str) -> str | None:
    """Say what is wrong, without the database's own words, which name hosts and people."""
    try:
        async with asyncio.timeout(_PATIENCE):
            revision = await schema_revision(engine)
    except (DatabaseUnavailable, SQLAlchemyError, TimeoutError) as error:
        log.warning("not_ready", error=str(error) or type(error).__name__)
        return "the database does not answer"
    if revision != newest:
        return "the database's schema is not this version's"
    return None
