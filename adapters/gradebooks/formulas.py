"""Cells that a spreadsheet would run (OWASP, “CSV injection”), made harmless in files and whole again when read."""

from __future__ import annotations

_RUN = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")


def disarm(cell: str) -> str:
    """Return a text that spreadsheets show as it is: an apostrophe before what begins like a formula."""
    return f"'{cell}" if cell.lstrip("'").startswith(_RUN) else cell


def rearm(cell: str) -> str:
    """Return what `disarm` was given."""
    return cell[1:] if cell.startswith("'") and cell.lstrip("'").startswith(_RUN) else cell
