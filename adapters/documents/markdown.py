"""Markdown, by markdown-it: the text as a reader sees it, without addresses, badges and front matter."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from markdown_it import MarkdownIt
from markdown_it.token import Token

from adapters.documents.html import read_fragment
from adapters.documents.limits import Limits
from adapters.documents.outline import Outline
from adapters.documents.pictures import alt_text
from adapters.documents.text import clean, decode
from adapters.documents.titles import title_of
from core.documents import BlockKind, Document
from core.errors import Oversized

_FRONT_MATTER = re.compile(r"\A---[ \t]*\n(.*?)\n(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL)
_FRONT_TITLE = re.compile(r"^title[ \t]*:[ \t]*(['\"]?)(.+?)\1[ \t]*$", re.MULTILINE | re.IGNORECASE)
_FRONT_LENGTH = 20_000  # characters
_CHARACTERS = 4_000_000  # pure Python reads about a megabyte a second; a book has one
_TAG = re.compile(r"</?([a-zA-Z][\w-]*)[^<>]*>")
_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_VOID = re.compile(r"<(?:img|br|hr|a)\b[^<>]*>|</a>", re.IGNORECASE)
_HTML_TAGS = frozenset((
    "a", "abbr", "b", "bdi", "bdo", "br", "center", "cite", "code", "data", "del", "details", "dfn", "div", "em",
    "figcaption", "figure", "font", "hr", "i", "img", "input", "ins", "kbd", "li", "mark", "ol", "p", "picture",
    "q", "s", "samp", "section", "small", "source", "span", "strike", "strong", "sub", "summary", "sup", "table",
    "tbody", "td", "th", "thead", "time", "tr", "tt", "u", "ul", "var", "video", "wbr", "iframe", "script",
    "style",
))  # fmt: skip
_HEADING_ATTRIBUTES = re.compile(r"\s*\{[#.:][^{}]*\}\s*$")
_FOOTNOTE = re.compile(r"\[\^[^\]\s]{1,40}\](:?)[ \t]*")
_PIPED_ROW = re.compile(r"\|.*\|")
_NAVIGATION_LINKS = 2


def parse_markdown(data: bytes, limits: Limits) -> Document:
    """Read CommonMark with tables, strikethrough and front matter. Raises `Oversized`."""
    source = clean(decode(data))
    if len(source) > min(_CHARACTERS, limits.characters):
        raise Oversized
    title = None
    front = _FRONT_MATTER.match(source[:_FRONT_LENGTH])
    if front:
        source = source[front.end() :]
        named = _FRONT_TITLE.search(front[1])
        title = named[2] if named else None
    outline = Outline()
    read_markdown(source, outline)
    return Document(tuple(outline.blocks), title=title or title_of(outline.blocks))


def read_markdown(source: str, outline: Outline) -> None:
    """Add Markdown's blocks to the outline."""
    parser = MarkdownIt("commonmark").enable(["table", "strikethrough"])
    _Reader(outline).read(parser.parse(source))


@dataclass(slots=True)
class _List:
    """An open list: its next number (None for bullets), and whether the current item still lacks its marker."""

    number: int | None
    pending: bool = False


