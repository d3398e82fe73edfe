"""A neutral reply as messages of Block Kit: pure, and within every limit whatever the reply holds.

Text becomes rich text (see rich_text.py), so that nothing a person or a model wrote is read as markup; what is
markup (small print, the fallback text) is escaped.
"""

from __future__ import annotations

from collections.abc import Iterator

from adapters.outgoing_text import harmless
from adapters.slack.controls import choice_blocks, feedback_block
from adapters.slack.forms import form_choice
from adapters.slack.limits import CONTEXT_TEXT, TABLE_COLUMNS, TABLE_ROWS, VIEW_BLOCKS, size
from adapters.slack.outgoing_text import escape
from adapters.slack.packing import Block, Fixed, Message, Unit, in_words, pack
from adapters.slack.rich_text import (
    Element,
    Piece,
    link_element,
    preformatted,
    read_markdown,
    section,
    text_element,
)
from adapters.slack.split import split_piece
from core.answering.replying import SHOW_PASSAGE
from core.replies import Choice, Choices, Citation, File, Form, Note, Part, Picture, Reply, Sources, Table, Text
from core.text import one_line

_PIECE = 11_000  # JSON of what is kept whole: a paragraph, a code block
_GRID = 9_500  # JSON of one table, whose cells may hold 10,000 characters in all
_TITLE, _QUOTE = 300, 600
_DRAWN = 80  # characters of a line that a page shows without turning it
_MORE = "There is more than this page can show."
_TABLE_TEXT = 2_000  # characters of one row, shared out among its cells


def render(reply: Reply, *, shown: bool = False) -> tuple[Message, ...]:
    """Return a reply's messages, in order.

    `shown` leaves the text out, where it has been streamed.
    Raises `ValueError` for a choice that Slack could not carry (see `choice_blocks`).
    """
    return tuple(pack(_units(reply, shown=shown)))


def render_page(reply: Reply) -> list[Block]:
    """Return a reply as the blocks of a Home page, which holds no tables and no row of thumbs: rows become text.

    What is more than a page holds is left out, and the page says so.
    """
    blocks = [block for message in pack(_units(reply, page=True)) for block in message.blocks]
    if len(blocks) > VIEW_BLOCKS:
        more = list(pack([section([text_element(_MORE)])]))
        blocks = [*blocks[: VIEW_BLOCKS - 1], *more[0].blocks]
    return blocks


def _units(reply: Reply, *, shown: bool = False, page: bool = False) -> Iterator[Unit]:
    for part in reply.parts:
        if shown and isinstance(part, Text):
            continue
        for unit in _render_table_as_text(part) if page and isinstance(part, Table) else _render_part(part):
            if page and isinstance(unit, Picture | File):
                yield section([text_element(harmless(in_words(unit)))])
                continue
            if isinstance(unit, Piece):
                yield from split_piece(unit, _PIECE)
            else:
                yield unit
        if isinstance(part, Sources) and part.citations and reply.answer_id is not None:
            yield from _render_choices(
                tuple(
                    Choice(f"Show passage {citation.number}", SHOW_PASSAGE, f"{reply.answer_id} {citation.number}")
                    for citation in part.citations
                )
            )
    if reply.answer_id is not None and not reply.failed and not page:
        yield Fixed(feedback_block(reply.answer_id), "", last=True)


def _render_part(part: Part) -> Iterator[Unit]:
    match part:
        case Text(markdown):
            yield from read_markdown(markdown)
        case Note(markdown):
            yield from _render_note(markdown)
        case Sources(citations):
            yield from (_render_citation(citation) for citation in citations)
        case Table():
            yield from _render_table(part)
        case Picture() | File():
            yield part
        case Choices(choices, menu):
            yield from _render_choices(choices, menu=menu)
        case Form():
            opening = form_choice(part)
            if opening is not None:
                yield from _render_choices((opening,))
            else:
                yield section(
                    [text_element(f"{harmless(part.title)}: please type the command again to open this form.")]
                )


def _render_choices(choices: tuple[Choice, ...], *, menu: bool = False) -> Iterator[Fixed]:
    labels = " / ".join(one_line(choice.label, _TITLE) for choice in choices)
    for number, block in enumerate(choice_blocks(choices, menu=menu)):
        yield Fixed(block, "" if number else f"[{labels}]")


