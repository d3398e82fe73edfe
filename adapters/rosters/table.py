"""A CSV file as records: encodings, delimiters, and quotation marks that are never closed."""

from __future__ import annotations

import codecs
import csv
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from core.errors import Empty, InvalidInput, Oversized

_MOST_RECORDS = 100_000
_MOST_LINES = 20  # of one record: a note may hold line breaks, but a quotation mark left open must not eat the file
_FIRST_CELL = re.compile(r"\s*(?:\"(?:[^\"]|\"\")*\"|[^\",;\t]*)([,;\t])")
_SEP = re.compile(r"sep=([,;\t])", re.IGNORECASE)  # a line of Excel's own
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),  # what spreadsheets call “Unicode text”
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_LINE_ENDS = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")
_OPEN_QUOTE = "a quotation mark is never closed, or stands inside a cell"


@dataclass(frozen=True, slots=True)
class Record:
    """One record: the line it begins on, from 1, and its cells by column; or why it could not be taken apart.

    `values` are the same cells in order.
    """

    line: int
    cells: dict[str, str]
    fault: str = ""
    values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Table:
    """A CSV file. `columns` are the header's names, normalised by `column_name`, in order; `headers`, as they stand."""

    columns: tuple[str, ...]
    records: tuple[Record, ...]
    headers: tuple[str, ...] = ()


def column_name(header: str) -> str:
    """Return a header without case, space and punctuation: “E-mail address” is `emailaddress`."""
    return "".join(letter for letter in unicodedata.normalize("NFKC", header).casefold() if letter.isalnum())


def read_table(data: bytes, filename: str) -> Table:
    """Take a CSV file apart; the delimiter is what ends the first cell of its first line.

    Bytes that are not UTF-8 stay in their cells as lone surrogates. Raises `Empty`, `InvalidInput`, `Oversized`.
    """
    lines = _LINE_ENDS.findall(_decode(data, filename))
    start = next((number for number, line in enumerate(lines) if line.strip(" \t\r\n,;")), None)
    if start is None:
        raise Empty(f"{filename} is empty.")
    if (said := _SEP.fullmatch(lines[start].rstrip("\r\n"))) and start + 1 < len(lines):
        delimiter, start = said[1], start + 1
    else:
        ended = _FIRST_CELL.match(lines[start])
        delimiter = ended[1] if ended else ","
    records = _records(lines, start, delimiter)
    _, header, fault = next(records)
    if fault:
        raise InvalidInput(f"In the first line of {filename} {fault}.")
    columns = tuple(column_name(cell) for cell in header)
    read = []
    for line, cells, reason in records:
        if reason or any(cell.strip() for cell in cells):
            fault = reason or _misplaced(columns, cells)
            read.append(Record(line, _by_column(columns, cells), fault, tuple(cells)))
        if len(read) > _MOST_RECORDS:
            raise Oversized(f"{filename} has more than {_MOST_RECORDS:,} rows. Is this the right file?")
    return Table(columns, tuple(read), tuple(header))


def _decode(data: bytes, filename: str) -> str:
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            try:
                # Decoding takes the mark away; UTF-8 may go wrong in single rows, the others only as a whole.
                return data.decode(encoding, errors="surrogateescape" if encoding == "utf-8-sig" else "strict")
            except UnicodeDecodeError as error:
                raise InvalidInput(f"{filename} is damaged. Save it again as “CSV UTF-8”.") from error
    if b"\0" in data.split(b"\n", 1)[0]:
        raise InvalidInput(f"{filename} is not a CSV file in UTF-8. Save it again as “CSV UTF-8”.")
    return data.decode(errors="surrogateescape")


def _records(lines: list[str], start: int, delimiter: str) -> Iterator[tuple[int, list[str], str]]:
    """Yield line number, cells and fault. A record that can't be read costs its first line only."""
    at = start
    while at < len(lines):
        cells, length, fault = _record(lines, at, delimiter)
        yield at + 1, cells, fault
        at += length


def _record(lines: list[str], at: int, delimiter: str) -> tuple[list[str], int, str]:
    for length in range(1, _MOST_LINES + 1):
        try:
            rows = list(csv.reader(lines[at : at + length], delimiter=delimiter, strict=True))
        except csv.Error:
            continue
        return (rows[0] if rows else []), length, ""
    return [lines[at].strip()], 1, _OPEN_QUOTE


def _by_column(columns: tuple[str, ...], cells: list[str]) -> dict[str, str]:
    by_column: dict[str, str] = {}
    for column, cell in zip(columns, cells, strict=False):
        by_column.setdefault(column, cell)  # of two columns with one name, the first
    return by_column


def _misplaced(columns: tuple[str, ...], cells: list[str]) -> str:
    # A comma too many moves every cell after it, so nothing in the row can be trusted.
    return "it has more cells than there are columns" if any(map(str.strip, cells[len(columns) :])) else ""
