"""Cuts a passage into what can be quoted: sentences, list items, table rows, and scraps joined with their neighbours.

Slides and tables in PDFs leave lines that say nothing alone ("10 m", then "typical thickness of the main rings").
A unit is always one stretch of the passage, so that a quote stays the text itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from adapters.models.terms import tokenize
from core.answering.sentences import Sentence, split_sentences


@dataclass(frozen=True, slots=True)
class Unit:
    """A stretch of a passage that can be quoted.

    `under` is the line in the passage that it stands under (an inline heading, a question, an item's name), which says
    what it is about. `header` is the first row of the table that it is a row of.
    """

    sentence: Sentence
    under: str = ""
    header: str = ""


_ROW = re.compile(r"[^|\n]*\S[ \t]*\|[ \t]*\S[^\n]*|\|[^\n]+\|")
_RULE = re.compile(r"[\s|:+-]+")
_FENCE = re.compile(r"```")
_WHOLE = re.compile(r"[.!?…。！？｡:](?!\d)[\W\d]*$")  # a footnote mark may follow; the point of "3.3" ends nothing
_ITEM = re.compile(r"[ \t]*(?:[-*•‣▪◦–]|\d{1,3}[.)])[ \t]")
_HEADING = re.compile(r"#{1,6}[ \t]+")
_LETTER = re.compile(r"[^\W\d_]")
_SCRAP = 5  # words; fewer say nothing alone
_LABELS = 3  # scraps in a row that are joined; more are labels of a picture
_TITLE_CHARS = 60


def cut_units(text: str) -> list[Unit]:
    """Return the quotable stretches of a passage in order; what stands over a stretch is on its unit."""
    pieces = list(_join_scraps(text, list(_lines(text))))
    units: list[Unit] = []
    under = header = ""
    in_item = False
    for at, piece in enumerate(pieces):
        row = _is_row(piece.text)
        if row and _RULE.fullmatch(piece.text):
            continue
        item = _ITEM.match(piece.text) is not None
        if item or (in_item and _starts_paragraph(text, piece)):
            under, in_item = "", item
        elif not is_whole(piece.text):
            under = ""
        header = header if row else ""
        units.append(Unit(piece, under, header))
        header = header or (piece.text if row else "")
        if at + 1 < len(pieces) and _names_what_follows(piece.text, pieces[at + 1].text, item=item):
            under = piece.text
    return units


def is_whole(text: str) -> bool:
    """Say whether a stretch ends as a sentence does."""
    return _WHOLE.search(text) is not None


def _lines(text: str) -> Iterator[Sentence]:
    """Yield the sentences, taking apart the lines of slides and tables that none of them ends."""
    for sentence in split_sentences(text):
        lines = sentence.text.split("\n")
        apart = len(lines) > 1 and (
            all(_is_row(line) for line in lines)
            or (not is_whole(sentence.text) and all(line.lstrip()[:1].isupper() for line in lines))
        )
        if not apart:
            yield sentence
            continue
        start = sentence.start
        for line in lines:
            if stripped := line.strip():
                first = start + line.index(stripped)
                yield Sentence(stripped, first, first + len(stripped))
            start += len(line) + 1


def _join_scraps(text: str, pieces: Sequence[Sentence]) -> Iterator[Sentence]:
    """Join scraps with the line that they belong to, which is the next one, as far as no whole sentence is in it."""
    at = 0
    while at < len(pieces):
        end = at
        while (
            end + 1 < len(pieces)
            and _is_fragment(pieces[end].text)
            and _is_fragment(pieces[end + 1].text)
            and (
                (len(tokenize(pieces[end].text)) < _SCRAP and not pieces[end].text[:1].islower())
                or pieces[end + 1].text[:1].islower()
                or not _LETTER.search(pieces[end + 1].text)
            )
        ):
            end += 1
        if end - at > _LABELS:
            yield from pieces[at : end + 1]
        else:
            first, last = pieces[at].start, pieces[end].end
            yield Sentence(text[first:last], first, last)
        at = end + 1


def _is_fragment(text: str) -> bool:
    return not (is_whole(text) or _is_row(text) or _ITEM.match(text) or _HEADING.match(text) or _FENCE.match(text))


def _is_row(text: str) -> bool:
    return "\n" not in text and _ROW.fullmatch(text) is not None


def _starts_paragraph(text: str, piece: Sentence) -> bool:
    return text[: piece.start].rstrip(" \t").endswith("\n\n")


def _names_what_follows(text: str, following: str, *, item: bool) -> bool:
    """Say whether a line is an inline heading, a question answered below it, or the name of a list item."""
    if _HEADING.match(text) or text.endswith("?"):
        return True
    if not is_whole(following):
        return False
    if item:
        return len(tokenize(_ITEM.sub("", text))) < _SCRAP
    return len(text) <= _TITLE_CHARS and _is_fragment(text)
