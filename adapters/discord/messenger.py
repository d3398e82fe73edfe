"""Notices in Discord: direct messages, a private thread where those are closed, posts in a class's channels, each once.

The tag is the nonce. Discord enforces it for some minutes; after that a post is known by its nonce as far as Discord
still gives it, or else by saying the very same.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import discord
import structlog

from adapters.discord.calls import Calls, event_nonce
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
from adapters.discord.packing import Json, Message
from adapters.discord.render import render
from core.errors import HomeroomError, NotPermitted
from core.ports import Addressee, Shown
from core.replies import Reply

log = structlog.get_logger(__name__)

_THREAD = "For you alone"
_PAGE, _PAGES = 100, 10
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
            letters = _Letters(*await self.connect(), to.workspace_id, notice, render(reply, pages=self.pages), since)
            if to.channel_id:
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
            letters = _Letters(*await self.connect(), to.workspace_id, notice, (), since)
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
                await calls.edit(shown.channel_id, message_id, message)
        await self.remove(Shown(shown.workspace_id, shown.channel_id, shown.message_ids[len(messages) :]))

    async def remove(self, shown: Shown) -> None:
        """Delete what stands there. Raises `NotPermitted`, `Unavailable`."""
        with _in_our_words():
            calls, _ = await self.connect()
            for message_id in reversed(shown.message_ids):
                try:
                    await calls.delete(shown.channel_id, message_id)
                except TROUBLE as error:
                    if code_of(error) not in (UNKNOWN_MESSAGE, UNKNOWN_CHANNEL):
                        raise


@dataclass(frozen=True, slots=True)
class _Letters:
    """The messages of one notice. Raises one of `TROUBLE`."""

    calls: Calls
    own: str
    guild: str
    notice: UUID
    messages: tuple[Message, ...]
    since: datetime | None

    async def post_in(self, place: str) -> Shown:
        """Post in a channel what does not stand there yet."""
        there = await self._own_posts(place) if self.since is not None else []
        ids = []
        for part, message in enumerate(self.messages):
            nonce = self._nonce(place, part)
            same = next((post for post in there if _is_same(post, nonce, message)), None)
            if same is not None:
                there.remove(same)
                ids.append(str(same["id"]))
            else:
                ids.append(await self.calls.post(place, message, nonce))
        return Shown(self.guild, place, tuple(ids))

    async def stands_in(self, place: str) -> bool:
        """Say whether a sender before us has posted there already."""
        if self.since is None:
            return False
        try:
            there = await self._own_posts(place)
        except TROUBLE as error:
            if code_of(error) in NO_PLACE:
                return False
            raise
        return any(_is_same(post, self._nonce(place, 0), self.messages[0]) for post in there)

    async def tagged(self, place: str) -> list[str]:
        """Return the ids of the posts that carry the notice's nonces, in order."""
        by_nonce = {str(post.get("nonce")): str(post["id"]) for post in await self._own_posts(place)}
        nonces = [self._nonce(place, part) for part in range(_PAGES)]
        return [by_nonce[nonce] for nonce in nonces if nonce in by_nonce]

    def _nonce(self, place: str, part: int) -> str:
        # A nonce counts for all channels together, so the place is in it.
        return event_nonce(f"{self.notice} {part}", place)

    async def _own_posts(self, place: str) -> list[Json]:
        """Return our posts since the notice was made, the oldest first."""
        assert self.since is not None  # noqa: S101  (only asked for when it is)
        after, found = str(discord.utils.time_snowflake(self.since)), list[Json]()
        for _ in range(_PAGES):
            page = await self.calls.history(place, after=after, most=_PAGE)
            found += [post for post in page if str((post.get("author") or {}).get("id")) == self.own]
            if len(page) < _PAGE:
                break
            after = str(page[-1]["id"])
        return found


async def _in_private_thread(letters: _Letters, to: Addressee, settle: Callable[[str], Awaitable[object]]) -> Shown:
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


def _is_same(post: Json, nonce: str, message: Message) -> bool:
    if post.get("nonce") is not None:
        return str(post["nonce"]) == nonce
    titles = [each.get("description") for each in post.get("embeds") or ()]
    return post.get("content") == message.content and titles == [each.get("description") for each in message.embeds]


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
