"""The one way in: any file's bytes become a `Document`, or an `Unreadable` says why not."""

from __future__ import annotations

from dataclasses import replace

from adapters.documents.detect import Format, detect
from adapters.documents.docx import parse_docx
from adapters.documents.html import parse_html
from adapters.documents.limits import Limits
from adapters.documents.markdown import parse_markdown
from adapters.documents.notebook import parse_notebook
from adapters.documents.pdf import parse_pdf
from adapters.documents.pptx import parse_pptx
from adapters.documents.text import clean, parse_text
from core.documents import Block, Document
from core.errors import Corrupt, Empty, Oversized, Unreadable

_TITLE_LENGTH = 200  # characters
_LIMITS = Limits()
_PARSERS = {
    Format.PDF: parse_pdf,
    Format.PPTX: parse_pptx,
    Format.DOCX: parse_docx,
    Format.NOTEBOOK: parse_notebook,
    Format.MARKDOWN: parse_markdown,
    Format.HTML: parse_html,
}


def parse(data: bytes, filename: str, *, limits: Limits = _LIMITS) -> Document:
    """Parse by content first and name second. Every block has text, and a place where the format has one.

    A PDF has pages, a PPTX slides and speaker notes (hidden slides are left out), a notebook cells; the others have
    heading paths. All text is free of NUL, control and surrogate characters. Raises only children of `Unreadable`.
    Safe to call from several threads at once.
    """
    if not data:
        raise Empty
    if len(data) > limits.bytes:
        raise Oversized(
            f"This file has {len(data) / 2**20:,.1f} MB; at most {limits.bytes / 2**20:,.0f} MB can be read. "
            "Split it into parts and upload those."
        )
    try:
        document = _dispatch(data, filename, limits)
    except Unreadable:
        raise
    except Exception as error:  # damaged files fail in any way inside six libraries; it all means the same
        raise Corrupt(reason=f"{type(error).__name__}: {error}"[:300]) from error
    blocks = tuple(tidy for block in document.blocks if (tidy := _tidy(block)).text.strip())
    if not blocks:
        raise Empty
    if sum(len(block.text) for block in blocks) > limits.characters:
        raise Oversized
    return replace(document, blocks=blocks, title=_short(clean(document.title or "")) or None)


def _dispatch(data: bytes, filename: str, limits: Limits) -> Document:
    found = detect(data, filename)
    if found is Format.TEXT:
        return parse_text(data, filename)
    return _PARSERS[found](data, limits)


def _tidy(block: Block) -> Block:
    headings = tuple(short for heading in block.locator.headings if (short := _short(clean(heading))))
    text = clean(block.text)
    if text == block.text and headings == block.locator.headings:
        return block
    return replace(block, text=text, locator=replace(block.locator, headings=headings))


def _short(title: str) -> str:
    title = " ".join(title.split())
    return title if len(title) <= _TITLE_LENGTH else title[: _TITLE_LENGTH - 1].rstrip() + "…"
