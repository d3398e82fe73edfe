"""PDF, by PDFium: lines become paragraphs, lists, code and headings; what repeats on the pages' margins is dropped."""

from __future__ import annotations

import re
import threading
from collections import Counter
from typing import Any

import pypdfium2
import pypdfium2.raw as pdfium

from adapters.documents.limits import Limits
from adapters.documents.outline import Outline
from adapters.documents.pdf_layout import lay_out
from adapters.documents.pdf_lines import Line, Page, read_lines
from adapters.documents.pdf_streams import check_streams
from adapters.documents.text import clean
from adapters.documents.titles import stated_title
from core.documents import Block, BlockKind, Document
from core.errors import Corrupt, Empty, Encrypted, Oversized, ScannedOnly

# PDFium's state belongs to the process and is not safe for threads; the lock is held for a page at a time, so that a
# long document does not keep a short one waiting.
_PDFIUM = threading.Lock()

_MARGIN = 0.14  # of the page's height: where running headers and footers stand
_REPEATS = 3  # pages on which a marginal line has to stand
_SHARE = 0.4  # … and the share of all pages,
_OUTERMOST_REPEATS = 4  # unless it is a page's first or last line: chapter headings run over a part of the pages only
_PAGE_NUMBER = re.compile(
    r"(?:page|p\.|slide|seite|s\.)?\s*[-–|]?\s*\d{1,4}\s*(?:[-–|]|(?:/|of|von|de)\s*\d{1,4})?", re.IGNORECASE
)
_SCANNED_CHARACTERS = 10  # a page's worth of stamps and numbers, not of text


def parse_pdf(data: bytes, limits: Limits) -> Document:
    """Read a PDF page by page. Raises `Encrypted`, `Corrupt`, `Oversized`, `ScannedOnly`, `Empty`, `ZipBomb`."""
    pages, metadata_title, pictured = _read(data, limits)
    characters = sum(len(line.text) for page in pages for line in page.lines)
    if characters < _SCANNED_CHARACTERS * len(pages) and pictured:
        raise ScannedOnly
    if not characters:
        raise Empty
    outline = Outline()
    lay_out(_without_running_lines(pages), outline)
    return Document(
        tuple(outline.blocks),
        title=stated_title(metadata_title, outline.blocks) or _largest_heading(outline.blocks),
        pages=len(pages),
    )


def _read(data: bytes, limits: Limits) -> tuple[list[Page], str, bool]:
    """Return the pages, the metadata's title, and whether pages without text hold pictures."""
    check_streams(data)
    with _PDFIUM:
        document = _open(data)
    try:
        with _PDFIUM:
            count = len(document)
            title = clean(document.get_metadata_value("Title")).strip()
        if count > limits.pages:
            raise Oversized(f"This PDF has {count:,} pages; at most {limits.pages:,} can be read. Split it into parts.")
        if not count:
            raise Empty
        pages, pictured, characters = [], 0, 0
        for index in range(count):
            with _PDFIUM:
                page, picture = _read_page(document, index)
            pages.append(page)
            pictured += picture
            characters += sum(len(line.text) for line in page.lines)
            if characters > limits.characters:
                raise Oversized
        return pages, title, pictured * 2 >= count
    finally:
        with _PDFIUM:
            document.close()


def _open(data: bytes) -> Any:  # noqa: ANN401 - pypdfium2 has no types
    try:
        return pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError as error:
        if error.err_code in (pdfium.FPDF_ERR_PASSWORD, pdfium.FPDF_ERR_SECURITY):
            raise Encrypted from error
        raise Corrupt from error


def _read_page(document: Any, index: int) -> tuple[Page, bool]:  # noqa: ANN401
    """Return the page (empty where PDFium can't load it) and whether it holds pictures in place of text."""
    try:
        page = document[index]
    except pypdfium2.PdfiumError:
        return Page(index + 1, 1.0, 1.0, ()), False
    try:
        width, height = page.get_size()
        textpage = page.get_textpage()
        try:
            lines = read_lines(textpage)
        finally:
            textpage.close()
        scant = sum(len(line.text) for line in lines) < _SCANNED_CHARACTERS
        pictured = scant and any(True for _ in page.get_objects(filter=[pdfium.FPDF_PAGEOBJ_IMAGE], max_depth=3))
        return Page(index + 1, width, height, lines), pictured
    except pypdfium2.PdfiumError:
        return Page(index + 1, 1.0, 1.0, ()), False
    finally:
        page.close()


def _without_running_lines(pages: list[Page]) -> list[Page]:
    """Drop headers, footers and page numbers: small lines that stand at the same margin on many pages."""
    sizes = Counter(round(line.size) for page in pages for line in page.lines for _ in range(len(line.text)))
    body = sizes.most_common(1)[0][0]
    everywhere: Counter[tuple[str, int]] = Counter()
    outermost: Counter[tuple[str, int]] = Counter()
    for page in pages:
        everywhere.update({key for line in page.lines if (key := _running_key(line, page, body))})
        ends = {id(line) for line in (min(page.lines, key=_foot), max(page.lines, key=_foot))} if page.lines else set()
        outermost.update({key for line in page.lines if id(line) in ends and (key := _running_key(line, page, body))})

    def runs(line: Line, page: Page) -> bool:
        key = _running_key(line, page, body)
        if key is None:
            return False
        if len(pages) > 1 and _PAGE_NUMBER.fullmatch(line.text):
            return True
        often = everywhere[key] >= max(_REPEATS, _SHARE * len(pages))
        return often or outermost[key] >= _OUTERMOST_REPEATS

    kept = [
        Page(page.number, page.width, page.height, tuple(line for line in page.lines if not runs(line, page)))
        for page in pages
    ]
    return kept if any(page.lines for page in kept) else pages


def _foot(line: Line) -> float:
    return line.y


def _running_key(line: Line, page: Page, body: float) -> tuple[str, int] | None:
    """Name a marginal line by its words, numbers left out, and its height on the page in fiftieths; else None."""
    height = line.y / page.height
    if _MARGIN < height < 1 - _MARGIN or line.size > 1.1 * body:
        return None
    return re.sub(r"\d+", "#", line.text.lower()), round(50 * height)


def _largest_heading(blocks: list[Block]) -> str | None:
    """Return the largest heading of the first page that has text."""
    headings = [
        block for block in blocks if block.kind is BlockKind.HEADING and block.locator.page == blocks[0].locator.page
    ]
    return min(headings, key=lambda block: block.level).text if headings else None
