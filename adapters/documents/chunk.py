"""From a document's blocks to passages: as long as a page's argument, never across what a citation has to name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import groupby

from langchain_text_splitters import RecursiveCharacterTextSplitter

from core.documents import Block, BlockKind, Chunk, Document, Locator

SIZE = 1_000
"""Characters, about 250 tokens at four a token. Found by measuring recall on real questions (docs/retrieval.md): 800
and 1,200 to 1,400 find a little less of one set or another. A record of up to about 150 words stays one passage."""
OVERLAP = 150
"""Characters: a sentence or two, which is what a passage cut from its neighbour lacks to be understood."""

_STRETCH = 1.15  # times the size: better a little too long than a scrap of its own
_SCRAP = 0.2  # of the size: a shorter last piece goes to the piece before it
_HALF_FULL = 0.5  # of the size: from here on a minor heading starts a new passage
_SECTION_LEVEL = 2  # headings up to this level part passages
_HEADER_LENGTH = 200  # characters: a longer first row is no header to repeat
_PROSE = [
    r"\n\n",
    r"\n",
    r"(?<=[.!?…][\"”’)])\s+|(?<=[.!?…。！？])\s*(?=\s|[^\x00-\u2fff])",
    r"(?<=[;:,])\s+",
    r"\s+",
    "",
]
_CODE = [r"\n\n", r"\n", r"\s+", ""]


@dataclass(frozen=True, slots=True)
class _Piece:
    """What is put into a passage whole: a block, an item of a list, or a part of a long block; such parts overlap."""

    text: str
    locator: Locator
    heading: bool = False
    part: bool = False
    joint: str = "\n\n"


def chunk(document: Document, *, size: int = SIZE, overlap: int = OVERLAP) -> list[Chunk]:
    """Cut a document into passages of about `size` characters, in order; the same document always gives the same.

    A passage stays on one page or slide, apart from speaker notes, and in one section (a heading of level 1 or 2);
    only a document of at most half a passage is one passage whatever its headings. Code and tables stay whole where
    they fit, lists break between items. Pieces of one long paragraph overlap by up to `overlap` characters, at
    sentence ends where there are any; nothing else overlaps. A passage's `heading` is its place without the document's
    title: `Sensors › Analog`. The headings that open a passage are not repeated in its text, those inside it are.
    No passage is longer than 1.35 times `size`.
    """
    overlap = min(overlap, size // 2)
    title = document.title or ""
    blocks = [block for block in document.blocks if block.text.strip()]
    if not blocks:
        return []
    if _is_short(blocks, size):
        sections = [blocks]
    else:
        sections = [list(section) for _, section in groupby(blocks, key=_Sections())]
    return [
        _chunk(passage, title)
        for section, following in zip(sections, [*sections[1:], []], strict=True)
        if not _only_leads_in(section, following)
        for passage in _pack(list(_pieces(section, size, overlap)), size)
    ]


class _Sections:
    """Numbers the blocks' sections: a new one starts at a page, a slide, its notes, or a major heading in prose."""

    def __init__(self) -> None:
        self._number = 0
        self._place: tuple[object, ...] = ()

    def __call__(self, block: Block) -> int:
        where = block.locator
        place = (where.page, where.slide, where.notes)
        paged = where.page is not None or where.slide is not None
        parts = block.kind is BlockKind.HEADING and block.level <= _SECTION_LEVEL and not paged
        if place != self._place or parts:
            self._number += 1
            self._place = place
        return self._number


def _only_leads_in(section: list[Block], following: list[Block]) -> bool:
    """Tell a heading with nothing under it but further headings: it is their place. Slides and pages count alone."""
    here = section[-1].locator
    return (
        here.page is None
        and here.slide is None
        and bool(following)
        and all(block.kind is BlockKind.HEADING for block in section)
        and following[0].locator.headings[: len(here.headings)] == here.headings
    )


def _is_short(blocks: list[Block], size: int) -> bool:
    places = {(block.locator.page, block.locator.slide, block.locator.notes) for block in blocks}
    return len(places) == 1 and sum(len(block.text) + 2 for block in blocks) <= size // 2


