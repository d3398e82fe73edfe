"""A neutral reply as Discord's messages: pure, and within every limit whatever the reply holds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from adapters.discord.controls import choice_units
from adapters.discord.forms import form_choice
from adapters.discord.limits import ALT, DESCRIPTION, LARGEST_UPLOAD, fit, length
from adapters.discord.markdown import Piece, code_piece, draw_table, escape, link, plain, read_markdown
from adapters.discord.packing import Embed, Message, Unit, pack
from adapters.outgoing_text import harmless
from core.answering.replying import SHOW_PASSAGE
from core.replies import Choice, Choices, Citation, File, Form, Note, Part, Picture, Reply, Sources, Table, Text
from core.text import one_line

_TITLE, _QUOTE, _CELL = 200, 600, 200
_SMALL = "-# "
_DRAWN = 60  # characters of a line that a narrow window shows without turning it
_ROOM = 1_900  # of one drawn table
THUMBS = (("👍", "feedback.up"), ("👎", "feedback.down"))


def render(reply: Reply, *, pages: str | None = None, thumbs: bool = False) -> tuple[Message, ...]:
    """Return a reply's messages, in order.

    `pages` is how the addresses of our own pages begin; only they are linked without being shown. `thumbs` adds
    buttons to an answer that takes no reactions. Raises `ValueError` for a choice that no message can carry.
    """
    return tuple(pack(_units(reply, pages, thumbs=thumbs)))


def _units(reply: Reply, pages: str | None, *, thumbs: bool) -> Iterator[Unit]:
    for part in reply.parts:
        yield from _render_part(part, pages)
        if isinstance(part, Sources) and part.citations and reply.answer_id is not None:
            yield from choice_units(
                tuple(
                    Choice(f"Show passage {citation.number}", SHOW_PASSAGE, f"{reply.answer_id} {citation.number}")
                    for citation in part.citations
                )
            )
    if thumbs and reply.answer_id is not None and not reply.failed:
        yield from choice_units(tuple(Choice(face, action, str(reply.answer_id)) for face, action in THUMBS))


def _render_part(part: Part, pages: str | None) -> Iterator[Unit]:
    match part:
        case Text(markdown):
            yield from read_markdown(markdown, pages)
        case Note(markdown):
            yield from _render_note(markdown, pages)
        case Sources(citations):
            yield from _render_sources(citations)
        case Table():
            yield from _render_table(part)
        case Picture(png, alt):
            yield Picture(png, fit(one_line(harmless(alt), ALT), ALT))
        case File():
            yield part if len(part.data) <= LARGEST_UPLOAD else _too_large(part)
        case Choices(choices, menu):
            yield from choice_units(choices, menu=menu)
        case Form():
            yield from _render_form(part)


def _too_large(file: File) -> Piece:
    name = escape(one_line(harmless(file.name), _TITLE))
    instead = link(file.url, "Get it here") if file.url else "Ask a teacher or the operator for it"
    return Piece(f"{name} is larger than Discord lets me send. {instead}.")


def _render_form(form: Form) -> Iterator[Unit]:
    try:
        opening = list(choice_units((form_choice(form),)))
    except ValueError:  # too many fields for Discord, or more text than a message keeps
        title = plain(one_line(form.title, _TITLE))
        yield Piece(f"{title}: this does not fit a form of Discord's. Please type the command with its options.")
        return
    yield from opening


def _render_note(markdown: str, pages: str | None) -> Iterator[Piece]:
    for piece in read_markdown(markdown, pages):
        if piece.code is not None:
            yield piece
        elif piece.lead or piece.text.lstrip().startswith("- "):  # which keep their marks
            yield replace(piece, tight=True)
        else:
            lines = [line for line in piece.text.split("\n") if line.strip()]
            yield Piece("\n".join(lines), tight=True, lead=_SMALL)


def _render_sources(citations: tuple[Citation, ...]) -> Iterator[Embed]:
    """Yield the list of sources as an embed, or more than one where it is long."""
    held: list[str] = []
    for citation in citations:
        line = _citation(citation)
        if held and length("\n".join([*held, line])) > DESCRIPTION:
            yield _sources("\n".join(held))
            held = []
        held.append(line)
    if held:
        yield _sources("\n".join(held))


def _sources(lines: str) -> Embed:
    return Embed({"title": "Sources", "description": lines})


def _citation(citation: Citation) -> str:
    title = one_line(harmless(citation.title), _TITLE) or "Source"
    place = escape(one_line(harmless(citation.place), _TITLE))
    quote = escape(one_line(harmless(citation.quote), _QUOTE))
    shown = link(citation.url, title) if citation.url else escape(title)
    head = f"**[{citation.number}]** {shown}" + (f", {place}" if place else "")
    return f"{head}\n> *“{quote}”*" if quote else head


def _render_table(table: Table) -> Iterator[Piece]:
    title = escape(one_line(harmless(table.title), _TITLE))
    if title:
        yield Piece(f"**{title}**")
    if not table.headings:
        return
    cells = [[one_line(harmless(cell), _CELL) for cell in row] for row in (table.headings, *table.rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(table.headings))]
    if sum(widths) + 2 * (len(widths) - 1) > _DRAWN:
        yield from (Piece(_spelled(cells[0], row), tight=True) for row in cells[1:])
        return
    heading, rows = cells[0], cells[1:]
    width = sum(widths) + 2 * len(widths)
    most = max(1, _ROOM // width - 2)
    for start in range(0, max(1, len(rows)), most):
        yield code_piece(draw_table([heading, *rows[start : start + most]]))


def _spelled(headings: list[str], row: list[str]) -> str:
    """Say a row in words, where a table is too wide to be drawn: what it is about first."""
    first, *others = zip(headings, row, strict=True)
    said = "; ".join(f"{escape(heading)}: {escape(cell)}" for heading, cell in others if cell)
    return f"- **{escape(first[1]) or '–'}**" + (f" — {said}" if said else "")
