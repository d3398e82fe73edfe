"""Markdown as Discord writes it: read, and written anew, so that no text in it is ever read as markup.

What a person or a model wrote pings nobody, hides no link and opens no spoiler: every mark that is not ours is escaped
(https://discord.com/developers/docs/reference#message-formatting). Links show their address, but for those to pages of
our own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode

from adapters.discord.limits import URL
from adapters.outgoing_text import harmless, safe_url
from core.text import one_line

_ADDRESS = re.compile(r"https?://[^\s<>\"“”]+", re.IGNORECASE)
_AFTER_ADDRESS = ".,;:!?)]}'"
# An underscore inside a word marks nothing; anywhere else it may.
_MARK = re.compile(r"[\\*~`|<]|(?<![^\W_])_|_(?![^\W_])|(?<=\])\(")
_EVERYONE = re.compile(r"@(?=everyone|here)", re.IGNORECASE)
_LINE_START = re.compile(r"^(\s*)(#{1,3}(?=\s)|-#|-(?=\s)|\+(?=\s)|>)", re.MULTILINE)
_NUMBERED = re.compile(r"^(\s*\d+)([.)])(?=\s)", re.MULTILINE)
_GAP = "\u200b"
_QUOTED = "> "
_LABEL = 300


@dataclass(frozen=True, slots=True)
class Piece:
    """A paragraph, a list item, or a code block, whose language `code` is.

    `tight`: no line before it. `lead` begins each of its lines, as in a quotation or small print.
    """

    text: str
    tight: bool = False
    code: str | None = None
    lead: str = ""

    def written(self) -> str:
        """Return it as Discord takes it."""
        whole = self.text if self.code is None else f"```{self.code}\n{self.text}\n```"
        return self.lead + whole.replace("\n", f"\n{self.lead}")


def read_markdown(markdown: str, pages: str | None = None) -> Iterator[Piece]:
    """Yield the pieces of a Markdown text in order; `pages` is how the addresses of our own pages begin."""
    parser = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
    text = harmless(markdown)
    pieces = list(_Reader(pages).blocks(SyntaxTreeNode(parser.parse(text)), 0))
    if text and not pieces:  # nothing but marks, such as an empty code block: say at least those
        pieces = [Piece(escape_lines(escape(text)))]
    yield from pieces


def escape(text: str) -> str:
    """Return text that shows as it is within a line; nobody is mentioned by it."""
    return _EVERYONE.sub(f"@{_GAP}", _MARK.sub(r"\\\g<0>", text))


def escape_lines(text: str) -> str:
    """Return escaped text of which no line begins a heading, a list or a quotation."""
    return _NUMBERED.sub(r"\1\\\2", _LINE_START.sub(r"\1\\\2", text))


def plain(text: str) -> str:
    """Return any text, escaped for a line of its own."""
    return escape_lines(escape(harmless(text)))


def code_piece(text: str, language: str = "") -> Piece:
    """Return a code block; nothing in it ends it early."""
    return Piece(
        text.replace("```", f"`{_GAP}`{_GAP}`"), code=language if re.fullmatch(r"[\w+-]{1,20}", language) else ""
    )


def link(url: str, label: str) -> str:
    """Return a link that shows its label alone, for pages of our own; the label where the address is no good."""
    safe, shown = safe_url(url, URL), escape(one_line(harmless(label), _LABEL)).replace("[", "(").replace("]", ")")
    if safe is None or not shown:
        return shown or escape(url)
    # Brackets would end the address early.
    return f"[{shown}](<{safe.replace('(', '%28').replace(')', '%29')}>)"


@dataclass(frozen=True, slots=True)
class _Reader:
    pages: str | None

    def blocks(self, parent: SyntaxTreeNode, indent: int) -> Iterator[Piece]:
        for node in parent.children:
            match node.type:
                case "paragraph" | "heading":
                    yield from self.paragraph(node)
                case "bullet_list" | "ordered_list":
                    yield from self.items(node, indent)
                case "blockquote":
                    yield from self.quotation(node)
                case "fence" | "code_block":
                    if text := node.content.rstrip("\n"):
                        yield code_piece(text, node.info.strip().partition(" ")[0] if node.type == "fence" else "")
                case "table":
                    yield code_piece(self.table(node))
                case "hr":
                    yield Piece("———")
                case _:
                    yield from self.blocks(node, indent)

    def paragraph(self, node: SyntaxTreeNode) -> Iterator[Piece]:
        text = self.inline(node).strip()
        if text:
            yield Piece(f"**{text.replace('**', '')}**" if node.type == "heading" else escape_lines(text))

    def quotation(self, node: SyntaxTreeNode) -> Iterator[Piece]:
        for number, piece in enumerate(self.blocks(node, 0)):
            yield replace(piece, lead=f"{_QUOTED}{piece.lead}", tight=number > 0)

    def items(self, node: SyntaxTreeNode, indent: int) -> Iterator[Piece]:
        ordered = node.type == "ordered_list"
        first = int(node.attrs.get("start", 1)) if ordered else 1
        for number, item in enumerate(node.children, start=first):
            begins, *rest = list(self.blocks(item, indent + 1)) or [Piece(_GAP)]
            if begins.code is not None or begins.lead or begins.text.lstrip().startswith("- "):
                begins, rest = Piece(_GAP), [begins, *rest]
            mark = f"{'  ' * indent}{f'{number}.' if ordered else '-'} "
            text = begins.text.replace("\n", "\n" + " " * len(mark))
            yield Piece(mark + text, tight=indent > 0 or number > first)
            yield from rest

    def inline(self, node: SyntaxTreeNode) -> str:
        written = ""
        for child in node.children:
            match child.type:
                case "text":
                    added = self.addresses(child.content)
                case "code_inline":
                    added = _code(child.content)
                case "softbreak" | "hardbreak":
                    added = "\n"
                case "strong":
                    added = f"**{self.inline(child)}**"
                case "em":
                    added = f"*{self.inline(child)}*"
                case "s":
                    added = f"~~{self.inline(child)}~~"
                case "link" | "image":
                    added = self.link(child)
                case _:
                    added = self.inline(child)
            # What stands apart in Markdown must not become a link, or a longer mark, by standing together.
            if written.endswith("]") and added.startswith("("):
                added = f"\\{added}"
            elif written and added and written[-1] == added[0] and added[0] in "*~`":
                added = f"{_GAP}{added}"
            written += added
        return written

    def link(self, node: SyntaxTreeNode) -> str:
        url = str(node.attrs.get("href") or node.attrs.get("src") or "")
        label = words_of(node) if node.type == "link" else node.content
        safe = safe_url(url, URL)
        if safe is None:
            return escape(label or url)
        if self.pages is not None and url.startswith(self.pages):
            return link(url, label)
        shown = escape(label.strip())
        return f"<{safe}>" if not shown or label.strip() in (url, safe) else f"{shown} (<{safe}>)"

    def addresses(self, text: str) -> str:
        """Return text in which addresses are links, without the previews that Discord would add."""
        written, at = "", 0
        for found in _ADDRESS.finditer(text):
            address = found[0].rstrip(_AFTER_ADDRESS)
            safe = safe_url(address, URL)
            if safe is None:
                continue
            written += f"{escape(text[at : found.start()])}<{safe}>"
            at = found.start() + len(address)
        return written + escape(text[at:])

    def table(self, node: SyntaxTreeNode) -> str:
        rows = [
            [words_of(cell).replace("\n", " ") for cell in row.children]
            for part in node.children
            for row in part.children
        ]
        return draw_table(rows)


def draw_table(rows: list[list[str]]) -> str:
    """Return rows, the first of which is the heading, in columns of letters of one width."""
    widths = [max(len(row[column]) for row in rows if column < len(row)) for column in range(len(rows[0]))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=False)).rstrip() for row in rows]
    return "\n".join([lines[0], "  ".join("─" * width for width in widths), *lines[1:]])


def _code(text: str) -> str:
    """Return text in code marks; marks inside of it are taken apart."""
    return f"`{text.replace('`', 'ˋ')}`" if text.strip() else escape(text)


def words_of(node: SyntaxTreeNode) -> str:
    """Return what is written in a part of a Markdown text, without its marks."""
    return "".join(
        "\n" if child.type.endswith("break") else child.content or words_of(child) for child in node.children
    )
