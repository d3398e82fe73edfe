"""Markdown as Slack's rich text: elements that say what they are, so that no text in them is ever read as markup.

A `{"type": "text"}` element shows its characters whatever they are; a mention would need a `user` or `broadcast`
element, which nothing here makes. https://docs.slack.dev/reference/block-kit/blocks/rich-text-block
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode

from adapters.outgoing_text import harmless, safe_url
from adapters.slack.limits import LIST_INDENT, URL
from adapters.slack.outgoing_text import honest_label
from core.text import one_line

Element = dict[str, Any]
Style = Mapping[str, bool]
_ADDRESS = re.compile(r"https?://[^\s<>\"“”]+", re.IGNORECASE)
_LABEL = 500
_AFTER_ADDRESS = ".,;:!?)]}'"
_PLAIN: Style = {}
_STYLES = {"strong": "bold", "em": "italic", "s": "strike"}


@dataclass(frozen=True, slots=True)
class Piece:
    """A paragraph, a list item, a quotation or a code block, with the same in plain words."""

    element: Element
    plain: str


def read_markdown(markdown: str) -> Iterator[Piece]:
    """Yield the pieces of a Markdown text, in order. HTML in it is text like any other."""
    parser = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
    text = harmless(markdown)
    pieces = list(_read_blocks(SyntaxTreeNode(parser.parse(text)), 0))
    if text and not pieces:  # nothing but marks, such as an empty code block: say at least those
        pieces = [section([text_element(text)])]
    yield from pieces


def text_element(text: str, style: Style = _PLAIN) -> Element:
    """Return text that shows as it is."""
    return {"type": "text", "text": text, **({"style": dict(style)} if style else {})}


def link_element(url: str, label: str, style: Style = _PLAIN) -> Element:
    """Return a link, or its text where the address may not be linked."""
    safe = safe_url(url, URL)
    if safe is None:
        return text_element(label or url, style)
    shown = one_line(honest_label(label, safe), _LABEL)
    return {"type": "link", "url": safe, "text": shown, **({"style": dict(style)} if style else {})}


def section(elements: list[Element]) -> Piece:
    """Return a paragraph."""
    return Piece({"type": "rich_text_section", "elements": elements}, plain_words(elements))


def quotation(elements: list[Element]) -> Piece:
    """Return a quotation."""
    plain = "\n".join(f"> {line}" for line in plain_words(elements).split("\n"))
    return Piece({"type": "rich_text_quote", "elements": elements}, plain)


def preformatted(text: str) -> Piece:
    """Return a code block."""
    return Piece({"type": "rich_text_preformatted", "elements": [text_element(text)]}, text)


def plain_words(elements: list[Element]) -> str:
    """Return the text of inline elements, with the address of a link that does not show it."""
    words = []
    for element in elements:
        text = str(element.get("text") or "")
        url = element.get("url")
        words.append(f"{text} ({url})" if url and url != text else text)
    return "".join(words)


def _read_blocks(parent: SyntaxTreeNode, indent: int) -> Iterator[Piece]:
    for node in parent.children:
        match node.type:
            case "paragraph" | "heading":
                style = {"bold": True} if node.type == "heading" else _PLAIN
                if elements := _read_inline(node, style):
                    yield section(elements)
            case "bullet_list" | "ordered_list":
                yield from _read_list(node, indent)
            case "blockquote":
                yield from _read_quote(node)
            case "fence" | "code_block":
                if text := node.content.rstrip("\n"):
                    yield preformatted(text)
            case "table":
                yield preformatted(_draw_table(node))
            case "hr":
                yield section([text_element("———")])
            case _:
                yield from _read_blocks(node, indent)


def _read_list(node: SyntaxTreeNode, indent: int) -> Iterator[Piece]:
    ordered = node.type == "ordered_list"
    first = int(node.attrs.get("start", 1)) if ordered else 1
    for number, item in enumerate(node.children, start=first):
        opening, *rest = list(_read_blocks(item, indent + 1)) or [section([text_element(" ")])]
        if opening.element["type"] != "rich_text_section":
            rest, opening = [opening, *rest], section([text_element(" ")])
        element: Element = {
            "type": "rich_text_list",
            "style": "ordered" if ordered else "bullet",
            "indent": min(indent, LIST_INDENT),
            "elements": [opening.element],
        }
        if ordered and number > 1:
            element["offset"] = number - 1
        yield Piece(element, f"{'  ' * indent}{f'{number}.' if ordered else '•'} {opening.plain}")
        yield from rest


def _read_quote(node: SyntaxTreeNode) -> Iterator[Piece]:
    """Slack's quotations hold text only, so that what else stands in one is flattened."""
    elements: list[Element] = []
    for piece in _read_blocks(node, 0):
        inner = piece.element["elements"]
        if piece.element["type"] == "rich_text_list":
            inner = [text_element("• "), *inner[0]["elements"]]
        elements += [*([text_element("\n")] if elements else []), *inner]
    if elements:
        yield quotation(elements)


def _read_inline(node: SyntaxTreeNode, style: Style) -> list[Element]:
    elements: list[Element] = []
    for child in node.children:
        match child.type:
            case "text":
                elements += _link_addresses(child.content, style)
            case "code_inline":
                elements.append(text_element(child.content or " ", {**style, "code": True}))
            case "softbreak" | "hardbreak":
                elements.append(text_element("\n"))
            case "link" | "image":
                url = str(child.attrs.get("href") or child.attrs.get("src") or "")
                label = _words(child) if child.type == "link" else child.content
                if label or url:
                    elements.append(link_element(url, label, style))
            case kind:
                name = _STYLES.get(kind)
                elements += _read_inline(child, {**style, name: True} if name else style)
    return _join(elements)


def _words(node: SyntaxTreeNode) -> str:
    return "".join(child.content or _words(child) for child in node.children)


def _link_addresses(text: str, style: Style) -> Iterator[Element]:
    at = 0
    for found in _ADDRESS.finditer(text):
        address = found[0].rstrip(_AFTER_ADDRESS)
        if safe_url(address, URL) is None:
            continue
        if found.start() > at:
            yield text_element(text[at : found.start()], style)
        yield link_element(address, address, style)
        at = found.start() + len(address)
    if at < len(text):
        yield text_element(text[at:], style)


def _join(elements: list[Element]) -> list[Element]:
    """Put texts of one style together, which Markdown takes apart at every mark it considered."""
    joined: list[Element] = []
    for element in elements:
        last = joined[-1] if joined else None
        if last and last["type"] == element["type"] == "text" and last.get("style") == element.get("style"):
            last["text"] += element["text"]
        else:
            joined.append(element)
    return joined


def _draw_table(node: SyntaxTreeNode) -> str:
    rows = [
        [plain_words(_read_inline(cell, _PLAIN)).replace("\n", " ") for cell in row.children]
        for part in node.children
        for row in part.children
    ]
    widths = [max(len(row[column]) for row in rows if column < len(row)) for column in range(len(rows[0]))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=False)).rstrip() for row in rows]
    return "\n".join([lines[0], "  ".join("─" * width for width in widths), *lines[1:]])
