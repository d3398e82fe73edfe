"""`homeroom gradebook` as a script sees it."""

from __future__ import annotations

import asyncio
import os
import sys
from asyncio.subprocess import PIPE
from collections.abc import Awaitable, Callable
from pathlib import Path

from core.db import create_engine, create_sessions
from tests.integration.grading.room import open_room

ROOT = Path(__file__).parents[3]


async def homeroom(url: str, home: Path, *words: str) -> tuple[int, list[str], str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", "from bot.cli import main; main()", "gradebook", *words,
        stdout=PIPE, stderr=PIPE, cwd=home,
        env={"PATH": os.environ.get("PATH", ""), "DATABASE_URL": url, "HOMEROOM_HOME": str(home),
             "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    async with asyncio.timeout(120):
        out, err = await process.communicate()
    return process.returncode or 0, out.decode().splitlines(), err.decode()


async def test_grades_go_in_as_drafts_and_out_again(
    new_database: Callable[..., Awaitable[str]], tmp_path: Path
) -> None:
    url = await new_database(migrated=True)
    engine = create_engine(url)
    sessions = create_sessions(engine)
    async with sessions.begin() as session:
        room = await open_room(session)
        await room.assignment("Essay")
        people = [await session.get_one(type(room.ada), user) for user in (room.teacher.user_id, room.ada.id)]
        hedy, ada = (person.email for person in people)
    file = tmp_path / "grades.csv"
    file.write_text("Student,ID,Section,Essay (77)\n    Points Possible,,,10\nAda,,A,8.5\nDee,,A,1\n")
    here = ("--class", room.class_.code, "--as", hedy)
    preview = await homeroom(url, tmp_path, "import", str(file), *here, "--dry-run")
    assert preview[:2] == (
        1,
        [
            "drafts that would be changed: 1",
            "  Ada, Essay: ungraded → 8.5",
            "unchanged: 0; empty, left as they are: 0",
            "the LMS’s id of Essay: 77",
            "row not used: line 4 (Dee): there is no such student in this class",
        ],
    )
    assert "nothing was changed" in preview[2]
    done = await homeroom(url, tmp_path, "import", str(file), *here)
    assert (done[0], done[1][:2]) == (1, ["drafts changed: 1", "  Ada, Essay: ungraded → 8.5"])
    async with sessions() as session:
        room.session = session
        assert await room.shown(room.ada) == {}
    await engine.dispose()
    exported = tmp_path / "out.csv"
    assert (await homeroom(url, tmp_path, "export", str(exported), *here))[0] == 0
    assert '"Ada","","",' in exported.read_text("utf-8-sig")
    again = await homeroom(url, tmp_path, "import", str(exported), *here)
    assert (again[0], again[1][:2]) == (0, ["drafts changed: 0", "unchanged: 1; empty, left as they are: 2"])
    refused = await homeroom(url, tmp_path, "export", str(exported), "--class", room.class_.code, "--as", ada)
    assert (refused[0], refused[1], refused[2].strip()) == (
        4, [], "homeroom: Only a teacher of this class may do that.",
    )  # fmt: skip
