"""What changes between two versions of a text, word by word, and between two revisions, field by field.

Pure and neutral: a surface writes what went as ~~old~~ and what came as **new**.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from difflib import SequenceMatcher
from enum import StrEnum

CONTEXT = 12  # unchanged words kept on either side of a change

_TOKEN = re.compile(r"\d+(?:[.,]\d+)+|\w+(?:['’]\w+)*|\s+|[^\w\s]")
_WORD = re.compile(r"\w")
_TEXTS = frozenset({"title", "body", "description", "instructions"})
_FILE = ("filename", "byte_size", "sha256")
# difflib is quadratic at worst, and this runs between two messages: of larger changes the whole is shown as replaced.
_MOST_WORK = 4_000_000  # pairs of tokens compared
_MANY_LINES = 4_000


class Change(StrEnum):
    """What became of a piece of text."""

    SAME = "same"
    ADDED = "added"
    REMOVED = "removed"
    ELIDED = "elided"  # unchanged, and left out here


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of text with one fate; of an elided one only the number of its words."""

    change: Change
    text: str
    words: int


@dataclass(frozen=True, slots=True)
class File:
    """A material's file as it is told apart: by its content first."""

    filename: str
    byte_size: int
    sha256: bytes


Value = str | Decimal | datetime | File | None


@dataclass(frozen=True, slots=True)
class FieldChange:
    """A field that differs. A text has `pieces`; anything else has `before` and `after`."""

    name: str
    pieces: tuple[Piece, ...] = ()
    before: Value = None
    after: Value = None


@dataclass(frozen=True, slots=True)
class Diff:
    """What differs, field by field, in the order of the fields; `new` where there was nothing before."""

    fields: tuple[FieldChange, ...]
    added: int = 0  # words
    removed: int = 0
    new: bool = False

    def __bool__(self) -> bool:
        """Whether anything differs."""
        return bool(self.fields)

    @property
    def summary(self) -> str:
        """One line: “12 words added, 3 removed; due_at changed”."""
        counted = [(count, what) for count, what in ((self.added, "added"), (self.removed, "removed")) if count]
        said = [f"{count} {_words(count)}{what}" for count, what in counted[:1]]
        said += [f"{count} {what}" for count, what in counted[1:]]
        parts = [", ".join(said)] if said else []
        if others := [each.name for each in self.fields if not each.pieces]:
            parts.append(f"{', '.join(others)} changed")
        if self.fields and not parts:
            return "only spaces and punctuation changed"
        return "; ".join(parts) or "nothing changed"


def _words(count: int) -> str:
    return "word " if count == 1 else "words "


def diff_content(before: Mapping[str, object] | None, after: Mapping[str, object]) -> Diff:
    """Compare two revisions' content, by column; `before` is None where there was nothing."""
    old = before or {}
    fields: list[FieldChange] = []
    added = removed = 0
    for name, value in after.items():
        if name in _FILE or name in ("storage_key", "media_type"):
            continue
        was = old.get(name)
        if name in _TEXTS:
            pieces = diff_words(str(was or ""), str(value or ""))
            if any(piece.change in (Change.ADDED, Change.REMOVED) for piece in pieces):
                fields.append(FieldChange(name, pieces))
                added += sum(piece.words for piece in pieces if piece.change is Change.ADDED)
                removed += sum(piece.words for piece in pieces if piece.change is Change.REMOVED)
        elif was != value:
            fields.append(FieldChange(name, before=_value(was), after=_value(value)))
    if "sha256" in after and (file := _file(after)) != (was_file := _file(old) if before else None):
        fields.append(FieldChange("file", before=was_file, after=file))
    return Diff(tuple(fields), added, removed, new=before is None)


def diff_words(before: str, after: str, *, context: int = CONTEXT) -> tuple[Piece, ...]:
    """Compare two texts word by word; unchanged stretches beyond `context` words are elided.

    Joined in order, the pieces that are not removed are `after` and those not added are `before`, but for what is
    elided. Blanks between two removed or two added words go with them.
    """
    return tuple(_elide(list(_merge(_runs(before, after))), context))


def words_changed(before: str, after: str) -> int:
    """Count roughly, and in linear time, how many words came or went: the larger of the two, order left aside."""
    old, new = ({}, {}) if before == after else (_tally(before), _tally(after))
    came = sum(max(0, count - old.get(word, 0)) for word, count in new.items())
    went = sum(max(0, count - new.get(word, 0)) for word, count in old.items())
    return max(came, went)


def count_words(text: str) -> int:
    """Count the words of a text."""
    return sum(1 for token in _TOKEN.findall(text) if _WORD.match(token))


def _tally(text: str) -> dict[str, int]:
    counts: dict[str, int] = {}
    for token in filter(_WORD.match, _TOKEN.findall(text)):
        counts[token] = counts.get(token, 0) + 1
    return counts


