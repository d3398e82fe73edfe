"""A reply in Discord that is put into other words where it stands, in one message."""

from __future__ import annotations

from dataclasses import dataclass

from adapters.discord.failures import TROUBLE, UNKNOWN_MESSAGE, code_of, our_error, reason_of
from adapters.discord.render import render
from adapters.discord.sinks import Sink, is_over
from core.errors import NotPermitted
from core.replies import Reply


@dataclass(frozen=True, slots=True)
class DiscordReply:
    """Implements `core.ports.LiveReply`. What an interaction shows can be changed for a quarter of an hour."""

    sink: Sink
    message_id: str
    pages: str | None = None

    async def change(self, reply: Reply) -> None:
        """Put a reply in place of what stands there. Raises `Unavailable`, `NotPermitted`."""
        try:
            await self.sink.edit(self.message_id, next(iter(render(reply, pages=self.pages))))
        except TROUBLE as error:
            if is_over(error) or code_of(error) == UNKNOWN_MESSAGE:
                raise NotPermitted("This message can't be changed any more.", code=reason_of(error)) from error
            raise our_error(error) from error
