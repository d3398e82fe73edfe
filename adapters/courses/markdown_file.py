"""A Markdown file as a lesson or an assignment: its title, and its text without front matter and that title."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from adapters.courses.plain_yaml import load_yaml
from core.text import clean, one_line

_FRONT_MATTER = re.compile(r"\A---[ \t]*\n(.*?\n)(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL)
_AUDIENCE = re.compile(r"^(audience|visibility)[ \t]*:[ \t]*(.+)$", re.IGNORECASE | re.MULTILINE)
_FENCE = re.compile(r"^ {0,3}(```+|~~~+)")
_HEADING = re.compile(r"^ {0,3}#[ \t]+(.+?)(?:[ \t]+#+)?[ \t]*$")
_UNDERLINE = re.compile(r"^ {0,3}=+[ \t]*$")
_IMAGE = re.compile(r"!\[[^\]]*\]\([^)]*\)")
_LINK = re.compile(r"\[([^\]]*)\](?:\([^)]*\)|\[[^\]]*\])")
_TAG = re.compile(r"<[^>]+>")
_MARKS = re.compile(r"(\*\*|__|[*`]|(?<!\w)_|_(?!\w))")
_ATTRIBUTES = re.compile(r"\{[#.:][^{}]*\}")
_TITLE_LENGTH = 300  # characters


@dataclass(frozen=True, slots=True)
class MarkdownFile:
    """`body` keeps everything but the front matter and a first heading that is the title; `front` is the former."""

    title: str | None
    body: str
    front: dict[str, Any] = field(default_factory=dict)


def read_markdown_file(path: Path) -> MarkdownFile:
    """Read UTF-8, or what was meant by it. Raises `OSError`."""
    return split_markdown(path.read_bytes().decode("utf-8-sig", "replace"))


def split_markdown(source: str) -> MarkdownFile:
    """Part a Markdown text into title, body and front matter."""
    source = clean(source)
    front: dict[str, Any] = {}
    if found := _FRONT_MATTER.match(source):
        front = _load(found[1])
        source = source[found.end() :]
    title, body = _split_heading(source)
    named = front.get("title")
    if isinstance(named, str | int | float) and one_line(str(named), _TITLE_LENGTH):
        return MarkdownFile(one_line(str(named), _TITLE_LENGTH), source.strip() if title != str(named) else body, front)
    return MarkdownFile(title, body, front)


def _load(text: str) -> dict[str, Any]:
    try:
        front = load_yaml(text)
    except (yaml.YAMLError, ValueError, RecursionError):
        # What is for teachers only must not get through by a mistake in another line.
        return {found[1].casefold(): found[2] for found in _AUDIENCE.finditer(text)}
    return front if isinstance(front, dict) else {}


def _split_heading(source: str) -> tuple[str | None, str]:
    """Return the first heading of level 1 and the text; without that heading where nothing but pictures stand above."""
    lines = source.split("\n")
    fence = ""
    for at, line in enumerate(lines):
        if opened := _FENCE.match(line):
            if not fence:
                fence = opened[1]
            elif opened[1].startswith(fence):
                fence = ""
            continue
        if fence:
            continue
        underlined = at + 1 < len(lines) and bool(line.strip()) and bool(_UNDERLINE.match(lines[at + 1]))
        found = _HEADING.match(line)
        if not found and not underlined:
            continue
        title = _plain(found[1] if found else line)
        if not title:
            continue
        above, below = lines[:at], lines[at + (1 if found else 2) :]
        if any(_plain(text) for text in above):
            return title, source.strip()
        return title, "\n".join([*above, *below]).strip()
    return None, source.strip()


def _plain(markup: str) -> str:
    for pattern, kept in ((_IMAGE, ""), (_LINK, r"\1"), (_TAG, ""), (_ATTRIBUTES, ""), (_MARKS, "")):
        markup = pattern.sub(kept, markup)
    return one_line(markup.replace("\\", ""), _TITLE_LENGTH)
