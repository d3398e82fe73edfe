"""Replies in Discord that are put into other words where they stand."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from adapters.discord.live_reply import DiscordReply
from adapters.discord.packing import Message
from adapters.discord.sinks import Ended
from core.errors import NotPermitted, Unavailable
from core.replies import say


@dataclass
class Place:
    """Where a message stands, until it takes no more."""

    error: Exception | None = None
    channel: str = "21"
    thread: str | None = None
    reacts: bool = False
    edits: list[tuple[str, str]] = field(default_factory=list)

    async def post(self, message: Message, nonce: str) -> str:
        raise AssertionError((message, nonce))

    async def remove(self, message_id: str) -> None:
        raise AssertionError(f"{message_id} was to stay")

    async def edit(self, message_id: str, message: Message) -> None:
        if self.error is not None:
            raise self.error
        self.edits.append((message_id, message.content))


async def test_it_is_edited_where_it_stands() -> None:
    place = Place()
    await DiscordReply(place, "7").change(say("It is ready."))
    assert place.edits == [("7", "It is ready.")]


@pytest.mark.parametrize(("failure", "error"), [(Ended(), NotPermitted), (TimeoutError(), Unavailable)])
async def test_an_interaction_that_has_ended_is_over_for_good(failure: Exception, error: type[Exception]) -> None:
    with pytest.raises(error):
        await DiscordReply(Place(failure), "7").change(say("It is ready."))
