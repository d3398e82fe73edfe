"""A reply in Slack that is put into other words where it stands, in one message."""

from __future__ import annotations

from dataclasses import dataclass

from adapters.slack.failures import TROUBLE, our_error, read_failure
from adapters.slack.posting import Posting
from adapters.slack.render import render
from core.errors import NotPermitted
from core.replies import Reply

# Nothing stands there any more that could be changed, or not by us.
_GONE = frozenset(
    {"message_not_found", "cant_update_message", "edit_window_closed", "channel_not_found", "is_archived"}
)


@dataclass(frozen=True, slots=True)
class SlackReply:
    """Implements `core.ports.LiveReply`."""

    posting: Posting
    channel: str
    ts: str

    async def change(self, reply: Reply) -> None:
        """Put a reply in place of what stands there. Raises `Unavailable`, `NotPermitted`."""
        try:
            await self.posting.update(self.channel, self.ts, render(reply)[0])
        except TROUBLE as error:
            failure = read_failure(error)
            if failure.code in _GONE:
                raise NotPermitted("This message can't be changed any more.", code=failure.code) from error
            raise our_error(failure) from error
