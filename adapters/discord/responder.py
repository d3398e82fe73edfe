"""The other end of one event in Discord: answers and replies, each where it may be read."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

import structlog

from adapters.discord.calls import event_nonce
from adapters.discord.failures import TROUBLE, in_our_words, reason_of, refused
from adapters.discord.fetching import fetch_file
from adapters.discord.interaction import Interaction
from adapters.discord.live_reply import DiscordReply
from adapters.discord.packing import Message
from adapters.discord.reach import Reach
from adapters.discord.render import render
from adapters.discord.reply_forms import after_form, open_form
from adapters.discord.retracting import retract
from adapters.discord.route import Route
from adapters.discord.setting import Setting
from adapters.discord.sinks import ChannelSink, Sink
from adapters.discord.stream import DiscordStream, show_part
from core.events import Attachment, Event
from core.events import Message as Said
from core.inbox.deliver import Deliveries
from core.ports import AnswerStream, LiveReply, Post, Profile
from core.replies import Audience, Reply

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class DiscordResponder:
    """Replies to one event, along its route; `interaction` where it was one."""

    setting: Setting
    route: Route
    event: Event
    deliveries: Deliveries
    interaction: Interaction | None = None
    _stream: DiscordStream | None = None
    _reach: Reach = field(init=False)

    def __post_init__(self) -> None:
        """Take up the interaction, whatever has become of it."""
        if self.interaction is None and self.route.token:
            self.interaction = Interaction(self.setting.calls, self.route)
        self._reach = Reach(self.setting, self.route, self.event, self.interaction)

    async def send(self, reply: Reply) -> None:
        """Show a whole reply to its audience. Raises `Unavailable`, `NotPermitted`."""
        stream = self._stream
        if stream is not None and not stream.closed and reply.answer_id == stream.answer_id:
            await stream.close(reply)  # what went wrong is said where the answer stood
            return
        with in_our_words():
            sessions = self.deliveries.sessions
            reply = await after_form(sessions, self.route, self.event, reply)
            reply = await open_form(sessions, self.event, self.interaction, reply)
            if not reply.parts:
                return
            sink = await self._reach.sink(reply.audience)
            try:
                await self._show(sink, reply)
            except TROUBLE as error:
                if sink is self._reach.direct or (isinstance(sink, ChannelSink) and not refused(error)):
                    raise
                await self._show(await self._reach.direct_sink(), reply)

    async def send_live(self, reply: Reply) -> LiveReply | None:
        """Show a whole reply to the person alone, where it can be changed. Raises `Unavailable`, `NotPermitted`."""
        messages = list(render(reply, pages=self.setting.pages))
        if len(messages) != 1 or messages[0].uploads:
            await self.send(reply)
            return None
        nonce = event_nonce(self.event.key, f"live{messages[0].content}")
        with in_our_words():
            sink = await self._reach.private_sink()
            try:
                posted = await sink.post(messages[0], nonce)
            except TROUBLE:
                if sink is self._reach.direct:
                    raise
                sink = await self._reach.direct_sink()
                posted = await sink.post(messages[0], nonce)
        return DiscordReply(sink, posted, self.setting.pages)

    async def begin(self, answer_id: UUID, audience: Audience) -> AnswerStream:
        """Open an answer that is shown as it is written. Raises `Unavailable`, `NotPermitted`."""
        with in_our_words():
            sink = await self._reach.sink(audience, thread_for=_asked(self.event))
        if not self._reach.is_private(audience) and self.interaction is not None:
            await self.interaction.settle(Message(f"The answer is in <#{self._reach.posting_place}>."))
        self._stream = DiscordStream(sink, self.deliveries, answer_id, self._reach.direct_sink, self.setting.pages)
        return self._stream

    async def open_thread(self, opening: Reply) -> str | None:
        """Post what opens a thread in the channel, and return its id; None where Discord lets us post nothing there.

        Raises `Unavailable`, `NotPermitted`.
        """
        first, *_ = render(opening, pages=self.setting.pages)
        channel = self.event.place.channel_id
        with in_our_words():
            try:
                # The nonce returns the same message when the event is served again.
                root = await self.setting.calls.post(channel, first, event_nonce(self.event.key, "opening"))
            except TROUBLE as error:
                if not refused(error):
                    raise
                log.info("discord_post_refused", reason=reason_of(error))
                self._reach.shut_out = True
                return None
            await self._reach.begin_thread(root, opening.text())
        return root

    async def working(self) -> None:
        """Show that something is being written; an interaction shows that by itself. Never raises."""
        if self.interaction is None and (self.route.private or self.route.in_thread):
            with contextlib.suppress(*TROUBLE):
                await self.setting.calls.typing(self.route.channel)

    async def profile(self) -> Profile | None:
        """Return None: Discord says nothing about its people that could be believed."""
        return None

    async def shared(self) -> bool:
        """Return False: a channel belongs to one server, and what is said there is read by its members."""
        return False

    async def readers(self) -> frozenset[str] | None:
        """Return None: who reads in a channel takes the privileged intent for members, which is not asked for."""
        return None

    async def fetch(self, attachment: Attachment) -> bytes:
        """Return a file that came with the event. Raises `Oversized`, `NotFound`, `Unavailable`."""
        return await fetch_file(self.setting.calls.session, attachment, self.setting.api_url)

    async def retract(self, posts: Sequence[Post]) -> None:
        """Take back what a process that died had posted, whether or not it could note so. Never raises."""
        await retract(self.setting.calls, posts, self.setting.own())

    async def _show(self, sink: Sink, reply: Reply) -> None:
        messages = render(reply, pages=self.setting.pages, thumbs=not sink.reacts)
        for part, message in enumerate(messages):
            if reply.answer_id is not None:
                await show_part(sink, self.deliveries, reply.answer_id, part, message)
            else:
                await sink.post(message, event_nonce(self.event.key, f"{part}{message.content}"))


def _asked(event: Event) -> str:
    return event.text if isinstance(event, Said) else ""
