"""`homeroom demo`: an embedded database, a sample course, two people, and a talk with the class."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path

from rich.console import Console
from sqlalchemy import func, select

from adapters.terminal.lines import typed_lines
from adapters.terminal.surface import KEYS
from bot import sample_course
from bot.app import App
from bot.bootstrap import open_app
from bot.console.asking import PROMPT, converse
from bot.console.courses import import_with_progress
from bot.console.run import configure_log, notice, run_async
from bot.settings import read_settings
from core.audit.record import Actor
from core.classes.enrol import create_class, enrol, find_class
from core.content.import_report import Fate
from core.db import autocommit
from core.enums import GlobalRole, MembershipRole
from core.identity.people import add_person, find_person

CODE, TITLE = "NIGHTSKY", "The Night Sky"
TEACHER, STUDENT = "teacher@homeroom.example", "student@homeroom.example"
_PREPARING = 0x686F6D65  # the advisory lock's number: any, as long as nothing else in this database uses it
_LOOK_EVERY = 0.2  # seconds
SCRIPT = (
    "/lessons",
    "Why does the Moon have phases?",
    "And how long does one cycle take?",
    "+1",
    "When does it never get fully dark at 52 degrees north?",
    "How long did Venera 13 survive on the ground?",
    "Who won the football world cup?",
    "/assignments",
)


def demo() -> None:
    """Set up everything on this machine, without tokens or a database, and talk with the sample class."""
    run_async(_demo())


async def _demo() -> None:
    settings = read_settings().model_copy(update={"database_url": None})
    configure_log(settings)
    notice("Starting the embedded database (the first time takes a few seconds) …")
    async with open_app(settings) as app:
        await prepare(app)
        console = Console(highlight=False)
        lines = typed_lines(PROMPT) if sys.stdin.isatty() and console.is_terminal else _script(console)
        notice(f"You are {STUDENT} in the class {CODE}. Ask something. {KEYS}.")
        await converse(app, console, lines, email=STUDENT, code=CODE)
    notice("That was the demo. Start it again with: make demo")


async def prepare(app: App) -> None:
    """Make the demo's two people and its class, and import the sample course where it is not yet.

    Another demo that is just starting on this machine goes first, and leaves nothing to do.
    """
    async with autocommit(app.sessions) as session:
        # Asked for again and again, since a wait inside PostgreSQL would run into the timeout for locks.
        while not await session.scalar(select(func.pg_try_advisory_lock(_PREPARING))):  # noqa: ASYNC110  (another process)
            await asyncio.sleep(_LOOK_EVERY)
        try:
            await _prepare(app)
        finally:
            await session.execute(select(func.pg_advisory_unlock(_PREPARING)))


async def _prepare(app: App) -> None:
    operator = Actor.command_line()
    async with app.sessions.begin() as session:
        teacher = await find_person(session, TEACHER) or await add_person(
            session, operator, TEACHER, name="Ms. Vega", role=GlobalRole.TEACHER
        )
        student = await find_person(session, STUDENT) or await add_person(
            session, operator, STUDENT, name="Sam", role=GlobalRole.STUDENT
        )
        class_ = await find_class(session, CODE) or await create_class(session, operator, CODE, title=TITLE)
        await enrol(session, operator, class_.id, teacher.id, MembershipRole.TEACHER)
        await enrol(session, operator, class_.id, student.id, MembershipRole.STUDENT)
    folder = Path(sample_course.__path__[0])
    report = await import_with_progress(app, Actor.person(teacher.id, "command line"), class_.id, folder, publish=True)
    created = report.count(Fate.CREATED)
    if created:
        notice(f"Imported the sample course: {created['lesson']} lessons, {created['material']} materials.")


async def _script(console: Console) -> AsyncIterator[str]:
    """Yield the lines of the scripted conversation, showing each as if somebody typed it."""
    for line in SCRIPT:
        console.out(f"{PROMPT}{line}", highlight=False)
        yield line
