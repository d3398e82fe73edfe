"""Notices in Discord: direct messages, a private thread where they are closed, posts in channels, each once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import structlog

from adapters.discord.calls import Calls
from adapters.discord.failures import (
    CLOSED,
    NO_PLACE,
    TROUBLE,
    UNKNOWN_CHANNEL,
    UNKNOWN_MESSAGE,
    code_of,
    our_error,
    reason_of,
    refused,
)
from adapters.discord.forum import place_of, post_in_forum, take_down
from adapters.discord.letters import Letters
from adapters.discord.places import FORUMS
from adapters.discord.render import render
from core.errors import HomeroomError, NotPermitted
from core.ports import Addressee, Shown
from core.replies import Reply

log = structlog.get_logger(__name__)

_THREAD = "For you alone"
_UNKNOWN_USER, _UNKNOWN_MEMBER, _NO_TEXT = 10013, 10007, 50008
_TOO_FAST = 40003  # direct messages opened too fast
_NEVER = CLOSED | NO_PLACE | frozenset({_UNKNOWN_USER, _UNKNOWN_MEMBER, _NO_TEXT})


@dataclass(frozen=True, slots=True)
class DiscordMessenger:
    """Implements `core.ports.Messenger`. `connect` gives calls of a client that has logged in, and the bot's id."""

    connect: Callable[[], Awaitable[tuple[Calls, str]]]
    pages: str | None = None

    async def tell(
        self,
        to: Addressee,
        reply: Reply,
        notice: UUID,
        *,
        since: datetime | None = None,
        settle: Callable[[str], Awaitable[object]],
    ) -> Shown:
        """Post a reply once. Raises `NotPermitted`, `Unavailable`."""
        with _in_our_words():
            letters = Letters(*await self.connect(), to.workspace_id, notice, render(reply, pages=self.pages), since)
            if to.channel_id:
                channel = await letters.calls.channel(to.channel_id)
                if channel.get("type") in FORUMS:
                    return await post_in_forum(letters, channel, reply)
                return await letters.post_in(to.channel_id)
            if to.direct and await letters.stands_in(to.direct):
                return await letters.post_in(to.direct)
            direct = await letters.calls.open_direct(to.user_id)
            try:
                return await letters.post_in(direct)
            except TROUBLE as error:
                if code_of(error) not in CLOSED:
                    raise
            return await _in_private_thread(letters, to, settle)

    async def find(self, to: Addressee, notice: UUID, *, since: datetime) -> Shown | None:
        """Return what was posted for a notice, as far as its nonce is found. Raises `NotPermitted`, `Unavailable`."""
        with _in_our_words():
            letters = Letters(*await self.connect(), to.workspace_id, notice, (), since)
            places = [to.channel_id] if to.channel_id else [to.direct, await letters.calls.open_direct(to.user_id)]
            for place in filter(None, places):
                ids = await letters.tagged(place)
                if ids:
                    return Shown(to.workspace_id, place, tuple(ids))
        return None

    async def change(self, shown: Shown, reply: Reply) -> None:
        """Put a reply in place of what stands there. Raises `NotPermitted`, `Unavailable`."""
        messages = render(reply, pages=self.pages)
        with _in_our_words():
            calls, _ = await self.connect()
            for message_id, message in zip(shown.message_ids, messages, strict=False):
                await calls.edit(*place_of(shown.channel_id, message_id), message)
        await self.remove(Shown(shown.workspace_id, shown.channel_id, shown.message_ids[len(messages) :]))

    async def remove(self, shown: Shown) -> None:
        """Delete what stands there. Raises `NotPermitted`, `Unavailable`."""
        with _in_our_words():
            calls, _ = await self.connect()
            for message_id in reversed(shown.message_ids):
                place, message = place_of(shown.channel_id, message_id)
                try:
                    await calls.delete(place, message)
                except TROUBLE as error:
                    if code_of(error) not in (UNKNOWN_MESSAGE, UNKNOWN_CHANNEL):
                        raise
                if place == message:
                    await take_down(calls, place)


async def _in_private_thread(letters: Letters, to: Addressee, settle: Callable[[str], Awaitable[object]]) -> Shown:
    """Post in a thread that nobody else is let into: the one they had, else a new one. Raises one of `TROUBLE`."""
    if to.direct:
        try:
            return await letters.post_in(to.direct)
        except TROUBLE as error:
            if code_of(error) not in NO_PLACE:
                raise
    for channel in to.channels:
        try:
            thread = await letters.calls.start_private_thread(channel, to.user_id, _THREAD)
        except TROUBLE as error:
            if code_of(error) not in _NEVER and not refused(error):
                raise
            log.info("discord_thread_refused", reason=reason_of(error))
            continue
        await settle(thread)  # so that a restart looks there, and the next notice goes there
        return await letters.post_in(thread)
    raise NotPermitted(
        "Their direct messages are closed, and I could not begin a private thread in the class's channel."
    )


@contextmanager
def _in_our_words() -> Iterator[None]:
    """Turn Discord's and the network's errors into ours, in words for a teacher."""
    try:
        yield
    except TROUBLE as error:
        raise _our_error(error) from error


def _our_error(error: BaseException) -> HomeroomError:
    if code_of(error) != _TOO_FAST and (code_of(error) in _NEVER or refused(error)):
        return NotPermitted(f"Discord does not let me write there ({reason_of(error)}).", code=reason_of(error))
    return our_error(error)
