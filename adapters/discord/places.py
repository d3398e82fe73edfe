"""What kind of place a channel of Discord's is: a channel, a thread in one, a post in a forum, direct messages.

https://discord.com/developers/docs/resources/channel#channel-object-channel-types
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Payload = Mapping[str, Any]
DIRECT, GROUP, FORUM, MEDIA = 1, 3, 15, 16
THREADS = frozenset({10, 11, 12})
FORUMS = frozenset({FORUM, MEDIA})


@dataclass(frozen=True, slots=True)
class Where:
    """A place: `channel` is the parent of a `thread`. A post in a forum has a `title` and names of `tags`.

    `private`: direct messages with the bot, where nobody else reads. `alone`: a private thread of the bot's, begun for
    somebody.
    """

    channel: str
    thread: str | None = None
    private: bool = False
    forum: bool = False
    title: str = ""
    tags: tuple[str, ...] = ()
    alone: bool = False


def where_of(channel: Payload, parent: Payload | None = None) -> Where:
    """Return what a channel object says about a place, and its parent's, where there is one."""
    kind, own = int(channel.get("type") or 0), str(channel.get("id") or "")
    if kind == DIRECT:
        return Where(own, private=True)
    if kind not in THREADS or not channel.get("parent_id"):
        return Where(own, forum=kind in FORUMS)
    parent = parent or {}
    names = {str(tag.get("id")): str(tag.get("name") or "") for tag in parent.get("available_tags") or ()}
    tags = tuple(name for tag in channel.get("applied_tags") or () if (name := names.get(str(tag))))
    forum = int(parent.get("type") or 0) in FORUMS
    return Where(str(channel["parent_id"]), own, forum=forum, title=str(channel.get("name") or ""), tags=tags)


def shard_of(guild: str, shards: int) -> int:
    """Return the shard that hears of a server, of so many.

    https://docs.discord.com/developers/events/gateway#sharding
    """
    return (int(guild) >> 22) % shards
