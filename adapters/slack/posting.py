"""Messages of ours in Slack: each posted once, however often a call fails on the way.

A post carries a tag in its metadata. Where nobody knows whether Slack took it, the tag is looked for before it is
posted again.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any
from uuid import UUID, uuid4

import structlog
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from adapters.slack.failures import TOO_LARGE, TROUBLE, read_failure
from adapters.slack.outgoing_text import escape
from adapters.slack.pace import Pace
from adapters.slack.packing import Message, in_words
from core.replies import File, Picture, plain_name

log = structlog.get_logger(__name__)

TRIES = 8
ANSWER_EVENT, REPLY_EVENT = "homeroom_answer", "homeroom_reply"
ROOT = "root"  # the part of an answer's tag that stands for the message its thread begins with
_LOOK_BACK = 600.0  # seconds before now, for what was posted a moment ago by another clock
_PAGE, _PAGES = 200, 20
_LONGEST_WAIT = 30.0


@dataclass(frozen=True, slots=True)
class Spot:
    """Where something is posted: in a thread, or by itself."""

    channel: str
    thread: str | None = None


def answer_tag(answer_id: UUID, part: int | str) -> dict[str, Any]:
    """Return the metadata that says which part of which answer a message is."""
    return {"event_type": ANSWER_EVENT, "event_payload": {"answer": str(answer_id), "part": part}}


def reply_tag() -> dict[str, Any]:
    """Return metadata for any other message."""
    return {"event_type": REPLY_EVENT, "event_payload": {"id": str(uuid4())}}


def opening_tag(event_key: str) -> dict[str, Any]:
    """Return the metadata of the message that opens a thread for an event; the same when it is served again."""
    # Hashed, because a key may be made of what nobody else should read.
    return {"event_type": REPLY_EVENT, "event_payload": {"opens": sha256(event_key.encode()).hexdigest()[:32]}}


class OneTry(AsyncWebClient):
    """A client that makes each call once and gives up in time: a post repeated blindly may stand there twice."""

    @classmethod
    def like(cls, client: AsyncWebClient) -> OneTry:
        """Return the same client without the handlers that repeat calls."""
        return cls(
            token=client.token,
            base_url=client.base_url,
            timeout=client.timeout,
            ssl=client.ssl,
            proxy=client.proxy,
            session=client.session,
            trust_env_in_session=client.trust_env_in_session,
            team_id=client.default_params.get("team_id"),
            logger=client.logger,
            retry_handlers=[],
        )

    async def api_call(self, api_method: str, **arguments: Any) -> AsyncSlackResponse:  # noqa: ANN401  (as declared there)
        """Call a method. The SDK's own `timeout` does not count where it was given a session."""
        async with asyncio.timeout(self.timeout):
            return await super().api_call(api_method, **arguments)


