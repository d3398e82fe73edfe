"""What each format's parser takes in, leaves out, and where it says things stand."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from fpdf import FPDF

from adapters.documents.parse import parse
from core.documents import Block, BlockKind, Document, Locator
from tests.unit.documents import samples
from tests.unit.documents.samples import CODE, FACT, TITLE


def texts(document: Document, kind: BlockKind | None = None) -> list[str]:
    return [block.text for block in document.blocks if kind in (None, block.kind)]


def block_with(document: Document, words: str) -> Block:
    return next(block for block in document.blocks if words in block.text)


@pytest.mark.parametrize("name", samples.FORMATS)
def test_every_format_gives_clean_located_text_under_its_title(name: str) -> None:
    data = samples.FORMATS[name]()
    document = parse(data, name)
    assert document == parse(data, name)
    assert FACT in "\n".join(texts(document))
    assert all(block.text.strip() and "\0" not in block.text for block in document.blocks)
    assert document.title == (None if name.endswith(".txt") else TITLE)
    place = {"pdf": "page", "pptx": "slide", "ipynb": "cell"}.get(name.rpartition(".")[2])
    if place:
        numbers = [getattr(block.locator, place) for block in document.blocks]
        assert numbers == sorted(numbers)
        assert numbers[0] == 1
        assert document.pages is not None
        assert numbers[-1] <= document.pages
    elif not name.endswith(".txt"):
        assert block_with(document, FACT).locator.headings == (TITLE,)


@pytest.mark.parametrize("name", ["lesson.pdf", "lesson.pptx", "lesson.docx"])
def test_content_counts_more_than_the_name(name: str) -> None:
    data = samples.FORMATS[name]()
    for other in ("notes.txt", "lesson.pdf", "lesson", "lesson.docx"):
        assert parse(data, other) == parse(data, name)


def test_pdf_joins_lines_and_drops_what_repeats() -> None:
    document = parse(samples.pdf(), "lesson.pdf")
    assert texts(document, BlockKind.HEADING) == [TITLE, "Chapter 2", "Chapter 3", "Chapter 4"]
    assert texts(document, BlockKind.LIST)[0] == "- first item of a list\n- second item of a list"
    assert texts(document, BlockKind.CODE) == [CODE] * 4
    assert texts(document, BlockKind.TEXT)[:2] == [FACT, "Paragraph 1 stands apart from what is above."]
    assert not [text for text in texts(document) if "handbook" in text or "of 4" in text]
    assert block_with(document, "Paragraph 3").locator == Locator(page=3, headings=("Chapter 3",))


def test_pdf_of_one_page_keeps_all_its_lines() -> None:
    document = parse(samples.pdf(pages=1), "lesson.pdf")
    assert "Course handbook, autumn" in texts(document)


def test_pdf_code_beside_prose_on_one_line_is_told_apart() -> None:
    sheet = FPDF()
    sheet.add_page()
    sheet.set_font("Helvetica", size=11)
    sheet.text(20, 40, "What it prints is shown here, to the right of the code.")
    sheet.set_font("Courier", size=10)
    sheet.text(20, 60, "print(1)")
    sheet.set_font("Helvetica", size=11)
    sheet.text(120, 60, "prints one")
    document = parse(bytes(sheet.output()), "a.pdf")
    assert texts(document, BlockKind.CODE) == ["print(1)"]
    assert texts(document)[-1] == "prints one"


def test_pptx_reads_shapes_in_order_and_keeps_notes_apart() -> None:
    document = parse(samples.deck(), "lesson.pptx")
    second = [block for block in document.blocks if block.locator.slide == 2]
    assert [(block.kind, block.text) for block in second] == [
        (BlockKind.HEADING, "How they work"),
        (BlockKind.LIST, f"- {FACT}\n- It does not rust."),
        (BlockKind.TEXT, "at the bottom"),
        (BlockKind.NOTES, "Pass a sensor round the class."),
    ]
    assert [block.locator.notes for block in second] == [False, False, False, True]
    third = [block.text for block in document.blocks if block.locator.slide == 3]
    assert third == ["Prices", "Kind | Price\nCapacitive | 4 EUR", "grouped words"]
    assert document.pages == 4
    assert all(block.locator.slide != 4 for block in document.blocks)


def test_a_hidden_slide_stays_hidden_with_its_notes() -> None:
    document = parse(samples.deck(hide_second=True), "lesson.pptx")
    assert {block.locator.slide for block in document.blocks} == {1, 3}


def test_docx_keeps_the_order_of_lists_and_tables() -> None:
    document = parse(samples.word(), "lesson.docx")
    assert [block.text for block in document.blocks] == [
        TITLE,
        FACT,
        "Steps",
        "1. dig a hole\n2. insert the sensor",
        "Depth | 10 cm",
        "After the table.",
    ]
    assert document.blocks[-1].locator.label() == f"{TITLE} › Steps"


def test_markdown_reads_as_it_is_seen() -> None:
    document = parse(samples.markdown(), "lesson.md")
    assert [(block.kind.value, block.text) for block in document.blocks] == [
        ("heading", TITLE),
        ("text", f"{FACT} See the manual and replace <pin> by <your pin>."),
        ("text", "A sensor in wet soil"),
        ("heading", "Steps"),
        ("list", "3. dig a hole\n  - deep\n4. insert the sensor"),
        ("code", CODE),
        ("table", "Kind | Price\nCapacitive | 4 EUR"),
    ]


def test_markdown_takes_piped_lines_for_a_table_and_drops_lines_of_links() -> None:
    source = b"[Back](a.md) | [Contents](b.md) | [Next](c.md)\n\n| Memory |\n| Kind | Span |\n| Short | 20 s |\n"
    assert texts(parse(source, "a.md")) == ["Memory\nKind | Span\nShort | 20 s"]


@pytest.mark.parametrize("charset", ["utf-8", "iso-8859-1", "utf-16"])
def test_html_leaves_out_what_is_no_content_in_any_charset(charset: str) -> None:
    document = parse(samples.html(charset), "lesson.html")
    assert [block.text for block in document.blocks] == [
        TITLE,
        f"{FACT}\nGröße: klein",
        "Steps",
        "1. dig a hole\n  - deep\n2. insert",
        CODE,
        "Kind | Price\nCapacitive | 4 EUR",
    ]


def test_html_keeps_the_lines_of_preformatted_text_however_they_are_broken() -> None:
    page = b"<pre>if wet:<br>    <b>stop</b>()<br/>\n# end</pre>"
    assert texts(parse(page, "lesson.html")) == ["if wet:\n    stop()\n\n# end"]


def test_notebook_bounds_outputs_and_reads_format_3() -> None:
    code = parse(samples.jupyter(), "lesson.ipynb").blocks[2]
    assert code.text.startswith(f"{CODE}\n\nOutput:\n0\n1\n")
    assert code.text.endswith("…")
    assert len(code.text) < 1_000
    assert code.locator == Locator(cell=2, headings=(TITLE,))
    cells = [
        {"cell_type": "heading", "level": 1, "source": ["Old"], "metadata": {}},
        {"cell_type": "code", "input": ["1 + 1"], "language": "python", "outputs": [], "metadata": {}},
    ]
    old = {"nbformat": 3, "nbformat_minor": 0, "metadata": {"name": ""}, "worksheets": [{"cells": cells}]}
    assert texts(parse(json.dumps(old).encode(), "old.ipynb")) == ["Old", "1 + 1"]


def test_a_teachers_notebook_is_read_without_its_solutions() -> None:
    def cell(source: str, *tags: str) -> dict[str, object]:
        output = {"output_type": "stream", "name": "stdout", "text": "42"}
        return {"cell_type": "code", "source": source, "metadata": {"tags": list(tags)}, "outputs": [output]}

    cells = [
        cell("print('asked')"),
        cell("secret_1", "Solution"),
        cell("secret_2", "instructor-only"),
        cell("def f():\n    ### BEGIN SOLUTION\n    secret_3\n    ### END SOLUTION\n    return x"),
        cell("# BEGIN SOLUTION"),
        cell("secret_4"),
        cell("# END SOLUTION"),
        cell("y = secret_5  # SOLUTION\nz = 1"),
        cell("begun()\n### BEGIN SOLUTION\nsecret_6"),
        cell("after"),
    ]
    document = parse(json.dumps({"nbformat": 4, "cells": cells}).encode(), "homework1.ipynb")
    assert [(block.text, block.locator.cell) for block in document.blocks] == [
        ("print('asked')\n\nOutput:\n42", 1),
        ("def f():\n    return x", 4),
        ("z = 1", 8),
        ("begun()", 9),
        ("after\n\nOutput:\n42", 10),
    ]
    assert document.pages == len(cells)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252"])
def test_text_is_decoded_whatever_its_encoding(encoding: str) -> None:
    source = "Die Größe des Fühlers beträgt 3 cm, das genügt für Töpfe."
    assert texts(parse(source.encode(encoding), "a.txt")) == [source]


def test_text_loses_what_postgresql_can_not_hold_and_nothing_else() -> None:
    source = "A\0B \x07bell \ufb01ne x² e\u0301 \u00a0space soft\u00adhyphen 👩\u200d🔬".encode()
    assert texts(parse(source, "a.txt")) == ["AB bell fine x² é  space softhyphen 👩\u200d🔬"]
    lone = json.dumps({"nbformat": 4, "cells": [{"cell_type": "markdown", "source": "a \ud83d lone"}]})
    assert texts(parse(lone.encode(), "a.ipynb")) == ["a lone"]


def test_lines_broken_by_a_width_are_joined_and_verses_are_not() -> None:
    prose = (
        "This paragraph was written in an editor that breaks its\nlines at a width, which means nothing to a reader."
    )
    verse = "Short lines\nare meant"
    assert texts(parse(f"{prose}\n\n{verse}".encode(), "a.txt")) == [prose.replace("\n", " "), verse]


def test_pdfs_are_read_side_by_side() -> None:
    data = samples.pdf(pages=12)
    expected = parse(data, "a.pdf")
    with ThreadPoolExecutor(4) as pool:
        assert all(document == expected for document in pool.map(lambda _: parse(data, "a.pdf"), range(12)))
