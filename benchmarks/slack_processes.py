"""A Slack app in a process of its own, speaking to the local Slack in this one: `homeroom run slack`, or bare bolt."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
import tempfile
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

from adapters.embedded_postgres import remove
from bot.bootstrap import database_url, open_app
from bot.settings import Settings
from tests.fakes.slack_server import SlackServer

HOMEROOM = ("bot.cli", "run", "slack")
BOLT = ("benchmarks.bolt_echo",)
TRANSPORTS = ("socket", "http")
START_SECONDS = 60


@contextmanager
def temporary_home() -> Iterator[Path]:
    """Yield a folder for an embedded PostgreSQL, which is removed with it."""
    home = Path(tempfile.mkdtemp(prefix="homeroom-bench-"))
    home.chmod(0o755)  # root's PostgreSQL runs under another account
    try:
        yield home
    finally:
        remove(home)


async def migrated_database(home: Path) -> str:
    """Return the URL of the embedded database in `home`, brought up to date."""
    settings = Settings(homeroom_home=home, database_url=None)
    async with open_app(settings):
        return await database_url(settings)


@asynccontextmanager
async def running(
    module: tuple[str, ...], slack: SlackServer, transport: str, **more: str
) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run a module until the end of the block, connected to `slack`; `more` are settings."""
    port = _free_port()
    environment = os.environ | {
        "SLACK_MODE": transport,
        "SLACK_API_URL": slack.api_url,
        "SLACK_BOT_TOKEN": slack.bot_token,
        "SLACK_APP_TOKEN": slack.app_token,
        "SLACK_SIGNING_SECRET": slack.signing_secret,
        "PORT": str(port),
        **more,
    }
    opened = slack.sockets.opened
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", *module, env=environment)
    try:
        if transport == "http":
            slack.posting.url = f"http://127.0.0.1:{port}/slack/events"
        ready = _until_listening(port) if transport == "http" else slack.sockets.wait_open(opened + 1)
        await _or_ended(ready, process)
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def _or_ended(ready: Coroutine[Any, Any, None], process: asyncio.subprocess.Process) -> None:
    tasks = {asyncio.ensure_future(ready), asyncio.ensure_future(process.wait())}
    await asyncio.wait(tasks, timeout=START_SECONDS, return_when=asyncio.FIRST_COMPLETED)
    for task in tasks:
        task.cancel()
    assert process.returncode is None, "it ended before it was connected"


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


async def _until_listening(port: int) -> None:
    while True:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.05)
        else:
            writer.close()
            return
