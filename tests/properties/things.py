"""A model of what teachers write, in plain Python: versions of things, which of them students see, and what waits."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

MARK = re.compile(r"c[01]m\d{5}z")
NO_ID = UUID(int=0)  # where nobody asks for it


@dataclass
class Version:
    """One revision. `passages` is its live generation of chunks, None before it was ever processed.

    `mark` stands in its text and nowhere else; its title may be an older one's. `wording` is one of a few texts around
    the mark that share no words. `broken`: its file can't be read.
    """

    id: UUID
    number: int
    mark: str
    version: int = 1
    ready: bool | None = None
    passages: tuple[str, ...] | None = None
    published: bool = False
    deleted: bool = False
    title: str = ""
    wording: int = 0
    points: int = 100
    broken: bool = False
    soon: bool = False  # an assignment: due within two weeks

    def __post_init__(self) -> None:
        self.title = self.title or self.mark

    @property
    def seen(self) -> tuple[int, int]:
        """Name the text that stands here now."""
        return self.number, self.version

    def says(self) -> tuple[object, ...]:
        """Return all that it says."""
        return self.title, self.mark, self.points

    def copy(self, number: int) -> Version:
        """Return a draft that says the same."""
        return replace(
            self, id=NO_ID, number=number, version=1, ready=None, passages=None, published=False, deleted=False
        )

    def is_small_change(self, before: Version) -> bool:
        """Whether little enough is new to go without saying: a few words, and no points."""
        return (self.wording, self.points) == (before.wording, before.points)


@dataclass(eq=False)
class Thing:
    """A module, lesson, material or assignment; `parent` is a lesson's module, or what an assignment belongs to."""

    id: UUID
    kind: str
    room: Room
    position: int
    parent: Thing | None = None
    versions: list[Version] = field(default_factory=list)
    shown: Version | None = None
    waiting: bool = False
    due: datetime | None = None  # of one that waits: its moment, or None when it waits for its text alone
    batch: Batch | None = None  # with what else it is published
    retry: datetime | None = None  # when a publication that failed is tried again
    hides_at: datetime | None = None
    deleted: bool = False
    lessons: dict[Thing, int] = field(default_factory=dict)  # a material's, each with its place there
    news: dict[int, bool] = field(default_factory=dict)  # what the class is to be told, by number: is it an update?
    told: set[int] = field(default_factory=set)

    @property
    def indexed(self) -> bool:
        return self.kind in ("lesson", "material")

    @property
    def draft(self) -> Version | None:
        return next((each for each in self.versions if not each.published and not each.deleted), None)

    @property
    def newest(self) -> Version:
        return next(each for each in reversed(self.versions) if not each.deleted)

    @property
    def to_publish(self) -> Version | None:
        return self.draft or (self.newest if self.shown is None else None)

    @property
    def visible(self) -> bool:
        if self.deleted or self.shown is None or self.room.deleted:
            return False
        if self.kind == "material" and self.lessons:
            return any(lesson.visible for lesson in self.lessons)
        return self.parent is None or self.parent.visible

    @property
    def stands(self) -> bool:
        """Whether neither it nor what it belongs to is deleted."""
        return not self.deleted and (self.parent is None or self.parent.stands)

    @property
    def reachable(self) -> bool:
        """Whether teachers find it: a deleted module takes its lessons along."""
        return not self.deleted and not (self.kind == "lesson" and self.parent is not None and self.parent.deleted)

    def show(self) -> None:
        """Publish what is to be published."""
        version = self.to_publish
        assert version is not None
        version.published, self.shown = True, version
        self.wait_no_longer()
        if self.room.announces and self.kind in ("lesson", "assignment"):
            self._announce(version)

    def _announce(self, version: Version) -> None:
        """Put down that the class is to be told, unless it was; what nobody was told yet gives way.

        All that is published here was published within the hour, so what is a small change since is no news.
        """
        before = [each for each in self.versions if each.published and each is not version]
        earlier = max(before, key=lambda each: each.number, default=None)
        untold = [self.news.pop(number) for number in list(self.news) if number != version.number]
        if earlier and not untold and version.is_small_change(earlier):
            return
        if version.number not in self.told:
            self.news.setdefault(version.number, earlier is not None and all(untold))

    def wait_no_longer(self) -> None:
        self.waiting, self.due, self.batch, self.retry = False, None, None, None

    def wait(self, due: datetime | None = None, batch: Batch | None = None) -> None:
        """Wait to be published, at a moment or for its text alone."""
        self.waiting, self.due, self.batch, self.retry = True, due, batch, None

    def delete(self) -> None:
        self.deleted, self.hides_at = True, None
        self.wait_no_longer()

    def is_due(self, now: datetime) -> bool:
        """Whether what it waits for has come, but perhaps for its text."""
        return self.waiting and (self.due is None or self.due <= now)

    @property
    def queued(self) -> bool:
        """Whether it is published as soon as its text is ready."""
        return self.waiting and self.due is None


@dataclass(eq=False)
class Batch:
    """Things of a module that are published together."""

    module: Thing


@dataclass(eq=False)
class Room:
    """A class, and who is what in it."""

    id: UUID
    index: int
    teachers: set[str] = field(default_factory=set)
    students: set[str] = field(default_factory=set)
    deleted: bool = False
    announces: bool = False


@dataclass
class Grade:
    """A grade row: the draft, and what was released."""

    assignment: Thing
    student: str
    draft: tuple[int, str]
    released: tuple[int, str] | None = None

    @property
    def visible(self) -> bool:
        """Whether the student, who has to be one in this class now, sees it."""
        return self.released is not None and self.assignment.visible and self.student in self.assignment.room.students
