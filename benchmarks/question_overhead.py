"""What Homeroom adds before a model is called: round trips and milliseconds from an event to the model's call.

Milliseconds are compared with the same database's bare round trip in the same run. Round trips are counted on the wire,
in a second pass through a relay that reads PostgreSQL's protocol: whatever ends in Sync, or is a simple Query, is one
(BEGIN and COMMIT too). Needs nothing: it makes its own database and class.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import io
import statistics
import tempfile
import time
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Self
from uuid import uuid4

import asyncpg
from rich.console import Console
from sqlalchemy import make_url

from adapters.courses.import_folder import import_folder
from adapters.embedded_postgres import remove
from adapters.terminal.surface import TerminalResponder
from bot import sample_course
from bot.bootstrap import database_url, open_app
from bot.dispatch import dispatch
from bot.settings import Settings
from core.audit.record import Actor
from core.classes.enrol import create_class, enrol
from core.enums import MembershipRole, Platform
from core.events import Message, Place, Sender
from core.identity.people import add_person
from core.ports import Prompt, Usage

QUESTIONS = (
    "How far away is the Beehive cluster?",
    "Why does the Moon turn red during a lunar eclipse?",
    "Which meteor shower comes from an asteroid?",
    "How long does dark adaptation take?",
    "What does 10x50 mean on binoculars?",
)
WARM_UP = 10  # the first questions prepare statements and fill caches
EMAIL, CODE = "bench@homeroom.example", "BENCH"


class Stopwatch:
    """A model that answers at once and remembers when it was called."""

    name = "stopwatch"
    generative = True

    def __init__(self, relay: Relay | None) -> None:
        self._relay = relay
        self.called = 0.0
        self.trips = 0

    async def stream(self, prompt: Prompt, *, max_tokens: int = 0) -> AsyncGenerator[str | Usage, None]:  # noqa: ARG002
        self.called = time.perf_counter()
        self.trips = self._relay.trips if self._relay else 0
        yield "Yes [1]."

    async def aclose(self) -> None:
        pass


async def measure(rounds: int, home: Path) -> None:
    url = await prepare(home)
    milliseconds, _ = await ask(Settings(homeroom_home=home, database_url=url), rounds)
    async with Relay(url) as relay:
        _, trips = await ask(Settings(homeroom_home=home, database_url=relay.url), 40, relay)
    bare = await bare_round_trip(url, rounds)
    p50, p95 = statistics.median(milliseconds), statistics.quantiles(milliseconds, n=20)[18]
    print("\nQuestion overhead: event in -> model called")
    print(f"{'':28}{'p50':>10}{'p95':>10}")
    print(f"{'round trips':28}{statistics.median(trips):>10.0f}{max(trips):>10}")
    print(f"{'milliseconds':28}{p50:>10.2f}{p95:>10.2f}")
    print(f"{'x bare round trip':28}{p50 / bare:>10.1f}{p95 / bare:>10.1f}   (SELECT 1: {bare:.3f} ms)")


async def prepare(home: Path) -> str:
    """Make a database with the sample course and return its URL."""
    settings = Settings(homeroom_home=home, database_url=None)
    async with open_app(settings) as app:
        async with app.sessions.begin() as session:
            operator = Actor.command_line()
            class_ = await create_class(session, operator, CODE, title="Benchmark")
            person = await add_person(session, operator, EMAIL)
            await enrol(session, operator, class_.id, person.id, MembershipRole.TEACHER)
        folder = Path(sample_course.__path__[0])
        await import_folder(app.pipeline, Actor.person(person.id, "bench"), class_.id, folder, publish=True)
    return await database_url(settings)


async def ask(settings: Settings, rounds: int, relay: Relay | None = None) -> tuple[list[float], list[int]]:
    """Return milliseconds, and round trips where a relay counts them, of so many questions."""
    model = Stopwatch(relay)
    sender, place = Sender(Platform.TERMINAL, EMAIL), Place("terminal", class_code=CODE)
    unseen = TerminalResponder(Console(file=io.StringIO()))
    milliseconds, trips = [], []
    async with open_app(settings, models=(model,)) as app:
        for number in range(rounds + WARM_UP):
            text = QUESTIONS[number % len(QUESTIONS)]
            before, asked = relay.trips if relay else 0, time.perf_counter()
            await dispatch(app, Message(key=str(uuid4()), sender=sender, place=place, text=text), unseen)
            if number >= WARM_UP:
                milliseconds.append((model.called - asked) * 1000)
                trips.append(model.trips - before)
    return milliseconds, trips


class Relay:
    """Passes bytes between clients and the database, counting the round trips that clients ask for."""

    def __init__(self, url: str) -> None:
        self._target = make_url(url)
        self.trips = 0

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        port = self._server.sockets[0].getsockname()[1]
        url = self._target.set(host="127.0.0.1", port=port, query={"sslmode": "disable"})
        self.url = url.render_as_string(hide_password=False)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()

    async def _serve(self, client: asyncio.StreamReader, answers: asyncio.StreamWriter) -> None:
        database, requests = await asyncio.open_connection(self._target.host, self._target.port)
        back = asyncio.create_task(_copy(database, answers))
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            size = await client.readexactly(4)  # the start-up message has no type
            requests.write(size + await client.readexactly(int.from_bytes(size) - 4))
            while True:
                head = await client.readexactly(5)
                self.trips += head[:1] in (b"S", b"Q")
                requests.write(head + await client.readexactly(int.from_bytes(head[1:]) - 4))
                await requests.drain()
        requests.close()
        await back


async def _copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while data := await source.read(65536):
            target.write(data)
            await target.drain()
    target.close()


async def bare_round_trip(url: str, rounds: int) -> float:
    """Return the median of a prepared SELECT 1 in milliseconds."""
    connection = await asyncpg.connect(url)
    try:
        statement = await connection.prepare("SELECT 1")
        taken = []
        for _ in range(rounds):
            began = time.perf_counter()
            await statement.fetchval()
            taken.append((time.perf_counter() - began) * 1000)
        return statistics.median(taken)
    finally:
        await connection.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=200)
    rounds = parser.parse_args().rounds
    home = Path(tempfile.mkdtemp(prefix="homeroom-bench-"))
    home.chmod(0o755)
    try:
        asyncio.run(measure(rounds, home))
    finally:
        remove(home)


if __name__ == "__main__":
    main()