def _pieces(blocks: Iterable[Block], size: int, overlap: int) -> Iterator[_Piece]:
    for block in blocks:
        heading = block.kind is BlockKind.HEADING
        if block.kind is BlockKind.LIST:
            yield from _items(block, size)
        elif len(block.text) <= size * (1 if heading else _STRETCH):
            yield _Piece(block.text, block.locator, heading=heading)
        else:
            for text in _split(block, size, overlap):
                yield _Piece(text, block.locator, part=True)


def _items(block: Block, size: int) -> Iterator[_Piece]:
    joint = "\n\n"
    for line in block.text.split("\n"):
        parts = [line] if len(line) <= size else _split(replace(block, kind=BlockKind.TEXT, text=line), size, 0)
        for part in parts:
            yield _Piece(part, block.locator, joint=joint)
            joint = "\n"


def _split(block: Block, size: int, overlap: int) -> list[str]:
    """Cut a long block: code between lines, a table between rows with its header on each, prose by sentence."""
    header = ""
    text = block.text
    if block.kind is BlockKind.TABLE:
        first, _, rest = text.partition("\n")
        if rest and len(first) <= min(_HEADER_LENGTH, size // 4):
            header, text = first + "\n", rest
    prose = block.kind in (BlockKind.TEXT, BlockKind.NOTES, BlockKind.HEADING)
    splitter = RecursiveCharacterTextSplitter(
        separators=_PROSE if prose else _CODE,
        is_separator_regex=True,
        keep_separator="end",
        chunk_size=size - len(header),
        chunk_overlap=overlap if prose else 0,
        strip_whitespace=prose,
    )
    return [header + part.strip("\n") for part in splitter.split_text(text) if part.strip()]


def _pack(pieces: list[_Piece], size: int) -> list[list[_Piece]]:
    """Put pieces together in order until the size is reached; a heading goes with what follows it."""
    if _length(pieces) <= size * _STRETCH and not any(piece.part for piece in pieces):
        return [pieces] if pieces else []
    passages: list[list[_Piece]] = []
    current: list[_Piece] = []
    for piece in pieces:
        full = _length([*current, piece]) > size
        turns = piece.heading and _length(current) >= _HALF_FULL * size
        overlapping = piece.part and bool(current) and current[-1].part
        leading = all(held.heading for held in current) and _length(current) < _SCRAP * size
        if current and (full or turns or overlapping) and not leading:
            trailing = _trailing_headings(current)
            passages.append(current[: len(current) - trailing])
            current = current[len(current) - trailing :]
        current.append(piece)
    if current:
        passages.append(current)
    if len(passages) > 1:
        last, before = passages[-1], passages[-2]
        scrap = _length(last) < _SCRAP * size and not last[0].part
        if scrap and _length(before) + _length(last) <= size * (_STRETCH + _SCRAP):
            passages[-2:] = [[*before, *last]]
    return passages


def _trailing_headings(pieces: list[_Piece]) -> int:
    count = 0
    while count < len(pieces) - 1 and pieces[-1 - count].heading:
        count += 1
    return count


def _length(pieces: list[_Piece]) -> int:
    return sum(len(piece.text) + 2 for piece in pieces)


def _chunk(pieces: list[_Piece], title: str) -> Chunk:
    """Join pieces by blank lines. Headings that open the passage are its place and not its text, if text follows."""
    body = pieces
    while len(body) > 1 and body[0].heading:
        body = body[1:]
    if body[-1].heading and all(piece.heading for piece in pieces):
        body = pieces
    path = _shared([piece.locator.headings for piece in body])
    # A passage made of headings alone is not its own place.
    if all(piece.heading for piece in body) and path and path[-1] == body[0].text:
        path = path[:-1]
    if path and path[0] == title:
        path = path[1:]
    text = body[0].text + "".join(piece.joint + piece.text for piece in body[1:])
    return Chunk(text=text, locator=replace(body[0].locator, headings=path), heading=" › ".join(path))


def _shared(paths: list[tuple[str, ...]]) -> tuple[str, ...]:
    """Return what all paths begin with."""
    first, *others = paths
    length = 0
    while length < len(first) and all(path[: length + 1] == first[: length + 1] for path in others):
        length += 1
    return first[:length]
