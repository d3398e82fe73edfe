"""A page of a course package, in HTML, as a lesson's Markdown."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from selectolax.lexbor import LexborHTMLParser, LexborNode

from adapters.documents.html import check_nesting, decode_html, verbatim_text
from adapters.documents.pictures import alt_text
from core.text import clean, one_line

Address = Callable[[str], str | None]
"""Returns where a link leads, or None for one inside the course, of which only the words are kept."""

_DROPPED = frozenset({
    "script", "style", "noscript", "template", "svg", "button", "select", "input", "textarea", "head", "dialog",
    "canvas", "map", "link", "meta", "title",
})  # fmt: skip
_BLOCKS = frozenset({
    "address", "article", "aside", "body", "center", "dd", "details", "div", "dl", "dt", "fieldset", "figcaption",
    "figure", "footer", "header", "hgroup", "html", "legend", "main", "nav", "p", "section", "summary", "caption",
    "tbody", "thead", "tfoot", "tr", "td", "th", "li", "form",
})  # fmt: skip
_MARKS = {"strong": "**", "b": "**", "em": "*", "i": "*", "del": "~~", "s": "~~", "strike": "~~"}
_CODE = frozenset({"code", "kbd", "samp", "tt"})
_FILMS = frozenset({"iframe", "video", "audio", "embed", "object", "source"})
_HEADING = re.compile(r"h([1-6])")
_DEPTH = 60  # nested elements; deeper ones are read as running text
_SPACE = re.compile(r"\s+")
_SPECIAL = re.compile(r"([\\`*]|\b_|_\b|<|](?=[(\[:])|~(?=~)|&(?=#?\w+;))")
_NUMBER = re.compile(r"^(\d{1,9})(?=[.)](?:\s|$))", re.MULTILINE)
_STARTS = re.compile(r"^(?=#{1,6}(?:\s|$)|>|\||[-+](?:\s|$)|[-=|: ]+$)", re.MULTILINE)
# As MathJax finds them: \( … \), \[ … \], $$ … $$.
_FORMULA = re.compile(r"\\\((.+?)\\\)|\\\[(.+?)\\\]|\$\$(.+?)\$\$", re.DOTALL)
_UNMARKED = re.compile(r"^(\s*)(.*?)(\s*)$", re.DOTALL)
_BLANK_LINES = re.compile(r"\n{3,}")


@dataclass(frozen=True, slots=True)
class Page:
    """`title` is the page's own; `meta` what its head says. `links` are all addresses as written, in order.

    `pictures` counts those that were left out.
    """

    title: str | None
    body: str
    meta: dict[str, str] = field(default_factory=dict)
    links: tuple[str, ...] = ()
    pictures: int = 0


def read_page(source: bytes | str, address: Address) -> Page:
    """Turn HTML into Markdown. Raises `Corrupt` for elements nested without end."""
    text = decode_html(source) if isinstance(source, bytes) else source
    check_nesting(text)
    tree = LexborHTMLParser(text)
    writer = _Writer(address)
    body = clean(_BLANK_LINES.sub("\n\n", writer.write(tree.body))) if tree.body is not None else ""
    title = tree.css_first("title")
    meta = {
        name: each.attributes.get("content") or "" for each in tree.css("meta") if (name := each.attributes.get("name"))
    }
    return Page(
        title=(one_line(title.text(), 300) or None) if title is not None else None,
        body=body,
        meta=meta,
        links=tuple(writer.links),
        pictures=writer.pictures,
    )


class _Writer:
    def __init__(self, address: Address) -> None:
        self._address = address
        self._writers: dict[str, Callable[[LexborNode, int], str]] = {
            "ul": self._list,
            "ol": self._list,
            "table": self._table,
            "pre": self._code,
            "blockquote": self._quote,
            "hr": lambda *_: "---",
            **dict.fromkeys(_FILMS, self._film),
        }
        self._inline_writers: dict[str, Callable[[LexborNode, int], str]] = {
            "br": lambda *_: "\n",
            "img": self._image,
            "a": self._link,
        }
        self.links: list[str] = []
        self.pictures = 0

    def write(self, root: LexborNode) -> str:
        return self._blocks(root, 0)

    def _blocks(self, node: LexborNode, depth: int) -> str:
        """Return an element's content as paragraphs, parted by blank lines."""
        blocks: list[str] = []
        inline: list[str] = []

        def flush() -> None:
            if paragraph := _tidy("".join(inline)):
                blocks.append(_STARTS.sub(r"\\", _NUMBER.sub(r"\1\\", paragraph)))
            inline.clear()

        for child in node.iter(include_text=True):
            if _is_dropped(child):
                continue
            block = self._block(child, depth) if depth < _DEPTH else None
            if block is None:
                inline.append(self._inline(child, depth))
            else:
                flush()
                if block.strip():
                    blocks.append(block)
        flush()
        return "\n\n".join(blocks)

    def _block(self, node: LexborNode, depth: int) -> str | None:
        """Return a block element as Markdown; None for what runs within a line."""
        tag = node.tag or ""
        if found := _HEADING.fullmatch(tag):
            words = one_line(self._children(node, depth), 500)
            return f"{'#' * int(found[1])} {words}" if words else ""
        if (write := self._writers.get(tag)) is not None:
            return write(node, depth)
        if tag in _BLOCKS or (tag not in ("-text", "a") and _holds_blocks(node)):
            return self._blocks(node, depth + 1)
        return None

    def _code(self, node: LexborNode, _depth: int) -> str:
        code = verbatim_text(node).strip("\n")
        fence = "```" if "```" not in code else "~~~~"
        return f"{fence}\n{code}\n{fence}" if code.strip() else ""

    def _quote(self, node: LexborNode, depth: int) -> str:
        return "\n".join(f"> {line}".rstrip() for line in self._blocks(node, depth + 1).split("\n"))

    def _list(self, node: LexborNode, depth: int) -> str:
        lines: list[str] = []
        at = 0
        for item in node.iter():
            if item.tag in ("ul", "ol"):  # a list straight inside a list, as editors write it
                lines.append(_indent(self._list(item, depth + 1), "  "))
                continue
            if _is_dropped(item):
                continue
            words = self._blocks(item, depth + 1) if depth < _DEPTH else _tidy(self._inline(item, depth))
            if words:
                at += 1
                mark = f"{at}. " if node.tag == "ol" else "- "
                tight = re.sub(r"\n\n(?=\s*(?:[-*]|\d+\.) )", "\n", words)
                lines.append(mark + _indent(tight, " " * len(mark)).lstrip())
        return "\n".join(lines)

    def _table(self, node: LexborNode, depth: int) -> str:
        """Return a table; one that only lays out the page (headings, lists or tables inside) as its cells' text."""
        cells = [[cell for cell in row.iter() if cell.tag in ("td", "th")] for row in node.css("tr")]
        if node.css_first("table table, h1, h2, h3, h4, h5, h6, ul, ol, pre, blockquote") is not None or not cells:
            return self._blocks(node, depth + 1)
        rows = [[one_line(self._children(cell, depth), 2_000).replace("|", "\\|") for cell in row] for row in cells]
        rows = [row for row in rows if any(row)]
        if not rows or max(map(len, rows)) == 1:
            return "\n\n".join(row[0] for row in rows)
        wide = max(map(len, rows))
        lines = ["| " + " | ".join([*row, *[""] * (wide - len(row))]) + " |" for row in rows]
        return "\n".join([lines[0], "|" + " --- |" * wide, *lines[1:]])

    def _children(self, node: LexborNode, depth: int) -> str:
        return "".join(
            self._inline(child, depth + 1) for child in node.iter(include_text=True) if not _is_dropped(child)
        )

    def _inline(self, node: LexborNode, depth: int) -> str:
        tag = node.tag or ""
        if tag == "-text" or depth > _DEPTH * 2:
            return _escape(_SPACE.sub(" ", (node.text_content if tag == "-text" else node.text()) or ""))
        if tag in _CODE:
            code = " ".join(node.text().split())
            return f"`{code}`" if code and "`" not in code else _escape(code)
        if (write := self._inline_writers.get(tag)) is not None:
            return write(node, depth)
        inner = self._children(node, depth)
        return f" {inner} " if tag in _BLOCKS else _marked(inner, _MARKS.get(tag))

    def _link(self, node: LexborNode, depth: int) -> str:
        inner = self._children(node, depth)
        written = (node.attributes.get("href") or "").strip()
        if not written or written.startswith("#"):
            return inner
        self.links.append(written)
        words = one_line(inner, 500) or one_line(node.attributes.get("title") or "", 200)
        where = self._address(written)
        if where is None:
            return inner if inner.strip() else _escape(words)
        return f"[{words}]({where})" if words else f"<{where}>"

    def _image(self, node: LexborNode, _depth: int) -> str:
        attributes = node.attributes
        if formula := (attributes.get("data-equation-content") or "").strip():
            return f"${formula}$"
        if "equation_image" in (attributes.get("class") or "").split() and attributes.get("alt"):
            return f"${(attributes.get('alt') or '').removeprefix('LaTeX: ').strip()}$"
        source = (attributes.get("src") or "").strip()
        if source:
            self.links.append(source)
        self.pictures += 1
        if attributes.get("data-decorative") == "true":
            return ""
        words = alt_text(attributes.get("alt"), source)
        return f"*(Picture: {_escape(words)})*" if words else ""

    def _film(self, node: LexborNode, _depth: int) -> str:
        attributes = node.attributes
        written = (attributes.get("src") or attributes.get("data") or "").strip()
        where = self._address(written) if written else None
        if written:
            self.links.append(written)
        if where is None:
            return ""
        words = one_line(attributes.get("title") or attributes.get("aria-label") or "", 200)
        return f"[{_escape(words) or 'Watch or listen'}]({where})"


