"""PPTX, by python-pptx: the title first, then shapes in reading order; speaker notes are kept apart."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from itertools import groupby
from typing import Any

import pptx
from pptx.enum.shapes import PP_PLACEHOLDER
from pptx.oxml import parse_xml

from adapters.documents.limits import Limits
from adapters.documents.outline import Outline
from adapters.documents.pictures import alt_text
from adapters.documents.titles import stated_title
from core.documents import BlockKind, Document, Locator
from core.errors import Oversized

_FURNITURE = frozenset((PP_PLACEHOLDER.SLIDE_NUMBER, PP_PLACEHOLDER.DATE, PP_PLACEHOLDER.FOOTER, PP_PLACEHOLDER.HEADER))
_TITLES = frozenset((PP_PLACEHOLDER.TITLE, PP_PLACEHOLDER.CENTER_TITLE, PP_PLACEHOLDER.VERTICAL_TITLE))
_BODIES = frozenset((PP_PLACEHOLDER.BODY, PP_PLACEHOLDER.OBJECT, PP_PLACEHOLDER.VERTICAL_BODY))
_PROMPT = re.compile(r"(?:click|tap|double[- ]click) to (?:edit|add) .*|‹#›|<#>", re.IGNORECASE)
_MONOSPACED = re.compile(r"mono|courier|consol|menlo|monaco|code", re.IGNORECASE)
_OWN_BULLET = re.compile(r"[-•–]\s+")
_DIAGRAM = "http://schemas.openxmlformats.org/drawingml/2006/diagram"
_RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
_DRAWING = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
_SAME_ROW = 0.5  # of the lower shape's height: shapes that overlap so much stand side by side
_ARRANGED = 300  # shapes; nobody has put more than that in rows by hand
_DEPTH = 20  # nested groups


def parse_pptx(data: bytes, limits: Limits) -> Document:
    """Read a deck. Hidden slides are left out, as in the show, but counted. Raises `Oversized`."""
    presentation = pptx.Presentation(io.BytesIO(data))
    slides = list(presentation.slides)
    if len(slides) > limits.pages:
        raise Oversized(f"This deck has {len(slides):,} slides; at most {limits.pages:,} can be read.")
    outline = Outline()
    for number, slide in enumerate(slides, start=1):
        if slide.element.get("show") not in ("0", "false"):
            _read_slide(slide, number, outline)
    title = next((block.text for block in outline.blocks if block.kind is BlockKind.HEADING), None)
    title = title or stated_title(presentation.core_properties.title or "", outline.blocks)
    return Document(tuple(outline.blocks), title=title, pages=len(slides))


def _read_slide(slide: Any, number: int, outline: Outline) -> None:  # noqa: ANN401 - python-pptx has no types
    outline.close()
    outline.at(Locator(slide=number))
    shapes = [shape for shape in slide.shapes if _placeholder(shape) not in _FURNITURE]
    titles = [shape for shape in shapes if _placeholder(shape) in _TITLES]
    for shape in titles[:1]:
        outline.heading(1, _without_prompts(shape.text_frame.text.replace("\v", " ")))
    _read_shapes([shape for shape in shapes if shape not in titles[:1]], outline, 0)
    if slide.has_notes_slide and (frame := slide.notes_slide.notes_text_frame) is not None:
        outline.at(Locator(slide=number, notes=True))
        outline.add(BlockKind.NOTES, _without_prompts(frame.text.replace("\v", "\n")))


def _read_shapes(shapes: list[Any], outline: Outline, depth: int) -> None:
    for shape in _in_reading_order(shapes):
        if hasattr(shape, "shapes"):
            if depth < _DEPTH:
                _read_shapes(list(shape.shapes), outline, depth + 1)
        elif getattr(shape, "has_table", False):
            outline.add(BlockKind.TABLE, "\n".join(_rows(shape.table)))
        elif getattr(shape, "has_chart", False):
            outline.add(BlockKind.TEXT, "\n".join(_chart(shape.chart)))
        elif shape.has_text_frame:
            _read_text(shape, outline)
        elif diagram := _diagram(shape):
            outline.add(BlockKind.LIST, diagram)
        else:
            outline.add(BlockKind.TEXT, alt_text(shape._element._nvXxPr.cNvPr.get("descr")))  # noqa: SLF001 - no public way


def _in_reading_order(shapes: list[Any]) -> Iterator[Any]:
    """Yield rows from the top, each from the left; the order in the file is that of drawing."""
    waiting = sorted(shapes, key=lambda shape: (shape.top or 0, shape.left or 0))
    if len(waiting) > _ARRANGED:
        yield from waiting
        return
    while waiting:
        first = waiting[0]
        row = [shape for shape in waiting if shape is first or _side_by_side(first, shape)]
        yield from sorted(row, key=lambda shape: shape.left or 0)
        waiting = [shape for shape in waiting if all(shape is not member for member in row)]


def _side_by_side(first: Any, second: Any) -> bool:  # noqa: ANN401
    top, other = first.top or 0, second.top or 0
    height, other_height = first.height or 0, second.height or 0
    overlap = min(top + height, other + other_height) - max(top, other)
    return bool(overlap > _SAME_ROW * min(height, other_height))


def _placeholder(shape: Any) -> Any:  # noqa: ANN401
    return shape.placeholder_format.type if shape.is_placeholder else None


def _read_text(shape: Any, outline: Outline) -> None:  # noqa: ANN401
    """Add a shape's text; where it mixes prose and code, each part is a block of its own."""
    listed = _placeholder(shape) in _BODIES and sum(map(_has_text, shape.text_frame.paragraphs)) > 1
    for code, group in groupby(shape.text_frame.paragraphs, key=_Fonts()):
        paragraphs = list(group)
        if code:
            outline.add(
                BlockKind.CODE, "\n".join(paragraph.text.replace("\v", "\n") for paragraph in paragraphs).strip("\n")
            )
            continue
        lines = [_line(paragraph, listed=listed) for paragraph in paragraphs if _has_text(paragraph)]
        outline.add(BlockKind.LIST if listed else BlockKind.TEXT, _without_prompts("\n".join(lines)))


