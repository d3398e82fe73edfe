"""What a form or command of a teacher's holds, as the content of a module, lesson, material or assignment, and back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from zoneinfo import ZoneInfo

from bot.commands.registry import Request
from core.content.fields import AssignmentFields, Fields, FileFields, LessonFields, ModuleFields
from core.content.kinds import ASSIGNMENT, LESSON, MATERIAL, MODULE, Kind
from core.content.moments import read_moment
from core.enums import AiPolicy
from core.errors import InvalidInput, Oversized
from core.events import Attachment
from core.grading.mark import plain
from core.replies import Field, as_shown
from core.text import one_line

LONGEST_IN_FORM = 8_000  # bytes: what every surface can put into a form, and back
LARGEST_TEXT = 4_000_000  # bytes of a text that comes as a file
TERMS = "terms"  # the second half of an assignment's form: no surface has room for all of it
_FORMS: dict[tuple[str, str], tuple[str, ...]] = {
    (MODULE.name, ""): ("title", "description"),
    (LESSON.name, ""): ("title", "body"),
    (MATERIAL.name, ""): ("title", "file"),
    (ASSIGNMENT.name, ""): ("title", "instructions", "ai_policy"),
    (ASSIGNMENT.name, TERMS): ("points", "weight", "opens_at", "due_at", "closes_at"),
}
_WHEN = "such as 2026-12-01 23:59, or Fri 8:00; empty for none"
_LABELS = {
    "title": "Title",
    "description": "What it is about",
    "body": "Text (Markdown)",
    "instructions": "Instructions (Markdown)",
    "ai_policy": "Help of the bot: all, hints only, or none",
    "points": "Points",
    "weight": "Weight in the average",
    "opens_at": f"Opens, {_WHEN}",
    "due_at": f"Due, {_WHEN}",
    "closes_at": f"Closes, {_WHEN}",
    "file": "Another file in place of this one",
}
LONG = ("description", "body", "instructions")
TEXT_COLUMN = {MODULE.name: "description", LESSON.name: "body", ASSIGNMENT.name: "instructions"}


def form_fields(kind: Kind, content: Mapping[str, object], zone: ZoneInfo, part: str = "") -> tuple[Field, ...]:
    """Return the fields of a kind's form, holding what a revision says."""
    return tuple(
        Field(
            name,
            _LABELS[name],
            written(content.get(name), zone),
            long=name in LONG,
            required=name in ("title", "points", "weight"),
            options=as_shown(AiPolicy) if name == "ai_policy" else (),
            file=name == "file",
        )
        for name in _FORMS.get((kind.name, part), _FORMS[kind.name, ""])
    )


def written(value: object, zone: ZoneInfo) -> str:
    """Return a value as people type it."""
    match value:
        case None:
            return ""
        case datetime():
            return f"{value.astimezone(zone):%Y-%m-%d %H:%M}"
        case Decimal():
            return plain(value)
        case _:
            return str(value)


def read_fields(kind: Kind, content: Mapping[str, object], typed: Mapping[str, str], zone: ZoneInfo) -> Fields:
    """Return a revision's content with what was typed in its place. Raises `InvalidInput`, with the field's name.

    What is as it was shown stays as it was, to the second and the fourth place.
    """
    values = dict(content)
    for name in typed.keys() & _LABELS.keys() - {"file"}:
        if name not in content or typed[name].strip() != written(content[name], zone):
            with at_field(name):
                values[name] = _read(name, typed[name], zone)
    with at_field("title"):
        match kind.name:
            case MODULE.name:
                return ModuleFields(**values)  # type: ignore[arg-type]  # the columns' own types
            case LESSON.name:
                return LessonFields(**values)  # type: ignore[arg-type]
            case MATERIAL.name:
                return FileFields(**values)  # type: ignore[arg-type]
            case _:
                return AssignmentFields(**values)  # type: ignore[arg-type]


def _read(name: str, typed: str, zone: ZoneInfo) -> object:
    typed = typed.strip()
    if name in ("opens_at", "due_at", "closes_at"):
        if typed.casefold() in ("", "none", "-", "never"):
            return None
        return read_moment(typed, zone, datetime.now(UTC), past=True).at  # of a course that has begun
    if name in ("points", "weight"):
        try:
            return Decimal(typed.replace(",", "."))
        except InvalidOperation as error:
            raise InvalidInput(f"“{one_line(typed, 40)}” is no number.") from error
    if name == "ai_policy":
        try:
            return AiPolicy(typed.upper())
        except ValueError as error:
            raise InvalidInput(f"It is one of {', '.join(AiPolicy)}.") from error
    return typed


@contextmanager
def at_field(name: str) -> Iterator[None]:
    """Let what is wrong be shown at its field."""
    try:
        yield
    except InvalidInput as error:
        error.data.setdefault("field", name)
        raise


async def read_text_file(request: Request, file: Attachment) -> str:
    """Return a text that came as a file. Raises `Oversized`, `InvalidInput`, and what fetching raises."""
    name = one_line(file.name, 100) or "The file"
    if file.size > LARGEST_TEXT:
        raise Oversized(f"{name} is larger than {LARGEST_TEXT // 1_000_000} MB of text.", field="file")
    try:
        return (await request.responder.fetch(file)).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidInput(
            f"{name} is no plain text. Send Markdown or plain text in UTF-8; other documents go to `/material upload`.",
            field="file",
        ) from error