def _holds_blocks(node: LexborNode) -> bool:
    return node.css_first("p, div, h1, h2, h3, h4, h5, h6, ul, ol, table, pre, blockquote") is not None


def _is_dropped(node: LexborNode) -> bool:
    tag = node.tag or ""
    if tag == "-text":
        return False
    style = (node.attributes.get("style") or "").replace(" ", "").lower()
    return tag in _DROPPED or tag.startswith(("-", "!")) or "hidden" in node.attributes or "display:none" in style


def _marked(words: str, mark: str | None) -> str:
    """Put marks around words, not around the blanks beside them, which Markdown would not take for marks."""
    found = _UNMARKED.match(words)
    if mark is None or found is None or not found[2] or "\n" in found[2] or found[2].startswith("*"):
        return words
    return f"{found[1]}{mark}{found[2]}{mark}{found[3]}"


def _escape(text: str) -> str:
    """Return text that Markdown reads as it stands, with formulas between dollars."""
    parts = []
    at = 0
    for formula in _FORMULA.finditer(text):
        parts += [_SPECIAL.sub(r"\\\1", text[at : formula.start()])]
        parts += [f"${formula[1].strip()}$" if formula[1] else f"$${(formula[2] or formula[3]).strip()}$$"]
        at = formula.end()
    return "".join([*parts, _SPECIAL.sub(r"\\\1", text[at:])])


def _indent(text: str, by: str) -> str:
    return "\n".join(by + line if line else line for line in text.split("\n"))


def _tidy(text: str) -> str:
    lines = (" ".join(line.split()) for line in text.split("\n"))
    return "  \n".join(line for line in lines if line)
