"""Everything by which a student sees grades, taken as it is shown, and held against what paper says they may see."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.app import App
from bot.commands.assignments import run_assignments
from bot.commands.grades import get_file, run_grades
from bot.commands.home import home_page
from bot.commands.notices import write_notice
from bot.commands.registry import Request
from core.db import Sessions
from core.enums import Platform
from core.events import Command, Control, Event, Place, Sender
from core.grading.my_grades import MyGrades, my_grades
from core.grading.release import RELEASED
from core.identity.resolve import Encounter, meet
from core.inbox.models import Notification
from core.inbox.notify import ToTell
from core.ports import Responder
from core.replies import File, Reply, Table, Text
from tests.properties.grades import Item, Rules, percent

# What teachers see, changed in two ways that reach every kind of draft.
SCRAMBLE = (
    """UPDATE assignment_grade_rows SET draft_status = 'GRADED', draft_score = 98765.43, version = version + 1,
        draft_feedback = 'scrambled', draft_updated_at = now(), graded_submission_id = NULL""",
    """UPDATE assignment_grade_rows SET draft_status = 'MISSING', draft_score = NULL, draft_feedback = '',
        draft_updated_by_user_id = NULL""",
)


@dataclass(frozen=True)
class Held:
    """A grade that a student may see: of which row and assignment, what it is, and the teacher's words."""

    row_id: UUID
    assignment_id: UUID
    title: str
    item: Item
    words: str


@dataclass(frozen=True)
class Views:
    """What a student is shown: by command, on the home page, as a file, among the assignments, and what is told."""

    command: Reply
    home: Reply
    file: Reply
    work: Reply
    notices: Mapping[UUID, Reply | None]
    told: Mapping[UUID, tuple[str, ...]]  # the rows that each is about
    grades: MyGrades


async def take_views(sessions: Sessions, class_id: UUID, user_id: UUID, email: str) -> Views:
    """Return all that a student sees now."""
    sender = Sender(Platform.TERMINAL, email)
    typed = Command(key="look", sender=sender, place=Place(""), name="grades")
    pressed = Control(key="look", sender=sender, place=Place(""), action="", value=class_id.hex)
    async with sessions() as session:
        encounter = await meet(session, typed)
        grades = await my_grades(session, user_id, class_id)
        rows = await session.scalars(
            select(Notification)
            .where(Notification.kind == RELEASED, Notification.app_user_id == user_id)
            .order_by(Notification.id)
        )
        told = [ToTell(row.id, row.kind, row.class_id, user_id, row.details, False, row.created_at) for row in rows]
        notices = {each.id: await write_notice(session, each) for each in told}
    return Views(
        await _shown(run_grades, sessions, encounter, typed),
        await home_page(sessions, encounter),
        await _shown(get_file, sessions, encounter, pressed),
        await _shown(run_assignments, sessions, encounter, typed),
        notices,
        {each.id: tuple(each.details["grades"]) for each in told},
        grades,
    )


async def _shown(run: Any, sessions: Sessions, encounter: Encounter, event: Event) -> Reply:
    app = cast("App", SimpleNamespace(sessions=sessions))
    reply: Reply = await run(Request(app, encounter, event, cast("Responder", None)))
    return reply


def check_views(views: Views, held: Sequence[Held], rules: Rules) -> None:
    """Check that every view shows these grades, this total, and nothing else."""
    overall = percent([each.item for each in held], rules)
    by_title = {each.title: each for each in held}
    _check_command(views.command, by_title, overall)
    _check_home(views.home, held)
    _check_file(views.file, by_title, overall)
    _check_work(views.work, by_title)
    for notice_id, reply in views.notices.items():
        about = [each for each in held if str(each.row_id) in views.told[notice_id]]
        lines = sorted(
            f"- {each.title}: **{_out_of(each.item, ' / ')}**{' (with feedback)' if each.words else ''}"
            for each in about
        )
        assert (sorted(reply.text().splitlines()[2:]) if reply else []) == lines
    assert {
        each.assignment_id: (each.status.value, each.score, each.points, each.feedback) for each in views.grades.grades
    } == {each.assignment_id: (each.item.status, each.item.score, each.item.points, each.words) for each in held}
    assert (views.grades.overall and views.grades.overall.percent) == overall


def _check_command(reply: Reply, by_title: Mapping[str, Held], overall: Decimal | None) -> None:
    tables = [part for part in reply.parts if isinstance(part, Table)]
    shown = {row[0]: row[2] for table in tables[:1] for row in table.rows}
    assert shown == {title: _out_of(each.item, " / ") for title, each in by_title.items()}
    totals = {row[0]: row[1] for table in tables[1:] for row in table.rows}
    assert totals.get("The class") == (None if overall is None else f"{_plain(overall)} %")
    said = {part.markdown for part in reply.parts if isinstance(part, Text)} if by_title else set()
    assert said == {f"**{title}**: {each.words}" for title, each in by_title.items() if each.words}


def _check_home(reply: Reply, held: Sequence[Held]) -> None:
    tables = [part for part in reply.parts if isinstance(part, Table) and part.title == "Your grades"]
    shown = sorted(row for table in tables for row in table.rows)
    expected = [(each.title, _out_of(each.item, " of "), each.words) for each in held]
    assert len(shown) == min(len(expected), 10)
    assert set(shown) <= set(expected)


def _check_file(reply: Reply, by_title: Mapping[str, Held], overall: Decimal | None) -> None:
    (file,) = [part for part in reply.parts if isinstance(part, File)]
    rows = list(csv.DictReader(io.StringIO(file.data.decode("utf-8-sig"))))
    assert {
        row["Name"]: (row["Status"], row["Score"], row["Out of"], row["Feedback"])
        for row in rows
        if row["Kind"] == "assignment"
    } == {title: (each.item.status.lower(), *_columns(each.item), each.words) for title, each in by_title.items()}
    assert [Decimal(row["Percent"]) for row in rows if row["Kind"] == "class"] == ([] if overall is None else [overall])


def _check_work(reply: Reply, by_title: Mapping[str, Held]) -> None:
    rows = [row for part in reply.parts if isinstance(part, Table) for row in part.rows]
    said = {row[1]: row[-1] for row in rows if row[-1] in ("graded", "missing", "excused")}
    assert said == {t: each.item.status.lower() for t, each in by_title.items() if each.item.status != "UNGRADED"}


def _columns(item: Item) -> tuple[str, str]:
    return (f"{item.score:.2f}", f"{item.points:.2f}") if item.score is not None else ("", "")


def _out_of(item: Item, word: str) -> str:
    if item.score is None:
        return item.status.lower()
    return f"{_plain(item.score)}{word}{_plain(item.points)}"


def _plain(number: Decimal) -> str:
    return f"{number:.2f}".rstrip("0").rstrip(".")


async def check_drafts_move_nothing(connection: AsyncConnection, sessions: Sessions, *student: Any) -> None:
    """Check that a student sees the very same whatever the drafts are; `sessions` are those of the connection."""
    before = await take_views(sessions, *student)
    for scramble in SCRAMBLE:
        savepoint = await connection.begin_nested()
        await connection.execute(text(scramble))
        assert await take_views(sessions, *student) == before
        await savepoint.rollback()
