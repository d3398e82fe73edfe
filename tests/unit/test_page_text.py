"""Passages put together again into the text of their page."""

from __future__ import annotations

import pytest

from adapters.documents.chunk import chunk
from core.documents import Block as Part
from core.documents import BlockKind, Document, Locator
from core.materials.page_text import Piece, overlap, page_text

SENTENCES = " ".join(f"Crater number {n} was seen in the year {1600 + n}." for n in range(200))


def test_a_paragraph_that_was_cut_with_overlaps_reads_as_it_was_written() -> None:
    cut = chunk(Document((Part(BlockKind.TEXT, SENTENCES, Locator(page=1)),)), size=600, overlap=120)
    assert len(cut) > 10
    assert sum(len(each.text) for each in cut) > len(SENTENCES) + 500  # or nothing would be tried
    (block,) = page_text([Piece(each.text, each.locator) for each in cut], cited=4)
    assert "".join(run.text for run in block.runs) == SENTENCES
    assert "".join(run.text for run in block.runs if run.cited) == cut[4].text


def test_the_quote_is_marked_inside_the_cited_passage_only_and_across_paragraphs() -> None:
    same = "It is round.\n\nIt is round."
    blocks = page_text([Piece("It is round.", Locator()), Piece(same, Locator())], cited=1, quote=same)
    marks = [[(run.text, run.cited, run.quoted) for run in block.runs] for block in blocks]
    assert marks == [
        [("It is round.", True, True)],
        [("It is round.", True, True)],
    ]


def test_headings_stand_where_they_change_and_code_keeps_its_indentation() -> None:
    pieces = [
        Piece("Intro.", Locator(headings=("Loops",))),
        Piece("    for moon in moons:\n        print(moon)", Locator(headings=("Loops", "For"))),
        Piece("Then while.", Locator(headings=("Loops",))),
    ]
    shown = [(block.heading, block.runs[0].text) for block in page_text(pieces)]
    assert shown == [
        (True, "Loops"),
        (False, "Intro."),
        (True, "For"),
        (False, "    for moon in moons:\n        print(moon)"),
        (False, "Then while."),
    ]


def test_lines_of_as_many_cells_are_a_table_with_what_is_cited_in_its_cells() -> None:
    pieces = [Piece("Planet | Moons\nMars | 2\nVenus | ", Locator()), Piece("ls | wc\nthen more", Locator())]
    table, lines = page_text(pieces, cited=0, quote="Mars | 2")
    assert [[("".join(run.text for run in cell), cell[0].quoted) for cell in row if cell] for row in table.rows] == [
        [("Planet", False), ("Moons", False)],
        [("Mars", True), ("2", True)],
        [("Venus", False)],
    ]
    assert "".join(run.text for run in table.runs) == pieces[0].text
    assert lines.rows == ()


@pytest.mark.parametrize(
    ("before", "after", "length"),
    [
        ("One. Two is here.", "Two is here. Three.", 12),
        ("The sunflower", "flower power", 0),  # within a word
        ("It ends so.", "so.", 0),  # too short to mean anything
        ("", "Two", 0),
        ("The very same text.", "The very same text.", 19),
    ],
)
def test_overlaps(before: str, after: str, length: int) -> None:
    assert overlap(before, after) == length
