"""Jupyter notebooks: Markdown cells as Markdown, code cells as code with the beginning of what they printed."""

from __future__ import annotations

import json
import re
from typing import Any

from nbformat import converter, reader

from adapters.documents.limits import Limits
from adapters.documents.markdown import read_markdown
from adapters.documents.notebook_solutions import joined, without_solutions
from adapters.documents.outline import Outline
from adapters.documents.text import clean, decode
from adapters.documents.titles import title_of
from core.documents import BlockKind, Document, Locator
from core.errors import Corrupt, Oversized

_reader: Any = reader  # these two modules have no types, unlike the rest of nbformat
_converter: Any = converter
_OUTPUT_LINES = 12
_OUTPUT_CHARACTERS = 800
_TERMINAL_CODES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_OBJECT_NAME = re.compile(r"(?:<[\w. ]+ (?:at 0x[0-9a-f]+|object.*|size .*|with .*)>|\[<.*>\])\s*", re.DOTALL)


def parse_notebook(data: bytes, limits: Limits) -> Document:
    """Read a notebook of format 3 or 4; cells are numbered from 1. Solutions are left out.

    Raises `Corrupt`, `Oversized`.
    """
    text = decode(data)
    # Read as plain JSON, because nbformat refuses small omissions that every notebook program overlooks.
    notebook = json.loads(text)
    version = notebook["nbformat"]
    if version not in (3, 4):
        raise Corrupt(f"This notebook is of format {version}, which can't be read. Save it again in Jupyter.")
    if version == 3:  # noqa: PLR2004 - the format before the current one
        notebook = _converter.convert(_reader.reads(text), 4)
    cells = notebook["cells"]
    if len(cells) > limits.pages:
        raise Oversized(f"This notebook has {len(cells):,} cells; at most {limits.pages:,} can be read.")
    outline = Outline()
    for number, cell in enumerate(without_solutions(cells), start=1):
        outline.at(Locator(cell=number))
        _read_cell(cell, outline)
    title = title_of(outline.blocks) or notebook.get("metadata", {}).get("title")
    return Document(tuple(outline.blocks), title=title if isinstance(title, str) else None, pages=len(cells))


def _read_cell(cell: dict[str, Any], outline: Outline) -> None:
    source = joined(cell.get("source"))
    match cell.get("cell_type"):
        case "markdown":
            read_markdown(clean(source), outline)
        case "code":
            printed = "\n".join(text for output in cell.get("outputs") or () if (text := _printed(output)))
            shown = f"Output:\n{_shortened(printed)}" if printed else ""
            outline.add(BlockKind.CODE, "\n\n".join(part for part in (source.strip("\n"), shown) if part))
        case "raw" | "heading":
            outline.add(BlockKind.TEXT, source)
        case _:
            pass


def _printed(output: dict[str, Any]) -> str:
    """Return an output's text; pictures, widgets and the names of objects say nothing."""
    match output.get("output_type"):
        case "stream":
            text = joined(output.get("text")) if output.get("name") != "stderr" else ""
        case "execute_result" | "display_data":
            text = joined((output.get("data") or {}).get("text/plain"))
        case "error":
            text = f"{output.get('ename', 'Error')}: {output.get('evalue', '')}"
        case _:
            text = ""
    text = _TERMINAL_CODES.sub("", text).strip("\n")
    return "" if _OBJECT_NAME.fullmatch(text) else text


def _shortened(text: str) -> str:
    lines = text.splitlines()
    short = "\n".join(lines[:_OUTPUT_LINES])[:_OUTPUT_CHARACTERS]
    return short if short == text else short + "\n…"
