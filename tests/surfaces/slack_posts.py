"""The bot's posts in the local Slack: what they say, and what holds for all of them whatever was done."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

from tests.fakes.slack.workspace import Post, Workspace

_ANSWER, _OPENS = "homeroom_answer", "opens"
_ALIVE = re.compile(r"<[!@#]")  # what Slack reads as a mention, a channel, or a call to everybody
_LINK = re.compile(r"<(?P<url>[a-z][a-z0-9+.-]*:[^<>|]*)\|(?P<label>[^<>]*)>", re.IGNORECASE)
_ADDRESS = re.compile(r"(?:https?://)?[\w-]+(?:\.[\w-]+)+\S*")
SECRET = re.compile(
    r"xox[abep]-|xapp-|sk-test|signing secret|traceback|sqlalchemy|asyncpg|\bSELECT\b.*\bFROM\b", re.IGNORECASE
)


def all_text(post: Post) -> str:
    """Return everything a post says: its text, and whatever its blocks hold."""
    return "\n".join([post.text, *_strings(post.blocks)])


def all_text_of(view: dict[str, Any]) -> str:
    """Return everything a view says."""
    return "\n".join(_strings(view))


def is_answer(post: Post) -> bool:
    """Whether a finished post is a part of an answer, or what an answer's thread begins with."""
    return (post.metadata or {}).get("event_type") == _ANSWER


def part_of(post: Post) -> Any:
    """Return which part of its answer a post is, from 0; "root" is what its thread begins with."""
    return (post.metadata or {})["event_payload"]["part"]


def check_posts(workspace: Workspace) -> None:
    """Check what always holds: what others read is an answer, once, and nothing in it is alive or secret."""
    counted: Counter[str] = Counter()
    for post in workspace.posts:
        if post.bot_id is None:
            continue
        for said, blocks in [(post.text, post.blocks), *post.history]:
            marked_up = "\n".join([said, *_marked_up(blocks)])
            assert not _ALIVE.search(marked_up), marked_up
            for link in _LINK.finditer(marked_up):
                assert link["label"] == link["url"] or not _ADDRESS.fullmatch(link["label"]), link[0]
            everything = "\n".join([said, *_strings(blocks)])
            assert not SECRET.search(everything), everything
            assert not _kinds(blocks) & {"user", "usergroup", "broadcast", "channel"}, blocks
        if post.deleted or post.to is not None:
            continue
        if is_answer(post):
            counted[str((post.metadata or {})["event_payload"])] += 1
        channel = workspace.conversations[post.channel]
        if channel.kind == "im" or workspace.bot_user not in channel.members or channel.archived:
            continue
        assert not post.streaming, post.text
        opens = _OPENS in ((post.metadata or {}).get("event_payload") or {})
        assert is_answer(post) or opens, f"what is that doing in public? {all_text(post)}"
        assert "@school.example" not in all_text(post)
    assert all(count == 1 for count in counted.values()), counted


def _strings(thing: Any) -> list[str]:
    if isinstance(thing, dict):
        own = [value for name, value in thing.items() if name in ("text", "url") and isinstance(value, str)]
        return own + [found for value in thing.values() for found in _strings(value)]
    if isinstance(thing, list):
        return [found for value in thing for found in _strings(value)]
    return []


def _marked_up(thing: Any) -> list[str]:
    """Return the texts in blocks that Slack reads as markup."""
    if isinstance(thing, dict):
        if thing.get("type") in ("mrkdwn", "markdown"):
            return [str(thing["text"])]
        return [found for value in thing.values() for found in _marked_up(value)]
    return [found for value in thing for found in _marked_up(value)] if isinstance(thing, list) else []


def _kinds(thing: Any) -> set[str]:
    """Return the types of everything in blocks."""
    if isinstance(thing, dict):
        own = {str(thing["type"])} if "type" in thing else set()
        return own.union(*(_kinds(value) for value in thing.values()))
    return set().union(*(_kinds(value) for value in thing)) if isinstance(thing, list) else set()
