"""What has been taken over from a package so far, and what was left out on the way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from adapters.courses.imscc_archive import Archive
from adapters.courses.imscc_assignment import Assignment
from adapters.courses.imscc_canvas import Canvas
from adapters.courses.imscc_links import address, file_behind
from adapters.courses.imscc_manifest import Resource
from adapters.courses.imscc_page import Page, read_page
from core.content.course_plan import LeftOut, PlannedAssignment, PlannedMaterial
from core.errors import HomeroomError
from core.text import one_line


@dataclass(slots=True)
class TakenLesson:
    """A page as a lesson; `links` are Markdown lines for the web links that stood below it."""

    module: str
    title: str
    body: str
    links: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class WantedFile:
    """What the outline says of a file: its title there, and the lesson it stands under."""

    title: str = ""
    lesson: str | None = None


@dataclass(slots=True)
class Taken:
    """What was taken over, by resource key where nothing else is said.

    `seen` are resources dealt with, whatever became of them; `last_page` is by module. `wanted` and `linked` are files
    by path that the outline and the pages lead to. `twice`, `by_tool` are titles for notes, `faults` whole notes;
    `pictures`, `tools` and `banks` are counts.
    """

    archive: Archive
    canvas: Canvas
    resources: Mapping[str, Resource]
    lessons: dict[str, TakenLesson] = field(default_factory=dict)
    assignments: list[tuple[PlannedAssignment, Assignment]] = field(default_factory=list)
    materials: list[PlannedMaterial] = field(default_factory=list)
    kept_out: list[LeftOut] = field(default_factory=list)
    skipped: list[LeftOut] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)
    wanted: dict[str, WantedFile] = field(default_factory=dict)
    linked: dict[str, str | None] = field(default_factory=dict)
    last_page: dict[str, str] = field(default_factory=dict)
    secret_pages: set[str] = field(default_factory=set)
    teachers_files: set[str] = field(default_factory=set)
    twice: list[str] = field(default_factory=list)
    by_tool: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    pictures: int = 0
    tools: int = 0
    banks: int = 0

    def keep_out(self, key: str, called: str, reason: str) -> None:
        """Leave something to the teachers."""
        self.kept_out.append(LeftOut(key, reason, called=called))

    def skip(self, called: str, reason: str) -> None:
        """Leave something out."""
        self.skipped.append(LeftOut(called, one_line(reason, 300)))

    def read(self, source: bytes | str, called: str) -> Page | None:
        """Turn HTML into Markdown; None, and a line in the report, when that can't be done."""
        try:
            page = read_page(source, address)
        except HomeroomError as error:
            self.skip(called, error.sentence)
            return None
        self.pictures += page.pictures
        return page

    def load(self, path: str, called: str) -> bytes | None:
        """Return a text file of the package; None, and a line in the report, when that can't be done."""
        try:
            return self.archive.read(path)
        except HomeroomError as error:
            self.skip(called, error.sentence)
            return None

    def follow(self, page: Page, path: str, lesson: str | None) -> None:
        """Remember which files a page leads to."""
        for link in page.links:
            behind = file_behind(link, path, self.archive)
            if behind is not None and self.linked.get(behind) is None:
                self.linked[behind] = lesson
