"""Where the parts of an answer go: a channel, or an interaction, whose words only one person sees."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import structlog

from adapters.discord.calls import Calls, event_nonce
from adapters.discord.failures import ARCHIVED, OVER, TROUBLE, code_of
from adapters.discord.interaction import Interaction
from adapters.discord.packing import Message

log = structlog.get_logger(__name__)


class Ended(OSError):
    """The interaction takes no more answers; what is left goes elsewhere."""


class Sink(Protocol):
    """Takes messages. `channel` and `thread` are where they are found again; `reacts` says whether people can react."""

    @property
    def channel(self) -> str:
        """The channel, a thread's parent."""
        ...

    @property
    def thread(self) -> str | None:
        """The thread's id."""
        ...

    @property
    def reacts(self) -> bool:
        """Whether reactions can be put on what stands there."""
        ...

    async def post(self, message: Message, nonce: str) -> str:
        """Post a message once and return its id. Raises one of `TROUBLE`."""
        ...

    async def edit(self, message_id: str, message: Message) -> None:
        """Put a message in place of one that stands there. Raises one of `TROUBLE`."""
        ...

    async def remove(self, message_id: str) -> None:
        """Take back a message that stands there. Raises one of `TROUBLE`."""
        ...


@dataclass(frozen=True, slots=True)
class ChannelSink:
    """A channel or thread, `at`, as the bot itself. Replies in the open channel hang on `reply_to`."""

    calls: Calls
    at: str
    channel: str
    thread: str | None = None
    reply_to: str = ""
    reacts: bool = True

    async def post(self, message: Message, nonce: str) -> str:
        """Post a message once and return its id."""
        # A nonce counts for all channels together, and the same may have been posted in another one.
        return await self.calls.post(self.at, message, event_nonce(self.at, nonce), reply_to=self.reply_to)

    async def edit(self, message_id: str, message: Message) -> None:
        """Put a message in place of one that stands there; a thread that was archived meanwhile is opened again."""
        try:
            await self.calls.edit(self.at, message_id, message)
        except TROUBLE as error:
            if code_of(error) != ARCHIVED:
                raise
            await self.calls.reopen_thread(self.at)
            await self.calls.edit(self.at, message_id, message)

    async def remove(self, message_id: str) -> None:
        """Delete a message that stands there."""
        await self.calls.delete(self.at, message_id)


@dataclass(frozen=True, slots=True)
class InteractionSink:
    """An interaction's own answers. Nobody can react to them, but in direct messages."""

    interaction: Interaction
    channel: str
    thread: str | None = None
    reacts: bool = False

    async def post(self, message: Message, nonce: str) -> str:  # noqa: ARG002  (Discord takes none here)
        """Show a message and return its id."""
        said = await self.interaction.say(message)
        if said is None:
            raise Ended
        return said

    async def edit(self, message_id: str, message: Message) -> None:
        """Put a message in place of one of the interaction's."""
        if not await self.interaction.edit(message_id, message):
            raise Ended

    async def remove(self, message_id: str) -> None:
        """Delete one of the interaction's messages."""
        if not self.interaction.alive:
            raise Ended
        route = self.interaction.route
        await self.interaction.calls.delete_follow_up(route.application, route.token, message_id)


def is_over(error: Exception) -> bool:
    """Say whether an interaction has ended."""
    return isinstance(error, Ended) or code_of(error) in OVER
