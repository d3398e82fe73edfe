"""Takes the solutions out of a teacher's notebook, as it is marked for nbgrader, Otter or by the tags of its cells."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

_TAGS = frozenset({"solution", "solutions", "answer", "answers", "instructor", "instructors", "teacher", "teachers"})
_WORD = re.compile(r"[^\W_]+")
# nbgrader: `### BEGIN SOLUTION` … `### END SOLUTION`, `### BEGIN HIDDEN TESTS`. Otter adds words to these, and has
# `x = 1  # SOLUTION`.
_BEGIN = re.compile(r"^\W*BEGIN[ \t]+(?:SOLUTION|HIDDEN TESTS)\b")
_END = re.compile(r"^\W*END[ \t]+(?:SOLUTION|HIDDEN TESTS)\b")
_LINE = re.compile(r"#[ \t]*SOLUTION[ \t]*$")


def without_solutions(cells: Sequence[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield every cell, empty where it is a solution, and without the marked lines and all output where it has some.

    A solution that is begun in one cell and ended in a later one takes all between; without an end, its cell's rest.
    """
    inside = False
    for at, cell in enumerate(cells):
        if _is_tagged(cell):
            yield {}
            continue
        kept, cut, inside = _cut(joined(cell.get("source")).splitlines(keepends=True), inside=inside)
        inside = inside and _is_ended(cells[at + 1 :])
        yield {**cell, "source": "".join(kept), "outputs": []} if cut else cell


def joined(text: object) -> str:
    """Return a multiline string, which files keep as a list of lines."""
    if isinstance(text, list):
        return "".join(part for part in text if isinstance(part, str))
    return text if isinstance(text, str) else ""


def _cut(lines: list[str], *, inside: bool) -> tuple[list[str], bool, bool]:
    """Return the lines that stay, whether any went, and whether a solution is open at the end."""
    kept, opened = [], inside
    for line in lines:
        if _BEGIN.search(line):
            inside = True
        elif _END.search(line):
            inside = False
        elif not inside and not _LINE.search(line):
            kept.append(line)
    return kept, opened or len(kept) < len(lines), inside


def _is_ended(cells: Sequence[dict[str, Any]]) -> bool:
    """Say whether the next mark is an end."""
    lines = (line for cell in cells for line in joined(cell.get("source")).splitlines())
    return next((bool(_END.search(line)) for line in lines if _BEGIN.search(line) or _END.search(line)), False)


def _is_tagged(cell: dict[str, Any]) -> bool:
    metadata = cell.get("metadata")
    tags = metadata.get("tags") if isinstance(metadata, dict) else None
    words = (_WORD.findall(tag.casefold()) for tag in tags if isinstance(tag, str)) if isinstance(tags, list) else ()
    return any(_TAGS & set(each) for each in words)
