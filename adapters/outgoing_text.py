"""Human and model text on its way to a chat: what no surface lets through, whatever its own markup."""

from __future__ import annotations

import re
from urllib.parse import quote, urlsplit, urlunsplit

from core.text import clean

# Marks that turn the direction of writing round; a link could hide behind them.
_TURNS = re.compile(r"[\u202a-\u202e\u2066-\u2069]")
_HOST = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]*")
_KEPT = "%/:=&?~#+!$,;'@()*[]"


def without_turns(text: str) -> str:
    """Return text without marks that turn the direction of writing round."""
    return _TURNS.sub("", text)


def harmless(text: str) -> str:
    """Return text without control characters, trimmed."""
    return without_turns(clean(text))


def safe_url(url: str, most: int) -> str | None:
    """Return an address of at most so many characters that may be linked, encoded so that it ends no link early.

    None for any other: only the web and mail, and no `https://school.org@elsewhere.org`, which reads otherwise.
    """
    try:
        parts = urlsplit(url.strip())
        port = f":{parts.port}" if parts.port else ""
        host = (parts.hostname or "").encode("idna").decode("ascii")
    except ValueError:  # UnicodeError too, for a name that is none
        return None
    rest = quote(urlunsplit(("", "", parts.path, parts.query, parts.fragment)), safe=_KEPT)
    if parts.scheme in ("http", "https") and _HOST.fullmatch(host) and "@" not in parts.netloc:
        safe = f"{parts.scheme}://{host}{port}{rest}"
    elif parts.scheme == "mailto" and "@" in parts.path:
        safe = f"mailto:{rest}"
    else:
        return None
    return safe if len(safe) <= most else None
