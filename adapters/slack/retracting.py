"""Takes back what a process that died had posted."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence

import structlog

from adapters.slack.failures import TROUBLE, read_failure
from adapters.slack.posting import ANSWER_EVENT, Posting, Spot, carries, opening_tag
from core.ports import Post

log = structlog.get_logger(__name__)

_TRIES = 3
_LOOK_BACK = 86_400.0  # seconds of a channel's history, where no thread is known


async def retract(posting: Posting, posts: Sequence[Post], event_key: str) -> None:
    """Delete the posts, and whatever else carries their answers' tags or opened a thread for the event.

    A stream carries its tag from its end on; of one that was begun but not noted yet nothing is known. Never raises.
    """
    for spot in dict.fromkeys(Spot(post.channel_id, post.thread_id) for post in posts):
        here = [post for post in posts if Spot(post.channel_id, post.thread_id) == spot]
        found = dict.fromkeys(post.message_id for post in here if post.message_id)
        try:
            found |= dict.fromkeys(await _find(posting, spot, {str(post.answer_id) for post in here}, event_key))
        except TROUBLE as error:
            log.warning("slack_posts_not_found", team=posting.team, code=read_failure(error).code)
        # The newest first, so that what a thread began with goes last.
        for ts in sorted(found, key=_moment, reverse=True):
            await _delete(posting, spot.channel, ts)


async def _find(posting: Posting, spot: Spot, answers: set[str], event_key: str) -> list[str]:
    opening = opening_tag(event_key)
    found = []
    oldest = "0" if spot.thread else str(time.time() - _LOOK_BACK)
    async for message in posting.messages(spot, oldest=oldest):
        metadata = message.get("metadata") or {}
        payload = metadata.get("event_payload") or {}
        ours = metadata.get("event_type") == ANSWER_EVENT and payload.get("answer") in answers
        if ours or carries(message, opening):
            found.append(str(message["ts"]))
    return found


async def _delete(posting: Posting, channel: str, ts: str) -> None:
    client = posting.client
    with contextlib.suppress(*TROUBLE):  # it is a stream no more, most of the time
        await client.chat_stopStream(channel=channel, ts=ts)
    try:
        await posting.insist("chat.delete", lambda: client.chat_delete(channel=channel, ts=ts), tries=_TRIES)
    except TROUBLE as error:
        code = read_failure(error).code
        if code != "message_not_found":
            log.warning("slack_post_not_deleted", team=posting.team, code=code)


def _moment(ts: str) -> float:
    try:
        return float(ts)
    except ValueError:
        return 0.0
