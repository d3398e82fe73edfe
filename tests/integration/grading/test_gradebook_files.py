"""Gradebook files into drafts and out again."""

from __future__ import annotations

import pytest
from sqlalchemy import update

from adapters.gradebooks.read_canvas import read_canvas
from adapters.gradebooks.write_canvas import write_canvas
from core.audit.record import Actor
from core.classes.models import ClassMembership
from core.errors import Conflict, NotPermitted
from core.grading.gradebook import gradebook
from core.grading.gradebook_report import report_lines
from core.grading.gradebook_sheet import GradebookSheet
from core.grading.import_gradebook import GradebookReport, import_gradebook, preview_gradebook
from core.identity.models import AppUser
from tests import factories as make
from tests.integration.grading.room import Room


def sheet(text: str) -> GradebookSheet:
    return read_canvas(text.encode(), "grades.csv")


def changes(report: GradebookReport) -> list[tuple[str, str, str, str]]:
    return [(each.student, each.assignment, str(each.old), str(each.new)) for each in report.changes]


async def ids(room: Room, who: AppUser, **values: str) -> None:
    of = ClassMembership
    await room.session.execute(update(of).where(of.class_id == room.id, of.app_user_id == who.id).values(**values))


async def test_a_preview_says_what_the_import_does_and_no_student_sees_it(room: Room) -> None:
    essay, quiz = await room.assignment("Essay", points=10), await room.assignment("Quiz", points=5)
    await room.save(essay, room.ada, "7")
    await room.save(essay, room.bo, "6.50")
    await room.release()
    await ids(room, room.ada, lms_user_id="11")
    file = sheet(
        "Student,ID,SIS Login ID,Section,Essay (77),Quiz,Poster (3),Current Score\n"
        "    Points Possible,,,,10,5,1,(read only)\n"
        f'"Lovelace, Ada",11,,A,"8,5",EX,1,9\nBo,,{room.bo.email},B,6.5,,,\nCy,,,B,N/A,99,,\nDee,99,,B,1,1,,\n'
    )
    preview = await preview_gradebook(room.session, room.teacher, room.id, file)
    assert changes(preview) == [("Ada", "Essay", "7", "8.5"), ("Ada", "Quiz", "ungraded", "excused")]
    assert (preview.unchanged, preview.empty) == (1, 2)
    assert [(row.where, row.reason) for row in preview.unknown_rows] == [
        ("line 6", "there is no such student in this class")
    ]
    assert [each.what for each in preview.unknown_columns] == ["Poster (3)"]
    assert [(each.where, each.what, each.reason) for each in preview.unusable_cells] == [
        ("line 5", "Cy, Quiz", "99 is too much: this is out of 5 points")
    ]
    assert preview.read_only == ("Current Score",)
    assert len(await room.audit("grade.save")) == 2  # a preview leaves no trace
    done = await import_gradebook(room.session, room.teacher, room.id, file, fingerprint=preview.fingerprint)
    assert done == preview
    assert len(await room.audit("grade.save")) == 4
    assert len(await room.audit("assignment.lms_id")) == 1
    assert await room.shown(room.ada) == {"Essay": "7.00 / 10.00"}
    with pytest.raises(Conflict):
        await import_gradebook(room.session, room.teacher, room.id, file, fingerprint=preview.fingerprint)
    again = await preview_gradebook(room.session, room.teacher, room.id, file)
    assert (changes(again), again.learnt) == ([], ())
    assert report_lines(preview, dry_run=True)[:3] == [
        "drafts that would be changed: 2",
        "  Ada, Essay: 7 → 8.5",
        "  Ada, Quiz: ungraded → excused",
    ]
    assert str((await room.save(quiz, room.ada)).mark) == "excused"


