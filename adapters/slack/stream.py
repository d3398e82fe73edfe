"""An answer as it is written: streamed where Slack takes streams, edited in place where not, else posted at its end."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import Any
from uuid import UUID

import structlog

from adapters.slack.controls import choice_blocks
from adapters.slack.cutting import cut, escaped_length, shown_end
from adapters.slack.failures import (
    NO_PLACE,
    NO_STREAMS,
    NO_STREAMS_HERE,
    NOT_STREAMING,
    TOO_LARGE,
    TROUBLE,
    Failure,
    in_our_words,
    read_failure,
)
from adapters.slack.limits import MESSAGE_SIZE, size
from adapters.slack.outgoing_text import escape_markdown
from adapters.slack.packing import Message
from adapters.slack.posting import Posting, Spot, answer_tag
from adapters.slack.render import render
from core.answering.replying import STOP
from core.inbox.deliver import Deliveries
from core.replies import Choice, Reply, Text, say

log = structlog.get_logger(__name__)

EDIT_SECONDS = 2.0


class _Mode(Enum):
    WAITING = auto()  # nothing is shown yet
    STREAM = auto()
    EDIT = auto()
    WHOLE = auto()  # to be posted once, at its end


@dataclass(slots=True)
class SlackStream:
    """Shows one answer at one spot. `recipient` is the person and their workspace, whom a channel's stream is for.

    `elsewhere` opens the spot to go to when Slack refuses this one.
    """

    posting: Posting
    deliveries: Deliveries
    answer_id: UUID
    spot: Spot
    recipient: tuple[str, str]
    elsewhere: Callable[[], Awaitable[Spot]] | None = None
    closed: bool = False
    _mode: _Mode = _Mode.WAITING
    _text: str = ""
    _shown: int = 0  # characters of the text that stand in the stream
    _sound: bool = True  # whether the stream holds exactly those, and takes more
    _ts: str = ""
    _due: float = 0.0
    _opening: asyncio.Task[None] | None = None

    async def append(self, text: str) -> None:
        """Show more text, now or with what comes next. Slack's refusals change the way it is shown, no more."""
        self._text += text
        match self._mode:
            case _Mode.WAITING if self._text.strip():
                # Whoever stops the writing cancels this; what was begun must be known of, to be ended.
                self._opening = self._opening or asyncio.create_task(self._open())
                await asyncio.shield(self._opening)
            case _Mode.STREAM:
                await self._grow()
            case _Mode.EDIT:
                await self._edit()
            case _:
                pass

    async def close(self, reply: Reply) -> None:
        """Show the answer whole, in as many messages as it takes. Raises `Unavailable`, `NotPermitted`."""
        if self.closed:
            return
        self.closed = True
        try:
            if self._opening is not None:
                await asyncio.gather(self._opening, return_exceptions=True)  # what failed was raised by `append`
            with in_our_words():
                try:
                    await self._finish(reply)
                except TROUBLE as error:
                    if self.elsewhere is None or read_failure(error).code not in NO_PLACE:
                        raise
                    self.spot = await self.elsewhere()
                    await self._show(self._whole(reply))
        finally:
            if self._ts:
                self.posting.pace.stream_closed(self.posting.team, self._ts)

    async def _open(self) -> None:
        team, channel, pace = self.posting.team, self.spot.channel, self.posting.pace
        if self.spot.thread is None or not pace.takes_streams(team, channel):
            await self._place()
            return
        if not pace.take(team, "chat.startStream"):
            self._mode = _Mode.WHOLE
            return
        end = shown_end(self._text, 0)
        await self.deliveries.intend(self.answer_id, channel, self.spot.thread)
        user, user_team = self.recipient
        to = {} if channel.startswith("D") else {"recipient_user_id": user, "recipient_team_id": user_team}
        try:
            started = await self.posting.client.chat_startStream(
                channel=channel,
                thread_ts=self.spot.thread,
                markdown_text=escape_markdown(self._text[:end]) or None,
                **to,  # type: ignore[arg-type]  # both are strings
            )
        except TROUBLE as error:
            await self._do_without(read_failure(error))
            return
        self._mode, self._ts, self._shown = _Mode.STREAM, str(started["ts"]), end
        pace.stream_opened(team, self._ts)
        self._due = pace.clock() + pace.between_appends(team)
        await self.deliveries.note(self.answer_id, channel, 0, self._ts)

    async def _do_without(self, failure: Failure) -> None:
        """Choose another way, Slack having refused a stream."""
        team, channel, pace = self.posting.team, self.spot.channel, self.posting.pace
        log.info("slack_stream_refused", team=team, code=failure.code)
        if failure.retry_after is not None:
            pace.hold(team, "chat.startStream", failure.retry_after)
        # A stream carries no tag until it ends, so that one that began unseen can't be found; it is not begun again.
        if failure.retry_after is not None or failure.unsure or failure.code in NO_PLACE:
            self._mode = _Mode.WHOLE
            return
        if failure.code in NO_STREAMS:
            pace.refuse_streams(team)
        elif failure.code in NO_STREAMS_HERE:
            pace.refuse_streams(team, channel)
        await self._place()

    async def _grow(self) -> None:
        team, pace = self.posting.team, self.posting.pace
        if not self._sound or pace.clock() < self._due:
            return
        end = shown_end(self._text, self._shown)
        new = escape_markdown(self._text[self._shown : end], self._text[: self._shown])
        if not new or not pace.take(team, "chat.appendStream"):
            return
        self._due = pace.clock() + pace.between_appends(team)
        self._sound = False  # until it is known; this may be cancelled
        try:
            await self.posting.client.chat_appendStream(channel=self.spot.channel, ts=self._ts, markdown_text=new)
        except TROUBLE as error:
            failure = read_failure(error)
            if failure.retry_after is not None:
                pace.hold(team, "chat.appendStream", failure.retry_after)
                self._sound = True
            else:
                # Stopped, timed out, or perhaps appended all the same: what stands there is put right at the end.
                log.info("slack_stream_broken", team=team, code=failure.code)
        else:
            self._shown, self._sound = end, True

    async def _place(self) -> None:
        """Post what there is, with Stop under it, to be edited as more comes."""
        self._mode = _Mode.EDIT
        await self.deliveries.intend(self.answer_id, self.spot.channel, self.spot.thread)
        try:
            self._ts = await self.posting.post(self.spot, self._so_far(), answer_tag(self.answer_id, 0))
        except TROUBLE as error:
            log.info("slack_placeholder_refused", team=self.posting.team, code=read_failure(error).code)
            self._mode = _Mode.WHOLE
            return
        await self.deliveries.note(self.answer_id, self.spot.channel, 0, self._ts, thread_id=self.spot.thread)
        self._due = self.posting.pace.clock() + EDIT_SECONDS

    async def _edit(self) -> None:
        team, pace = self.posting.team, self.posting.pace
        if pace.clock() < self._due or not pace.take(team, "chat.update"):
            return
        self._due = pace.clock() + EDIT_SECONDS
        message = self._so_far()
        try:
            await self.posting.client.chat_update(
                channel=self.spot.channel, ts=self._ts, text=message.text, blocks=list(message.blocks)
            )
        except TROUBLE as error:
            failure = read_failure(error)
            if failure.retry_after is not None:
                pace.hold(team, "chat.update", failure.retry_after)

    def _so_far(self) -> Message:
        """Return what is written, as far as one message holds it, with Stop under it."""
        (first, *_) = render(say(self._text[: shown_end(self._text, 0)])) or (Message("…"),)
        stop = choice_blocks((Choice("Stop", STOP, str(self.answer_id)),))
        return Message(first.text, (*first.blocks, *stop))

    async def _finish(self, reply: Reply) -> None:
        match self._mode:
            case _Mode.STREAM:
                await self._finish_stream(reply)
            case _Mode.EDIT:
                await self._rewrite(reply)
            case _:
                await self._show(self._whole(reply))

    async def _finish_stream(self, reply: Reply) -> None:
        if self._sound and reply.text().startswith(self._text[: self._shown]) and await self._finish_sound(reply):
            return
        if self._mode is _Mode.STREAM:
            await self._end("", ())
        await self._rewrite(reply)

    async def _finish_sound(self, reply: Reply) -> bool:
        """Add what is missing, as far as one message holds it, and go on below; False where Slack takes no more."""
        head, rest = cut(reply.text(), self._shown)
        if rest:
            others = tuple(part for part in reply.parts if not isinstance(part, Text))
            further = render(replace(reply, parts=(Text(rest), *others)))
        else:
            further = render(reply, shown=True)
        below: Sequence[dict[str, Any]] = ()
        if further and not rest and not further[0].uploads:
            blocks = further[0].blocks
            if escaped_length(head) + size(blocks) <= MESSAGE_SIZE:
                below, further = blocks, further[1:]
        if not await self._end(escape_markdown(head[self._shown :], head[: self._shown]), below):
            return False
        await self._show(further, first_part=1)
        return True

    async def _end(self, text: str, blocks: Sequence[dict[str, Any]]) -> bool:
        """End the stream with its last text and what stands below it; say whether Slack took them."""
        arguments: dict[str, Any] = {"markdown_text": text or None, "blocks": list(blocks) or None}
        try:
            await self.posting.insist(
                "chat.stopStream",
                lambda: self.posting.client.chat_stopStream(
                    channel=self.spot.channel, ts=self._ts, metadata=answer_tag(self.answer_id, 0), **arguments
                ),
            )
        except TROUBLE as error:
            failure = read_failure(error)
            log.info("slack_stream_not_ended", team=self.posting.team, code=failure.code)
            if failure.code in NO_PLACE or failure.unsure:
                raise
            if failure.code == NOT_STREAMING:
                self._mode = _Mode.EDIT  # somebody pressed Slack's own Stop, or it took too long
            return False
        return True

    async def _rewrite(self, reply: Reply) -> None:
        """Put the whole reply in place of the message that stands there, and go on below it."""
        first, *further = self._whole(reply)
        try:
            await self.posting.update(self.spot.channel, self._ts, first, answer_tag(self.answer_id, 0))
        except TROUBLE as error:
            failure = read_failure(error)
            if failure.code in TOO_LARGE:
                await self.posting.update(self.spot.channel, self._ts, Message(first.text))
            elif failure.code != "message_not_found":  # somebody took it away, and meant it
                raise
        await self._show(further, first_part=1)

    def _whole(self, reply: Reply) -> tuple[Message, ...]:
        return render(reply) or (Message("…"),)

    async def _show(self, messages: Sequence[Message], first_part: int = 0) -> None:
        for part, message in enumerate(messages, start=first_part):
            await show_part(self.posting, self.deliveries, self.spot, self.answer_id, part, message)


async def show_part(
    posting: Posting, deliveries: Deliveries, spot: Spot, answer_id: UUID, part: int, message: Message
) -> str:
    """Post one part of an answer, noted before and after. Raises one of `TROUBLE`."""
    await deliveries.intend(answer_id, spot.channel, spot.thread, part)
    ts = await posting.post(spot, message, answer_tag(answer_id, part))
    await deliveries.note(answer_id, spot.channel, part, ts, thread_id=spot.thread or ts)
    return ts
