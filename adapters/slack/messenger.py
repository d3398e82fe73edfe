"""Notices in Slack: direct messages, and posts in a class's channels, each once.

The tag is metadata, which stays with the message: it is looked for whenever nobody knows whether a post went through,
however long ago that was.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import structlog
from slack_sdk.web.async_client import AsyncWebClient

from adapters.slack.failures import NO_PLACE, TOO_LARGE, TROUBLE, our_error, read_failure
from adapters.slack.home_page import publish_home
from adapters.slack.pace import Pace
from adapters.slack.packing import Message
from adapters.slack.posting import OneTry, Posting, Spot
from adapters.slack.render import render
from core.errors import HomeroomError, NotPermitted
from core.ports import Addressee, Shown
from core.replies import Reply

log = structlog.get_logger(__name__)

NOTICE_EVENT = "homeroom_notice"
_TRIES = 4
# The person can't be written to: gone, a bot, or the app's messages are switched off.
_CLOSED = NO_PLACE | frozenset(
    {
        "user_not_found",
        "users_not_found",
        "user_disabled",
        "user_not_visible",
        "cannot_dm_bot",
        "messages_tab_disabled",
        "no_permission",
        "not_allowed",
    }
)
_GONE = frozenset({"message_not_found", "channel_not_found", "is_archived"})


def notice_tag(notice: UUID, part: int) -> dict[str, Any]:
    """Return the metadata that says which part of which notice a message is."""
    return {"event_type": NOTICE_EVENT, "event_payload": {"notice": str(notice), "part": part}}


@dataclass(frozen=True, slots=True)
class SlackMessenger:
    """Implements `core.ports.Messenger`. `client_for` gives a workspace's client."""

    client_for: Callable[[str], Awaitable[AsyncWebClient]]
    pace: Pace

    async def tell(
        self,
        to: Addressee,
        reply: Reply,
        notice: UUID,
        *,
        since: datetime | None = None,
        settle: Callable[[str], Awaitable[object]],  # noqa: ARG002  (direct messages are found again by the person)
    ) -> Shown:
        """Post a reply once. Raises `NotPermitted`, `Unavailable`."""
        with _in_our_words():
            letters = _Letters(await self._posting(to.workspace_id), to, notice)
            found = await letters.find(since) if since is not None else {}
            ids = [found.get(part) or await letters.post(part, message) for part, message in enumerate(render(reply))]
            return Shown(to.workspace_id, letters.channel, tuple(ids))

    async def find(self, to: Addressee, notice: UUID, *, since: datetime) -> Shown | None:
        """Return what was posted for a notice since then. Raises `NotPermitted`, `Unavailable`."""
        with _in_our_words():
            letters = _Letters(await self._posting(to.workspace_id), to, notice)
            found = await letters.find(since)
            if not found:
                return None
            return Shown(to.workspace_id, letters.channel, tuple(found[part] for part in sorted(found)))

    async def change(self, shown: Shown, reply: Reply) -> None:
        """Put a reply in place of what stands there. Raises `NotPermitted`, `Unavailable`."""
        messages = render(reply)
        with _in_our_words():
            posting = await self._posting(shown.workspace_id)
            for ts, message in zip(shown.message_ids, messages, strict=False):
                await posting.update(shown.channel_id, ts, message)
        await self.remove(Shown(shown.workspace_id, shown.channel_id, shown.message_ids[len(messages) :]))

    async def remove(self, shown: Shown) -> None:
        """Delete what stands there. Raises `NotPermitted`, `Unavailable`."""
        with _in_our_words():
            posting = await self._posting(shown.workspace_id)
            for ts in reversed(shown.message_ids):
                try:
                    await posting.insist(
                        "chat.delete",
                        lambda ts=ts: posting.client.chat_delete(channel=shown.channel_id, ts=ts),  # type: ignore[misc]
                        tries=_TRIES,
                    )
                except TROUBLE as error:
                    if read_failure(error).code not in _GONE:
                        raise

    async def show_home(self, workspace_id: str, user_id: str, page: Reply) -> None:
        """Put a page in place of the one that a person's Home tab shows. Raises `NotPermitted`, `Unavailable`."""
        with _in_our_words():
            await publish_home(await self._posting(workspace_id), user_id, page)

    async def _posting(self, team: str) -> Posting:
        return Posting(OneTry.like(await self.client_for(team)), self.pace, team)


@dataclass(slots=True)
class _Letters:
    """The messages of one notice in one place. Raises one of `TROUBLE`.

    A post to a person's id opens their direct messages by itself and says where they are
    (https://docs.slack.dev/reference/methods/chat.postMessage), which saves a call each that Slack counts strictly.
    """

    posting: Posting
    to: Addressee
    notice: UUID
    channel: str = ""

    def __post_init__(self) -> None:
        self.channel = self.to.channel_id

    async def find(self, since: datetime) -> dict[int, str]:
        """Return the ids of what carries the tag, by part."""
        if not self.channel:
            client = self.posting.client
            opened = await self.posting.insist(
                "conversations.open", lambda: client.conversations_open(users=self.to.user_id)
            )
            self.channel = str(opened["channel"]["id"])
        found = {}
        async for message in self.posting.messages(Spot(self.channel), oldest=f"{since.timestamp():.6f}"):
            metadata = message.get("metadata") or {}
            payload = metadata.get("event_payload") or {}
            if metadata.get("event_type") == NOTICE_EVENT and payload.get("notice") == str(self.notice):
                found[int(payload["part"])] = str(message["ts"])
        return found

    async def post(self, part: int, message: Message) -> str:
        """Post a part; where Slack does not say whether it took it, look before anything else."""
        posting, where, sent = self.posting, self.channel or self.to.user_id, message.arguments()
        failed, began = 0, posting.pace.clock()
        while True:
            await posting.pace.wait(posting.team, "chat.postMessage", where)
            try:
                answer = await posting.client.chat_postMessage(
                    channel=where, metadata=notice_tag(self.notice, part), **sent
                )
            except TROUBLE as error:
                failure = read_failure(error)
                if failure.retry_after is not None:
                    posting.pace.hold(posting.team, "chat.postMessage", failure.retry_after, where)
                    continue
                if failure.code in TOO_LARGE and "blocks" in sent:
                    log.warning("slack_blocks_refused", team=posting.team, code=failure.code)
                    del sent["blocks"]
                    continue
                failed += 1
                if not failure.unsure or failed >= _TRIES:
                    raise
                await posting.pace.sleep(0.5 * 2**failed)
                since = datetime.now().astimezone().timestamp() - (posting.pace.clock() - began) - _CLOCKS_APART
                found = await self.find(datetime.fromtimestamp(since).astimezone())
                if part in found:
                    return found[part]
            else:
                self.channel = str(answer["channel"])
                return str(answer["ts"])


_CLOCKS_APART = 600.0  # seconds that Slack's clock and ours may differ


@contextmanager
def _in_our_words() -> Iterator[None]:
    """Turn Slack's and the network's errors into ours, in words for a teacher."""
    try:
        yield
    except TROUBLE as error:
        raise _our_error(error) from error


def _our_error(error: Exception) -> HomeroomError:
    failure = read_failure(error)
    if failure.code in _CLOSED:
        return NotPermitted(f"Slack does not let me write there ({failure.code}).", code=failure.code)
    return our_error(failure)
