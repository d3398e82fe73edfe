"""News in a forum, where every post is a thread with a title: each once, though Discord enforces no nonce there.

Ids of what stands in such a thread name it, too: the notice is for the forum, and the messages are elsewhere.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import replace

from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode

from adapters.discord.calls import Calls
from adapters.discord.failures import TROUBLE
from adapters.discord.letters import Letters, is_same, start_of
from adapters.discord.limits import THREAD_NAME, fit
from adapters.discord.markdown import words_of
from adapters.discord.packing import Json
from core.ports import Shown
from core.replies import Reply
from core.text import one_line

_REQUIRES_TAG = 1 << 4  # https://docs.discord.com/developers/resources/channel#channel-object-channel-flags
_FOR_NEWS = ("announcement", "news", "update", "lesson", "assignment")
_TAKEN_DOWN = "Taken back"
_BETWEEN = ":"


async def post_in_forum(letters: Letters, forum: Json, reply: Reply) -> Shown:
    """Post a notice as a post of its own, unless it stands there. Raises one of `TROUBLE`."""
    place, (first, *rest) = str(forum["id"]), letters.messages
    thread = await _standing(letters, place)
    if thread is None:
        title = post_title(reply)
        thread = await letters.calls.start_post(place, title, first, tags_for(forum, f"{title} {reply.text()}"))
    further = await replace(letters, messages=tuple(rest)).post_in(thread)
    ids = (thread, *further.message_ids)
    return Shown(letters.guild, place, tuple(f"{thread}{_BETWEEN}{message}" for message in ids))


def place_of(channel: str, message_id: str) -> tuple[str, str]:
    """Return where a message of a notice is, and its own id."""
    thread, between, message = message_id.partition(_BETWEEN)
    return (thread, message) if between else (channel, message_id)


async def take_down(calls: Calls, thread: str) -> None:
    """Leave nothing of a post's title, and put it away. Never raises: only moderators can delete a post."""
    with contextlib.suppress(*TROUBLE):
        await calls.close_thread(thread, _TAKEN_DOWN)


def post_title(reply: Reply) -> str:
    """Return a title: what a reply begins with, and the first thing it lists."""
    tree = SyntaxTreeNode(MarkdownIt("commonmark").parse(reply.text()))
    opening = _first_line(tree)
    items = [_first_line(node) for node in tree.walk() if node.type == "list_item"]
    more = f" and {len(items) - 1} more" if len(items) > 1 else ""
    title = f"{opening}: {items[0]}" if items else opening
    return f"{fit(title, THREAD_NAME - len(more))}{more}"


def tags_for(forum: Json, text: str) -> Sequence[str]:
    """Return the tag of a forum that wants one: one for news, else one that is named in the text, else the first.

    Tags that only moderators may set come last.
    """
    if not int(forum.get("flags") or 0) & _REQUIRES_TAG:
        return ()
    tags: list[Json] = forum.get("available_tags") or []
    said = text.casefold()

    def fits(tag: Json) -> tuple[bool, bool, bool]:
        name = str(tag.get("name") or "").casefold()
        return bool(tag.get("moderated")), not any(each in name for each in _FOR_NEWS), not name or name not in said

    return [str(tag["id"]) for tag in sorted(tags, key=fits)[:1]]


async def _standing(letters: Letters, forum: str) -> str | None:
    """Return the post that a sender before us has begun."""
    if letters.since is None:
        return None
    start = int(start_of(letters.since))
    for thread in await letters.calls.threads(letters.guild, forum):
        thread_id = str(thread["id"])
        if str(thread.get("owner_id")) == letters.own and int(thread_id) >= start:
            opening = await letters.calls.message(thread_id, thread_id)
            if is_same(opening, "", letters.messages[0]):
                return thread_id
    return None


def _first_line(node: SyntaxTreeNode) -> str:
    return one_line(next((words_of(each) for each in node.walk() if each.type == "inline"), ""), 1_000)
