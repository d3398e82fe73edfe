"""Human and model text on its way to Slack: escaped, so that it pings nobody and hides no link."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from adapters.outgoing_text import without_turns

_HALF_AN_ENTITY = re.compile(r"&[a-z]*\Z")
_LOOKS_LIKE_AN_ADDRESS = re.compile(r"(?:https?://|www\.)?(?P<host>[\w-]+(?:\.[\w-]+)+)(?:[/?#:]\S*)?", re.IGNORECASE)


def escape(text: str) -> str:
    """Return text for mrkdwn that shows as it is: no mention, channel, command or link of Slack's is left in it.

    The three characters of https://docs.slack.dev/messaging/formatting-message-text#escaping.
    """
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def escape_within(text: str, limit: int) -> str:
    """Return escaped text of at most `limit` characters, cut with an ellipsis."""
    escaped = escape(text[: limit + 1])  # no character becomes shorter
    if len(escaped) <= limit:
        return escaped
    return _HALF_AN_ENTITY.sub("", escaped[: limit - 1]).rstrip() + "…"


def escape_markdown(text: str, before: str = "") -> str:
    """Return Markdown for `markdown_text` and `markdown` blocks, safe to cut anywhere and to send in pieces.

    `before` is what was sent already. A link's address stands beside its label instead of behind it: a label may claim
    another place, and pieces are shown before anybody can tell.

    Slack reads its own `<…>` there too, but does not read a decoded `&lt;` again. Only the opening bracket is escaped:
    `>` begins a quotation, and `&` would break the addresses of links (PostHog/posthog, pull request 95054, measured).
    """
    apart = without_turns(text).replace("](", "] (").replace("<", "&lt;")
    return f" {apart}" if before.endswith("]") and apart.startswith("(") else apart


def honest_label(label: str, url: str) -> str:
    """Return a link's text, or its address where the text reads like another address."""
    claimed = _LOOKS_LIKE_AN_ADDRESS.fullmatch(label.strip())
    if claimed is None:
        return label.strip() or url
    host = (urlsplit(url).hostname or "").removeprefix("www.")
    return label.strip() if claimed["host"].lower().removeprefix("www.") == host else url
