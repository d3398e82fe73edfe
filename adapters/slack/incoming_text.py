"""Text as Slack sends it, turned into what the person typed.

Slack writes mentions, channels and links as `<…>` and escapes `&`, `<` and `>`
(https://docs.slack.dev/messaging/formatting-message-text).
"""

from __future__ import annotations

import re

_TOKEN = re.compile(r"<([@#!][^<>\n]*|[a-z][a-z0-9+.-]*:[^<>\n]*)>")
_MENTION = re.compile(r"<@([UW][A-Z0-9]+)(?:\|[^<>\n]*)?>")
_FIRST = re.compile(r"\s*<(?:@([UW][A-Z0-9]+)|!(subteam\^[A-Z0-9]+|here|channel|everyone))(?:\|[^<>\n]*)?>")


def mentions(text: str) -> frozenset[str]:
    """Return the ids of the people and bots a text mentions."""
    return frozenset(_MENTION.findall(text))


def first_mention(text: str) -> str | None:
    """Return the id of the person or group that a text begins with, if it begins with a mention."""
    found = _FIRST.match(text)
    return found[1] or found[2] if found else None


def plain_text(text: str, *, own: str | None = None) -> str:
    """Return the text without mentions of `own`, with the names of channels and groups, and with links as typed.

    Other people become “@someone”: a question carries no ids.
    """
    if own:
        text = re.sub(rf"<@{re.escape(own)}(?:\|[^<>\n]*)?>[ \t]*", "", text)
    text = _TOKEN.sub(_shown, text)
    # The ampersand last, or `&amp;lt;` would become `<`.
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&").strip()


def _shown(token: re.Match[str]) -> str:
    target, _, label = token[1].partition("|")
    match target[:1]:
        case "@":
            return "@someone"
        case "#":
            return f"#{label or 'channel'}"
        case "!":
            return label or f"@{target[1:].partition('^')[0]}"
        case _:
            shown = target.removeprefix("mailto:")
            return shown if label in ("", shown) or shown.endswith(f"//{label}") else f"{label} ({shown})"