def _has_text(paragraph: Any) -> bool:  # noqa: ANN401
    return bool(paragraph.text.strip())


def _line(paragraph: Any, *, listed: bool) -> str:  # noqa: ANN401
    text = " ".join(paragraph.text.split())
    return f"{'  ' * paragraph.level}- {_OWN_BULLET.sub('', text)}" if listed else text


class _Fonts:
    """Tells code by its font; an empty line is what the line above it is."""

    def __init__(self) -> None:
        self._code = False

    def __call__(self, paragraph: Any) -> bool:  # noqa: ANN401
        fonts = [run.font.name or "" for run in paragraph.runs if run.text.strip()]
        if fonts:
            self._code = all(_MONOSPACED.search(font) for font in fonts)
        return self._code


def _without_prompts(text: str) -> str:
    return "\n".join(line for line in text.split("\n") if not _PROMPT.fullmatch(line.strip().removeprefix("- ")))


def _rows(table: Any) -> Iterator[str]:  # noqa: ANN401
    for row in table.rows:
        cells = [" ".join(cell.text.split()) for cell in row.cells if not cell.is_spanned]
        if any(cells):
            yield " | ".join(cells)


def _chart(chart: Any) -> Iterator[str]:  # noqa: ANN401
    """Yield a chart's title, then a line for each series with its values by category."""
    if chart.has_title and chart.chart_title.has_text_frame:
        yield chart.chart_title.text_frame.text
    for plot in chart.plots:
        categories = [str(category) for category in plot.categories]
        for series in plot.series:
            values = [f"{value:g}" if isinstance(value, float) else str(value) for value in series.values]
            pairs = zip(categories, values, strict=False) if categories else ()
            yield f"{series.name}: " + ", ".join(f"{category} {value}" for category, value in pairs)


def _diagram(shape: Any) -> str:  # noqa: ANN401
    """Return the lines of a SmartArt diagram, which live in a part of their own."""
    ids = next(iter(shape._element.iter(f"{{{_DIAGRAM}}}relIds")), None)  # noqa: SLF001 - no public way
    if ids is None:
        return ""
    data = parse_xml(shape.part.related_part(ids.get(f"{_RELATION}dm")).blob)
    paragraphs = ("".join(run.text or "" for run in p.iter(f"{_DRAWING}t")) for p in data.iter(f"{_DRAWING}p"))
    return "\n".join(f"- {text}" for text in paragraphs if text.strip())