def _runs(before: str, after: str) -> Iterator[tuple[Change, str]]:
    """Compare line by line, and then the lines that differ word by word."""
    old, new = before.splitlines(keepends=True), after.splitlines(keepends=True)
    head = _shared(old, new)
    tail = _shared(old[head:][::-1], new[head:][::-1])
    yield Change.SAME, "".join(old[:head])
    yield from _compare_lines(old[head : len(old) - tail], new[head : len(new) - tail])
    yield Change.SAME, "".join(old[len(old) - tail :])


def _shared(old: list[str], new: list[str]) -> int:
    """Count what is the same at the beginning."""
    count = 0
    for mine, theirs in zip(old, new, strict=False):
        if mine != theirs:
            break
        count += 1
    return count


def _compare_lines(old: list[str], new: list[str]) -> Iterator[tuple[Change, str]]:
    if len(old) > _MANY_LINES or len(new) > _MANY_LINES:
        yield from _replaced("".join(old), "".join(new))
        return
    # With difflib's own rule for popular lines, or blank ones would make it quadratic.
    for tag, a, b, c, d in SequenceMatcher(None, old, new, autojunk=True).get_opcodes():
        if tag == "equal":
            yield Change.SAME, "".join(old[a:b])
        else:
            yield from _compare_words("".join(old[a:b]), "".join(new[c:d]))


def _compare_words(before: str, after: str) -> Iterator[tuple[Change, str]]:
    old, new = _TOKEN.findall(before), _TOKEN.findall(after)
    head = _shared(old, new)
    tail = _shared(old[head:][::-1], new[head:][::-1])
    yield Change.SAME, "".join(old[:head])
    yield from _compare_tokens(old[head : len(old) - tail], new[head : len(new) - tail])
    yield Change.SAME, "".join(old[len(old) - tail :])


def _compare_tokens(old: list[str], new: list[str]) -> Iterator[tuple[Change, str]]:
    if len(old) * len(new) > _MOST_WORK:
        yield from _replaced("".join(old), "".join(new))
        return
    for tag, a, b, c, d in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag == "equal":
            yield Change.SAME, "".join(old[a:b])
        else:
            yield from _replaced("".join(old[a:b]), "".join(new[c:d]))


def _replaced(before: str, after: str) -> Iterator[tuple[Change, str]]:
    yield Change.REMOVED, before
    yield Change.ADDED, after


def _merge(runs: Iterable[tuple[Change, str]]) -> Iterator[Piece]:
    """Join neighbours, and changes that only blanks keep apart; what was removed comes before what was added."""
    removed, added, same = "", "", ""
    for change, text in runs:
        if not text:
            continue
        if change is Change.SAME:
            same += text
            continue
        if same and ((removed or added) and same.isspace() and "\n" not in same):
            removed, added, same = removed + same, added + same, ""
        elif same:
            yield from _pieces(removed, added)
            yield Piece(Change.SAME, same, count_words(same))
            removed = added = same = ""
        if change is Change.REMOVED:
            removed += text
        else:
            added += text
    yield from _pieces(removed, added)
    if same:
        yield Piece(Change.SAME, same, count_words(same))


def _pieces(removed: str, added: str) -> Iterator[Piece]:
    if removed:
        yield Piece(Change.REMOVED, removed, count_words(removed))
    if added:
        yield Piece(Change.ADDED, added, count_words(added))


def _elide(pieces: list[Piece], context: int) -> Iterator[Piece]:
    for index, piece in enumerate(pieces):
        first, last = index == 0, index == len(pieces) - 1
        if piece.change is not Change.SAME or (first and last):
            yield piece
            continue
        head, left_out, tail = _cut(piece.text, 0 if first else context, 0 if last else context)
        for change, text in ((Change.SAME, head), (Change.ELIDED, left_out), (Change.SAME, tail)):
            if text:
                yield Piece(change, "" if change is Change.ELIDED else text, count_words(text))


def _cut(text: str, head: int, tail: int) -> tuple[str, str, str]:
    """Split an unchanged text into its first `head` words, what is left out, and its last `tail` words."""
    starts = [match.start() for match in _TOKEN.finditer(text) if _WORD.match(match[0])]
    if len(starts) <= head + tail + 1:  # nothing is gained by “one word left out”
        return text, "", ""
    begin = starts[head] if head else 0
    end = starts[len(starts) - tail] if tail else len(text)
    return text[:begin], text[begin:end], text[end:]


def _file(content: Mapping[str, object]) -> File:
    return File(*(content.get(name) for name in _FILE))  # type: ignore[arg-type]  # the columns' own types


def _value(value: object) -> Value:
    return value if isinstance(value, str | Decimal | datetime) or value is None else str(value)
