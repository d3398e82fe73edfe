"""From PDFium's characters to the lines of a page, each with its place and type size."""

from __future__ import annotations

import ctypes
import math
import re
import statistics
from dataclasses import dataclass
from typing import Any

import pypdfium2.raw as pdfium

from adapters.documents.text import clean

_LINE_HYPHEN = 0x02  # what PDFium gives for a hyphen that ends a line, in place of the line break
_BREAKS = (0x0A, 0x0D)
_SPACE = 0x20
_MARKER = re.compile(r"[^\w\s]|\(?\w{1,4}[.)]")  # of a list item, whose text stands at a tab stop
_GAP = 1.5  # line heights
_FIXED_PITCH = 1  # font descriptor flag 1, ISO 32000-1 table 123
_MONOSPACED = re.compile(r"mono|courier|consol|typewriter|menlo|monaco|cmtt|sourcecode|fixed", re.IGNORECASE)
_NAME_BYTES = 96
_ASCENT = 0.9  # em from baseline to the top of a line, near enough for any Latin font
_SAMPLES = 3


@dataclass(frozen=True, slots=True)
class Line:
    """A line of text. Lengths in points, the origin at the page's lower left; `size` is the type's, `y` the foot."""

    text: str
    left: float
    right: float
    y: float
    size: float
    mono: bool
    hyphenated: bool


@dataclass(frozen=True, slots=True)
class Page:
    """A page's lines in the order they were drawn, which is the reading order in nearly every document."""

    number: int
    width: float
    height: float
    lines: tuple[Line, ...]

    @property
    def is_slide(self) -> bool:
        """Whether the page is shaped like a slide, where each page has a title of its own."""
        return self.width > 1.2 * self.height


def read_lines(textpage: Any) -> tuple[Line, ...]:  # noqa: ANN401 - pypdfium2 has no types
    """Return the lines of a `PdfTextPage`; the caller holds the lock on PDFium."""
    lines: list[Line] = []
    run: list[int] = []
    codes = [pdfium.FPDFText_GetUnicode(textpage, index) for index in range(textpage.count_chars())]
    for index, code in enumerate([*codes, *_BREAKS]):
        if code not in _BREAKS and code != _LINE_HYPHEN:
            run.append(index)
            continue
        pieces = _parted(textpage, codes, run)
        for number, piece in enumerate(pieces, start=1):
            hyphenated = code == _LINE_HYPHEN and number == len(pieces)
            if line := _line(textpage, codes, piece, hyphenated=hyphenated):
                lines.append(line)
        run = []
    return tuple(lines)


def _parted(textpage: Any, codes: list[int], run: list[int]) -> list[list[int]]:  # noqa: ANN401
    """Part a line at wide gaps: PDFium takes for one line what stands side by side, as two columns do."""
    pieces: list[list[int]] = [[]]
    previous: int | None = None
    for index in run:
        inked = codes[index] > _SPACE
        if inked and previous is not None and index - previous > 1:
            _, bottom, right, top = _box(textpage, previous)
            left, *_ = _box(textpage, index)
            if left - right > _GAP * (top - bottom) > 0 and not _MARKER.fullmatch(_text(codes, pieces[-1])):
                pieces.append([])
        pieces[-1].append(index)
        previous = index if inked else previous
    return pieces


def _text(codes: list[int], run: list[int]) -> str:
    return " ".join(clean("".join(chr(codes[index]) for index in run)).split())


def _line(textpage: Any, codes: list[int], run: list[int], *, hyphenated: bool) -> Line | None:  # noqa: ANN401
    inked = [index for index in run if codes[index] > _SPACE]
    text = _text(codes, run)
    if not inked or not text:
        return None
    samples = inked[:: max(1, len(inked) // _SAMPLES)][:_SAMPLES]
    left, y, right, _ = _box(textpage, inked[0])
    _, _, last_right, _ = _box(textpage, inked[-1])
    return Line(
        text=text + ("-" if hyphenated else ""),
        left=left,
        right=max(right, last_right),
        y=y,
        size=statistics.median(_size(textpage, index) for index in samples),
        mono=all(_is_mono(textpage, index) for index in samples),
        hyphenated=hyphenated,
    )


def _box(textpage: Any, index: int) -> tuple[float, float, float, float]:  # noqa: ANN401
    box = pdfium.FS_RECTF()
    pdfium.FPDFText_GetLooseCharBox(textpage, index, ctypes.byref(box))
    return box.left, box.bottom, box.right, box.top


def _size(textpage: Any, index: int) -> float:  # noqa: ANN401
    """Return the type size on the page: the font's, times the scale of the text's matrix."""
    matrix = pdfium.FS_MATRIX()
    scale = 1.0
    if pdfium.FPDFText_GetMatrix(textpage, index, ctypes.byref(matrix)):
        scale = math.hypot(matrix.c, matrix.d) or 1.0
    return float(pdfium.FPDFText_GetFontSize(textpage, index)) * scale


def _is_mono(textpage: Any, index: int) -> bool:  # noqa: ANN401
    name, flags = ctypes.create_string_buffer(_NAME_BYTES), ctypes.c_int()
    pdfium.FPDFText_GetFontInfo(textpage, index, name, _NAME_BYTES, ctypes.byref(flags))
    return bool(flags.value & _FIXED_PITCH and flags.value > 0) or bool(
        _MONOSPACED.search(name.value.decode("utf-8", "replace"))
    )
