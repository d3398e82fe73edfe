"""Where a long answer goes on in the next message, decided before it is shown: what stands in a stream stays there.

Lengths are those of the escaped text, as Slack counts it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

ROOM = 11_000  # of one message, which Slack ends at 12,000
_FREE = 9_000  # so much is shown as it comes; from here on whole paragraphs only
_FENCES = 5_000  # from here on a code block is shown once it is known to fit
_CLOSING = 40  # room for what ends a code block, in a quotation too
_ESCAPED = len("&lt;") - 1
_QUOTE = re.compile(r"(?:[ \t]{0,3}>){0,8}")
_FENCE = re.compile(rf"(?P<quote>{_QUOTE.pattern})\s*(?P<mark>`{{3,}}|~{{3,}})(?P<rest>[^\n]*)")


@dataclass(frozen=True, slots=True)
class _Line:
    """A line's place in the text, and the code block that is open after it: where it began, and its first line."""

    start: int
    end: int
    blank: bool
    fence: tuple[int, str] | None


def shown_end(text: str, shown: int) -> int:
    """Return how much of an unfinished text may be shown, of which `shown` characters are already."""
    free, fences = _fitting(text, _FREE), _fitting(text, _FENCES)
    end = len(text)
    if end > free:
        end = max(free, _paragraph_end(text, 0, _fitting(text, ROOM - _CLOSING)) or 0)
    for line in _lines(text[:end]):
        unfinished = line.end == end and text[line.start : end].lstrip(" \t>").startswith(("`", "~"))
        if line.fence and line.fence[0] >= fences and line.end == end:
            end = line.fence[0]
        elif unfinished and line.start >= fences and line.fence is None and not text[:end].endswith("\n"):
            end = line.start
    return max(shown, end)


def cut(text: str, shown: int = 0) -> tuple[str, str]:
    """Return what goes into the message that shows `shown` characters of a text already, and the rest.

    The cut is at a paragraph's end, else at a line's, a sentence's or a word's; a code block longer than a message is
    closed, and opened again in the rest, and a line of a quotation goes on as one.
    """
    room = _fitting(text, ROOM - _CLOSING)
    if _fitting(text, ROOM) == len(text):
        return text, ""
    low = max(shown, 1)
    end = _paragraph_end(text, low, room)
    if end is not None:
        return text[:end], text[end:]
    *_, last = _lines(text[:room])
    fence = last.fence
    if fence is None:
        end = _best_break(text, low, room)
        return text[:end], _quote_at(text, end) + text[end:]
    begins, opening = fence
    if begins >= low:
        return text[:begins], text[begins:]
    end = text.rfind("\n", low - 1, room) + 1 or room
    mark = _FENCE.match(opening)
    closing = f"{mark['quote']}{mark['mark']}" if mark else "```"
    head = text[:end] if text[:end].endswith("\n") else f"{text[:end]}\n"
    return head + closing, f"{opening}\n{_quote_at(text, end)}{text[end:]}"


def _quote_at(text: str, end: int) -> str:
    """Return the marks of a quotation that a line begins with which goes on at `end`; nothing where one begins."""
    found = _QUOTE.match(text, text.rfind("\n", 0, end) + 1, end)
    return f"{found[0]} " if found and found[0] and not text[:end].endswith("\n") else ""


def escaped_length(text: str) -> int:
    """Return how long a text is once it is escaped."""
    return len(text) + _ESCAPED * text.count("<") + text.count("](")


def _fitting(text: str, limit: int) -> int:
    """Return how many characters of a text fit into so many escaped ones."""
    if escaped_length(text) <= limit:
        return len(text)
    end = min(limit, len(text))
    while (over := escaped_length(text[:end]) - limit) > 0:
        end -= -(-over // (1 + _ESCAPED))
    return end


def _paragraph_end(text: str, low: int, high: int) -> int | None:
    """Return the last place of `low` to `high` between two paragraphs, outside of code."""
    ends = [line.end for line in _lines(text[:high]) if line.blank and not line.fence and line.end >= low]
    return ends[-1] if ends else None


def _best_break(text: str, low: int, high: int) -> int:
    for mark in ("\n", ". ", " "):
        found = text.rfind(mark, low - 1, high)
        if found >= 0 and found + len(mark) <= high:
            return found + len(mark)
    return high


def _lines(text: str) -> Iterator[_Line]:
    start, fence = 0, None
    for line in text.splitlines(keepends=True):
        end = start + len(line)
        found = _FENCE.match(line)
        if fence is not None and fence[1].lstrip().startswith(">") and not line.lstrip().startswith(">"):
            fence = None  # the quotation that it stood in is over
        if fence is None:
            if found and ("`" not in found["rest"] or found["mark"][0] == "~"):
                fence = (start, line.rstrip("\n"))
        elif found and not found["rest"].strip() and _closes(found, fence[1]):
            fence = None
        yield _Line(start, end, blank=line.endswith("\n") and not line.strip(), fence=fence)
        start = end


def _closes(found: re.Match[str], opening: str) -> bool:
    opened = _FENCE.match(opening)
    if opened is None or bool(found["quote"]) != bool(opened["quote"]):
        return False
    return found["mark"].startswith(opened["mark"])
