"""Pages with cursors: https://docs.slack.dev/apis/web-api/pagination."""

from __future__ import annotations

import base64
import binascii
from typing import Any

from tests.fakes.slack.blocks import Refused
from tests.fakes.slack.calls import Json


def read_limit(arguments: Json, otherwise: int, most: int) -> int:
    """Return how many items a page holds. Raises `Refused`."""
    try:
        limit = int(arguments.get("limit") or otherwise)
    except (TypeError, ValueError) as error:
        raise Refused("invalid_limit") from error
    if not 1 <= limit <= most:
        raise Refused("invalid_limit")
    return limit


def read_cursor(arguments: Json, mark: str) -> str | None:
    """Return what the cursor of an earlier page says, or None for the first page. Raises `Refused`."""
    cursor: Any = arguments.get("cursor")
    if not cursor:
        return None
    try:
        said = base64.b64decode(str(cursor), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError) as error:
        raise Refused("invalid_cursor") from error
    if not said.startswith(f"{mark}:"):
        raise Refused("invalid_cursor")
    return said.removeprefix(f"{mark}:")


def cursor(mark: str, place: str) -> str:
    """Return a cursor for the page that begins at a place."""
    return base64.b64encode(f"{mark}:{place}".encode()).decode()


def is_true(value: object) -> bool:
    """Read a flag, which a form or a query carries as text."""
    return value is True or str(value).lower() in ("1", "true")
