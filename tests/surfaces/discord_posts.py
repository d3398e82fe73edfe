"""The bot's posts in the local Discord: what they say, and what holds for all of them whatever was done."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping

from adapters.discord.reach import NOT_REACHED
from tests.fakes.discord.component_rules import walk
from tests.fakes.discord.records import PRIVATE_THREAD, THREAD_CREATED, THREAD_STARTER, Post
from tests.fakes.discord.world import BOT, World
from tests.surfaces.slack_posts import SECRET

_ESCAPED = re.compile(r"\\([^\w\s])")
_LINK = re.compile(r"(?<!\\)\[(?P<label>[^\]]*)\]\((?P<url>[^)]*)\)")
_ADDRESS = re.compile(r"(?:https?://)?[\w-]+(?:\.[\w-]+)+\S*")


def labels(post: Post) -> list[str]:
    """Return what stands on a post's buttons, and in its menus."""
    parts = [part for part in walk(post.components) if part.get("label")]
    options = [option for part in walk(post.components) for option in part.get("options", ())]
    return [str(part["label"]) for part in [*parts, *options]]


def all_text(post: Post) -> str:
    """Return everything a post says, as it reads."""
    boxes = [f"{each.get('title', '')}\n{each.get('description', '')}" for each in post.embeds]
    return _ESCAPED.sub(r"\1", "\n".join([post.content, *boxes, *labels(post)]))


def is_private(world: World, post: Post) -> bool:
    """Whether one person alone sees a post: unseen by others, in direct messages, in a private thread."""
    channel = world.channels[post.channel]
    return post.to is not None or channel.guild is None or channel.kind == PRIVATE_THREAD


def check_posts(world: World, answers: Mapping[str, tuple[str, int]]) -> None:
    """Check what always holds: what others read is an answer, once; nobody is notified; nothing is secret.

    `answers` are the posts that are known to show answers: which one, and which part of it.
    """
    opened = {channel.id for channel in world.channels.values() if channel.is_thread}
    counted: Counter[tuple[str, int, bool]] = Counter()
    for post in world.posts:
        if post.author != BOT or post.kind in (THREAD_CREATED, THREAD_STARTER):
            continue
        assert not post.pings, f"{post.pings} are called by: {post.content}"
        for said in (post.content, *post.edits, all_text(post)):
            assert not SECRET.search(said), said
        for written in (post.content, *post.edits, *(str(each.get("description")) for each in post.embeds)):
            for link in _LINK.finditer(written):
                assert not _ADDRESS.fullmatch(link["label"]) or link["label"] == link["url"], link[0]
        if post.deleted:
            continue
        if post.id in answers:
            # What one person sees by an interaction can't be taken away once its token has died.
            counted[(*answers[post.id], post.to is None)] += 1
        if is_private(world, post):
            continue
        assert "Stop" not in labels(post), f"is that still written? {post.content}"
        known = post.id in answers or post.id in opened or post.content == NOT_REACHED
        assert known, f"what is that doing in public? {all_text(post)}"
        assert "@school.example" not in all_text(post)
    assert all(count == 1 for count in counted.values()), counted
