"""What a roster does, in words: as lines for a console, as tables for a chat."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence

from core.classes.import_roster import RosterEntry, RosterFate, RosterReport
from core.replies import Note, Part, Table, Text
from core.text import literal_sentence

MOST_LISTED = 20  # people of one fate, on a console, once it is done
MOST_ROWS = 50  # of one table in a chat, which is no place for a school's whole roster


def report_lines(report: RosterReport, *, dry_run: bool = False) -> list[str]:
    """Return a report as lines: what was done, counted and named; then what needs a look, every one of it."""
    lines = []
    for fate in RosterFate:
        entries = report.of(fate)
        if entries:
            lines.append(f"{_called(fate, dry_run=dry_run)}: {_count(entries)}")
            if fate is not RosterFate.UNCHANGED:
                listed = entries if dry_run else entries[:MOST_LISTED]
                lines += [f"  {_described(entry)}" for entry in listed]
                lines += [f"  … and {len(entries) - len(listed)} more"] if len(entries) > len(listed) else []
    lines += [f"note: {note}" for note in _notes(report)]
    lines += [f"not used: {row.where}{f' ({row.who})' if row.who else ''}: {row.reason}" for row in report.unusable]
    if report.absent:
        lines.append(f"{_ABSENT}: {_people(len(report.absent))}, left as they are")
        lines += [f"  {member.email} ({member.role}) {member.name}" for member in report.absent]
    return lines or ["Nobody is on this roster."]


def report_parts(report: RosterReport, *, dry_run: bool = False) -> tuple[Part, ...]:
    """Return a report as tables: the numbers; in a preview whom it adds, enrols and changes; then what needs a look."""
    counts = [(_called(fate, dry_run=dry_run), _count(found)) for fate in RosterFate if (found := report.of(fate))]
    if report.unusable:
        counts.append(("rows not used", str(len(report.unusable))))
    if report.absent:
        counts.append((_ABSENT, f"{_people(len(report.absent))}, left as they are"))
    if not counts:
        return (Text("Nobody is on this roster."),)
    parts: list[Part] = [Table(("What", "How many"), tuple(counts))]
    if dry_run:
        for fate in (RosterFate.ADDED, RosterFate.ENROLLED):
            rows = [(entry.name, entry.email, entry.row.section, _lower(entry)) for entry in report.of(fate)]
            parts += _table(_called(fate, dry_run=True), ("Name", "Address", "Section", "Role"), rows)
        changed = [(entry.name, entry.email, ", ".join(entry.changes)) for entry in report.of(RosterFate.CHANGED)]
        parts += _table(_called(RosterFate.CHANGED, dry_run=True), ("Name", "Address", "Change"), changed)
    parts += _table("not used", ("Where", "Who", "Why"), [(row.where, row.who, row.reason) for row in report.unusable])
    if dry_run:
        absent = [(member.name, member.email, (member.role or "").lower()) for member in report.absent]
        parts += _table(_ABSENT, ("Name", "Address", "Role"), absent)
    parts += [
        Note("\n".join(f"- {literal_sentence(note)}" for note in notes[:MOST_ROWS]))
        for notes in [_notes(report)]
        if notes
    ]
    return tuple(parts)


def changes_nothing(report: RosterReport) -> bool:
    """Whether a roster, imported now, would leave everybody as they are."""
    return all(entry.fate is RosterFate.UNCHANGED for entry in report.entries)


def fingerprint(report: RosterReport) -> str:
    """Return a short text that is another one for a report that would do something else."""
    deeds = [
        (entry.fate.value, entry.email.lower(), entry.role.value, entry.row.section, entry.changes)
        for entry in report.entries
        if entry.fate is not RosterFate.UNCHANGED
    ]
    return hashlib.sha256(repr(deeds).encode()).hexdigest()[:16]


_ABSENT = "in the class, but not on the roster"


def _called(fate: RosterFate, *, dry_run: bool) -> str:
    return f"{'would be ' if dry_run else ''}{fate.value}"


def _notes(report: RosterReport) -> list[str]:
    return [f"{entry.email} {note}" for entry in report.entries for note in entry.notes] + list(report.notes)


def _table(title: str, headings: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> list[Part]:
    if not rows:
        return []
    more = [Note(f"… and {len(rows) - MOST_ROWS} more")] if len(rows) > MOST_ROWS else []
    return [Table(headings, tuple(rows[:MOST_ROWS]), title[:1].upper() + title[1:]), *more]


def _described(entry: RosterEntry) -> str:
    named = " ".join(filter(None, (entry.email, entry.name)))
    return f"{named}: {', '.join(entry.changes)}" if entry.changes else named


def _count(entries: Iterable[RosterEntry]) -> str:
    roles = Counter(_lower(entry) for entry in entries)
    return ", ".join(f"{number} {role}{'' if number == 1 else 's'}" for role, number in roles.items())


def _lower(entry: RosterEntry) -> str:
    return entry.role.value.lower()


def _people(number: int) -> str:
    return "1 person" if number == 1 else f"{number} people"
