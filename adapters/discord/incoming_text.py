"""Text as Discord sends it, turned into what the person typed.

Discord writes mentions, channels, emoji and times as `<…>`: https://discord.com/developers/docs/reference#message-formatting
"""

from __future__ import annotations

import re

_TOKEN = re.compile(r"<(?P<mark>@[!&]?|#|a?:(?P<emoji>\w+):|/(?P<command>[^:<>\n]+):|t:|id:)[^<>\s]*>")
_FIRST = re.compile(r"\s*(?:<@[!&]?(\d+)>|@(everyone|here)\b)")


def first_mention(text: str) -> str | None:
    """Return whom a text begins with, if it begins with a mention: the id of a person or role, or the word for all."""
    found = _FIRST.match(text)
    return found[1] or found[2] if found else None


def mentions(text: str, *ids: str) -> bool:
    """Say whether a text mentions one of these people or roles."""
    return re.search(rf"<@[!&]?(?:{'|'.join(map(re.escape, ids))})>", text) is not None


def plain_text(text: str, *own: str) -> str:
    """Return the text without mentions of one's `own` ids, with emoji as names.

    Other people become “@someone”: a question carries no ids.
    """
    if own:
        text = re.sub(rf"<@[!&]?(?:{'|'.join(map(re.escape, own))})>[ \t]*", "", text)
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
