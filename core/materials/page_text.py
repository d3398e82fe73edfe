"""Puts the passages of a page together again into its text, with the cited one and its quote marked."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from core.documents import Locator

_LEAST_OVERLAP = 8  # characters: a shorter common end and beginning is chance
_BETWEEN_PARAGRAPHS = re.compile(r"\n(?:[ \t]*\n)+")
_BAR = " | "
_WORD_ENDS = re.compile(r"\w\w")


@dataclass(frozen=True, slots=True)
class Run:
    """A stretch of text: of the cited passage or not, and of the sentence quoted from it or not."""

    text: str
    cited: bool = False
    quoted: bool = False


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph, or a heading that stands above one, in runs; a table also in rows of cells of runs."""

    runs: tuple[Run, ...]
    heading: bool = False
    rows: tuple[tuple[tuple[Run, ...], ...], ...] = ()


@dataclass(frozen=True, slots=True)
class Piece:
    """One passage in the order of the document."""

    text: str
    locator: Locator


def page_text(pieces: Sequence[Piece], *, cited: int | None = None, quote: str = "") -> tuple[Block, ...]:
    """Return the paragraphs of passages that follow one another, each stretch of text once.

    `cited` is the index of the passage to mark, and `quote` the part of it to mark more. Headings, which passages keep
    in their locators, stand where they change.
    """
    whole, starts, headings = _join(pieces)
    passage = quoted = (0, 0)
    if cited is not None:
        passage = (starts[cited], starts[cited] + len(pieces[cited].text))
        if quote and (at := whole.find(quote, *passage)) >= 0:
            quoted = (at, at + len(quote))
    blocks: list[Block] = []
    for start, end in _paragraphs(whole):
        while headings and headings[0][0] <= start:
            blocks.append(Block((Run(headings.pop(0)[1]),), heading=True))
        rows = tuple(
            tuple(tuple(_runs(whole, cell, passage, quoted)) for cell in row) for row in _table(whole, start, end)
        )
        blocks.append(Block(tuple(_runs(whole, (start, end), passage, quoted)), rows=rows))
    return tuple(blocks)


def overlap(before: str, after: str) -> int:
    """Return how many characters `before` ends and `after` begins with alike, never within a word; 0 for few."""
    for length in range(min(len(before), len(after)), _LEAST_OVERLAP - 1, -1):
        at = len(before) - length
        if before.endswith(after[:length]) and not _WORD_ENDS.fullmatch(before[max(at - 1, 0) : at + 1]):
            return length
    return 0


def _join(pieces: Sequence[Piece]) -> tuple[str, list[int], list[tuple[int, str]]]:
    """Return the whole text, where each passage begins in it, and the headings with the places they stand at."""
    whole = ""
    starts: list[int] = []
    headings: list[tuple[int, str]] = []
    path: tuple[str, ...] = pieces[0].locator.headings[:-1] if pieces else ()
    for at, piece in enumerate(pieces):
        shared = overlap(pieces[at - 1].text, piece.text) if at else 0
        if at and not shared:
            whole += "\n\n"
        starts.append(len(whole) - shared)
        whole = whole[: starts[-1]] + piece.text
        own = piece.locator.headings
        same = next((i for i, (one, other) in enumerate(zip(path, own, strict=False)) if one != other), len(path))
        headings += [(starts[-1], heading) for heading in own[same:]]
        path = own
    return whole, starts, headings


def _paragraphs(text: str) -> Iterator[tuple[int, int]]:
    start = 0
    for gap in _BETWEEN_PARAGRAPHS.finditer(text):
        if text[start : gap.start()].strip():
            yield start, gap.start()
        start = gap.end()
    if text[start:].strip():
        yield start, len(text)


def _table(text: str, start: int, end: int) -> list[list[tuple[int, int]]]:
    """Return where the cells of a table are, by rows; nothing where the paragraph is none.

    Tables of documents are kept as lines of as many cells each, with a bar between two.
    """
    rows: list[list[tuple[int, int]]] = []
    for line in text[start:end].split("\n"):
        cells = line.split(_BAR)
        rows.append([])
        for cell in cells:
            rows[-1].append((start, start + len(cell)))
            start += len(cell) + len(_BAR)
        start += 1 - len(_BAR)
    alike = len(rows) > 1 and len(rows[0]) > 1 and len({len(row) for row in rows}) == 1
    return rows if alike else []


def _runs(whole: str, span: tuple[int, int], passage: tuple[int, int], quoted: tuple[int, int]) -> Iterator[Run]:
    start, end = span
    cuts = sorted({start, end, *(cut for cut in (*passage, *quoted) if start < cut < end)})
    for left, right in pairwise(cuts):
        yield Run(
            whole[left:right],
            cited=passage[0] <= left < passage[1],
            quoted=quoted[0] <= left < quoted[1],
        )
