"""The messages of one notice, each posted once.

The tag is the nonce. Discord enforces it for some minutes; after that a post is known by its nonce as far as Discord
still gives it, or else by saying the very same.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import discord

from adapters.discord.calls import Calls, event_nonce
from adapters.discord.failures import NO_PLACE, TROUBLE, code_of
from adapters.discord.packing import Json, Message
from core.ports import Shown

_PAGE, _PAGES = 100, 10


@dataclass(frozen=True, slots=True)
class Letters:
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
            same = next((post for post in there if is_same(post, nonce, message)), None)
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
        return any(is_same(post, self._nonce(place, 0), self.messages[0]) for post in there)

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
        after, found = start_of(self.since), list[Json]()
        for _ in range(_PAGES):
            page = await self.calls.history(place, after=after, most=_PAGE)
            found += [post for post in page if str((post.get("author") or {}).get("id")) == self.own]
            if len(page) < _PAGE:
                break
            after = str(page[-1]["id"])
        return found


def start_of(moment: datetime) -> str:
    """Return an id between those given out before a moment and those after."""
    return str(discord.utils.time_snowflake(moment))


def is_same(post: Json, nonce: str, message: Message) -> bool:
    """Say whether a post has the nonce, or says the same where Discord gives none."""
    if post.get("nonce") is not None:
        return str(post["nonce"]) == nonce
    titles = [each.get("description") for each in post.get("embeds") or ()]
    return post.get("content") == message.content and titles == [each.get("description") for each in message.embeds]
