"""What every console command shares: the event loop, the log, the error line, who acts."""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

import structlog
import typer
from sqlalchemy.ext.asyncio import AsyncSession

from bot.app import App
from bot.bootstrap import open_app
from bot.settings import Settings, read_settings
from core.audit.record import Actor
from core.classes.enrol import get_class
from core.classes.models import Class
from core.errors import Ambiguous, HomeroomError
from core.identity.people import get_person

T = TypeVar("T")


def run_async(work: Coroutine[Any, Any, T]) -> T:
    """Run a command's coroutine to its end. SIGTERM cancels it, so that what it began is ended properly."""

    async def cancellable() -> T:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101  (this is one)
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
        return await work

    try:
        return asyncio.run(cancellable())
    except asyncio.CancelledError:
        sys.exit(128 + signal.SIGTERM)


def configure_log(settings: Settings) -> None:
    """Send the log to standard error, as text or JSON; never a message's text."""
    level = getattr(logging, settings.log_level)
    renderer = (
        structlog.processors.JSONRenderer()
        if settings.log_format == "json"
        else structlog.dev.ConsoleRenderer(colors=False)
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    logging.basicConfig(level=level, stream=sys.stderr, force=True)
    # asyncpg's errors and the pool's complaints can quote values; ours say what an operator needs.
    logging.getLogger("sqlalchemy.pool").setLevel(logging.CRITICAL)


def notice(line: str) -> None:
    """Tell the person at the terminal something that is no result."""
    typer.echo(line, err=True)


def complain(error: HomeroomError) -> None:
    """Print an error as one plain line, and candidates under it."""
    notice(f"homeroom: {error.sentence}")
    if isinstance(error, Ambiguous):
        for candidate in error.candidates:
            notice(f"  {candidate}")


async def acting(app: App, email: str, class_code: str) -> tuple[Actor, Class]:
    """Return the person a command acts as, and the class it is about. Raises `NotFound`."""
    async with app.sessions() as session:
        person = await get_person(session, email)
        return Actor.person(person.id, "command line"), await get_class(session, class_code)


async def operate(work: Callable[[AsyncSession, Actor], Awaitable[str]]) -> None:
    """Do something as the operator, in one transaction, and print what it returns."""
    settings = read_settings()
    configure_log(settings)
    async with open_app(settings) as app:
        async with app.sessions.begin() as session:
            lines = await work(session, Actor.command_line())
        if lines:
            typer.echo(lines)
