"""Takes back what a process that died had posted."""

from __future__ import annotations

from collections.abc import Sequence

import structlog

from adapters.discord.calls import Calls
from adapters.discord.controls import component_ids, short_uuid
from adapters.discord.failures import TROUBLE, UNKNOWN_CHANNEL, UNKNOWN_MESSAGE, code_of, reason_of
from core.ports import Post

log = structlog.get_logger(__name__)


async def retract(calls: Calls, posts: Sequence[Post], own: str) -> None:
    """Delete the posts, and those of ours whose controls name their answers, noted or not. Never raises.

    An answer that is being written has its Stop control under its last part, so that it is found by that. A post
    without any controls that was not noted can't be; posted again within minutes, its nonce returns it.
    """
    for place in dict.fromkeys(post.thread_id or post.channel_id for post in posts):
        here = [post for post in posts if (post.thread_id or post.channel_id) == place]
        found = dict.fromkeys(post.message_id for post in here if post.message_id)
        if any(post.message_id is None for post in here):
            answers = {short_uuid(post.answer_id) for post in here}
            found |= dict.fromkeys(await _find(calls, place, answers, own))
        for message_id in sorted(found, key=int, reverse=True):
            await _delete(calls, place, message_id)


async def _find(calls: Calls, place: str, answers: set[str], own: str) -> list[str]:
    try:
        latest = await calls.history(place)
    except TROUBLE as error:
        log.warning("discord_posts_not_found", reason=reason_of(error))
        return []
    return [
        str(message["id"])
        for message in latest
        if str((message.get("author") or {}).get("id")) == own
        and any(answer in each for each in component_ids(message.get("components") or ()) for answer in answers)
    ]


async def _delete(calls: Calls, place: str, message_id: str) -> None:
    try:
        await calls.delete(place, message_id)
    except TROUBLE as error:
        if code_of(error) not in (UNKNOWN_MESSAGE, UNKNOWN_CHANNEL):  # gone already, or seen by one person alone
            log.warning("discord_post_not_deleted", reason=reason_of(error))
