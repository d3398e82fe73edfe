"""Released grades as OneRoster results: a zip of CSV files (1EdTech OneRoster 1.1, CSV binding)."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal

from adapters.gradebooks.formulas import disarm
from core.enums import GradeStatus
from core.grading.gradebook import Gradebook, Pupil, Work

_LINE_ITEMS = (
    "sourcedId", "status", "dateLastModified", "title", "description", "assignDate", "dueDate", "classSourcedId",
    "categorySourcedId", "gradingPeriodSourcedId", "resultValueMin", "resultValueMax",
)  # fmt: skip
_RESULTS = (
    "sourcedId", "status", "dateLastModified", "lineItemSourcedId", "studentSourcedId", "scoreStatus", "score",
    "scoreDate", "comment",
)  # fmt: skip
_FILES = (
    "academicSessions", "categories", "classes", "classResources", "courses", "courseResources", "demographics",
    "enrollments", "lineItems", "orgs", "resources", "results", "users",
)  # fmt: skip
_STATUS = {
    GradeStatus.GRADED: "fully graded",
    GradeStatus.EXCUSED: "exempt",
    GradeStatus.MISSING: "not submitted",
}


def write_oneroster(book: Gradebook, *, class_sourced_id: str, today: date) -> bytes:
    """Return what students have been shown, as `manifest.csv`, `lineItems.csv` and `results.csv` in a zip.

    A student's SIS id is their sourcedId, as it is; who has none is left out. Feedback stays here. Excused and missing
    work has a status and a score of 0, as the score may not be left out. Work is out of the most points that a grade
    of it was released with.
    """
    shown = [
        (pupil, work)
        for pupil in book.pupils
        for work in book.works
        if pupil.ids.sis_user_id and work.published and (cell := pupil.cell(work).shown) and cell.mark.status in _STATUS
    ]
    works = {work.id: work for _, work in shown}
    points = {id_: max(_points(pupil, work) for pupil, work in shown if work.id == id_) for id_ in works}
    manifest = [("manifest.version", "1.0"), ("oneroster.version", "1.1")]
    manifest += [(f"file.{name}", "bulk" if name in ("lineItems", "results") else "absent") for name in _FILES]
    manifest += [("source.systemName", "Homeroom"), ("source.systemCode", "")]
    files = {
        "manifest.csv": _csv(("propertyName", "value"), manifest),
        "lineItems.csv": _csv(
            _LINE_ITEMS,
            [
                (
                    str(work.id),
                    "",
                    "",
                    disarm(work.title),
                    *[""] * 3,
                    class_sourced_id,
                    "",
                    "",
                    "0",
                    f"{points[work.id]:.2f}",
                )
                for work in works.values()
            ],
        ),
        "results.csv": _csv(_RESULTS, [_result(pupil, work, today) for pupil, work in shown]),
    }
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return out.getvalue()


def _result(pupil: Pupil, work: Work, today: date) -> Sequence[str]:
    shown = pupil.cell(work).shown
    assert shown is not None  # noqa: S101  (the caller has looked)
    score = f"{shown.mark.score:.2f}" if shown.mark.score is not None else "0"
    # The same for the same grade, however often it is exported.
    sourced_id = f"{work.id}:{pupil.ids.sis_user_id}"
    status = _STATUS[shown.mark.status]
    return (sourced_id, "", "", str(work.id), pupil.ids.sis_user_id or "", status, score, today.isoformat(), "")


def _points(pupil: Pupil, work: Work) -> Decimal:
    shown = pupil.cell(work).shown
    return shown.points if shown is not None else work.points


def _csv(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    out = io.StringIO(newline="")
    sheet = csv.writer(out, lineterminator="\r\n")
    sheet.writerow(headings)
    sheet.writerows(rows)
    return out.getvalue()
