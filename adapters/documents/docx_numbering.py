"""The markers of a DOCX's list items, which the file keeps as counters and formats rather than as text."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from docx.oxml.ns import qn

_UNNUMBERED = frozenset(("bullet", "none"))
_DEEPEST = 8


class Numbering:
    """Counts the items of every list as they pass."""

    def __init__(self, document: Any) -> None:  # noqa: ANN401 - python-docx has no types
        self._formats = _formats(document)
        self._counts: defaultdict[tuple[str, int], int] = defaultdict(int)

    def marker(self, paragraph: Any, style: Any) -> str:  # noqa: ANN401
        """Return indentation and marker (`- `, `  2. `) of an item, or nothing for any other paragraph."""
        found = _number_of(paragraph) or (_number_of(style.element) if style is not None else None)
        if found is None:
            return ""
        list_id, level = found
        indent = "  " * level
        if self._formats.get((list_id, level), "bullet") in _UNNUMBERED:
            return f"{indent}- "
        self._counts[list_id, level] += 1
        for deeper in range(level + 1, _DEEPEST + 1):
            self._counts.pop((list_id, deeper), None)
        return f"{indent}{self._counts[list_id, level]}. "


def _number_of(element: Any) -> tuple[str, int] | None:  # noqa: ANN401
    """Return the list's id and the level from 0; id 0 takes a paragraph out of its style's list."""
    properties = element.find(f"{qn('w:pPr')}/{qn('w:numPr')}")
    if properties is None:
        return None
    values = {child.tag: child.get(qn("w:val"), "0") for child in properties}
    list_id, level = values.get(qn("w:numId"), "0"), values.get(qn("w:ilvl"), "0")
    if list_id == "0" or not level.isdigit():
        return None
    return list_id, min(int(level), _DEEPEST)


def _formats(document: Any) -> dict[tuple[str, int], str]:  # noqa: ANN401
    """Return the number format (`bullet`, `decimal`, …) by list id and level."""
    try:
        root = document.part.numbering_part.element
    except (KeyError, NotImplementedError):
        return {}
    abstract = {
        element.get(qn("w:abstractNumId")): {
            int(level.get(qn("w:ilvl"), "0")): kind.get(qn("w:val"), "bullet")
            for level in element.iterchildren(qn("w:lvl"))
            if (kind := level.find(qn("w:numFmt"))) is not None
        }
        for element in root.iterchildren(qn("w:abstractNum"))
    }
    formats: dict[tuple[str, int], str] = {}
    for number in root.iterchildren(qn("w:num")):
        link = number.find(qn("w:abstractNumId"))
        levels = abstract.get(link.get(qn("w:val")), {}) if link is not None else {}
        formats |= {(number.get(qn("w:numId")), level): kind for level, kind in levels.items()}
    return formats
