"""Streamed text broken between words, which a terminal by itself would break in the middle of them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from rich.cells import cell_len

_PIECES = re.compile(r"\n|[^\S\n]+|\S+")


@dataclass(slots=True)
class Wrapper:
    """Wraps text that comes in pieces at `width` terminal cells. The last word is held back until it is whole."""

    width: int
    _column: int = 0
    _word: str = ""
    _space: str = ""

    def feed(self, text: str) -> str:
        """Return what can be shown now."""
        shown = []
        for piece in _PIECES.findall(text):
            if piece.isspace():
                shown.append(self._place())
                if piece == "\n":
                    shown.append("\n")
                    self._column, self._space = 0, ""
                else:
                    self._space += piece
            else:
                self._word += piece
        return "".join(shown)

    def flush(self) -> str:
        """Return the last word."""
        return self._place()

    def _place(self) -> str:
        if not self._word:
            return ""
        word, space, length = self._word, self._space, cell_len(self._word)
        self._word = self._space = ""
        if self._column and self._column + cell_len(space) + length > self.width:
            self._column = length
            return f"\n{word}"
        self._column += cell_len(space) + length
        return space + word
