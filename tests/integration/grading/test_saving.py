"""Drafts: what is taken, what is refused, and who overwrites whom."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from core.assignments.submit import submit
from core.audit.record import Actor
from core.content.delete import delete
from core.content.kinds import ASSIGNMENT
from core.enums import GradeStatus
from core.errors import Conflict, InvalidInput, NotFound, NotPermitted
from core.grading.grade import GradeEdit, save_grades
from core.grading.mark import Mark, graded, read_mark
from tests import factories as make
from tests.integration.grading.room import Room


async def test_a_saved_draft_is_versioned_and_audited_and_shows_nothing(room: Room) -> None:
    essay = await room.assignment()
    first = await room.save(essay, room.ada, "8,5", feedback="Good.", expected_version=0)
    assert (first.version, str(first.mark), first.feedback) == (1, "8.5", "Good.")
    again = await room.save(essay, room.ada, "8.50", expected_version=0)  # the same: nothing happens, nothing clashes
    assert again.version == 1
    excused = await room.save(essay, room.ada, "EX", expected_version=1)
    assert (excused.version, excused.mark, excused.feedback) == (2, Mark(GradeStatus.EXCUSED), "Good.")
    logged = await room.audit("grade.save")
    assert sorted((row.details["before"], row.details["after"]) for row in logged) == [
        ("8.5", "excused"),
        ("ungraded", "8.5"),
    ]
    assert all("Good" not in str(row.details) and row.class_id == room.id for row in logged)
    assert (await room.seen(room.ada)).grades == ()


async def test_nothing_on_nothing_makes_no_row(room: Room) -> None:
    essay = await room.assignment()
    assert (await room.save(essay, room.ada, "ungraded", feedback="")).version == 0
    assert await room.audit("grade.save") == []


async def test_a_clash_shows_both_values_and_who_made_the_other(room: Room) -> None:
    essay = await room.assignment()
    await room.save(essay, room.ada, "5", expected_version=0)
    await room.save(essay, room.ada, "9", expected_version=1, feedback="Better.", by=room.second)
    with pytest.raises(Conflict) as refused:
        await room.save(essay, room.ada, "7", expected_version=1)
    assert refused.value.sentence == "Ida saved 9 for Ada meanwhile, so your 7 was not saved."
    conflicts: Any = refused.value.data["conflicts"]
    assert len(conflicts) == 1
    clash = conflicts[0]
    assert (str(clash.mine.mark), str(clash.theirs.mark), clash.theirs.feedback) == ("7", "9", "Better.")
    assert (clash.theirs.version, clash.by, type(clash.at)) == (2, "Ida", datetime)
    assert str((await room.save(essay, room.ada, "7", expected_version=2)).mark) == "7"


async def test_many_are_saved_or_none(room: Room) -> None:
    essay, quiz = await room.assignment("Essay"), await room.assignment("Quiz")
    await room.save(quiz, room.bo, "1", by=room.second)
    edits = [
        GradeEdit(essay.id, room.ada.id, graded("1"), expected_version=0),
        GradeEdit(quiz.id, room.bo.id, graded("2"), expected_version=0),
    ]
    with pytest.raises(Conflict):
        async with room.session.begin_nested():
            await save_grades(room.session, room.teacher, room.id, edits)
    assert len(await room.audit("grade.save")) == 1
    saved = await save_grades(
        room.session, room.teacher, room.id, [edits[0], GradeEdit(quiz.id, room.bo.id, feedback="Hm.")]
    )
    assert [(str(each.mark), each.version) for each in saved] == [("1", 1), ("1", 2)]
    with pytest.raises(InvalidInput, match="twice"):
        await save_grades(room.session, room.teacher, room.id, [edits[0], edits[0]])


async def test_an_attempt_that_is_somebody_elses_is_refused(room: Room) -> None:
    essay = await room.assignment()
    mine = await submit(room.session, Actor.person(room.bo.id, "test"), essay.id, body="Mine.")
    with pytest.raises(NotFound, match="no such submission"):
        await room.save(essay, room.ada, "5", submission_id=mine.submission_id)
    assert (await room.save(essay, room.bo, "5", submission_id=mine.submission_id)).submission_id == mine.submission_id


async def test_only_teachers_of_the_class_grade_its_students_in_its_assignments(room: Room) -> None:
    essay = await room.assignment()
    elsewhere = await make.assignment(room.session, await make.class_(room.session))
    stranger = await make.person(room.session)
    for actor in (Actor.person(room.ada.id, "test"), Actor.person(stranger.id, "test")):
        with pytest.raises(NotPermitted):
            await room.save(essay, room.ada, "5", by=actor)
    with pytest.raises(NotFound, match="no such student"):
        await room.save(essay, stranger, "5")
    with pytest.raises(NotFound, match="no such assignment"):
        await room.save(elsewhere, room.ada, "5")
    await delete(room.session, room.teacher, ASSIGNMENT, essay.id)
    with pytest.raises(NotFound):
        await room.save(essay, room.ada, "5")


@pytest.mark.parametrize("score", ["-1", "NaN", "sNaN", "Infinity", "10000000", "20.01"])
async def test_what_no_score_can_be_is_refused(room: Room, score: str) -> None:
    essay = await room.assignment(points=10)
    with pytest.raises(InvalidInput):
        await room.save(essay, room.ada, Mark(GradeStatus.GRADED, Decimal(score)))
    assert str((await room.save(essay, room.ada, graded("20"))).mark) == "20"  # extra credit


@pytest.mark.parametrize(
    ("text", "mark"),
    [
        ("8.5", "8.5"),
        (" 8,50 ", "8.5"),
        ("20\u3000", "20"),
        ("８", "8"),
        ("1,234.5", "1234.5"),
        ("1.234,5", "1234.5"),
        ("0,125", "0.13"),
        ("EX", "excused"),
        ("Excused", "excused"),
        ("mi", "missing"),
        ("N/A", None),
        ("", None),
        ("-", None),
    ],
)
def test_marks_are_read_as_people_write_them(text: str, mark: str | None) -> None:
    found = read_mark(text)
    assert (str(found) if found else None) == mark


@pytest.mark.parametrize("text", ["-3", "1,250", "nan", "inf", "1e3", "A-", "85%", "8/10", "=8", "8.5.1", "0x1F", "٣"])
def test_what_is_no_mark_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        read_mark(text)