@dataclass(frozen=True, slots=True)
class Posting:
    """Posts in one workspace."""

    client: OneTry
    pace: Pace
    team: str

    async def insist(
        self, method: str, call: Callable[[], Awaitable[AsyncSlackResponse]], *, tries: int = TRIES
    ) -> AsyncSlackResponse:
        """Call until Slack has done it, waiting as long as Slack says; only for what may be done twice.

        Raises one of `TROUBLE` when Slack refuses, or still fails after `tries` times.
        """
        failed = 0
        while True:
            await self.pace.wait(self.team, method)
            try:
                return await call()
            except TROUBLE as error:
                failed = await self._after(error, method, failed, tries)

    async def post(self, spot: Spot, message: Message, tag: Mapping[str, Any] | None = None) -> str:
        """Post a message with what it uploads and return its id. Raises one of `TROUBLE`."""
        tag = tag or reply_tag()
        ts = ""
        if message.blocks or not message.uploads:
            ts = await self._post(spot, message.arguments(), tag)
        for each in message.uploads:
            if not await self.upload(spot, each):
                words = Message(not_uploaded(each))
                posted = await self._post(spot, words.arguments(), tag if not ts else reply_tag())
                ts = ts or posted
        return ts

    async def update(self, channel: str, ts: str, message: Message, tag: Mapping[str, Any] | None = None) -> None:
        """Put a message in place of one that stands there. Raises one of `TROUBLE`."""
        arguments: dict[str, Any] = {"text": message.text, "blocks": list(message.blocks)}
        if tag is not None:
            arguments["metadata"] = dict(tag)
        await self.insist("chat.update", lambda: self.client.chat_update(channel=channel, ts=ts, **arguments))

    async def upload(self, spot: Spot, what: Picture | File) -> bool:
        """Upload a picture or a file, and say whether that went well."""
        name = "picture.png" if isinstance(what, Picture) else plain_name(what.name)
        alt = what.alt if isinstance(what, Picture) else None
        try:
            await self.client.files_upload_v2(
                content=what.png if isinstance(what, Picture) else what.data,
                filename=name,
                title=alt[:200] if alt is not None else name,
                alt_txt=alt[:1_000] if alt is not None else None,
                channel=spot.channel,
                thread_ts=spot.thread,
            )
        except TROUBLE as error:
            log.warning("slack_upload_refused", team=self.team, code=read_failure(error).code)
            return False
        return True

    async def find(self, spot: Spot, tag: Mapping[str, Any]) -> str | None:
        """Return the id of the post of a moment ago that carries a tag, or None. Raises one of `TROUBLE`."""
        oldest = str(time.time() - _LOOK_BACK)
        async for message in self.messages(spot, oldest=oldest):
            if carries(message, tag):
                return str(message["ts"])
        return None

    async def messages(self, spot: Spot, *, oldest: str = "0") -> AsyncIterator[dict[str, Any]]:
        """Yield the messages of a thread, or a channel's latest, with their metadata. Raises one of `TROUBLE`."""
        arguments: dict[str, Any] = {"channel": spot.channel, "include_all_metadata": True, "limit": _PAGE}
        if spot.thread is not None:
            arguments["ts"] = spot.thread
        cursor = ""
        for _ in range(_PAGES):
            paged = arguments | ({"cursor": cursor} if cursor else {}) | ({"oldest": oldest} if oldest != "0" else {})
            if spot.thread is not None:
                page = await self.insist(
                    "conversations.replies",
                    lambda paged=paged: self.client.conversations_replies(**paged),  # type: ignore[misc]
                )
            else:
                page = await self.insist(
                    "conversations.history",
                    lambda paged=paged: self.client.conversations_history(**paged),  # type: ignore[misc]
                )
            for message in page.get("messages") or ():
                yield message
            cursor = str((page.get("response_metadata") or {}).get("next_cursor") or "")
            if not cursor:
                return

    async def _post(self, spot: Spot, arguments: Mapping[str, Any], tag: Mapping[str, Any]) -> str:
        failed, sent = 0, dict(arguments)
        while True:
            await self.pace.wait(self.team, "chat.postMessage", spot.channel)
            try:
                answer = await self.client.chat_postMessage(
                    channel=spot.channel, thread_ts=spot.thread, metadata=dict(tag), **sent
                )
                return str(answer["ts"])
            except TROUBLE as error:
                failure = read_failure(error)
                if failure.code in TOO_LARGE and "blocks" in sent:
                    # A limit that nobody knew of: better plain words than nothing.
                    log.warning("slack_blocks_refused", team=self.team, code=failure.code)
                    del sent["blocks"]
                    continue
                failed = await self._after(error, "chat.postMessage", failed, TRIES, spot.channel)
                if failure.unsure and (found := await self._found(spot, tag)) is not None:
                    return found

    async def _found(self, spot: Spot, tag: Mapping[str, Any]) -> str | None:
        try:
            return await self.find(spot, tag)
        except TROUBLE as error:
            # Without the scope to read here nobody can tell; an answer twice is better than none.
            log.warning("slack_tag_not_looked_for", team=self.team, code=read_failure(error).code)
            return None

    async def _after(self, error: Exception, method: str, failed: int, tries: int, channel: str = "") -> int:
        """Wait as a failure asks for, and return how often a call has failed; raise it again where that is no use."""
        failure = read_failure(error)
        if failure.retry_after is not None:
            self.pace.hold(self.team, method, failure.retry_after, channel)
            return failed
        if not failure.unsure or failed + 1 >= tries:
            raise error
        await self.pace.sleep(min(_LONGEST_WAIT, 0.5 * 2**failed))
        return failed + 1


def not_uploaded(what: Picture | File) -> str:
    """Return what is said, escaped, where an upload was refused."""
    if isinstance(what, Picture):
        return escape(in_words(what))
    instead = f"<{escape(what.url)}|Get it here.>" if what.url else "Please try again."
    return f"{escape(in_words(what))} Slack did not take this file. {instead}"


def carries(message: Mapping[str, Any], tag: Mapping[str, Any]) -> bool:
    """Say whether a message carries a tag."""
    metadata = message.get("metadata") or {}
    return bool(
        metadata.get("event_type") == tag["event_type"] and metadata.get("event_payload") == tag["event_payload"]
    )
