"""Canvas's CSV in and out, without a database."""

from __future__ import annotations

import csv
import io
import zipfile
from datetime import date
from decimal import Decimal
from uuid import UUID, uuid4

import pytest

from adapters.gradebooks.formulas import disarm, rearm
from adapters.gradebooks.read_canvas import read_canvas
from adapters.gradebooks.write_canvas import write_canvas
from adapters.gradebooks.write_oneroster import write_oneroster
from core.classes.enrol import LmsIds
from core.enums import GradeStatus
from core.errors import Empty, InvalidInput
from core.grading.gradebook import Cell, Gradebook, Pupil, Work
from core.grading.gradebook_sheet import GradebookSheet, SheetColumn, SheetRow
from core.grading.mark import Mark, graded
from core.grading.plan_release import Shown

TEN = Decimal("10.00")
EXCUSED, MISSING = Mark(GradeStatus.EXCUSED), Mark(GradeStatus.MISSING)


def read(text: str | bytes) -> GradebookSheet:
    return read_canvas(text.encode() if isinstance(text, str) else text, "grades.csv")


HEADER = "Student,ID,SIS User ID,SIS Login ID,Integration ID,Section,Notes,Essay (2024) (77),Quiz,Final Score (78)"
FILE = f"""{HEADER},Homework Current Score,Unposted Final Grade,Override Score (Term 1)
,,,,,,,Manual Posting,,,,,
    Points Possible,,,,,,,10.00,"5,50",4,(read only),(read only),(read only)
"Lovelace, Ada",11,s1,ada@example.org,,A and B,,8.5,EX,N/A,80,A,1
Bo,12,,bo,,A,,,,4,,,
"Student, Test",14,,,,A,,0,0,0,0,,
"""


def test_columns_people_and_cells() -> None:
    sheet = read(FILE)
    assert sheet.columns == (
        SheetColumn("Notes", "Notes"),
        SheetColumn("Essay (2024) (77)", "Essay (2024)", "77", TEN),
        SheetColumn("Quiz", "Quiz", None, Decimal("5.50")),
        SheetColumn("Final Score (78)", "Final Score", "78", Decimal(4)),
    )
    assert sheet.rows == (
        SheetRow("line 4", ("", "8.5", "EX", "N/A"), "Ada Lovelace", None, LmsIds("11", "s1", "ada@example.org")),
        SheetRow("line 5", ("", "", "", "4"), "Bo", None, LmsIds("12", None, "bo")),
    )
    assert sheet.read_only == ("Homework Current Score", "Unposted Final Grade", "Override Score (Term 1)")
    assert sheet.notes == ("Canvas's test student was left out.",)


@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_semicolons_decimal_commas_and_a_byte_order_mark(mark: str) -> None:
    sheet = read(
        f"{mark}LastName;FirstName;ID;Section;Essay (77)\n    Points Possible;;;;10,00\nLovelace;Ada;11;A;8,5\n"
    )
    assert sheet.columns == (SheetColumn("Essay (77)", "Essay", "77", TEN),)
    assert sheet.rows == (SheetRow("line 3", ("8,5",), "Ada Lovelace", None, LmsIds("11")),)


def test_rows_that_can_not_be_taken_apart_are_listed() -> None:
    sheet = read(b"Student,ID,Section,Essay\nAda,11,A,1,extra\nB\xffo,12,A,1\nCy,13,A\n")
    assert [(row.where, row.reason[:28]) for row in sheet.unusable] == [
        ("line 2", "it has more cells than there"),
        ("line 3", "it is not in UTF-8; save the"),
    ]
    assert sheet.rows == (SheetRow("line 4", ("",), "Cy", None, LmsIds("13")),)


@pytest.mark.parametrize(
    ("data", "error"), [(b"", Empty), (b"a,b\n1,2\n", InvalidInput), (b"\x89PNG\0\n", InvalidInput)]
)
def test_what_is_no_gradebook_is_refused(data: bytes, error: type[Exception]) -> None:
    with pytest.raises(error):
        read(data)


