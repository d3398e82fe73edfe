"""Text as it comes in from people and files, made safe to keep."""

from __future__ import annotations

import re

# PostgreSQL text holds no NUL; the other controls mean nothing in chat and can hide text in a terminal.
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
# What turns the direction of all that follows on its line, beyond the text itself (Unicode 16, UAX 9, 2.1 to 2.4).
_TURNS = re.compile(r"[\u202a-\u202e\u2066-\u2069]")
_SPACE = re.compile(r"\s+")
# What Markdown reads anywhere in a line, and what it reads where a line begins (CommonMark 0.31, 2.4, 4 and 5).
_MARK = re.compile(r"[\\`*_\[\]<>~|]|&(?=#|\w)")
_BEGINS = re.compile(r"^([#+=-]|\d{1,9}(?=[.)](?:\s|$)))")
_CODE = re.compile(r"(`[^`\n]+`)")
_CODE_OR_ESCAPED = re.compile(
    r"(?P<code>(?P<ticks>`+)(?!`).*?(?<!`)(?P=ticks)(?!`))|\\(?P<mark>[!-/:-@\[-`{-~])", re.DOTALL
)


def clean(text: str) -> str:
    """Return text without control characters and lone surrogates, with plain line ends, trimmed."""
    return _CONTROLS.sub("", text.replace("\r\n", "\n").replace("\r", "\n")).strip()


def one_line(text: str, limit: int) -> str:
    """Return text on one line, cut to `limit` characters with an ellipsis, that turns no other's direction."""
    line = _SPACE.sub(" ", _TURNS.sub("", clean(text))).strip()
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"


def capital(text: str) -> str:
    """Return text that begins with a capital letter, and goes on as it was."""
    return text[:1].upper() + text[1:]


def literal(text: str) -> str:
    """Return a title or a name as Markdown that shows it as it is, wherever in a line it is put."""
    return _BEGINS.sub(_escape_beginning, escaped(_SPACE.sub(" ", text)))


def escaped(text: str) -> str:
    """Return text as Markdown in which nothing is a mark within a line; what makes a line a heading or item stays."""
    return _MARK.sub(r"\\\g<0>", text)


def literal_sentence(sentence: str) -> str:
    """Return what an error says as Markdown: only what stands between backticks is marked, as code."""
    return "".join(
        piece if index % 2 else _MARK.sub(r"\\\g<0>", piece) for index, piece in enumerate(_CODE.split(sentence))
    )


def _escape_beginning(found: re.Match[str]) -> str:
    return f"{found[0]}\\" if found[0].isdigit() else f"\\{found[0]}"


def without_escapes(markdown: str) -> str:
    """Return Markdown in which what was escaped stands for itself, for where Markdown is shown as it is written."""
    return _CODE_OR_ESCAPED.sub(lambda found: found["code"] or found["mark"], markdown)