def _render_note(markdown: str) -> Iterator[Unit]:
    pieces = list(read_markdown(markdown))
    lines = "\n".join(_mrkdwn(piece) for piece in pieces)
    if not lines.strip() or size(lines) > CONTEXT_TEXT:
        yield from pieces
        return
    text = {"type": "mrkdwn", "text": lines, "verbatim": True}  # verbatim: no name becomes a mention by itself
    yield Fixed({"type": "context", "elements": [text]}, "\n".join(piece.plain for piece in pieces))


def _render_citation(citation: Citation) -> Piece:
    title = one_line(harmless(citation.title), _TITLE) or "Source"
    place = one_line(harmless(citation.place), _TITLE)
    quote = one_line(harmless(citation.quote), _QUOTE)
    head: Element = (
        link_element(citation.url, title, {"bold": True}) if citation.url else text_element(title, {"bold": True})
    )
    elements = [text_element(f"[{citation.number}] "), head]
    if place:
        elements.append(text_element(f", {place}"))
    if quote:
        elements += [text_element("\n"), text_element(f"“{quote}”", {"italic": True})]
    return section(elements)


def _render_table(table: Table) -> Iterator[Unit]:
    title = one_line(harmless(table.title), _TITLE)
    if title:
        yield section([text_element(title, {"bold": True})])
    if len(table.headings) > TABLE_COLUMNS:
        yield from (_spell_row(table.headings, row) for row in table.rows)
    elif table.headings:
        yield from _render_grid(table)


def _render_table_as_text(table: Table) -> Iterator[Piece]:
    """Yield a table drawn in letters of one width, or row by row where that would be too wide to read."""
    title = one_line(harmless(table.title), _TITLE)
    if title:
        yield section([text_element(title, {"bold": True})])
    cells = [[one_line(harmless(cell), _TITLE) for cell in row] for row in (table.headings, *table.rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(table.headings))]
    if sum(widths) + 2 * len(widths) > _DRAWN:
        yield from (_spell_row(table.headings, row) for row in table.rows)
    elif table.headings:
        lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in cells]
        yield preformatted("\n".join([lines[0], "  ".join("─" * width for width in widths), *lines[1:]]))


def _spell_row(headings: tuple[str, ...], row: tuple[str, ...]) -> Piece:
    """Say a row in words, where a table has more columns than Slack shows."""
    cells = zip(headings, row, strict=False)
    return section(
        [text_element("; ".join(f"{harmless(heading)}: {harmless(cell)}" for heading, cell in cells) or "–")]
    )


def _render_grid(table: Table) -> Iterator[Fixed]:
    """Yield tables of as many rows as fit one, each under the headings."""
    limit = _TABLE_TEXT // len(table.headings)
    heading = [_cell(text, limit) for text in table.headings]
    rows, length = [heading], size(heading)
    for texts in table.rows:
        row = [_cell(text, limit) for text in texts]
        cost = size(row) + 2
        if len(rows) > 1 and (len(rows) == TABLE_ROWS or length + cost > _GRID):
            yield _grid(rows)
            rows, length = [heading], size(heading)
        rows.append(row)
        length += cost
    yield _grid(rows)


def _grid(rows: list[list[dict[str, str]]]) -> Fixed:
    return Fixed({"type": "table", "rows": rows}, "\n".join(" | ".join(cell["text"] for cell in row) for row in rows))


def _cell(text: str, limit: int) -> dict[str, str]:
    shown = harmless(text)
    return {"type": "raw_text", "text": shown if len(shown) <= limit else one_line(shown, limit)} if shown else _EMPTY


_EMPTY = {"type": "raw_text", "text": "–"}  # Slack wants at least one character


def _mrkdwn(piece: Piece) -> str:
    """Return a piece in Slack's own markup, escaped: links stay links, the rest is plain."""
    elements: list[Element] = piece.element["elements"]
    start = ""
    if piece.element["type"] == "rich_text_list":
        start, elements = "• ", elements[0]["elements"]
    return start + "".join(_inline_mrkdwn(element) for element in elements)


def _inline_mrkdwn(element: Element) -> str:
    text = escape(str(element["text"]))
    return f"<{escape(element['url'])}|{text.replace('|', '¦')}>" if element["type"] == "link" else text
