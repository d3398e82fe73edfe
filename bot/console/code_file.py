"""A file of link codes to hand out: made before the codes are, and gone if they come to nothing."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from core.errors import InvalidInput

HEADER = ("email", "name", "section", "code", "valid until (UTC)")
# Spreadsheets run a cell that begins so; an apostrophe makes it text (OWASP, “CSV injection”).
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@contextmanager
def new_code_file(path: Path) -> Iterator[TextIO]:
    """Open a file that is new and readable by its owner alone; remove it if the block fails. Raises `InvalidInput`."""
    try:
        opened = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise InvalidInput(f"The file {path} is there already; name a new one for the codes.") from error
    except OSError as error:
        raise InvalidInput(f"The file {path} can't be written: {error.strerror}.") from error
    try:
        with os.fdopen(
            opened, "w", encoding="utf-8-sig", newline=""
        ) as file:  # the mark tells spreadsheets it is UTF-8
            yield file
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def write_rows(file: TextIO, rows: Iterable[tuple[str, ...]]) -> None:
    """Write header and rows, each cell safe to open in a spreadsheet."""
    writer = csv.writer(file)
    writer.writerow(HEADER)
    for row in rows:
        writer.writerow([f"'{cell}" if cell.startswith(_FORMULA) else cell for cell in row])
    file.flush()
