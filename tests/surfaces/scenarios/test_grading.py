"""Handing in, grading one after the other, releasing, taking back: what each sees, on every surface."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any

from adapters.slack.pace import Pace
from bot.messengers import open_messengers
from bot.notifying import Notifier
from core.enums import GlobalRole, MembershipRole
from tests.surfaces.at_terminal import TerminalSchool
from tests.surfaces.notices import FastTime
from tests.surfaces.on_discord import DiscordSchool
from tests.surfaces.on_slack import SlackSchool
from tests.surfaces.school import School

TOLD = "Your grades in"
OPEN = "SELECT 1 FROM notifications WHERE state IN ('PENDING', 'INTENDED') AND deleted_at IS NULL"


async def a_teacher(school: School) -> str:
    return await school.newcomer("Tess", MembershipRole.TEACHER, global_role=GlobalRole.TEACHER)


async def hand_in(school: School, user: str, name: str, data: bytes, folder: Path) -> None:
    """Hand in a file for the first assignment, the way the platform has it."""
    if isinstance(school, TerminalSchool):
        (folder / name).write_bytes(data)
        await school.type(user, f"/submit 1 file:{folder / name}")
    elif isinstance(school, DiscordSchool):
        direct, options = school.direct(user), {"assignment": "1", "file": (name, data)}
        await school.taken(school.discord.people.command(user, direct, "submit", **options))
    else:
        await school.type(user, "/submit 1")
        assert not await school.fill(user, await school.form(user), {"file": (name, data)})
    await school.until_told(user, "is handed in")


def files(school: School, user: str) -> list[tuple[str, bytes]]:
    """Return the files that a person alone was given."""
    if isinstance(school, TerminalSchool):
        printed = "\n".join(post.text for post in school.told(user))
        return [(Path(path).name, Path(path).read_bytes()) for path in re.findall(r"The file is at `([^`]+)`", printed)]
    assert isinstance(school, SlackSchool | DiscordSchool)
    posts: Any = school.told(user)
    return [(file.name, file.content) for post in posts for file in post.files]


async def tell_all(school: School) -> None:
    """Send what people are to be told; at the terminal they are told when they come."""
    if not school.workspace:
        return
    time, stop = FastTime(), asyncio.Event()
    async with open_messengers(school.app, pace=Pace(clock=time.clock, sleep=time.sleep)) as messengers:
        sending = asyncio.create_task(Notifier(school.app.sessions, messengers).run(stop))
        for _ in range(500):
            if not await school.rows(OPEN):
                break
            await asyncio.sleep(0.02)
        stop.set()
        await sending
    assert not await school.rows(OPEN)


async def test_what_is_handed_in_comes_back_to_its_owner_alone(school: School, tmp_path: Path) -> None:
    cleo, dan = await school.newcomer("Cleo"), await school.newcomer("Dan")
    await hand_in(school, cleo, "moon.txt", b"Moonlight", tmp_path)
    await school.type(cleo, "/assignments 1")
    shown = await school.until_told(cleo, "moon.txt", count=2)  # the receipt was the first
    await school.press(cleo, shown, "Get moon.txt")
    await school.until(lambda: files(school, cleo))
    assert files(school, cleo) == [("moon.txt", b"Moonlight")]
    await school.type(dan, "/assignments 1")
    await school.until(lambda: school.told(dan))
    assert "moon.txt" not in "".join(school.everything(post) for post in school.told(dan))
    assert files(school, dan) == []
    assert school.silent()


async def test_a_teacher_walks_from_one_to_the_next(school: School, tmp_path: Path) -> None:
    tess, cleo, dan = await a_teacher(school), await school.newcomer("Cleo"), await school.newcomer("Dan")
    for user in (cleo, dan):
        await hand_in(school, user, f"{user.replace(' ', '')}.txt", user.encode(), tmp_path)
    await school.type(tess, "/grade 1")
    form = await school.form(tess)
    for number, (score, status) in enumerate((("8", "graded"), ("", "missing")), 1):
        await school.fill(tess, form, score=score, status=status, feedback="Look up.")
        await school.until_told(tess, "Saved: ", count=number)
        if not isinstance(school, DiscordSchool) and number == 1:
            form = await school.form(tess)
    drafts = await school.rows("SELECT draft_status::text FROM assignment_grade_rows ORDER BY 1")
    assert sorted(row.draft_status for row in drafts) == ["GRADED", "MISSING"]
    assert not await school.rows("SELECT 1 FROM assignment_grade_rows WHERE released_at IS NOT NULL")
    assert school.silent()


async def test_what_is_taken_back_is_gone_where_the_platform_lets_it(school: School) -> None:
    tess, cleo = await a_teacher(school), await school.newcomer("Cleo")
    await school.type(tess, "/grade Cleo 1 43 Neat counts.")
    await school.until_told(tess, "Saved:")
    await school.type(tess, "/release 1")
    plan = await school.until_told(tess, "Leave it")
    await school.press(tess, plan, "Release")
    await school.until_told(tess, "Released: 1 grade")
    await tell_all(school)
    await school.type(cleo, "/lessons")
    await school.until_told(cleo, TOLD)
    await school.type(tess, "/release assignment:1 retract:yes")
    plan = await school.until_told(tess, "Leave it", count=2)
    await school.press(tess, plan, "Take back 1 grade")
    said = school.everything(await school.until_told(tess, "Taken back: 1 grade"))
    await tell_all(school)
    if isinstance(school, TerminalSchool):
        assert "1 student read it when they came to me" in said
    else:
        assert "goes from their messages" in said
        assert not [post for post in school.told(cleo) if TOLD in school.everything(post)]
    await school.type(cleo, "/grades")
    await school.until_told(cleo, "No grades have been released")
    assert school.silent()


async def test_what_was_typed_into_a_form_that_is_refused_is_given_back(school: School) -> None:
    cleo = await school.newcomer("Cleo")
    await school.type(cleo, "/submit 1")
    form = await school.form(cleo)
    await school.execute("UPDATE assignments SET deleted_at = now()")
    said = await school.fill(cleo, form, text="Granite is hard.")
    if isinstance(school, SlackSchool):  # the form stays open
        assert "There is no such assignment" in said
    elif isinstance(school, DiscordSchool):
        shown = await school.until_told(cleo, "There is no such assignment")
        await school.press(cleo, shown, "Hand in: Star Count Through a Paper Tube…")
        assert "Granite is hard." in str((await school.form(cleo)).components)
    else:
        shown = await school.until_told(cleo, "There is no such assignment")
        await school.press(cleo, shown, "Fill in the form again")
        assert (await school.form(cleo)).form.fields[0].value == "Granite is hard."
    assert not await school.rows("SELECT 1 FROM assignment_submissions")
