"""From the lines of a PDF's pages to blocks: paragraphs joined, list items and code told apart, headings by size."""

from __future__ import annotations

import re
import statistics
from collections import Counter
from collections.abc import Iterable
from itertools import pairwise

from adapters.documents.outline import Outline
from adapters.documents.pdf_lines import Line, Page
from core.documents import BlockKind, Locator

_ITEM = re.compile(r"(?:[•◦▪‣●○■□➢–*-]|\(?(?:\d{1,2}|[a-zA-Z]|[ivx]{1,4})[.)])\s+\S")
_LONELY_BULLET = re.compile(r"[•◦▪‣●○■□➢–-]")
_HEADING_SCALE = 1.18  # times the body's size
_HEADING_LENGTH = 160  # characters
_HEADING_LEVELS = 3
_SAME_SIZE = 1.12
_TITLE_ABOVE = 0.6  # of a slide's height
_SECTION_SLIDE = 3  # paragraphs: a title in the middle of the slide, with little else
_SLIDE_LINE = 30  # characters: a shorter line of a slide was ended by its author
_LOOSE = 1.35  # times the usual line distance: more than that parts two paragraphs
_FULL = 0.85  # of the way to the right edge: a line that long was broken by the width
_WORD_END = re.compile(r"(?<!\w)(\w+)-$")
_WORD_START = re.compile(r"\w+")
_SENTENCE_ENDS = (".", "!", "?", ":", ".”", '."', ".)")


def lay_out(pages: list[Page], outline: Outline) -> None:
    """Add the pages' blocks to the outline."""
    lines = [line for page in pages for line in page.lines]
    body = _body_size(lines)
    slides = sum(page.is_slide for page in pages) * 2 > len(pages)
    levels = {} if slides else _heading_levels(pages, body)
    compounds = {word.lower() for line in lines for word in re.findall(r"\b\w+-\w+", line.text)}
    for page in pages:
        outline.at(Locator(page=page.number))
        if slides:
            outline.close()
        paragraphs = _paragraphs(page)
        title = _slide_title(paragraphs, page) if slides else None
        previous: BlockKind | None = None
        for paragraph in _merged(paragraphs):
            text = _join(paragraph, compounds, slide=slides)
            if paragraph is title or (not slides and _is_heading(paragraph, text, body)):
                outline.heading(1 if slides else levels.get(round(paragraph[0].size), _HEADING_LEVELS), text)
                previous = None
                continue
            kind = _kind(paragraph)
            if kind is BlockKind.LIST and previous is BlockKind.LIST:
                last = outline.blocks.pop()
                text = f"{last.text}\n{text}"
            outline.add(kind, text)
            previous = kind


def _body_size(lines: Iterable[Line]) -> float:
    """Return the size most characters have, in points."""
    sizes: Counter[int] = Counter()
    for line in lines:
        sizes[round(line.size)] += len(line.text)
    return float(sizes.most_common(1)[0][0]) if sizes else 1.0


def _heading_levels(pages: list[Page], body: float) -> dict[int, int]:
    """Give the sizes above the body's their level, the largest first."""
    sizes = sorted({round(line.size) for page in pages for line in page.lines if line.size >= _HEADING_SCALE * body})
    return {size: min(rank, _HEADING_LEVELS) for rank, size in enumerate(reversed(sizes), start=1)}


def _slide_title(paragraphs: list[list[Line]], page: Page) -> list[Line] | None:
    """Return the paragraph in the slide's largest type, if it is short and stands out: at the top, or nearly alone."""
    if not paragraphs:
        return None
    largest = max(paragraphs, key=lambda paragraph: (paragraph[0].size, paragraph[0].y))
    rest = [paragraph[0].size for paragraph in paragraphs if paragraph is not largest]
    stands_out = not rest or largest[0].size >= _SAME_SIZE * statistics.median(rest)
    short = sum(len(line.text) for line in largest) <= _HEADING_LENGTH
    placed = largest[0].y > _TITLE_ABOVE * page.height or len(paragraphs) <= _SECTION_SLIDE
    return largest if stands_out and short and placed and not largest[0].mono else None


def _is_heading(paragraph: list[Line], text: str, body: float) -> bool:
    return (
        paragraph[0].size >= _HEADING_SCALE * body
        and len(text) <= _HEADING_LENGTH
        and not paragraph[0].mono
        and any(map(str.isalpha, text))
    )


