"""A student's own released grades as a CSV file to keep."""

from __future__ import annotations

import csv
import io
from datetime import UTC

from adapters.gradebooks.formulas import disarm
from core.enums import GradeStatus
from core.grading.aggregate import Total
from core.grading.my_grades import MyGrades

_HEADINGS = ("Kind", "Name", "Belongs to", "Status", "Score", "Out of", "Percent", "Released", "Feedback")


def write_own(mine: MyGrades, class_title: str) -> bytes:
    """Return what was released to a student: UTF-8 with a byte order mark, which spreadsheets need for accents.

    Numbers are as they were released, with a decimal point; moments are in UTC, ISO 8601. The totals follow the
    grades, as lessons, modules and the class. Cells that begin like a formula get an apostrophe, and all stand in
    quotes, so that none begins inside another where the separator is a semicolon.
    """
    out = io.StringIO(newline="")
    sheet = csv.writer(out, lineterminator="\r\n", quoting=csv.QUOTE_ALL)
    sheet.writerow(_HEADINGS)
    for grade in mine.grades:
        graded = grade.status is GradeStatus.GRADED and grade.score is not None
        score, points = (f"{grade.score:f}", f"{grade.points:f}") if graded else ("", "")
        when = grade.released_at.astimezone(UTC).isoformat(timespec="seconds")
        texts = [disarm(each) for each in (grade.title, grade.place)]
        sheet.writerow(
            ["assignment", *texts, grade.status.value.lower(), score, points, "", when, disarm(grade.feedback.strip())]
        )
    totals = [("lesson", each.name, each.total) for each in mine.lessons]
    totals += [("module", each.name, each.total) for each in mine.modules]
    totals += [("class", class_title, mine.overall)] if mine.overall is not None else []
    sheet.writerows(_total(*each) for each in totals)
    return out.getvalue().encode("utf-8-sig")


def _total(kind: str, name: str, total: Total) -> list[str]:
    return [kind, disarm(name), "", "", "", "", f"{total.percent:f}", "", ""]
