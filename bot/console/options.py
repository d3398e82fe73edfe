"""The options that several console commands share, and what is common to what they print."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from core.documents import Locator
from core.enums import SourceMode
from core.errors import InvalidInput

ClassCode = Annotated[str, typer.Option("--class", help="The class's code.", show_default=False)]
AsEmail = Annotated[str, typer.Option("--as", help="The email address of the person who acts.", show_default=False)]
Mode = Annotated[
    str | None, typer.Option("--mode", help="LESSON, CLASS or GENERAL; LESSON needs --lesson.", show_default=False)
]
Lesson = Annotated[
    str | None, typer.Option("--lesson", help="A lesson, by number (2.3), title or id.", show_default=False)
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def read_mode(mode: str | None) -> SourceMode | None:
    """Return the source mode by its name in any case. Raises `InvalidInput`."""
    if mode is None:
        return None
    try:
        return SourceMode(mode.strip().upper())
    except ValueError as error:
        raise InvalidInput(f"The mode is one of {', '.join(SourceMode)}.") from error


def locator_json(locator: Locator) -> dict[str, Any]:
    """Return a locator's numbers and headings, with the label that people read."""
    return {**locator.to_json(), "label": locator.label()}
