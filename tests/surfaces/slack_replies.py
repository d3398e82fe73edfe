"""Responders against the local Slack: with a clock that runs when somebody waits, and what they note kept in a list."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import async_sessionmaker

from adapters.slack.pace import Pace
from adapters.slack.receive import receive
from adapters.slack.responder import SlackResponder
from adapters.slack.route import route_of
from core.db import Sessions
from core.enums import Platform
from core.events import Event
from core.inbox.deliver import Deliveries
from tests.fakes.slack.delivery import Delivery
from tests.fakes.slack.workspace import Post
from tests.fakes.slack_server import SlackServer
from tests.surfaces.echo import client

Json = dict[str, Any]
ANSWER = UUID("00000000-0000-0000-0000-000000000007")
NO_DATABASE: Sessions = async_sessionmaker()  # bound to none, so that every statement fails


@dataclass(slots=True)
class Waits:
    """A clock that goes on to the next moment somebody waits for, and stands still otherwise."""

    now: float = 1_000.0
    waited: list[float] = field(default_factory=list)
    _until: list[float] = field(default_factory=list)

    def clock(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.waited.append(seconds)
        await self.go_on(seconds)

    async def go_on(self, seconds: float) -> None:
        until = self.now + seconds
        self._until.append(until)
        while self.now < until:
            await asyncio.sleep(0)
            if until == min(self._until):
                self.now = until
        self._until.remove(until)

    def pace(self) -> Pace:
        return Pace(self.clock, self.sleep)


@dataclass(frozen=True, slots=True)
class Noted(Deliveries):
    """Keeps what is noted, in order: channel, part, the id once it is posted, and thread."""

    sessions: Sessions = NO_DATABASE
    platform: Platform = Platform.SLACK
    workspace: str = "T1"
    notes: list[tuple[str, int, str | None, str | None]] = field(default_factory=list)

    async def intend(
        self, message_id: UUID, channel_id: str, thread_id: str | None, part: int = 0, *, posted: str | None = None
    ) -> None:
        self.notes.append((channel_id, part, posted, thread_id))

    async def note(
        self, message_id: UUID, channel_id: str, part: int, posted: str, *, thread_id: str | None = None
    ) -> None:
        assert any(note[:3] == (channel_id, part, None) for note in self.notes), "posted before it was intended"
        self.notes.append((channel_id, part, posted, thread_id))

    def posted(self) -> dict[int, str]:
        """The id of every part that is known to stand."""
        return {part: ts for _, part, ts, _ in self.notes if ts is not None}


def responder_for(
    slack: SlackServer,
    delivery: Delivery,
    *,
    waits: Waits | None = None,
    noted: Noted | None = None,
    kind: type[SlackResponder] = SlackResponder,
    **more: Any,
) -> SlackResponder:
    """Return the responder to a payload that Slack delivered."""
    body = delivery.payload
    event = receive(body)
    assert isinstance(event, Event)
    pace = more.pop("pace", None) or (waits or Waits()).pace()
    return kind(client(slack), route_of(body), event, noted or Noted(), pace, **more)


def said(post: Post) -> str:
    """Everything a post shows, as plain text."""
    words = [post.streamed] if post.streamed and post.streamed == post.text else []  # else it was edited since
    for block in post.blocks:
        words += _words(block)
    return "\n".join(words) or post.text


def _words(thing: Any) -> list[str]:
    if isinstance(thing, list):
        return [word for inner in thing for word in _words(inner)]
    if not isinstance(thing, dict):
        return []
    if isinstance(thing.get("text"), str):
        return [thing["text"]]
    return [word for inner in thing.values() for word in _words(inner)]
