"""Text as it comes in from people and files, made safe to keep."""

from __future__ import annotations

import re

# PostgreSQL text holds no NUL; the other controls mean nothing in chat and can hide text in a terminal.
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_SPACE = re.compile(r"\s+")


def clean(text: str) -> str:
    """Return text without control characters and lone surrogates, with plain line ends, trimmed."""
    return _CONTROLS.sub("", text.replace("\r\n", "\n").replace("\r", "\n")).strip()


def one_line(text: str, limit: int) -> str:
    """Return text on one line, cut to `limit` characters with an ellipsis."""
    line = _SPACE.sub(" ", clean(text)).strip()
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"
