"""The other end of one event in Discord: answers and replies, each where it may be read."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import structlog

from adapters.discord.calls import event_nonce
from adapters.discord.failures import CLOSED, THREAD_EXISTS, TROUBLE, code_of, in_our_words, reason_of, refused
from adapters.discord.fetching import fetch_file
from adapters.discord.interaction import Interaction
from adapters.discord.live_reply import DiscordReply
from adapters.discord.packing import Message
from adapters.discord.render import render
from adapters.discord.reply_forms import after_form, open_form
from adapters.discord.retracting import retract
from adapters.discord.route import MESSAGE, REACTION, Route
from adapters.discord.setting import Setting
from adapters.discord.sinks import ChannelSink, InteractionSink, Sink
from adapters.discord.stream import DiscordStream, show_part
from core.events import Attachment, Event
from core.events import Message as Said
from core.inbox.deliver import Deliveries
from core.ports import AnswerStream, LiveReply, Post, Profile
from core.replies import Audience, Reply

log = structlog.get_logger(__name__)

SEEN_PRIVATELY = "📬"  # on a message that was answered where only its author reads
NOT_REACHED = (
    "I can't answer this here in public, and your direct messages are closed to me. Open them, or type `/ask`."
)
_PRIVATE_THREAD = "An answer for you alone"


@dataclass(slots=True)
class DiscordResponder:
    """Replies to one event, along its route; `interaction` where it was one."""

    setting: Setting
    route: Route
    event: Event
    deliveries: Deliveries
    interaction: Interaction | None = None
    _stream: DiscordStream | None = None
    _opened: str | None = None  # the thread of an event that came without one
    _in_thread: bool = False  # whether that is a thread indeed, not just the message it would begin with
    _shut_out: bool = False
    _direct: Sink | None = None
    _unreachable: Exception | None = None  # why nothing can be said to the person alone

    def __post_init__(self) -> None:
        """Take up the interaction, whatever has become of it."""
        if self.interaction is None and self.route.token:
            self.interaction = Interaction(self.setting.calls, self.route)

    async def send(self, reply: Reply) -> None:
        """Show a whole reply to its audience. Raises `Unavailable`, `NotPermitted`."""
        stream = self._stream
        if stream is not None and not stream.closed and reply.answer_id == stream.answer_id:
            await stream.close(reply)  # what went wrong is said where the answer stood
            return
        with in_our_words():
            sessions = self.deliveries.sessions
            reply = await after_form(self.setting, sessions, self.route, self.event, reply)
            reply = await open_form(self.setting, sessions, self.event, self.interaction, reply)
            if not reply.parts:
                return
            sink = await self._private_sink() if self._is_private(reply.audience) else await self._public_sink(None)
            try:
                await self._show(sink, reply)
            except TROUBLE as error:
                if sink is self._direct or (isinstance(sink, ChannelSink) and not refused(error)):
                    raise
                await self._show(await self._direct_sink(), reply)

    async def send_live(self, reply: Reply) -> LiveReply | None:
        """Show a whole reply to the person alone, where it can be changed. Raises `Unavailable`, `NotPermitted`."""
        messages = list(render(reply, pages=self.setting.pages))
        if len(messages) != 1 or messages[0].uploads:
            await self.send(reply)
            return None
        nonce = event_nonce(self.event.key, f"live{messages[0].content}")
        with in_our_words():
            sink = await self._private_sink()
            try:
                posted = await sink.post(messages[0], nonce)
            except TROUBLE:
                if sink is self._direct:
                    raise
                sink = await self._direct_sink()
                posted = await sink.post(messages[0], nonce)
        return DiscordReply(sink, posted, self.setting.pages)

    async def begin(self, answer_id: UUID, audience: Audience) -> AnswerStream:
        """Open an answer that is shown as it is written. Raises `Unavailable`, `NotPermitted`."""
        with in_our_words():
            private = self._is_private(audience)
            sink = await self._private_sink() if private else await self._public_sink(_asked(self.event))
        if not private and self.interaction is not None:
            await self.interaction.settle(Message(f"The answer is in <#{self._posting_place}>."))
        self._stream = DiscordStream(sink, self.deliveries, answer_id, self._direct_sink, self.setting.pages)
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
                self._shut_out = True
                return None
            self._opened = root
            self._in_thread = await self._start_thread(channel, root, opening.text())
        return self._opened

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

    @property
    def _posting_place(self) -> str:
        """The channel or thread where everybody reads."""
        if self._opened is not None and self._in_thread:
            return self._opened
        return self.route.channel

    def _is_private(self, audience: Audience) -> bool:
        return audience is Audience.PERSON or bool(self.route.private) or self._shut_out

    async def _private_sink(self) -> Sink:
        """Return where only the person reads."""
        channel = self.event.place.channel_id
        if self.interaction is not None and self.interaction.alive:
            return InteractionSink(self.interaction, channel, reacts=bool(self.route.private))
        return await self._direct_sink()

    async def _direct_sink(self) -> Sink:
        """Return the person's direct messages; where those are closed, a thread that nobody else is let into.

        Raises one of `TROUBLE`, after the person was told in public no more than that they can't be reached.
        """
        if self._direct is None:
            calls = self.setting.calls
            if self.route.private:
                self._direct = ChannelSink(calls, self.route.channel, self.event.place.channel_id)
            else:
                self._direct = _Careful(await self._open_direct(), self)
            if self.route.kind == MESSAGE and self.route.guild:
                with contextlib.suppress(*TROUBLE):
                    await calls.react(self.route.channel, self.route.message, SEEN_PRIVATELY)
        return self._direct

    async def _open_direct(self) -> Sink:
        try:
            channel = await self.setting.calls.open_direct(self.route.user)
        except TROUBLE as error:
            if code_of(error) not in CLOSED:
                raise
            return await self.private_thread()
        return ChannelSink(self.setting.calls, channel, channel)

    async def private_thread(self) -> Sink:
        """Return a thread for the person alone, as direct messages are closed. Raises one of `TROUBLE`."""
        calls, parent = self.setting.calls, self.event.place.channel_id
        if self._unreachable is not None:
            raise self._unreachable
        if self.route.kind == REACTION:
            raise PermissionError("nobody waits for what follows a reaction, so no thread is made for it")
        try:
            thread = await calls.start_private_thread(parent, self.route.user, _PRIVATE_THREAD)
        except TROUBLE as error:
            log.info("discord_person_not_reached", reason=reason_of(error))
            self._unreachable = error
            if self.route.kind == MESSAGE:
                with contextlib.suppress(*TROUBLE):
                    await calls.post(
                        self.route.channel,
                        Message(NOT_REACHED),
                        event_nonce(self.event.key, "not reached"),
                        reply_to=self.route.message,
                    )
            raise
        return ChannelSink(calls, thread, parent, None)

    async def _public_sink(self, thread_for: str | None) -> Sink:
        """Return the place of the event, for everybody; with `thread_for` its thread, which is begun if need be."""
        calls, place = self.setting.calls, self.event.place
        channel = place.channel_id
        if self.route.in_thread:
            return ChannelSink(calls, self.route.channel, channel, place.thread_id)
        if self._opened is None and thread_for is not None and self.route.kind == MESSAGE:
            self._opened = self.route.message
            self._in_thread = await self._start_thread(channel, self.route.message, thread_for)
        if self._opened is None:
            reply_to = self.route.message if self.route.kind == MESSAGE else ""
            return ChannelSink(calls, self.route.channel, channel, place.thread_id, reply_to)
        if self._in_thread:
            return ChannelSink(calls, self._opened, channel, self._opened)
        return ChannelSink(calls, channel, channel, self._opened, self._opened)

    async def _start_thread(self, channel: str, message_id: str, name: str) -> bool:
        """Begin a thread with a message; False where there can be none, so that the answer hangs on the message."""
        try:
            await self.setting.calls.start_thread(channel, message_id, name)
        except TROUBLE as error:
            if code_of(error) == THREAD_EXISTS:  # this event was served before
                return True
            log.info("discord_thread_refused", reason=reason_of(error))
            return False
        return True

    async def _show(self, sink: Sink, reply: Reply) -> None:
        messages = render(reply, pages=self.setting.pages, thumbs=not sink.reacts)
        for part, message in enumerate(messages):
            if reply.answer_id is not None:
                await show_part(sink, self.deliveries, reply.answer_id, part, message)
            else:
                await sink.post(message, event_nonce(self.event.key, f"{part}{message.content}"))


@dataclass(slots=True)
class _Careful:
    """Direct messages that may turn out to be closed: then the private thread takes their place."""

    direct: Sink
    responder: DiscordResponder
    reacts: bool = True

    @property
    def channel(self) -> str:
        """The channel, a thread's parent."""
        return self.direct.channel

    @property
    def thread(self) -> str | None:
        """None: what stands here belongs to no public thread."""
        return None

    async def post(self, message: Message, nonce: str) -> str:
        """Post a message once and return its id. Raises one of `TROUBLE`."""
        try:
            return await self.direct.post(message, nonce)
        except TROUBLE as error:
            if code_of(error) not in CLOSED:
                raise
            self.direct = await self.responder.private_thread()
            return await self.direct.post(message, nonce)

    async def edit(self, message_id: str, message: Message) -> None:
        """Put a message in place of one that stands there. Raises one of `TROUBLE`."""
        await self.direct.edit(message_id, message)


def _asked(event: Event) -> str:
    return event.text if isinstance(event, Said) else ""