@pytest.mark.parametrize("cell", ["=1+1", "+41", "-", "@a", "'=1", "''=1", "'tis", "Ada", "", "＝1"])
def test_formulas_are_disarmed_and_come_back(cell: str) -> None:
    assert not disarm(cell).startswith(("=", "+", "-", "@", "＝"))
    assert rearm(disarm(cell)) == cell


def book(*pupils: Pupil, works: tuple[Work, ...]) -> Gradebook:
    return Gradebook(uuid4(), works, pupils)


def work(title: str, lms_id: str | None = None, *, published: bool = True, number: int = 1) -> Work:
    return Work(UUID(int=number << 96), title, TEN, Decimal(1), published, lms_id)


def pupil(name: str, ids: LmsIds = LmsIds(), **cells: Cell) -> Pupil:  # noqa: B008  (frozen)
    by_work = {UUID(int=int(key[1:]) << 96): cell for key, cell in cells.items()}
    return Pupil(uuid4(), name, f"{name[-2:]}@example.org", "A", ids, by_work)


def test_a_file_as_canvas_expects_it() -> None:
    works = (
        work("Essay", "77"),
        work("=Quiz", number=2),
        work("Twin", number=3),
        work("Twin", number=4),
        work("Hidden", number=5, published=False),
        work("Final Score", number=6),
    )
    ada = pupil("=Ada", LmsIds("11", "s1", "ada"), w1=Cell(1, graded("8.5")), w2=Cell(1, EXCUSED), w3=Cell(1, MISSING))
    data = write_canvas(book(ada, pupil("Bo"), works=works))
    assert data.startswith(b'\xef\xbb\xbf"Student","ID",')  # quotes: no cell begins inside another
    rows = list(csv.reader(io.StringIO(data.decode("utf-8-sig"))))
    assert rows == [
        ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", "Essay (77)", "'=Quiz",
         "Twin [00000003]", "Twin [00000004]", "Final Score [00000006]"],
        ["    Points Possible", "", "", "", "", "10.00", "10.00", "10.00", "10.00", "10.00"],
        ["'=Ada", "11", "s1", "ada", "A", "8.50", "EX", "", "", ""],
        ["Bo", "", "", "Bo@example.org", "A", "", "", "", "", ""],
    ]  # fmt: skip
    sheet = read(data)
    assert [(row.name, row.ids.lms_user_id, row.cells) for row in sheet.rows] == [
        ("=Ada", "11", ("8.50", "EX", "", "", "")),
        ("Bo", None, ("", "", "", "", "")),
    ]
    assert [(each.title, each.lms_id) for each in sheet.columns[:2]] == [("Essay", "77"), ("=Quiz", None)]


def test_oneroster_results_hold_what_was_released_and_no_more() -> None:
    works = (work("Essay"), work("Quiz", number=2))
    ada = pupil(
        "Ada",
        LmsIds(sis_user_id="s1"),
        w1=Cell(3, graded("9"), Shown(graded("8.5"), TEN, Decimal(1))),
        w2=Cell(1, graded("1")),
    )
    bo = pupil("Bo", LmsIds(sis_user_id="-s2"), w1=Cell(1, EXCUSED, Shown(EXCUSED, Decimal(20), Decimal(1))))
    nobody = pupil("Cy", w1=Cell(1, graded("8"), Shown(graded("8"), TEN, Decimal(1))))
    data = write_oneroster(book(ada, bo, nobody, works=works), class_sourced_id="SKY", today=date(2026, 3, 1))
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        tables = {name: list(csv.DictReader(io.StringIO(archive.read(name).decode()))) for name in archive.namelist()}
    assert [(each["studentSourcedId"], each["scoreStatus"], each["score"]) for each in tables["results.csv"]] == [
        ("s1", "fully graded", "8.50"),
        ("-s2", "exempt", "0"),
    ]
    assert [(each["title"], each["classSourcedId"], each["resultValueMax"]) for each in tables["lineItems.csv"]] == [
        ("Essay", "SKY", "20.00")  # as released, not as it is out of today
    ]
    said = {each["propertyName"]: each["value"] for each in tables["manifest.csv"]}
    assert (said["file.results"], said["file.lineItems"], said["file.users"]) == ("bulk", "bulk", "absent")
