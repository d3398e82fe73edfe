"""/assignments: what there is to do, in the person's own time, and opened from a menu."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from bot.app import App
from core.enums import AiPolicy
from tests.dialogs.graded import Course, in_days, labels, open_course
from tests.dialogs.test_class_commands import words


@pytest.fixture
async def course(app: App) -> Course:
    return await open_course(app)


async def test_every_state_is_named(course: Course) -> None:
    await course.assignment("Later", due_at=in_days(30))
    await course.assignment("Soon", due_at=in_days(1))
    await course.assignment("Overdue", due_at=in_days(-1))
    await course.assignment("Shut", due_at=in_days(-3), closes_at=in_days(-2))
    await course.assignment("Tomorrow", opens_at=in_days(1))
    await course.assignment("Hidden", published=False)
    done = await course.assignment("Done", due_at=in_days(3))
    await course.ada.type("/submit Done One")
    await course.ada.type("/submit Done Two")
    said = words(await course.ada.type("/assignments"))
    states = {line.split(" | ")[1]: line.split(" | ")[-1] for line in said.splitlines() if " | " in line}
    assert states.pop("Assignment") == "State"
    assert states == {
        "Later": "open",
        "Soon": "due soon",
        "Overdue": "late",
        "Shut": "closed",
        "Tomorrow": "not open yet",
        "Done": "handed in, attempt 2",
    }
    await course.tess.type(f"/grade alm {done.hex} 7")
    assert "graded" not in words(await course.ada.type("/assignments"))  # a draft is nobody's grade yet
    await course.tess.type("/release Done")
    await course.tess.press("Release")
    assert "graded" in words(await course.ada.type("/assignments"))
    assert "graded" not in words(await course.berg.type("/assignments"))


async def test_dates_are_in_the_persons_time_zone_with_their_own_extension(course: Course) -> None:
    await course.assignment("Rocks", due_at=datetime(2031, 1, 15, 22, 30, tzinfo=UTC))
    said = words(await course.ada.type("/assignments"))
    assert "Wed 15 Jan 2031, 23:30" in said  # the class's, Zurich
    assert "Europe/Zurich" in said
    given = words(await course.tess.type("/assignment extend Rocks Alm 2031-01-20 23:30"))
    assert "Ada Alm has until Mon 20 Jan 2031, 23:30 for Rocks" in given
    assert "Mon 20 Jan 2031, 23:30 (extended)" in words(await course.ada.type("/assignments"))
    assert "15 Jan" in words(await course.berg.type("/assignments"))
    assert "at least as long" in words(await course.tess.type("/assignment extend Rocks Alm 2031-01-02 8:00"))
    assert (await course.berg.type("/assignment extend Rocks Berg 2031-01-20 23:30")).failed
    await course.tess.type("/assignment extend Rocks Alm none")
    assert "15 Jan" in words(await course.ada.type("/assignments"))


async def test_missing_and_excused_are_said_and_what_is_handed_in_since_counts(course: Course) -> None:
    rocks, rivers = await course.assignment("Rocks", due_at=in_days(1)), await course.assignment("Rivers")
    for work, mark in ((rocks, "missing"), (rivers, "excused")):
        await course.tess.type(f"/grade alm {work.hex} {mark}")
    for name in ("Rocks", "Rivers"):
        await course.tess.type(f"/release {name}")
        await course.tess.press("Release")
    said = words(await course.ada.type("/assignments"))
    assert ("| missing" in said, "| excused" in said, "graded" in said) == (True, True, False)
    await course.ada.type("/submit Rocks Here it is")
    said = words(await course.ada.type("/assignments"))
    assert ("| missing" in said, "| handed in" in said) == (False, True)


async def test_one_is_opened_by_choice_number_or_beginning_and_handed_in_from_there(course: Course) -> None:
    await course.assignment("Rocks", instructions="Describe *three* rocks.", ai_policy=AiPolicy.OFF)
    await course.assignment("Rivers", closes_at=in_days(-1))
    listed = await course.ada.type("/assignments")
    assert labels(listed) == ["Rocks", "Rivers"]
    opened = await course.ada.press("Rocks")
    assert "Describe *three* rocks." in words(opened)
    assert "don't help" in words(opened)
    assert labels(opened) == ["Hand in"]
    assert words(await course.ada.type("/assignments 1")) == words(opened)
    assert labels(await course.ada.type("/assignments riv")) == []  # closed
    assert labels(await course.ada.type("/assignments r")) == ["1 Rocks", "2 Rivers"]
    assert "Describe" in words(await course.ada.press("1 Rocks"))
    assert (await course.ada.type("/assignments 9")).failed


async def test_a_teacher_sees_them_without_a_state_and_nobody_else_sees_any(course: Course) -> None:
    await course.assignment("Rocks")
    said = await course.tess.type("/assignments")
    assert "Rocks" in words(said)
    assert "State" not in words(said)
    assert labels(await course.tess.press("Rocks")) == []
    other = await course.outsider()
    assert "Rocks" not in words(await other.type("/assignments"))
    stolen = course.tess.desk.seen[-2]
    other.desk.seen.append(stolen)
    assert (await other.press("Rocks")).failed


async def test_at_the_terminal(course: Course) -> None:
    await course.assignment("Rocks", due_at=in_days(10))
    talk = course.talk(course.ada)
    assert "Rocks" in await talk.say("/assignments")
    assert "Hand in" in await talk.say("1")
