"""/gradebook: seen whole, in from Canvas after a look, and out again without a formula in it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import update

from bot.app import App
from core.classes.held_file import Upload, forget_files
from core.identity.models import AppUser
from core.replies import Form, Picture
from tests.dialogs.graded import Course, choices, file, labels, open_course
from tests.dialogs.test_class_commands import words


@pytest.fixture
async def course(app: App) -> Course:
    return await open_course(app)


def sheet(course: Course, *cells: str) -> bytes:
    rows = zip((course.ada, course.berg, course.bright), cells, strict=False)
    lines = ["Student,ID,SIS User ID,SIS Login ID,Section,Rocks", "    Points Possible,,,,,10.00"]
    lines += [f'"{each.user.name}",,,{each.user.email},,{cell}' for each, cell in rows]
    return "\n".join(lines).encode()


async def held(course: Course) -> int:
    return await forget_files(course.app.pipeline.storage, Upload.GRADEBOOK, older_than=timedelta(days=-1))


async def test_drafts_and_what_students_see_stand_side_by_side(course: Course) -> None:
    await course.assignment("Rocks")
    await course.assignment("Hidden", published=False)
    await course.tess.type("/grade alm rocks 7")
    await course.tess.type("/grade berg rocks EX")
    await course.tess.type("/release rocks")
    await course.tess.press("Release")
    await course.tess.type("/grade alm rocks 9")
    shown = await course.tess.type("/gradebook")
    said = words(shown)
    assert "Rocks | 10 | 1 of 3 | 0 | 1 | 9 | 2 of 3" in said
    assert "Hidden (not published) | 10 | 0 of 3" in said
    assert "Ada Alm | A | 90 % | 70 %" in said
    (drawn,) = [part for part in shown.parts if isinstance(part, Picture)]
    assert "1 at 90–99 %" in drawn.alt
    assert "Ada" not in words(await course.tess.type("/gradebook show section:B"))
    one = words(await course.tess.type("/gradebook person:ada"))
    assert "Rocks | 9 | 7 / 10 | 10" in one
    picked = await course.tess.type("/gradebook show person:bo")
    assert "Rocks | excused | excused" in words(await course.tess.send_choice(choices(picked)[0]))


async def test_a_file_is_shown_then_imported_into_drafts(course: Course) -> None:
    await course.assignment("Rocks")
    await course.tess.type("/grade alm rocks 7")
    shown = words(await course.tess.type("/gradebook import", file=sheet(course, "8,5".join('""'), "EX", "")))
    assert "Ada Alm | Rocks | 7 | 8.5" in shown
    assert "Bo Berg | Rocks | ungraded | excused" in shown
    assert "Ada Alm | A | 70 %" in words(await course.tess.type("/gradebook"))
    preview = course.tess.desk.seen[-2]
    course.tess.desk.seen.append(preview)
    assert "imported into the drafts" in words(await course.tess.press("Import"))
    assert "Ada Alm | A | 85 % | –" in words(await course.tess.type("/gradebook"))
    assert "No grades" in words(await course.ada.type("/grades"))
    course.tess.desk.seen.append(preview)
    assert "imported or dropped already" in words(await course.tess.press("Import"))
    same = await course.tess.type("/gradebook import", file=sheet(course, "8.5", "EX"))
    assert "would change no draft" in words(same)
    assert labels(same) == []
    assert await held(course) == 0


async def test_what_changed_since_the_look_is_shown_anew_and_can_be_dropped(course: Course) -> None:
    await course.assignment("Rocks")
    preview = await course.tess.type("/gradebook import", file=sheet(course, "8"))
    await course.tess.type("/grade alm rocks 2")
    course.tess.desk.seen.append(preview)
    again = words(await course.tess.press("Import"))
    assert "have changed" in again
    assert "Ada Alm | Rocks | 2 | 8" in again
    assert "dropped" in words(await course.tess.press("Drop"))
    assert await held(course) == 0


async def test_what_can_not_be_used_is_listed(course: Course) -> None:
    await course.assignment("Rocks")
    data = sheet(course, "many") + b"\nNobody Known,,,nobody@x.example,,5"
    said = words(await course.tess.type("/gradebook import", file=data.replace(b",Rocks", b",Rocks,Moon", 1)))
    assert "there is no such student" in said
    assert "there is no such assignment" in said
    assert "not a score" in said
    assert (await course.tess.type("/gradebook import", file=b"hello\nworld\n")).failed
    assert any(isinstance(part, Form) for part in (await course.tess.type("/gradebook import")).parts)


async def test_an_export_comes_back_unchanged_and_holds_no_formula(course: Course) -> None:
    await course.assignment("=2+5|cmd", points=10)
    async with course.app.sessions.begin() as session:
        await session.execute(
            update(AppUser).where(AppUser.id == course.ada.user.id).values(name='=HYPERLINK("http://x.example")')
        )
    await course.tess.type(f"/grade {course.ada.user.email} 1 8.5")
    out = file(await course.tess.type("/gradebook export"))
    assert out.name == f"{course.code}-gradebook.csv"
    assert out.media_type == "text/csv"
    written = out.data.decode("utf-8-sig")
    assert "'=HYPERLINK" in written
    assert not [cell for line in written.splitlines() for cell in line.split(",") if cell.strip('"').startswith("=")]
    assert "would change no draft" in words(await course.tess.type("/gradebook import", file=out.data))


async def test_nobody_else_sees_brings_in_or_takes_out(course: Course) -> None:
    await course.assignment("Rocks")
    preview = await course.tess.type("/gradebook import", file=sheet(course, "8"))
    picked = await course.tess.type("/gradebook person:bo")
    colleague = await course.teacher()
    for other in (course.berg, await course.outsider()):
        for line in ("/gradebook", "/gradebook export", "/gradebook show person:ada"):
            reply = await other.type(line)
            assert "Ada Alm" not in words(reply)
            assert course.code not in words(reply)
        assert not labels(await other.type("/gradebook import", file=sheet(course, "8")))
        assert (await other.send_choice(choices(picked)[0])).failed
    for other in (course.berg, colleague):
        for choice in choices(preview):
            assert "who uploaded" in words(await other.send_choice(choice))
    assert await held(course) == 1


async def test_the_terminal_writes_the_file_and_says_where(course: Course, tmp_path: Path) -> None:
    await course.assignment("Rocks")
    talk = course.talk(course.tess)
    said = await talk.say("/gradebook export")
    written = said.partition("The file is at `")[2].partition("`")[0]
    assert read(written).startswith(b'\xef\xbb\xbf"Student","ID"')
    mine = tmp_path / "canvas.csv"
    mine.write_bytes(sheet(course, "8"))
    assert "Ada Alm\tRocks\tungraded\t8" in await talk.say(f"/gradebook import file:{mine}")
    assert "imported" in await talk.say("1")


def read(name: str) -> bytes:
    path = Path(name)
    assert path.parent.stat().st_mode & 0o077 == 0  # nobody else's account reads it
    return path.read_bytes()
