"""Text as Discord sends it, turned into what the person typed.

Discord writes mentions, channels, emoji and times as `<…>`: https://discord.com/developers/docs/reference#message-formatting
"""

from __future__ import annotations

import re

_TOKEN = re.compile(r"<(?P<mark>@[!&]?|#|a?:(?P<emoji>\w+):|/(?P<command>[^:<>\n]+):|t:|id:)[^<>\s]*>")
_FIRST = re.compile(r"\s*<@!?(\d+)>")


def first_mention(text: str) -> str | None:
    """Return the id of whom a text begins with, if it begins with a mention."""
    found = _FIRST.match(text)
    return found[1] if found else None


def mentions(text: str, user_id: str) -> bool:
    """Say whether a text mentions somebody."""
    return re.search(rf"<@!?{re.escape(user_id)}>", text) is not None


def plain_text(text: str, *, own: str | None = None) -> str:
    """Return the text without mentions of `own`, with emoji as names.

    Other people become “@someone”: a question carries no ids.
    """
    if own:
        text = re.sub(rf"<@!?{re.escape(own)}>[ \t]*", "", text)
    return _TOKEN.sub(_shown, text).strip()


def _shown(token: re.Match[str]) -> str:
    if token["emoji"]:
        return f":{token['emoji']}:"
    if token["command"]:
        return f"/{token['command']}"
    match token["mark"]:
        case "#":
            return "#channel"
        case "@&":
            return "@some-group"
        case "@" | "@!":
            return "@someone"
        case _:
            return token[0]
