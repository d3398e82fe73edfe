"""HTML, by lexbor: what a reader of the page would read, without scripts, styles, navigation and footers."""

from __future__ import annotations

import codecs
import re

from selectolax.lexbor import LexborHTMLParser, LexborNode

from adapters.documents.limits import Limits
from adapters.documents.outline import Outline
from adapters.documents.pictures import alt_text
from adapters.documents.text import decode
from adapters.documents.titles import title_of
from core.documents import BlockKind, Document
from core.errors import Corrupt, Oversized

_META_CHARSET = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?\s*([\w-]{2,40})", re.IGNORECASE)
_DROPPED = frozenset((
    "script", "style", "noscript", "template", "svg", "nav", "footer", "button", "select", "input", "textarea",
    "iframe", "object", "embed", "head", "dialog", "audio", "video", "canvas", "map",
))  # fmt: skip
_DROPPED_ROLES = frozenset(("navigation", "banner", "contentinfo", "search", "menu", "menubar", "toolbar"))
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_LISTS = frozenset(("ul", "ol", "menu"))
_BLOCKS = frozenset((
    "address", "article", "aside", "blockquote", "body", "center", "dd", "details", "div", "dl", "dt", "fieldset",
    "figcaption", "figure", "header", "hgroup", "hr", "html", "legend", "li", "main", "p", "section", "summary",
    "table", "tbody", "td", "tfoot", "th", "thead", "tr", "caption", "pre", "ul", "ol", "menu",
))  # fmt: skip
_TEXTUAL = frozenset(("-text", "br", "img"))
_DEPTH = 60  # nested elements; deeper ones are read as running text
_NESTED = 3_000  # elements; real pages stay below a hundred
_ANY_TAG = re.compile(r"<(/?)([a-zA-Z][\w-]*)")
_SELF_CLOSING = frozenset((
    "p", "li", "dt", "dd", "td", "th", "tr", "option", "br", "hr", "img", "input", "meta", "link", "col", "area",
    "base",
    "source", "wbr", "embed", "param", "track",
))  # fmt: skip
_SPACE = re.compile(r"[ \t\r\n\f]+")


def parse_html(data: bytes, limits: Limits) -> Document:
    """Read the page's main part, or all of its body. Raises `Oversized`, `Corrupt`."""
    text = decode_html(data)
    if len(text) > limits.characters:
        raise Oversized
    check_nesting(text)
    tree = LexborHTMLParser(text)
    outline = Outline()
    if (root := _main(tree)) is not None:
        add_html(root, outline)
    title = title_of(outline.blocks)
    if not title and (element := tree.css_first("title")) is not None:
        title = element.text()
    return Document(tuple(outline.blocks), title=title)


def add_html(root: LexborNode, outline: Outline) -> None:
    """Add an element's content to the outline."""
    _Reader(outline).read(root)


def read_fragment(markup: str, outline: Outline) -> None:
    """Add a piece of HTML, as it stands in Markdown, to the outline. Raises `Corrupt`."""
    check_nesting(markup)
    if (body := LexborHTMLParser(markup).body) is not None:
        add_html(body, outline)


