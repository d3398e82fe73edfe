"""`homeroom run`: the long-lived processes of the Procfile."""

from __future__ import annotations

import asyncio
import signal
from enum import StrEnum
from typing import Annotated

import typer

from adapters.worker import run_worker
from bot.app import App
from bot.bootstrap import open_app
from bot.clock import run_clock
from bot.console.run import configure_log, notice, run_async
from bot.discord import run_discord
from bot.jobs import entrypoints, gave_up
from bot.messengers import run_notifier
from bot.settings import read_settings
from bot.slack import run_slack
from bot.web.app import run_web
from core.errors import HomeroomError


class Process(StrEnum):
    """What can be run."""

    SLACK = "slack"
    DISCORD = "discord"
    WORKER = "worker"
    CLOCK = "clock"
    WEB = "web"
    ALL = "all"


def run(process: Annotated[Process, typer.Argument(help="Which process.", show_default=False)]) -> None:
    """Run a process until it is told to stop (Ctrl-C, SIGTERM)."""
    run_async(_run(process))


async def _run(process: Process) -> None:
    settings = read_settings()
    configure_log(settings)
    async with open_app(settings) as app:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop.set)
        notice(f"homeroom {process.value} is running.")
        try:
            async with asyncio.TaskGroup() as group:
                slack = process is Process.SLACK or (process is Process.ALL and settings.has_slack)
                if slack:
                    group.create_task(run_slack(app, stop))
                has_discord = settings.discord_bot_token is not None
                if process is Process.DISCORD or (process is Process.ALL and has_discord):
                    group.create_task(run_discord(app, stop))
                if process in (Process.WORKER, Process.ALL):
                    group.create_task(_work(app, stop))
                    group.create_task(run_notifier(app, stop))
                if process in (Process.CLOCK, Process.ALL):
                    group.create_task(run_clock(app, stop))
                # Slack over HTTP brings the web application with it: one port serves both.
                if process in (Process.WEB, Process.ALL) and not (slack and settings.slack_mode == "http"):
                    group.create_task(run_web(app, stop))
        except ExceptionGroup as several:
            raise _first(several) from several


def _first(several: ExceptionGroup[Exception]) -> Exception:
    """Return what a person can be told of: one of our own errors if there is one among them."""
    told = several.subgroup(HomeroomError) or several
    error = told.exceptions[0]
    return _first(error) if isinstance(error, ExceptionGroup) else error


async def _work(app: App, stop: asyncio.Event) -> None:
    await run_worker(app.listen_url, entrypoints(app.pipeline), stop=stop, gave_up=gave_up(app.pipeline))
