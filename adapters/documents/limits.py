"""How much of a document is taken in."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Upper bounds: `bytes` of the file, `pages` (or slides, or cells) and `characters` of text."""

    bytes: int = 50 * 1024 * 1024
    pages: int = 2_000
    characters: int = 20_000_000
