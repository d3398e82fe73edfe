"""Collects blocks in reading order and gives each one the headings above it."""

from __future__ import annotations

from dataclasses import replace

from core.documents import Block, BlockKind, Locator


class Outline:
    """The blocks so far and the headings now open. A heading's own locator ends in the heading itself."""

    def __init__(self) -> None:
        self.blocks: list[Block] = []
        self._open: list[tuple[int, str]] = []
        self._here = Locator()

    def at(self, place: Locator) -> None:
        """Say where the coming blocks stand: page, slide or cell. Open headings stay open."""
        self._here = replace(place, headings=self._path())

    def close(self) -> None:
        """Close all headings, as at the start of a new slide."""
        self._open.clear()
        self._here = replace(self._here, headings=())

    def heading(self, level: int, text: str) -> None:
        """Add a heading (level 1–6), which closes those of its level and below."""
        text = " ".join(text.split())
        if not text:
            return
        while self._open and self._open[-1][0] >= level:
            self._open.pop()
        self._open.append((level, text))
        self._here = replace(self._here, headings=self._path())
        self.blocks.append(Block(BlockKind.HEADING, text, self._here, level))

    def add(self, kind: BlockKind, text: str) -> None:
        """Add a block under the open headings; blank text is dropped."""
        if text.strip():
            self.blocks.append(Block(kind, text, self._here))

    def _path(self) -> tuple[str, ...]:
        return tuple(text for _, text in self._open)
