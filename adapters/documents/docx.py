"""DOCX, by python-docx: headings by style, lists and tables in the order of the document."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from typing import Any

import docx
from docx.oxml.ns import qn

from adapters.documents.docx_numbering import Numbering
from adapters.documents.limits import Limits
from adapters.documents.outline import Outline
from adapters.documents.titles import stated_title, title_of
from core.documents import BlockKind, Document
from core.errors import Oversized

_HEADING = re.compile(r"heading ?([1-9])", re.IGNORECASE)
_CONTENTS = re.compile(r"(?:toc|table of (?:figures|contents)).*", re.IGNORECASE)
_CODE = re.compile(r"(?:source ?code|html preformatted|plain text|code|macro ?text|verbatim).*", re.IGNORECASE)
_LIST = re.compile(r"list (?:bullet|number).*", re.IGNORECASE)
_DEEPEST = 6
_BODY_LEVEL = 9  # the outline level that means running text
_NESTING = 20

# Tags whose text is not the document's: deleted text, second versions of drawings, what lies in frames of its own.
_SKIPPED = frozenset(qn(tag) for tag in ("w:del", "w:moveFrom", "w:pPr", "w:rPr", "w:txbxContent")) | {
    "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"
}
_BREAKS = {qn("w:tab"): "\t", qn("w:br"): "\n", qn("w:cr"): "\n", qn("w:noBreakHyphen"): "-"}
_TEXTS = frozenset((qn("w:t"), "{http://schemas.openxmlformats.org/officeDocument/2006/math}t"))


def parse_docx(data: bytes, limits: Limits) -> Document:
    """Read the body with its text boxes; headers, footers, comments, deletions and contents are left out.

    Raises `Oversized`.
    """
    document = docx.Document(io.BytesIO(data))
    reader = _Reader(document)
    reader.read(document.element.body, 0)
    blocks = reader.outline.blocks
    if sum(len(block.text) for block in blocks) > limits.characters:
        raise Oversized
    title = reader.title or title_of(blocks) or stated_title(document.core_properties.title or "", blocks)
    return Document(tuple(blocks), title=title)


class _Reader:
    """Walks the body; neighbouring items of a list become one block."""

    def __init__(self, document: Any) -> None:  # noqa: ANN401 - python-docx has no types
        self.outline = Outline()
        self.title: str | None = None
        self._styles = {style.style_id: style for style in document.styles}
        self._numbering = Numbering(document)
        self._run: list[str] = []
        self._run_kind = BlockKind.LIST

    def read(self, parent: Any, depth: int) -> None:  # noqa: ANN401
        self._walk(parent, depth)
        self._flush()

    def _walk(self, parent: Any, depth: int) -> None:  # noqa: ANN401
        for child in parent:
            if child.tag == qn("w:p"):
                self._paragraph(child, depth)
            elif child.tag == qn("w:tbl"):
                self._flush()
                self.outline.add(BlockKind.TABLE, "\n".join(_rows(child)))
            elif child.tag in (qn("w:sdt"), qn("w:sdtContent"), qn("w:ins"), qn("w:customXml")) and depth < _NESTING:
                self._walk(child, depth + 1)

    def _paragraph(self, paragraph: Any, depth: int) -> None:  # noqa: ANN401
        text = _text(paragraph).strip("\n").rstrip()
        names = self._style_names(paragraph)
        level = self._heading_level(paragraph, names)
        if names and _CONTENTS.fullmatch(names[0]):
            return
        if not text.strip():
            pass
        elif names and names[0].lower() == "title":
            self._flush()
            self.title = self.title or " ".join(text.split())
            self.outline.add(BlockKind.TEXT, " ".join(text.split()))
        elif level:
            self._flush()
            self.outline.heading(level, text)
        elif any(map(_CODE.fullmatch, names)):
            self._gather(BlockKind.CODE, text)
        elif marker := self._marker(paragraph, names):
            self._gather(BlockKind.LIST, marker + " ".join(text.split()))
        else:
            self._flush()
            self.outline.add(BlockKind.TEXT, text.strip())
        if depth < _NESTING:
            for box in _boxes(paragraph):
                self._flush()
                self.read(box, depth + 1)

    def _gather(self, kind: BlockKind, line: str) -> None:
        if self._run_kind is not kind:
            self._flush()
        self._run_kind = kind
        self._run.append(line)

    def _flush(self) -> None:
        self.outline.add(self._run_kind, "\n".join(self._run))
        self._run.clear()

    def _style_names(self, paragraph: Any) -> list[str]:  # noqa: ANN401
        """Return the names of the paragraph's style and of those it is based on."""
        names: list[str] = []
        style = self._styles.get(paragraph.style) if paragraph.style else None
        while style is not None and len(names) < _NESTING:
            names.append(style.name or "")
            style = style.base_style
        return names

    def _heading_level(self, paragraph: Any, names: list[str]) -> int:  # noqa: ANN401
        for name in names:
            if match := _HEADING.fullmatch(name):
                return min(int(match[1]), _DEEPEST)
        own = paragraph.find(f"{qn('w:pPr')}/{qn('w:outlineLvl')}")
        if own is not None:
            level = int(own.get(qn("w:val"), _BODY_LEVEL))
            return 0 if level >= _BODY_LEVEL else min(level + 1, _DEEPEST)
        return 0

    def _marker(self, paragraph: Any, names: list[str]) -> str:  # noqa: ANN401
        """Return a list item's indentation and marker, else nothing."""
        style = self._styles.get(paragraph.style) if paragraph.style else None
        if marker := self._numbering.marker(paragraph, style):
            return marker
        return "- " if any(map(_LIST.fullmatch, names)) else ""


def _text(element: Any) -> str:  # noqa: ANN401
    """Return the text as it is read: with insertions, without deletions and without what stands in boxes."""
    parts: list[str] = []
    stack = list(reversed(element))
    while stack:
        node = stack.pop()
        if node.tag in _TEXTS:
            parts.append(node.text or "")
        elif node.tag in _BREAKS:
            parts.append(_BREAKS[node.tag])
        elif node.tag not in _SKIPPED:
            stack.extend(reversed(node))
    return "".join(parts)


def _boxes(paragraph: Any) -> Iterator[Any]:  # noqa: ANN401
    """Yield the text boxes anchored in a paragraph, once each: older formats repeat them as a fallback."""
    stack = list(reversed(paragraph))
    while stack:
        node = stack.pop()
        if node.tag == qn("w:txbxContent"):
            yield node
        elif not str(node.tag).endswith("}Fallback"):
            stack.extend(reversed(node))


def _rows(table: Any) -> Iterator[str]:  # noqa: ANN401
    for row in table.iter(qn("w:tr")):
        cells = [
            " ".join(" ".join(_text(paragraph) for paragraph in cell.iter(qn("w:p"))).split())
            for cell in row.iterchildren(qn("w:tc"), qn("w:sdt"))
        ]
        if any(cells):
            yield " | ".join(cells)
