"""What a course import did and did not do, for the person who started it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from core.content.course_plan import LeftOut

Progress = Callable[[int, int, str], None]
"""Told how many of how many steps are done, and what is being done."""


class Fate(StrEnum):
    """What became of one thing of a course."""

    CREATED = "created"
    CHANGED = "changed"  # a new draft, or the importer's own draft written again
    UNCHANGED = "unchanged"
    MOVED = "moved"  # to where the course has it now, whatever became of its text
    PUBLISHED = "published"
    QUEUED = "queued"  # to be published as soon as its text is processed
    FAILED = "failed"
    CONFLICT = "conflict"  # a person edited or moved it since: left as it is
    DELETED = "deleted"  # a person deleted it: not brought back
    WITHDRAWN = "withdrawn"  # it was visible and is now kept from students
    VANISHED = "vanished"  # no longer in the course, still in the class


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing's fate: its kind and key (the path in the course), and why, as a sentence."""

    fate: Fate
    kind: str
    key: str
    reason: str = ""


@dataclass(slots=True)
class ImportReport:
    """All fates in the order they were met; `kept_out`, `skipped` and `notes` begin with the plan's.

    `chunks` and `pages` count what was read now; text without pages counts one for every 3,000 characters. `names` are
    titles by kind and key, where keys are no names for people.
    """

    entries: list[Entry] = field(default_factory=list)
    kept_out: tuple[LeftOut, ...] = ()
    skipped: tuple[LeftOut, ...] = ()
    notes: tuple[str, ...] = ()
    chunks: int = 0
    pages: int = 0
    names: dict[tuple[str, str], str] = field(default_factory=dict)

    def name(self, entry: Entry) -> str:
        """Return what an entry is about, for people: its kind, and its title or its path."""
        title = self.names.get((entry.kind, entry.key))
        return f"{entry.kind} {f'“{title}”' if title else entry.key}"

    def of(self, fate: Fate) -> list[Entry]:
        """Return the entries of one fate."""
        return [entry for entry in self.entries if entry.fate is fate]

    def count(self, fate: Fate) -> Counter[str]:
        """Count the entries of one fate by kind: `{"module": 3, "lesson": 10}`."""
        return Counter(entry.kind for entry in self.of(fate))

    def add(self, entries: Iterable[Entry]) -> None:
        """Add what was done."""
        self.entries.extend(entries)


def say_notes(slides: int, *, included: bool) -> str:
    """Say what became of the speaker notes of so many slides."""
    of = f"The speaker notes of {slides} slide{'' if slides == 1 else 's'}"
    if included:
        return f"{of} can be found and quoted by students. `speaker_notes: false` in course.yaml keeps them out."
    return f"{of} were left out. Slides published with them before show them until their new draft is published."
