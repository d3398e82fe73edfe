"""A neutral reply as terminal output: pure functions from parts to renderables."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rich import box
from rich.console import RenderableType
from rich.markdown import Markdown
from rich.padding import Padding
from rich.table import Table as Grid
from rich.text import Text as Styled

from core.replies import Choices, File, Form, Note, Part, Picture, Reply, Sources, Table, Text
from core.text import without_escapes

# A terminal obeys control characters; nothing from a document or a model may reach it as one.
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
_QUOTE = 300


def harmless(text: str) -> str:
    """Return text that does nothing to a terminal but show (tabs and line ends stay)."""
    return _CONTROLS.sub("", text)


def render(reply: Reply, *, numbered_from: int = 1, shown: str = "") -> Iterator[RenderableType]:
    """Yield what to print for a reply; `shown` is text that was streamed already and is not repeated.

    Choices are numbered through all of it.
    """
    for part in reply.parts:
        if isinstance(part, Text) and shown and part.markdown.strip() == shown.strip():
            continue
        yield from render_part(part, numbered_from=numbered_from)
        numbered_from += _offered(part)


def render_part(part: Part, *, numbered_from: int = 1) -> Iterator[RenderableType]:
    """Yield what to print for one part."""
    match part:
        case Text(markdown):
            yield Markdown(harmless(markdown))
        case Note(markdown):
            yield Styled(harmless(without_escapes(markdown)), style="dim")
        case Sources(citations):
            for citation in citations:
                place = f", {citation.place}" if citation.place else ""
                head = Styled.assemble((f"[{citation.number}] ", "bold cyan"), harmless(citation.title + place))
                quote = " ".join(harmless(citation.quote).split())
                quote = quote if len(quote) <= _QUOTE else f"{quote[:_QUOTE].rstrip()}…"
                yield head
                yield Padding(Styled(f"“{quote}”", style="dim italic"), (0, 0, 0, 4))
        case Table(headings, rows, title):
            grid = Grid(title=harmless(title) or None, title_justify="left", box=box.SIMPLE_HEAD, title_style="bold")
            for heading in headings:
                grid.add_column(heading, overflow="fold")
            for row in rows:
                grid.add_row(*(Styled(harmless(cell)) for cell in row))
            yield grid
        case Picture() | File():
            yield Styled(_in_words(part), style="dim")
        case Choices(choices):
            line = Styled()
            for number, choice in enumerate(choices, start=numbered_from):
                line.append(f"  {number}) ", style="bold cyan").append(harmless(choice.label))
            yield line
        case Form(title):
            yield Styled(harmless(title), style="bold")


def plain(reply: Reply, *, numbered_from: int = 1, shown: str = "") -> Iterator[str]:
    """Yield a reply's lines as plain text, for pipes and screen readers."""
    for part in reply.parts:
        match part:
            case Text(markdown):
                if not (shown and markdown.strip() == shown.strip()):
                    yield harmless(without_escapes(markdown))
            case Note(markdown):
                small = harmless(without_escapes(markdown))
                yield f"({small})" if "\n" not in small else small
            case Sources(citations):
                for citation in citations:
                    place = f", {citation.place}" if citation.place else ""
                    quote = " ".join(harmless(citation.quote).split())
                    yield f"[{citation.number}] {harmless(citation.title + place)}: “{quote}”"
            case Table(headings, rows, title):
                if title:
                    yield harmless(title)
                yield "\t".join(headings)
                yield from ("\t".join(harmless(cell) for cell in row) for row in rows)
            case Picture() | File():
                yield _in_words(part)
            case Choices(choices):
                numbered = enumerate(choices, start=numbered_from)
                yield "  ".join(f"{number}) {harmless(choice.label)}" for number, choice in numbered)
                numbered_from += len(choices)
            case Form(title):
                yield harmless(title)


def _offered(part: Part) -> int:
    return len(part.choices) if isinstance(part, Choices) else 0


def _in_words(part: Picture | File) -> str:
    return f"[picture: {harmless(part.alt)}]" if isinstance(part, Picture) else f"[file: {harmless(part.name)}]"