def _kind(paragraph: list[Line]) -> BlockKind:
    if paragraph[0].mono:
        return BlockKind.CODE
    return BlockKind.LIST if _ITEM.match(paragraph[0].text) else BlockKind.TEXT


def _paragraphs(page: Page) -> list[list[Line]]:
    """Part the page's lines where size, distance, indentation or a bullet says so."""
    leading = _leading(page.lines)
    right: dict[int, float] = {}
    for line in page.lines:
        right[round(line.size)] = max(line.right, right.get(round(line.size), 0.0))
    paragraphs: list[list[Line]] = []
    for line in page.lines:
        if paragraphs and _continues(paragraphs[-1], line, leading, right[round(line.size)]):
            paragraphs[-1].append(line)
        else:
            paragraphs.append([line])
    return paragraphs


def _merged(paragraphs: list[list[Line]]) -> list[list[Line]]:
    """Give a bullet that stands in a line of its own back to its item."""
    merged: list[list[Line]] = []
    for paragraph in paragraphs:
        lonely = merged and len(merged[-1]) == 1 and _LONELY_BULLET.fullmatch(merged[-1][0].text)
        if lonely and not paragraph[0].mono:
            merged[-1] = [*merged[-1], *paragraph]
        else:
            merged.append(paragraph)
    return merged


def _leading(lines: tuple[Line, ...]) -> dict[int, float]:
    """Return per type size the usual distance from line to line, in points: the lower quartile on the page."""
    steps: dict[int, list[float]] = {}
    for above, below in pairwise(lines):
        step = above.y - below.y
        if round(above.size) == round(below.size) and 0.5 * below.size < step < 3 * below.size:
            steps.setdefault(round(below.size), []).append(step)
    return {size: sorted(found)[len(found) // 4] for size, found in steps.items()}


def _continues(paragraph: list[Line], line: Line, leading: dict[int, float], right: float) -> bool:
    """Tell whether the line goes on with the paragraph; `right` is where lines of its size end on this page."""
    above, size = paragraph[-1], max(line.size, 1.0)
    step = above.y - line.y
    if above.mono != line.mono or max(above.size, size) > _SAME_SIZE * min(above.size, size):
        return False
    if line.mono:
        return -0.1 * size < step < 3 * size
    if _ITEM.match(line.text) or _LONELY_BULLET.fullmatch(line.text):
        return False
    if abs(step) < 0.4 * size:  # the same line, drawn in two pieces
        return line.left >= above.right - size
    usual = min(leading.get(round(size), 1.4 * size), 2 * size)
    return 0 < step <= _LOOSE * usual and (above.hyphenated or _goes_on_below(paragraph, line, right))


def _goes_on_below(paragraph: list[Line], line: Line, right: float) -> bool:
    """Judge by the left and right edges of a line that follows at the usual distance."""
    above, first = paragraph[-1], paragraph[0]
    ended = above.text.endswith(_SENTENCE_ENDS)
    if line.left > above.right or line.right < first.left:  # another column
        return False
    if _ITEM.match(first.text):
        return line.left > first.left + 0.2 * line.size or (above.right >= _FULL * right and not ended)
    indented = line.left > above.left + line.size and len(paragraph) > 1
    short = above.right < first.left + 0.8 * (right - first.left)
    return not (ended and (indented or short))


def _join(paragraph: list[Line], compounds: set[str], *, slide: bool) -> str:
    """Join lines to one, hyphenated words too; code keeps its lines and its indentation, slides their short lines."""
    if paragraph[0].mono:
        edge = min(line.left for line in paragraph)
        return "\n".join(" " * _columns(line, edge) + line.text for line in paragraph)
    parts, listed = [paragraph[0].text], _ITEM.match(paragraph[0].text) or _LONELY_BULLET.fullmatch(paragraph[0].text)
    for above, line in pairwise(paragraph):
        end, start = _WORD_END.search(above.text), _WORD_START.match(line.text)
        if not (end and start):
            ended = slide and len(above.text) < _SLIDE_LINE and not (listed or line.text[0].islower())
            parts.append("\n" if ended else " ")
        elif start[0][0].islower() and f"{end[1]}-{start[0]}".lower() not in compounds:
            parts[-1] = parts[-1].removesuffix("-")
        parts.append(line.text)
    return "".join(parts)


def _columns(line: Line, edge: float) -> int:
    """Return how many characters a line of code is indented: in a fixed-pitch font all are equally wide."""
    width = (line.right - line.left) / max(len(line.text), 1)
    return min(40, round((line.left - edge) / width)) if width > 0 else 0
