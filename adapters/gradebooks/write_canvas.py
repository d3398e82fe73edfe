"""The drafts as a CSV file that Canvas imports: its columns in its order, and nothing that it would not know."""

from __future__ import annotations

import csv
import io
from collections import Counter

from adapters.gradebooks.formulas import disarm
from adapters.gradebooks.read_canvas import is_of_work
from core.enums import GradeStatus
from core.grading.gradebook import Gradebook, Pupil, Work
from core.grading.mark import Mark
from core.grading.match_gradebook import mark_of_ours

_WHO = ("Student", "ID", "SIS User ID", "SIS Login ID", "Section")


def write_canvas(book: Gradebook) -> bytes:
    """Return a gradebook as Canvas exports one: UTF-8 with a byte order mark, which spreadsheets need for accents.

    Scores have two decimals, excused work is EX; missing and ungraded work is empty, as Canvas has no word for them.
    Work that is not published and that nobody has a grade for is left out. Cells that begin like a formula get an
    apostrophe, and all stand in quotes, so that none begins inside another where the separator is a semicolon. Work
    with a title that another has, or a column of Canvas's own, carries a mark of ours behind it.
    """
    works = [work for work in book.works if work.published or any(_cell(pupil, work) for pupil in book.pupils)]
    titles = Counter(work.title.casefold() for work in works if work.lms_id is None)
    out = io.StringIO(newline="")
    sheet = csv.writer(out, lineterminator="\r\n", quoting=csv.QUOTE_ALL)
    sheet.writerow([*_WHO, *(disarm(_header(work, titles)) for work in works)])
    sheet.writerow(["    Points Possible", "", "", "", "", *(f"{work.points:.2f}" for work in works)])
    for pupil in book.pupils:
        ids = pupil.ids
        who = (pupil.name, ids.lms_user_id, ids.sis_user_id, ids.login_id or pupil.email, pupil.section)
        sheet.writerow([*(disarm(value or "") for value in who), *(_cell(pupil, work) for work in works)])
    return out.getvalue().encode("utf-8-sig")


def _header(work: Work, titles: Counter[str]) -> str:
    if work.lms_id is not None:
        return f"{work.title} ({work.lms_id})"
    alone = titles[work.title.casefold()] == 1 and is_of_work(work.title)
    return work.title if alone else mark_of_ours(work)


def _cell(pupil: Pupil, work: Work) -> str:
    mark: Mark = pupil.cell(work).draft
    if mark.score is not None:
        return f"{mark.score:.2f}"
    return "EX" if mark.status is GradeStatus.EXCUSED else ""
