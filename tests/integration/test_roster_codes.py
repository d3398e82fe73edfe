"""The file of codes that goes with a roster: for whom, safe to open, its owner's alone, gone if it came to nothing."""

from __future__ import annotations

import csv
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from bot.console.code_file import HEADER, new_code_file
from bot.console.rosters import hand_out
from core.audit.record import Actor
from core.classes.import_roster import import_roster
from core.classes.roster_plan import RosterPlan, RosterRow, UnusableRow
from core.classes.roster_report import report_lines
from core.db import Sessions
from core.enums import LinkMethod, Platform
from core.errors import InvalidInput
from core.identity.link import link
from core.identity.link_codes import redeem_code
from core.identity.models import Workspace
from tests import factories as make

OPERATOR = Actor.command_line()


async def test_everybody_without_an_account_gets_a_code_that_works(
    session: AsyncSession, sessions: Sessions, tmp_path: Path
) -> None:
    class_ = await make.class_(session)
    workspace = await make.add(session, Workspace(platform=Platform.SLACK, external_id="T1"))
    await make.person(session, '=HYPERLINK("x")', email="bo@example.org")
    linked = await make.person(session, "Linked", email="cy@example.org")
    await link(session, OPERATOR, workspace.id, "U0", linked.id, LinkMethod.EMAIL)
    rows = (
        RosterRow("line 2", "ada@example.org", "Ada Lovelace", "A"),
        RosterRow("line 3", "bo@example.org"),
        RosterRow("line 4", "cy@example.org"),
    )
    plan = RosterPlan(rows, (UnusableRow("line 5", "x", "no address"),), ("A note.",))
    path = tmp_path / "codes.csv"
    with new_code_file(path) as file:
        report = await import_roster(session, OPERATOR, class_.id, plan)
        await hand_out(session, OPERATOR, report, timedelta(days=14), file)
        await session.commit()
    assert path.stat().st_mode & 0o777 == 0o600
    with path.open(encoding="utf-8-sig", newline="") as written:
        header, ada, bo, *others = csv.reader(written)
    assert (tuple(header), others) == (HEADER, [])
    assert ada[:3] == ["ada@example.org", "Ada Lovelace", "A"]
    assert bo[:2] == ["bo@example.org", '\'=HYPERLINK("x")']
    assert await redeem_code(sessions, workspace.id, "U1", ada[3], surface="slack") == report.entries[0].user_id
    assert report_lines(report) == [
        "added: 1 student",
        "  ada@example.org Ada Lovelace",
        "enrolled: 2 students",
        '  bo@example.org =HYPERLINK("x")',
        "  cy@example.org Linked",
        "note: A note.",
        "not used: line 5 (x): no address",
    ]


def test_a_file_that_is_there_is_not_touched_and_a_failure_leaves_none(tmp_path: Path) -> None:
    kept = tmp_path / "kept.csv"
    kept.write_text("precious")
    for path in (kept, tmp_path / "missing" / "codes.csv", tmp_path):
        with pytest.raises(InvalidInput), new_code_file(path):
            pass
    assert kept.read_text() == "precious"
    with pytest.raises(KeyError), new_code_file(tmp_path / "codes.csv"):
        raise KeyError
    assert list(tmp_path.iterdir()) == [kept]
