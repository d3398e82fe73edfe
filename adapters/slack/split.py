"""Long text cut into pieces that fit, at the best place: between paragraphs, lines, sentences, words."""

from __future__ import annotations

from collections.abc import Iterator

from adapters.slack.limits import size
from adapters.slack.rich_text import Element, Piece, plain_words, preformatted, quotation, section

_BREAKS = ("\n\n", "\n", ". ", " ")


def split_text(text: str, limit: int) -> Iterator[str]:
    """Yield a text in pieces of at most `limit` characters, which joined are the text."""
    while len(text) > limit:
        # Not in the first half, or a single early line end would make many short pieces.
        ends = (text.rfind(mark, limit // 2, limit) + len(mark) for mark in _BREAKS if mark in text[limit // 2 : limit])
        cut = next(ends, limit)
        yield text[:cut]
        text = text[cut:]
    if text:
        yield text


def split_piece(piece: Piece, limit: int) -> Iterator[Piece]:
    """Yield a piece in parts whose elements are at most `limit` characters of JSON; whole when it fits."""
    if size(piece.element) <= limit:
        yield piece
        return
    # A character is at most two in JSON: a quotation mark, a line end, an emoji.
    longest = (limit - 200) // 2
    if piece.element["type"] == "rich_text_preformatted":
        yield from (preformatted(part.rstrip("\n") or " ") for part in split_text(piece.plain, longest))
        return
    elements: list[Element] = piece.element["elements"]
    if piece.element["type"] == "rich_text_list":
        first, *rest = _batches(elements[0]["elements"], limit, longest)
        mark = piece.plain[: len(piece.plain) - len(plain_words(elements[0]["elements"]))]
        item = section(first)
        yield Piece({**piece.element, "elements": [item.element]}, f"{mark}{item.plain}")
        yield from (section(held) for held in rest)
        return
    of = quotation if piece.element["type"] == "rich_text_quote" else section
    yield from (of(held) for held in _batches(elements, limit, longest))


def _batches(elements: list[Element], limit: int, longest: int) -> Iterator[list[Element]]:
    held: list[Element] = []
    length = 0
    for element in _split_elements(elements, longest):
        cost = size(element) + 2
        if held and length + cost > limit - 200:
            yield held
            held, length = [], 0
        held.append(element)
        length += cost
    yield held


def _split_elements(elements: list[Element], longest: int) -> Iterator[Element]:
    for element in elements:
        if element["type"] == "text":
            yield from ({**element, "text": part} for part in split_text(element["text"], longest))
        else:
            yield element
