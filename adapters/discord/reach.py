"""Where the words of one event go: to everybody at its place, or to its person alone, however that can be done."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass

import structlog

from adapters.discord.calls import event_nonce
from adapters.discord.failures import CLOSED, THREAD_EXISTS, TROUBLE, code_of, reason_of
from adapters.discord.interaction import Interaction
from adapters.discord.packing import Message
from adapters.discord.route import MESSAGE, REACTION, Route
from adapters.discord.setting import Setting
from adapters.discord.sinks import ChannelSink, InteractionSink, Sink
from core.events import Event
from core.replies import Audience

log = structlog.get_logger(__name__)

SEEN_PRIVATELY = "📬"  # on a message that was answered where only its author reads
NOT_REACHED = (
    "I can't answer this here in public, and your direct messages are closed to me. Open them, or type `/ask`."
)


@dataclass(slots=True)
class Reach:
    """The places of one event. Every method raises one of `TROUBLE`.

    `shut_out` says that Discord lets us post nothing there; `direct` is where the person was reached alone.
    """

    setting: Setting
    route: Route
    event: Event
    interaction: Interaction | None = None
    shut_out: bool = False
    direct: Sink | None = None
    _opened: str | None = None  # the thread of an event that came without one
    _in_thread: bool = False  # whether that is a thread indeed, not just the message it would begin with
    _unreachable: Exception | None = None  # why nothing can be said to the person alone

    @property
    def posting_place(self) -> str:
        """The channel or thread where everybody reads."""
        if self._opened is not None and self._in_thread:
            return self._opened
        return self.route.channel

    def is_private(self, audience: Audience) -> bool:
        """Say whether something for an audience may be read by its person alone, or can be nowhere else."""
        return audience is Audience.PERSON or bool(self.route.private) or self.shut_out

    async def sink(self, audience: Audience, *, thread_for: str | None = None) -> Sink:
        """Return where an audience reads; `thread_for` is as in `public_sink`."""
        return await (self.private_sink() if self.is_private(audience) else self.public_sink(thread_for))

    async def private_sink(self) -> Sink:
        """Return where only the person reads."""
        channel = self.event.place.channel_id
        if self.interaction is not None and self.interaction.alive:
            return InteractionSink(self.interaction, channel, reacts=bool(self.route.private))
        return await self.direct_sink()

    async def direct_sink(self) -> Sink:
        """Return the person's direct messages; where those are closed, a thread that nobody else is let into.

        Raises one of `TROUBLE`, after the person was told in public no more than that they can't be reached.
        """
        if self.direct is None:
            calls = self.setting.calls
            if self.route.private:
                thread = self.route.channel if self.route.in_thread else None
                self.direct = ChannelSink(calls, self.route.channel, self.event.place.channel_id, thread)
            else:
                self.direct = _Careful(await self._open_direct(), self)
            if self.route.kind == MESSAGE and not self.route.private:
                with contextlib.suppress(*TROUBLE):
                    await calls.react(self.route.channel, self.route.message, SEEN_PRIVATELY)
        return self.direct

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
            thread = await self.setting.alone.thread(self.route.user, self.route.guild, parent)
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
        return ChannelSink(calls, thread, parent, thread)

    async def public_sink(self, thread_for: str | None) -> Sink:
        """Return the place of the event, for everybody; with `thread_for` its thread, which is begun if need be."""
        calls, place = self.setting.calls, self.event.place
        channel = place.channel_id
        if self.route.in_thread:
            return ChannelSink(calls, self.route.channel, channel, place.thread_id)
        if self._opened is None and thread_for is not None and self.route.kind == MESSAGE:
            await self.begin_thread(self.route.message, thread_for)
        if self._opened is None:
            reply_to = self.route.message if self.route.kind == MESSAGE else ""
            return ChannelSink(calls, self.route.channel, channel, place.thread_id, reply_to)
        if self._in_thread:
            return ChannelSink(calls, self._opened, channel, self._opened)
        return ChannelSink(calls, channel, channel, self._opened, self._opened)

    async def begin_thread(self, message_id: str, name: str) -> None:
        """Begin a thread with a message of the channel; where there can be none, what is said hangs on the message."""
        self._opened, self._in_thread = message_id, True
        try:
            await self.setting.calls.start_thread(self.event.place.channel_id, message_id, name)
        except TROUBLE as error:
            if code_of(error) != THREAD_EXISTS:  # else this event was served before
                log.info("discord_thread_refused", reason=reason_of(error))
                self._in_thread = False


@dataclass(slots=True)
class _Careful:
    """Direct messages that may turn out to be closed: then the private thread takes their place."""

    direct: Sink
    reach: Reach
    reacts: bool = True

    @property
    def channel(self) -> str:
        """The channel, a thread's parent."""
        return self.direct.channel

    @property
    def thread(self) -> str | None:
        """The private thread, once it has taken their place."""
        return self.direct.thread

    async def post(self, message: Message, nonce: str) -> str:
        """Post a message once and return its id. Raises one of `TROUBLE`."""
        try:
            return await self.direct.post(message, nonce)
        except TROUBLE as error:
            if code_of(error) not in CLOSED:
                raise
            self.direct = await self.reach.private_thread()
            return await self.direct.post(message, nonce)

    async def edit(self, message_id: str, message: Message) -> None:
        """Put a message in place of one that stands there. Raises one of `TROUBLE`."""
        await self.direct.edit(message_id, message)

    async def remove(self, message_id: str) -> None:
        """Take back a message that stands there. Raises one of `TROUBLE`."""
        await self.direct.remove(message_id)
