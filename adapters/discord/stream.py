"""An answer as it is written: one message that is edited as the text grows, and further ones where it is long."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from uuid import UUID

import structlog

from adapters.discord.calls import answer_nonce
from adapters.discord.controls import choice_units
from adapters.discord.failures import TROUBLE, UNKNOWN_MESSAGE, code_of, in_our_words, reason_of, refused
from adapters.discord.packing import Message, pack
from adapters.discord.render import render
from adapters.discord.sinks import Sink, is_over
from core.answering.replying import STOP
from core.inbox.deliver import Deliveries
from core.replies import Choice, Reply, say

log = structlog.get_logger(__name__)

EDIT_SECONDS = 1.2
_TRIES = 4
_ELLIPSIS = Message("…")


@dataclass(slots=True)
class DiscordStream:
    """Shows one answer. `elsewhere` opens the sink to go to when this one takes no more; `pages` is as in `render`."""

    sink: Sink
    deliveries: Deliveries
    answer_id: UUID
    elsewhere: Callable[[], Awaitable[Sink]] | None = None
    pages: str | None = None
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep
    closed: bool = False
    _text: str = ""
    _posted: list[tuple[str, Message]] = field(default_factory=list)  # by part: id, and what stands there
    _tried: set[int] = field(default_factory=set)  # parts that were sent, whether or not they stand
    _due: float = 0.0
    _showing: asyncio.Task[None] | None = None
    _refused: bool = False  # Discord takes nothing meanwhile: it is shown whole at its end

    async def append(self, text: str) -> None:
        """Show more text, now or with what comes next. What Discord refuses or delays does not hold up the writing."""
        self._text += text
        busy = self._showing is not None and not self._showing.done()
        if busy or self._refused or self.closed or not self._text.strip() or self.clock() < self._due:
            return
        # One call at a time: while Discord makes us wait, text is gathered, and no edits are queued up.
        self._showing = asyncio.create_task(self._show_so_far())
        await asyncio.sleep(0)

    async def close(self, reply: Reply) -> None:
        """Show the answer whole, in as many messages as it takes. Raises `Unavailable`, `NotPermitted`."""
        if self.closed:
            return
        self.closed = True
        if self._showing is not None:
            await asyncio.gather(self._showing, return_exceptions=True)
        with in_our_words():
            try:
                await self._show_whole(reply)
            except TROUBLE as error:
                if self.elsewhere is None or not (is_over(error) or refused(error)):
                    raise
                log.info("discord_answer_moved", reason=reason_of(error))
                left, parts = self.sink, self._posted
                self.sink, self._posted, self._tried = await self.elsewhere(), [], set()
                await self._show_whole(reply)
                for message_id, _ in reversed(parts):  # half an answer, with a Stop that stops nothing
                    with contextlib.suppress(*TROUBLE):
                        await left.remove(message_id)

    async def _show_so_far(self) -> None:
        try:
            shown = list(render(say(self._text), pages=self.pages)) or [_ELLIPSIS]
            stop = next(pack(choice_units((Choice("Stop", STOP, str(self.answer_id)),)))).rows
            shown[-1] = Message(shown[-1].content, rows=stop)
            await self._show(shown)
        except TROUBLE as error:
            self._refused = True
            log.info("discord_streaming_refused", reason=reason_of(error))
        finally:
            self._due = self.clock() + EDIT_SECONDS

    async def _show_whole(self, reply: Reply) -> None:
        messages = list(render(reply, pages=self.pages, thumbs=not self.sink.reacts)) or [_ELLIPSIS]
        for tried in range(_TRIES):
            try:
                await self._show(messages)
                break
            except TROUBLE as error:
                # Each part carries a nonce, so that trying again posts nothing twice.
                if tried + 1 == _TRIES or is_over(error) or refused(error) or 400 <= _status(error) < 500:  # noqa: PLR2004
                    raise
                await self.sleep(0.5 * 2**tried)
        for message_id, _ in self._posted[len(messages) :]:  # the text was longer while it was written
            await self._leave_out(message_id)

    async def _show(self, messages: list[Message]) -> None:
        for part, message in enumerate(messages):
            if part >= len(self._posted):
                again = part in self._tried
                self._tried.add(part)
                posted = await show_part(self.sink, self.deliveries, self.answer_id, part, message)
                if again:  # its nonce may have returned what was posted the first time, which said less
                    await self.sink.edit(posted, message)
                self._posted.append((posted, message))
                continue
            message_id, standing = self._posted[part]
            if standing == message:
                continue
            try:
                await self.sink.edit(message_id, message)
            except TROUBLE as error:
                if code_of(error) != UNKNOWN_MESSAGE:  # somebody took it away, and meant it
                    raise
            self._posted[part] = (message_id, message)

    async def _leave_out(self, message_id: str) -> None:
        try:
            await self.sink.edit(message_id, _ELLIPSIS)
        except TROUBLE as error:
            log.info("discord_part_left", reason=reason_of(error))


async def show_part(sink: Sink, deliveries: Deliveries, answer_id: UUID, part: int, message: Message) -> str:
    """Post one part of an answer, noted before and after. Raises one of `TROUBLE`."""
    channel = sink.channel
    await deliveries.intend(answer_id, channel, sink.thread, part)
    posted = await sink.post(message, answer_nonce(answer_id, part))
    if sink.channel == channel:
        await deliveries.note(answer_id, channel, part, posted, thread_id=sink.thread)
    else:  # it had to go to another place
        await deliveries.intend(answer_id, sink.channel, sink.thread, part, posted=posted)
    return posted


def _status(error: Exception) -> int:
    return int(getattr(error, "status", 0) or 0)
