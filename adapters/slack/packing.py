"""Pieces and blocks put into as few messages as Slack's limits allow, cut only between them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from adapters.slack.limits import FALLBACK, MESSAGE_BLOCKS, MESSAGE_SIZE, size
from adapters.slack.outgoing_text import escape_within
from adapters.slack.rich_text import Element, Piece, text_element
from core.replies import File, Picture

Block = dict[str, Any]
_LAST = 600  # kept free in every message for the row that has to stand under the last one
_AROUND = 80  # a rich text block's own JSON, and the line end that may come between two paragraphs


@dataclass(frozen=True, slots=True)
class Fixed:
    """A block that stands by itself, with the same in plain words; a `last` one goes under what is there already."""

    block: Block
    plain: str
    last: bool = False


@dataclass(frozen=True, slots=True)
class Message:
    """One message: blocks, their words for notifications and screen readers (escaped), and what is to be uploaded."""

    text: str
    blocks: tuple[Block, ...] = ()
    uploads: tuple[Picture | File, ...] = ()

    def arguments(self) -> dict[str, Any]:
        """Return what `chat.postMessage` takes for it: nothing is unfurled, and no name becomes a mention."""
        quiet = {"unfurl_links": False, "unfurl_media": False, "link_names": False, "parse": "none"}
        return {"text": self.text, **({"blocks": list(self.blocks)} if self.blocks else {}), **quiet}


Unit = Piece | Fixed | Picture | File


def pack(units: Iterable[Unit]) -> Iterator[Message]:
    """Yield messages that hold the units in order."""
    page = _Page()
    for unit in units:
        if not page.has_room(unit):
            yield page.finish()
            page = _Page()
        page.add(unit)
    if page.words or page.blocks:
        yield page.finish()


@dataclass(slots=True)
class _Page:
    blocks: list[Block] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    uploads: list[Picture | File] = field(default_factory=list)
    length: int = 2

    def has_room(self, unit: Unit) -> bool:
        if isinstance(unit, Picture | File) or not self.blocks:
            return True
        if isinstance(unit, Fixed) and unit.last and _cost(unit) <= _LAST:
            return True
        if isinstance(unit, Fixed) and unit.block["type"] == "table" and self._has("table"):
            return False  # Slack takes one table a message: `invalid_attachments`, only_one_table_allowed
        return len(self.blocks) < MESSAGE_BLOCKS - 1 and self.length + _cost(unit) <= MESSAGE_SIZE - _LAST

    def add(self, unit: Unit) -> None:
        if isinstance(unit, Picture | File):
            self.uploads.append(unit)
            self.words.append(in_words(unit))
            return
        if isinstance(unit, Fixed):
            self.blocks.append(unit.block)
        else:
            if not self.blocks or self.blocks[-1]["type"] != "rich_text":
                self.blocks.append({"type": "rich_text", "elements": []})
            _append(self.blocks[-1]["elements"], unit.element)
        self.length += _cost(unit)
        if unit.plain:
            self.words.append(unit.plain)

    def finish(self) -> Message:
        text = escape_within("\n".join(self.words), FALLBACK) or "…"
        return Message(text, tuple(self.blocks), tuple(self.uploads))

    def _has(self, kind: str) -> bool:
        return any(block["type"] == kind for block in self.blocks)


def in_words(unit: Picture | File) -> str:
    """Return what stands for an upload in words."""
    return f"[picture: {unit.alt}]" if isinstance(unit, Picture) else f"[file: {unit.name}]"


def _cost(unit: Unit) -> int:
    if isinstance(unit, Picture | File):
        return 0
    return size(unit.block) + 2 if isinstance(unit, Fixed) else size(unit.element) + _AROUND


def _append(elements: list[Element], element: Element) -> None:
    """Add to a rich text block: list items go on with their list, paragraphs keep a line between them."""
    last = elements[-1] if elements else None
    if last is not None and last["type"] == element["type"] == "rich_text_list" and _goes_on(last, element):
        last["elements"] += element["elements"]
        return
    if last is not None and last["type"] == element["type"] == "rich_text_section":
        last["elements"].append(text_element("\n"))
    elements.append({**element, "elements": list(element["elements"])})


def _goes_on(last: Element, item: Element) -> bool:
    if (last["style"], last["indent"]) != (item["style"], item["indent"]):
        return False
    following = last.get("offset", 0) + len(last["elements"])
    return bool(last["style"] == "bullet" or item.get("offset", 0) == following)