def decode_html(data: bytes) -> str:
    """Decode by byte order mark, else by the charset the page declares, else by the bytes' look."""
    if not data.startswith((codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        declared = _META_CHARSET.search(data[:4_096])
        if declared:
            try:
                encoding = codecs.lookup(declared[1].decode("ascii")).name
                # The HTML standard reads Latin-1 as Windows-1252; a page that can declare itself is not UTF-16.
                if encoding in ("iso8859-1", "ascii"):
                    encoding = "cp1252"
                if not encoding.startswith(("utf-16", "utf-32")):
                    return data.decode(encoding)
            except (LookupError, UnicodeError):
                pass
    return decode(data)


def check_nesting(markup: str) -> None:
    """Refuse elements nested thousands deep: at each tag a parser looks through all that are open."""
    depth = 0
    for tag in _ANY_TAG.finditer(markup):
        if tag[2].lower() not in _SELF_CLOSING:
            depth = max(0, depth - 1) if tag[1] else depth + 1
            if depth > _NESTED:
                raise Corrupt


def _main(tree: LexborHTMLParser) -> LexborNode | None:
    for selector in ("main", "[role=main]", "article"):
        found = tree.css(selector)
        if len(found) == 1 and len(found[0].text(strip=True)) > 200:  # noqa: PLR2004 - more than a teaser
            return found[0]
    return tree.body


class _Reader:
    """Walks the tree and gathers running text until a block element ends it."""

    def __init__(self, outline: Outline) -> None:
        self._outline = outline
        self._inline: list[str] = []

    def read(self, root: LexborNode) -> None:
        self._walk(root, 0)
        self._flush()

    def _walk(self, node: LexborNode, depth: int) -> None:
        for child in node.iter(include_text=True):
            tag = child.tag or ""
            if _is_dropped(child):
                continue
            if (tag in _BLOCKS or tag in _HEADINGS) and depth < _DEPTH:
                self._flush()
                self._block(child, tag, depth)
                self._flush()
            elif depth < _DEPTH and tag not in _TEXTUAL:
                self._walk(child, depth + 1)
            else:
                self._inline.append(inline_text(child))

    def _block(self, node: LexborNode, tag: str, depth: int) -> None:
        if tag in _HEADINGS:
            self._outline.heading(_HEADINGS[tag], inline_text(node))
        elif tag == "pre":
            self._outline.add(BlockKind.CODE, verbatim_text(node).strip("\n"))
        elif tag in _LISTS and not _holds(node, "table, pre, h1, h2, h3, h4, h5, h6"):
            self._outline.add(BlockKind.LIST, "\n".join(_list_lines(node, 0)))
        elif tag == "table" and not _holds(node, "table, pre, h1, h2, h3, h4, h5, h6, ul, ol"):
            self._outline.add(BlockKind.TABLE, "\n".join(_table_rows(node)))
        else:
            self._walk(node, depth + 1)

    def _flush(self) -> None:
        text = _tidy("".join(self._inline))
        self._inline.clear()
        self._outline.add(BlockKind.TEXT, text)


def _is_dropped(node: LexborNode) -> bool:
    tag = node.tag or ""
    if tag == "-text":
        return False
    if tag in _DROPPED or tag.startswith(("-", "!")):
        return True
    attributes = node.attributes
    return (
        "hidden" in attributes
        or attributes.get("aria-hidden") == "true"
        or (attributes.get("role") or "") in _DROPPED_ROLES
        or "display:none" in (attributes.get("style") or "").replace(" ", "").lower()
    )


def _holds(node: LexborNode, selector: str) -> bool:
    return any(found.mem_id != node.mem_id for found in node.css(selector))


def inline_text(node: LexborNode) -> str:
    """Return an element's text with line breaks where `br` stands and pictures as their description."""
    parts: list[str] = []
    stack = [node]
    while stack:  # not by recursion: markup can be nested without end
        current = stack.pop()
        tag = current.tag or ""
        if tag == "-text":
            parts.append(_SPACE.sub(" ", current.text_content or ""))
        elif tag == "br":
            parts.append("\n")
        elif tag == "img":
            parts.append(alt_text(current.attributes.get("alt"), current.attributes.get("src")))
        elif not _is_dropped(current):
            if tag in _BLOCKS and parts and current.mem_id != node.mem_id:
                parts.append(" ")
            stack.extend(reversed(list(current.iter(include_text=True))))
    return "".join(parts)


def verbatim_text(node: LexborNode) -> str:
    """Return preformatted text as it stands; editors break its lines with `br` as often as with line ends."""
    parts: list[str] = []
    stack = [node]
    while stack:  # not by recursion: markup can be nested without end
        current = stack.pop()
        if current.tag in ("-text", "br"):
            parts.append("\n" if current.tag == "br" else current.text_content or "")
        else:
            stack.extend(reversed(list(current.iter(include_text=True))))
    return "".join(parts)


def _tidy(text: str) -> str:
    return "\n".join(line for part in text.split("\n") if (line := " ".join(part.split())))


def _list_lines(node: LexborNode, depth: int) -> list[str]:
    """Return one line an item, nested items indented by two spaces."""
    lines: list[str] = []
    number = 0
    for item in node.iter():
        if item.tag != "li":
            continue
        number += 1
        marker = f"{number}." if node.tag == "ol" else "-"
        nested = [child for child in item.iter() if child.tag in _LISTS] if depth < _DEPTH else []
        own = "".join(
            inline_text(child) + (" " if child.tag in _BLOCKS else "")
            for child in item.iter(include_text=True)
            if (child.tag not in _LISTS or not nested) and not _is_dropped(child)
        )
        if text := " ".join(own.split()):
            lines.append("  " * depth + f"{marker} {text}")
        for child in nested:
            lines.extend(_list_lines(child, depth + 1))
    return lines


def _table_rows(node: LexborNode) -> list[str]:
    """Return one line a row, cells parted by bars; a caption comes first."""
    rows = [" ".join(inline_text(caption).split()) for caption in node.css("caption")]
    for row in node.css("tr"):
        cells = [" ".join(inline_text(cell).split()) for cell in row.iter() if cell.tag in ("td", "th")]
        rows.append(" | ".join(cells) if any(cells) else "")
    return [row for row in rows if row]