class _Reader:
    """Follows the flat stream of tokens; list lines are gathered until the list ends or something else stands in it."""

    def __init__(self, outline: Outline) -> None:
        self._outline = outline
        self._lists: list[_List] = []
        self._lines: list[str] = []

    def read(self, tokens: list[Token]) -> None:
        stream = iter(tokens)
        for token in stream:
            match token.type:
                case "heading_open":
                    text = _inline(next(stream))
                    self._outline.heading(int(token.tag[1]), _HEADING_ATTRIBUTES.sub("", text))
                case "inline":
                    self._paragraph(token)
                case "fence" | "code_block":
                    self._flush()
                    self._outline.add(BlockKind.CODE, token.content.strip("\n"))
                case "html_block":
                    self._flush()
                    self._markup(token.content)
                case "table_open":
                    self._flush()
                    self._outline.add(BlockKind.TABLE, "\n".join(_rows(stream)))
                case _:
                    self._nest(token)

    def _markup(self, content: str) -> None:
        """Read a block of HTML; CommonMark lets one that opens with a comment or a picture run on into Markdown."""
        bare = _VOID.sub("", _COMMENT.sub("", content)).strip()
        if bare and bare != content.strip() and not _TAG.search(bare):
            read_markdown(bare, self._outline)
        else:
            read_fragment(content, self._outline)

    def _nest(self, token: Token) -> None:
        match token.type:
            case "bullet_list_open":
                self._lists.append(_List(None))
            case "ordered_list_open":
                self._lists.append(_List(int(token.attrs.get("start", 1))))
            case "list_item_open":
                self._lists[-1].pending = True
            case "list_item_close":
                current = self._lists[-1]
                current.pending = False
                current.number = None if current.number is None else current.number + 1
            case "bullet_list_close" | "ordered_list_close":
                self._lists.pop()
                if not self._lists:
                    self._flush()

    def _paragraph(self, token: Token) -> None:
        if _is_navigation(token):
            return
        text = _inline(token).strip()
        if not text:
            return
        if not self._lists:
            rows = text.split("\n")
            kind = BlockKind.TABLE if all(_PIPED_ROW.fullmatch(row) for row in rows) else BlockKind.TEXT
            if kind is BlockKind.TABLE:
                text = "\n".join(" | ".join(cell.strip() for cell in row.strip("|").split("|")) for row in rows)
            self._outline.add(kind, text)
            return
        current = self._lists[-1]
        indent = "  " * (len(self._lists) - 1)
        marker = "-" if current.number is None else f"{current.number}."
        lead = f"{indent}{marker} " if current.pending else f"{indent}  "
        current.pending = False
        self._lines.append(lead + text.replace("\n", "\n" + indent + "  "))

    def _flush(self) -> None:
        self._outline.add(BlockKind.LIST, "\n".join(self._lines))
        self._lines.clear()


def _rows(stream: Iterator[Token]) -> Iterator[str]:
    cells: list[str] = []
    for token in stream:
        if token.type == "table_close":
            return
        if token.type == "inline":
            cells.append(" ".join(_inline(token).split()))
        elif token.type == "tr_close":
            if any(cells):
                yield " | ".join(cells)
            cells = []


def _inline(token: Token) -> str:
    """Return the visible text: links as their words, pictures as their description, line ends as spaces."""
    parts: list[str] = []
    piped = _is_piped(token.content)
    for child in token.children or ():
        match child.type:
            case "text" | "code_inline":
                parts.append(child.content)
            case "softbreak":
                parts.append("\n" if piped else " ")
            case "hardbreak":
                parts.append("\n")
            case "image":
                parts.append(alt_text(_alt(child), str(child.attrs.get("src", ""))))
            case "html_inline":
                parts.append(_TAG.sub(_visible, child.content) if not child.content.startswith("<!") else "")
            case _:
                pass
    text = _FOOTNOTE.sub(r"\1 ", "".join(parts)).lstrip(": ") if "[^" in token.content else "".join(parts)
    return "\n".join(" ".join(line.split()) for line in text.split("\n"))


def _alt(image: Token) -> str:
    return "".join(child.content for child in image.children or ())


def _visible(tag: re.Match[str]) -> str:
    """Keep what only looks like a tag, as `<your name>` does."""
    name = tag[1].lower()
    if name == "br":
        return "\n"
    return "" if name in _HTML_TAGS else tag[0]


def _is_piped(content: str) -> bool:
    """Tell a table that lacks its delimiter row, which CommonMark takes for a paragraph."""
    lines = content.split("\n")
    return len(lines) > 1 and all(_PIPED_ROW.fullmatch(line.strip()) for line in lines)


def _is_navigation(token: Token) -> bool:
    """Tell a line of links with nothing but marks between them: previous, contents, next."""
    depth = links = 0
    for child in token.children or ():
        if child.type in ("link_open", "link_close"):
            depth += 1 if child.type == "link_open" else -1
            links += child.type == "link_open"
        elif depth == 0 and any(map(str.isalnum, child.content)) and child.type != "html_inline":
            return False
    return links >= _NAVIGATION_LINKS
