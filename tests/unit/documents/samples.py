"""Documents made on the spot: one of each format with the same lesson in it, and ones that can't be read."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from typing import Any

import docx
import nbformat.v4
import pptx
from fpdf import FPDF
from PIL import Image
from pptx.util import Inches

TITLE = "Soil sensors"
FACT = "A capacitive sensor measures moisture without touching the water."
CODE = "adc = ADC()\nwhile True:\n    print(adc.read(0))"


def pdf(*, pages: int = 4, password: str | None = None) -> bytes:
    sheet = FPDF()
    if password:
        sheet.set_encryption(owner_password="owner", user_password=password)
    sheet.set_title(TITLE)
    for number in range(1, pages + 1):
        sheet.add_page()
        sheet.set_font("Helvetica", size=9)
        sheet.text(20, 12, "Course handbook, autumn")
        sheet.text(100, 288, f"Page {number} of {pages}")
        sheet.set_font("Helvetica", size=20)
        sheet.text(20, 30, TITLE if number == 1 else f"Chapter {number}")
        sheet.set_font("Helvetica", size=11)
        for row, line in enumerate(("A capacitive sensor measures mois-", "ture without touching the water.")):
            sheet.text(20, 45 + 5 * row, line)
        sheet.text(20, 65, f"Paragraph {number} stands apart from what is above.")
        for row, item in enumerate(("first item of a list", "second item of a list")):
            sheet.text(22, 75 + 5 * row, "-")
            sheet.text(36, 75 + 5 * row, item)  # at a tab stop far from its bullet
        sheet.set_font("Courier", size=10)
        for row, line in enumerate(CODE.split("\n")):
            indent = len(line) - len(line.lstrip())
            sheet.text(20 + indent * 2.1167, 95 + 5 * row, line.lstrip())
    return bytes(sheet.output())


def scan() -> bytes:
    sheet = FPDF()
    for shade in (90, 120):
        sheet.add_page()
        picture = io.BytesIO()
        Image.new("L", (60, 80), shade).save(picture, "PNG")
        sheet.image(picture, x=0, y=0, w=200)
    return bytes(sheet.output())


def blank() -> bytes:
    sheet = FPDF()
    sheet.add_page()
    return bytes(sheet.output())


def deck(*, hide_second: bool = False) -> bytes:
    show = pptx.Presentation()
    first = show.slides.add_slide(show.slide_layouts[0])
    first.shapes.title.text = TITLE
    second = show.slides.add_slide(show.slide_layouts[1])
    note = second.shapes.add_textbox(Inches(1), Inches(6.5), Inches(3), Inches(0.5))
    note.text_frame.text = "at the bottom"
    second.shapes.title.text = "How they work"
    second.placeholders[1].text_frame.text = FACT
    second.placeholders[1].text_frame.add_paragraph().text = "It does not rust."
    second.notes_slide.notes_text_frame.text = "Pass a sensor round the class."
    if hide_second:
        second.element.set("show", "0")
    third = show.slides.add_slide(show.slide_layouts[5])
    third.shapes.title.text = "Prices"
    group = third.shapes.add_group_shape()
    inner = group.shapes.add_textbox(Inches(1), Inches(5), Inches(3), Inches(0.5))
    inner.text_frame.text = "grouped words"
    table = third.shapes.add_table(2, 2, Inches(1), Inches(2), Inches(4), Inches(1)).table
    for row, cells in enumerate((("Kind", "Price"), ("Capacitive", "4 EUR"))):
        for column, text in enumerate(cells):
            table.cell(row, column).text = text
    picture = io.BytesIO()
    Image.new("L", (8, 8)).save(picture, "PNG")
    blank = show.slides.add_slide(show.slide_layouts[6])
    blank.shapes.add_picture(picture, 0, 0)
    return _saved(show.save)


def word() -> bytes:
    text = docx.Document()
    text.sections[0].header.paragraphs[0].text = "Running header"
    text.add_heading(TITLE, 1)
    text.add_paragraph(FACT)
    text.add_heading("Steps", 2)
    text.add_paragraph("dig a hole", style="List Number")
    text.add_paragraph("insert the sensor", style="List Number")
    table = text.add_table(1, 2)
    table.cell(0, 0).text, table.cell(0, 1).text = "Depth", "10 cm"
    text.add_paragraph("After the table.")
    return _saved(text.save)


def markdown() -> bytes:
    return f"""---
title: "{TITLE}"
---
# {TITLE}

[![build](https://img.shields.io/badge/build-ok.svg)](https://ci.example.org)

{FACT} See [the manual](https://example.org/manual?a=1) and replace `<pin>` by <your pin>.

![A sensor in wet soil](soil.jpg) ![](empty.png)

## Steps {{#steps}}

3. dig a hole
   - deep
4. insert the <b>sensor</b>

```python
{CODE}
```

| Kind | Price |
|---|---|
| Capacitive | 4 EUR |
""".encode()


def html(charset: str = "utf-8") -> bytes:
    return f"""<!doctype html><html><head><meta charset="{charset}"><title>{TITLE} - Site</title>
<style>p {{color: red}}</style></head><body><nav><a href="/">Home</a></nav>
<h1>{TITLE}</h1><p>{FACT}<br>Größe: klein</p><script>alert("no")</script>
<h2>Steps</h2><ol><li>dig a <b>hole</b><ul><li>deep</li></ul></li><li>insert</li></ol><pre>{CODE}</pre>
<table><tr><th>Kind</th><th>Price</th></tr><tr><td>Capacitive</td><td>4 EUR</td></tr></table>
<footer>Imprint</footer></body></html>""".encode(charset)


def jupyter() -> bytes:
    v4: Any = nbformat.v4
    printed = v4.new_output("stream", text="".join(f"{value}\n" for value in range(500)))
    cells = [
        v4.new_markdown_cell(f"# {TITLE}\n\n{FACT}"),
        v4.new_code_cell(CODE, outputs=[printed]),
        v4.new_markdown_cell("## Steps\n\nDig a hole."),
    ]
    return json.dumps(v4.new_notebook(cells=cells)).encode()


def plain() -> bytes:
    return f"{TITLE}\n\n{FACT}\n\n- dig a hole\n- insert the sensor\n".encode()


FORMATS: dict[str, Callable[[], bytes]] = {
    "lesson.pdf": pdf, "lesson.pptx": deck, "lesson.docx": word, "lesson.md": markdown, "lesson.html": html,
    "lesson.ipynb": jupyter, "lesson.txt": plain,
}  # fmt: skip


def rezipped(data: bytes, changes: dict[str, bytes]) -> bytes:
    """Return a zip with some entries replaced or added."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as source, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target:
        for entry in source.infolist():
            if entry.filename not in changes:
                target.writestr(entry.filename, source.read(entry))
        for name, content in changes.items():
            target.writestr(name, content)
    return out.getvalue()


def _saved(save: Callable[[io.BytesIO], None]) -> bytes:
    out = io.BytesIO()
    save(out)
    return out.getvalue()
