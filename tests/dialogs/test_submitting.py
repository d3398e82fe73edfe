"""/submit: text and files in, a receipt out, and every refusal in a sentence."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import OperationalError

from adapters.terminal.surface import read_line
from bot.app import App
from core.assignments.models import Assignment, AssignmentSubmission
from core.events import Command
from core.replies import Form
from tests.dialogs.graded import NOW, Course, form, in_days, labels, open_course
from tests.dialogs.test_class_commands import Member, words


@pytest.fixture
async def course(app: App) -> Course:
    return await open_course(app)


async def handed_in(course: Course, by: Member) -> list[AssignmentSubmission]:
    async with course.app.sessions() as session:
        found = await session.scalars(
            select(AssignmentSubmission)
            .where(AssignmentSubmission.student_user_id == by.user.id)
            .order_by(AssignmentSubmission.attempt)
        )
        return list(found)


async def test_text_and_files_are_kept_attempt_by_attempt(course: Course) -> None:
    await course.assignment("Rocks", due_at=in_days(1))
    first = words(await course.ada.type("/submit rocks Granite: it is hard", file=b"PDF", file2=b"more"))
    assert "attempt 1" in first
    assert "in time" in first
    assert "file.csv, file2.csv" in first
    assert "attempt 2" in words(await course.ada.type("/submit 1 Basalt."))
    one, two = await handed_in(course, course.ada)
    assert (one.body, two.body) == ("Granite: it is hard", "Basalt.")
    storage = course.app.pipeline.storage
    assert [await storage.get(each["storage_key"]) for each in one.files] == [b"PDF", b"more"]
    assert "Attempt" in words(await course.ada.type("/assignments rocks"))
    assert await handed_in(course, course.berg) == []


async def test_without_anything_a_form_asks_for_it(course: Course) -> None:
    await course.assignment("Rocks", due_at=in_days(-1))
    whole = form(await course.ada.type("/submit"))
    assert [each.name for each in whole.fields if each.file] == ["file", "file2", "file3"]
    assert [each.label for each in whole.fields[0].options] == ["1 Rocks"]
    wrong = await course.ada.fill(assignment="1 Rocks")
    assert "will be late" in words(wrong)  # named, but nothing to hand in yet: its own form
    empty = await course.ada.fill()
    assert "nothing to hand in" in words(empty)
    assert set(empty.field_errors) == {"text"}
    course.ada.desk.seen.append(wrong)
    late = words(await course.ada.fill(text="Granite."))
    assert "**late**" in late
    assert [each.late for each in await handed_in(course, course.ada)] == [True]


async def test_what_can_not_be_handed_in_is_refused_and_leaves_no_file(course: Course) -> None:
    await course.assignment("Shut", closes_at=in_days(-1))
    await course.assignment("Not yet", opens_at=in_days(1))
    await course.assignment("Rocks")
    await course.assignment("Rivers")
    storage = course.app.pipeline.storage
    before = await storage.written_before("submissions", in_days(1))
    assert "closed" in words(await course.ada.type("/submit Shut x", file=b"x"))
    assert "not open" in words(await course.ada.type('/submit "Not yet" x', file=b"x"))
    assert "is empty" in words(await course.ada.type("/submit Rocks", file=b"kept for a moment", file2=b""))
    assert "no assignment “Moon”" in words(await course.ada.type("/submit Moon x"))
    assert await storage.written_before("submissions", in_days(1)) == before
    assert labels(await course.ada.type("/submit R")) == ["3 Rocks", "4 Rivers"]
    assert form(await course.ada.press("3 Rocks")).title == "Hand in: Rocks"
    ambiguous = await course.ada.type("/submit R my words")
    assert "Several assignments" in words(ambiguous)
    assert await handed_in(course, course.ada) == []


async def test_only_students_of_the_class_hand_in(course: Course) -> None:
    work = await course.assignment("Rocks")
    for other in (course.tess, await course.outsider()):
        assert (await other.type(f"/submit {work} x", file=b"x")).failed


async def test_a_path_is_a_file_at_the_terminal_and_nowhere_else(course: Course, tmp_path: Path) -> None:
    await course.assignment("Rocks")
    path = tmp_path / "essay.txt"
    path.write_bytes(b"Granite")
    talk = course.talk(course.ada)
    assert "essay.txt" in await talk.say(f"/submit rocks file:{path}")
    await talk.say("/submit rocks")
    for line in ("", str(path), ""):
        assert read_line(line, talk.responder, email=talk.email, class_code=talk.class_code) is None
    assert "attempt 2" in await talk.say("")
    assert "no file" in await talk.say(f"/submit rocks file:{tmp_path}/none.txt")
    assert "Attach the file" in words(await course.ada.type(f"/submit rocks file:{path}"))
    assert len(await handed_in(course, course.ada)) == 2


async def test_an_event_that_is_served_again_is_handed_in_once(course: Course) -> None:
    await course.assignment("Rocks")
    event = Command(
        key="again", sender=course.ada._sender, place=course.ada.place, name="submit", text="rocks Granite."
    )
    receipts = await course.served_twice(course.ada, event)
    assert receipts[0] == receipts[1]
    assert len(await handed_in(course, course.ada)) == 1


async def test_files_do_not_stay_when_the_database_refuses(course: Course, monkeypatch: pytest.MonkeyPatch) -> None:
    async def refuse(*_: object, **__: object) -> None:
        raise OperationalError("INSERT", {}, Exception("gone"))

    await course.assignment("Rocks")
    storage = course.app.pipeline.storage
    before = await storage.written_before("submissions", in_days(1))
    monkeypatch.setattr("bot.commands.submitting.submit", refuse)
    assert "database" in words(await course.ada.type("/submit rocks Granite.", file=b"stone"))
    assert await storage.written_before("submissions", in_days(1)) == before


async def test_no_form_is_opened_for_what_takes_nothing(course: Course) -> None:
    await course.assignment("Over", closes_at=in_days(-1))
    await course.assignment("Soon", opens_at=in_days(1))
    for name, says in (("over", "“Over” is closed"), ("soon", "“Soon” is not open yet")):
        refused = await course.ada.type(f"/submit {name}")
        assert says in words(refused)
        assert not any(isinstance(part, Form) for part in refused.parts)


async def test_a_form_that_is_refused_says_so_in_a_way_that_gives_back_what_was_typed(course: Course) -> None:
    await course.assignment("Rocks")
    opened = await course.ada.type("/submit rocks")
    async with course.app.sessions.begin() as session:
        await session.execute(update(Assignment).where(Assignment.class_id == course.class_id).values(deleted_at=NOW))
    refused = await course.ada.fill(text="Granite is hard.")
    assert (refused.failed, list(refused.field_errors)) == (True, [""])
    course.ada.desk.seen.append(opened)
    stranger = replace(course.ada, account="U-unlinked")
    assert (await stranger.fill(text="Granite is hard.")).field_errors.keys() == {""}
    assert not (await course.ada.type("/submit rocks")).field_errors  # nothing was typed into a form