async def test_people_are_found_by_the_strongest_id_and_never_against_one(room: Room) -> None:
    await room.assignment("Essay")
    twin = await make.person(room.session, "Ada")
    await make.enrol(room.session, room.class_, twin)
    await ids(room, room.ada, lms_user_id="11", sis_user_id="s1")
    await ids(room, room.bo, login_id="bo")
    head = "Student,ID,SIS User ID,SIS Login ID,Section,Essay\n"

    async def who(row: str) -> tuple[list[str], list[str]]:
        report = await preview_gradebook(room.session, room.teacher, room.id, sheet(head + row + "\n"))
        return [str(each.student_user_id) for each in report.changes], [each.reason for each in report.unknown_rows]

    none: list[str] = []
    ada, bo, cy = (([str(each.id)], none) for each in (room.ada, room.bo, room.cy))
    assert await who("Somebody,11,,,,1") == ada
    assert await who("Somebody,,S1,,,1") == ada
    assert await who("Cy,,,bo,,1") == bo
    assert await who(f"Somebody,77,,{room.cy.email},,1") == cy
    assert await who("cy,,,,,1") == cy
    assert await who("Ada,,,,,1") == ([], ["several students have that name"])
    assert await who(f"Ada,12,,{room.ada.email},,1") == ([], ["it seems to be Ada, whose ID is another"])
    assert await who("Somebody,11,s9,,,1") == ([], ["it seems to be Ada, whose SIS ID is another"])
    assert (await who("Somebody,11,,,,1\nAda,11,,,,2"))[1] == ["it is the same person as line 2"]
    twice = "several rows have that name, and nothing else tells them apart"
    assert await who("Cy,,,,,1\nCy,,,,,2") == ([], [twice, twice])
    # A stranger of the same name stands before the one who is meant, and has another address.
    mine, strange = f"Cy,,,{room.cy.email},,9", "Cy,,,cy@elsewhere.example,,3"
    assert await who(f"{strange}\n{mine}") == (cy[0], ["it seems to be Cy, whose address is another"])
    assert await who(strange) == ([], ["it seems to be Cy, whose address is another"])
    assert await who(f"Cy,,,,,3\n{mine}") == (cy[0], ["another row is Cy’s by an id or the address"])
    assert await who("Bo,,,bo2,,1") == ([], ["it seems to be Bo, whose login is another"])


async def test_columns_are_found_by_id_then_title_and_not_with_other_points(room: Room) -> None:
    essay = await room.assignment("Essay", points=10)
    await room.assignment("Exam (2024)", points=10)
    for _ in (1, 2):
        await room.assignment("Twin", points=10)

    async def column(header: str, points: str = "10") -> tuple[list[str], list[str]]:
        text = f"Student,ID,Section,{header}\n    Points Possible,,,{points}\nCy,,,1\n"
        report = await import_gradebook(room.session, room.teacher, room.id, sheet(text))
        return [each.assignment for each in report.changes], [each.reason for each in report.unknown_columns]

    assert await column("exam (2024)") == (["Exam (2024)"], [])
    twice = "another column is the same assignment"
    both = "Student,ID,Section,Essay (11),Essay (12)\n    Points Possible,,,10,10\nCy,,,3,9\n"
    report = await import_gradebook(room.session, room.teacher, room.id, sheet(both))
    assert ([each.reason for each in report.unknown_columns], changes(report), report.learnt) == ([twice] * 2, [], ())
    assert await column("Twin") == ([], ["several assignments go by that name"])
    assert await column("Essay (77)", "20") == ([], ["it is out of 20 in the file and out of 10 here"])
    assert await column("Essay (77)") == (["Essay"], [])
    second = "Student,ID,Section,Essay,Essay (77)\n    Points Possible,,,10,10\nCy,,,3,1\n"
    report = await preview_gradebook(room.session, room.teacher, room.id, sheet(second))
    assert ([each.reason for each in report.unknown_columns], report.unchanged) == ([twice], 1)  # the id is stronger
    assert await column("Essay (78)") == ([], ["there is no such assignment in this class"])  # 77 is ours
    await room.save(essay, room.cy, "ungraded")
    assert await column("Renamed there (77)") == (["Essay"], [])
    assert await column("Nothing") == ([], ["there is no such assignment in this class"])


async def test_a_round_trip_changes_nothing(room: Room) -> None:
    titles = ("Essay", "Essay", "=SUM(A1)", "Exam (2024)", "Final Points", "Section")
    works = [await room.assignment(title) for title in titles]
    await room.save(works[0], room.ada, "8.33")
    await room.save(works[1], room.ada, "EX")
    await room.save(works[2], room.bo, "MI")
    await room.save(works[3], room.cy, "0")
    await room.save(works[5], room.cy, "7")
    room.bo.name = "=cmd|' /C calc'!A0"
    file = write_canvas(await gradebook(room.session, room.teacher, room.id))
    report = await import_gradebook(room.session, room.teacher, room.id, read_canvas(file, "grades.csv"))
    assert (changes(report), report.unknown_rows, report.learnt) == ([], (), ())
    assert (report.unknown_columns, report.read_only, report.unchanged) == ((), (), 4)


async def test_only_teachers_bring_grades_in_and_out(room: Room) -> None:
    student = Actor.person(room.ada.id, "test")
    for refused in (
        gradebook(room.session, student, room.id),
        import_gradebook(room.session, student, room.id, GradebookSheet((), ())),
        preview_gradebook(room.session, student, room.id, GradebookSheet((), ())),
    ):
        with pytest.raises(NotPermitted):
            await refused
