"""What a parsed document is: blocks of text, each knowing where in the original it stands."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum


class BlockKind(StrEnum):
    """What a block is, as far as chunking cares."""

    HEADING = "heading"
    TEXT = "text"
    LIST = "list"
    TABLE = "table"
    CODE = "code"
    NOTES = "notes"  # speaker notes: searchable and citable, but told apart from the slide


@dataclass(frozen=True, slots=True)
class Locator:
    """Where a passage stands: page (PDF), slide (PPTX), cell (notebook), each from 1, and the headings above it."""

    page: int | None = None
    slide: int | None = None
    cell: int | None = None
    notes: bool = False
    headings: tuple[str, ...] = ()

    def to_json(self) -> dict[str, object]:
        """Return only what is set, ready for a jsonb column."""
        full: dict[str, object] = {
            "page": self.page, "slide": self.slide, "cell": self.cell,
            "notes": self.notes or None, "headings": list(self.headings) or None,
        }  # fmt: skip
        return {key: value for key, value in full.items() if value is not None}

    @classmethod
    def from_json(cls, data: dict[str, object]) -> Locator:
        """Read back what `to_json` wrote."""
        headings = data.get("headings") or ()
        number = {key: value for key in ("page", "slide", "cell") if isinstance(value := data.get(key), int)}
        return cls(
            **number,
            notes=bool(data.get("notes")),
            headings=tuple(str(heading) for heading in headings) if isinstance(headings, list | tuple) else (),
        )

    def label(self) -> str:
        """Say the place as a person would: `p. 4`, `slide 7 (notes)`, `cell 12`, `Sensors › Analog`."""
        if self.page is not None:
            return f"p. {self.page}"
        if self.slide is not None:
            return f"slide {self.slide} (notes)" if self.notes else f"slide {self.slide}"
        path = " › ".join(self.headings)
        if self.cell is not None:
            return f"cell {self.cell}" + (f", {path}" if path else "")
        return path


@dataclass(frozen=True, slots=True)
class Block:
    """A run of text that belongs together, in reading order."""

    kind: BlockKind
    text: str
    locator: Locator = field(default_factory=Locator)
    level: int = 0  # 1–6 for a heading


@dataclass(frozen=True, slots=True)
class Document:
    """A whole file as text. `title` is the document's own, if it has one; `pages` counts pages, slides or cells."""

    blocks: tuple[Block, ...]
    title: str | None = None
    pages: int | None = None


@dataclass(frozen=True, slots=True)
class Chunk:
    """A passage as it is embedded, searched and cited. `heading` is its path for display and ranking."""

    text: str
    locator: Locator
    heading: str = ""


@dataclass(frozen=True, slots=True)
class Reading:
    """What reading a file for search gives: its passages, its own title, and how long it is."""

    chunks: tuple[Chunk, ...] = ()
    title: str | None = None
    pages: int | None = None
    characters: int = 0

    @property
    def slides_with_notes(self) -> int:
        """How many slides' speaker notes are among the passages."""
        return len({chunk.locator.slide for chunk in self.chunks if chunk.locator.notes})

    def without_notes(self) -> Reading:
        """Return it without the speaker notes."""
        return replace(self, chunks=tuple(chunk for chunk in self.chunks if not chunk.locator.notes))
