"""The order of a course's files: by numbers as numbers, so that lesson 10 follows lesson 9."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

_NUMBER = re.compile(r"(\d+)")
_INDEX = frozenset({"readme", "index"})


def natural(path: str) -> tuple[tuple[tuple[int, int, str], ...], ...]:
    """Return a sort key for a path: part by part, numbers first and by value, README and index before the rest."""
    return tuple(_part(part) for part in PurePosixPath(path).parts)


def _part(name: str) -> tuple[tuple[int, int, str], ...]:
    if is_index(name):
        return ()
    pieces = (piece for piece in _NUMBER.split(name.casefold()) if piece)
    # \d also matches digits of other scripts, which int() reads, but no superscripts.
    return tuple((0, int(piece), piece) if piece.isdecimal() else (1, 0, piece) for piece in pieces)


def is_index(name: str) -> bool:
    """Say whether a file speaks for its folder: README.md, index.md."""
    return PurePosixPath(name).stem.casefold() in _INDEX
