"""What a course import is about to do: a folder's or a cartridge's content as modules, lessons, materials, assignments.

Everything is named by its key: the path of its file inside the course, with forward slashes, or in a package its
identifier. It stays the thing's `external_id` and so ties a later import to this one.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from core.enums import AiPolicy

Moment = timedelta | date | datetime
"""A time in a course file: days after the first import, a day (its last minute, in the class's time zone), a moment."""


@dataclass(frozen=True, slots=True)
class PlannedModule:
    """A module. Its key is its folder, `.` for the course's own."""

    key: str
    title: str
    description: str = ""


@dataclass(frozen=True, slots=True)
class PlannedLesson:
    """A lesson of the module whose key is `module`; the body is Markdown."""

    key: str
    module: str
    title: str
    body: str


@dataclass(frozen=True, slots=True)
class PlannedMaterial:
    """A file, linked to the lesson with that key or else the class's own.

    Without a title of the course's it is called what the document calls itself, and failing that `fallback_title`.
    """

    key: str
    path: Path
    fallback_title: str
    title: str | None = None
    lesson: str | None = None
    size: int = 0  # bytes
    speaker_notes: bool = True  # whether students may find what the speaker says to the slides


@dataclass(frozen=True, slots=True)
class PlannedAssignment:
    """An assignment of a lesson or of a module (their keys), or of the class."""

    key: str
    title: str
    instructions: str
    lesson: str | None = None
    module: str | None = None
    points: Decimal = Decimal(100)
    weight: Decimal = Decimal(1)
    opens: Moment | None = None
    due: Moment | None = None
    closes: Moment | None = None
    ai_policy: AiPolicy = AiPolicy.HINTS


Planned = PlannedModule | PlannedLesson | PlannedMaterial | PlannedAssignment


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A file that is not imported, and why. `file` is where it lies, to tell what it was called before.

    `called` is its name for people, where the path is a key that says nothing to them.
    """

    path: str
    reason: str
    file: Path | None = field(default=None, compare=False)
    called: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class About:
    """What a course says about itself; nothing here changes a class that exists."""

    title: str | None = None
    code: str | None = None
    language: str | None = None
    time_zone: str | None = None
    description: str = ""


@dataclass(frozen=True, slots=True)
class CoursePlan:
    """A course as it would be imported, in order.

    `source` names the course whatever folder it lies in. `kept_out` is what students must not see (answers, teachers'
    copies), `skipped` what is no course content, `notes` what could not be taken over as it was written. Keys that are
    no paths but identifiers say nothing to people: `keys_are_names` is false.
    """

    source: str
    about: About = field(default_factory=About)
    modules: tuple[PlannedModule, ...] = ()
    lessons: tuple[PlannedLesson, ...] = ()
    materials: tuple[PlannedMaterial, ...] = ()
    assignments: tuple[PlannedAssignment, ...] = ()
    kept_out: tuple[LeftOut, ...] = ()
    skipped: tuple[LeftOut, ...] = ()
    notes: tuple[str, ...] = ()
    keys_are_names: bool = True
