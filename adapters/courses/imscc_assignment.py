"""An assignment of a course package: Canvas's assignment_settings.xml, or Common Cartridge 1.3's assignment.xml."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from xml.etree.ElementTree import Element

from adapters.courses.imscc_canvas import number
from adapters.courses.imscc_manifest import name_of
from adapters.courses.imscc_xml import text_of
from core.text import one_line

_FIRST_YEAR, _LAST_YEAR = 1970, 2200


@dataclass(frozen=True, slots=True)
class Assignment:
    """What the file says; times are aware. `html` and `text` are the task, where the file itself holds it.

    `attachments` and `teachers_files` are paths beside the file. `by_tool` and `is_quiz` say that it is done elsewhere.
    """

    title: str
    html: str = ""
    text: str = ""
    points: Decimal | None = None
    opens: datetime | None = None
    due: datetime | None = None
    closes: datetime | None = None
    group: str | None = None
    counts: bool = True
    published: bool = True
    by_tool: bool = False
    is_quiz: bool = False
    attachments: tuple[str, ...] = ()
    teachers_files: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()


def read_assignment(root: Element) -> Assignment:
    """Read either form. The text for instructors is not read."""
    extension = root.find("extensions/assignment")
    settings = extension if extension is not None else root
    body = root.find("text")
    written = "".join(body.itertext()) if body is not None else ""
    as_html = body is None or body.get("texttype", "text/html").casefold() != "text/plain"
    types = text_of(settings, "submission_types")
    gradable = root.find("gradable")
    dates, faults = _dates(settings)
    files = [(each.get("href") or "", (each.get("role") or "all").casefold()) for each in root.iter("attachment")]
    return Assignment(
        title=one_line(text_of(root, "title") or text_of(settings, "title"), 300),
        html=written if as_html else "",
        text="" if as_html else written,
        points=_points(settings, gradable),
        opens=dates["unlock_at"],
        due=dates["due_at"],
        closes=dates["lock_at"],
        group=name_of(text_of(settings, "assignment_group_identifierref")) or None,
        counts=text_of(settings, "omit_from_final_grade") != "true",
        published=text_of(settings, "workflow_state") not in ("unpublished", "deleted"),
        by_tool="external_tool" in types,
        is_quiz="online_quiz" in types or bool(text_of(settings, "quiz_identifierref")),
        attachments=tuple(href for href, role in files if role in ("learner", "all")),
        teachers_files=tuple(href for href, role in files if role not in ("learner", "all")),
        faults=faults,
    )


def _points(settings: Element, gradable: Element | None) -> Decimal | None:
    if text_of(settings, "grading_type") == "not_graded":
        return Decimal(0)
    written = text_of(settings, "points_possible") or (
        gradable.get("points_possible", "") if gradable is not None else ""
    )
    if written:
        points = number(written, Decimal(-1))
        return points if points >= 0 else None
    if gradable is not None:
        return Decimal(0) if text_of(gradable, ".") != "true" else None
    return Decimal(0)  # Canvas counts an assignment without points as one of none


def _dates(settings: Element) -> tuple[dict[str, datetime | None], tuple[str, ...]]:
    dates: dict[str, datetime | None] = {}
    faults = []
    for name in ("unlock_at", "due_at", "lock_at"):
        written = text_of(settings, name)
        try:
            found = datetime.fromisoformat(written) if written else None
        except ValueError:
            found = None
            faults.append(f"{name} “{one_line(written, 40)}” was not understood")
        if found is not None and not _FIRST_YEAR <= found.year <= _LAST_YEAR:
            found = None
            faults.append(f"{name} “{one_line(written, 40)}” is no date of a course")
        # Canvas writes UTC and does not say so.
        dates[name] = found if found is None or found.tzinfo else found.replace(tzinfo=UTC)
    return dates, tuple(faults)
