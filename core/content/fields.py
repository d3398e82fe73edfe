"""What a person writes in a module, a lesson, a material or an assignment, checked as it comes in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from core.enums import AiPolicy
from core.errors import InvalidInput
from core.text import clean, one_line

TITLE_LIMIT = 300
BODY_LIMIT = 1_000_000
_PLACES = {"points": 2, "weight": 4}


def _title(text: str) -> str:
    title = one_line(text, TITLE_LIMIT)
    if not title:
        raise InvalidInput("A title is needed.", field="title")
    return title


def _body(text: str, field: str) -> str:
    body = clean(text)
    if len(body) > BODY_LIMIT:
        raise InvalidInput(
            f"That text is longer than {BODY_LIMIT:,} characters; split it or upload it as a file.", field=field
        )
    return body


@dataclass(frozen=True)
class ModuleFields:
    """A module's title and description (Markdown)."""

    title: str
    description: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "title", _title(self.title))
        object.__setattr__(self, "description", _body(self.description, "description"))


@dataclass(frozen=True)
class LessonFields:
    """A lesson's title and text (Markdown)."""

    title: str
    body: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "title", _title(self.title))
        object.__setattr__(self, "body", _body(self.body, "body"))


@dataclass(frozen=True)
class FileFields:
    """A material's title and its file, which lies in storage already."""

    title: str
    storage_key: str
    filename: str
    media_type: str
    byte_size: int
    sha256: bytes

    def __post_init__(self) -> None:
        object.__setattr__(self, "title", _title(self.title))
        object.__setattr__(self, "filename", one_line(self.filename, 255))


@dataclass(frozen=True)
class AssignmentFields:
    """What an assignment asks and what it is worth. Times are aware."""

    title: str
    instructions: str = ""
    points: Decimal = Decimal(100)
    weight: Decimal = Decimal(1)
    opens_at: datetime | None = None
    due_at: datetime | None = None
    closes_at: datetime | None = None
    ai_policy: AiPolicy = AiPolicy.HINTS

    def __post_init__(self) -> None:
        object.__setattr__(self, "title", _title(self.title))
        object.__setattr__(self, "instructions", _body(self.instructions, "instructions"))
        for name in ("points", "weight"):
            value: Decimal = getattr(self, name)
            if not value.is_finite() or not 0 <= value <= 99_999:  # noqa: PLR2004  (the columns' room)
                raise InvalidInput(f"{name.capitalize()} must be a number from 0 to 99,999.", field=name)
            # As the column keeps it: otherwise the same number, written again, would count as a change.
            object.__setattr__(self, name, round(value, _PLACES[name]))
        for name in ("opens_at", "due_at", "closes_at"):
            moment: datetime | None = getattr(self, name)
            if moment is not None and moment.tzinfo is None:
                raise InvalidInput("A date needs a time zone.", field=name)


Fields = ModuleFields | LessonFields | FileFields | AssignmentFields
