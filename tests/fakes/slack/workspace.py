"""What a Slack workspace holds: people, conversations, posts, views, and the ids that mean something for a while."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.fakes.slack.blocks import Refused

Json = dict[str, Any]
Clock = Callable[[], float]


@dataclass(slots=True)
class Person:
    """A member; `team_id` differs for a stranger who comes in through Slack Connect."""

    id: str
    team_id: str
    email: str | None = None
    name: str = ""
    guest: bool = False
    bot: bool = False
    stranger: bool = False

    def as_user(self, *, with_email: bool) -> Json:
        profile = {"real_name": self.name, "display_name": self.name}
        return {
            "id": self.id,
            "team_id": self.team_id,
            "name": self.name or self.id.lower(),
            "deleted": False,
            "is_bot": self.bot,
            "is_restricted": self.guest,
            "is_ultra_restricted": False,
            "is_stranger": self.stranger,
            "is_email_confirmed": self.email is not None,
            "profile": profile | ({"email": self.email} if with_email and self.email else {}),
        }


@dataclass(slots=True)
class Conversation:
    """A channel (`channel`, `group`), a group conversation (`mpim`) or direct messages (`im`)."""

    id: str
    kind: str
    members: set[str]
    name: str = ""
    shared: bool = False
    archived: bool = False


@dataclass(slots=True)
class Post:
    """A message. `to` is set on an ephemeral one; `streaming` while it is being written."""

    channel: str
    ts: str
    user: str
    text: str
    blocks: list[Json] = field(default_factory=list)
    bot_id: str | None = None
    thread_ts: str | None = None
    to: str | None = None
    metadata: Json | None = None
    reactions: dict[str, list[str]] = field(default_factory=dict)
    streaming: bool = False
    streamed: str = ""
    deleted: bool = False
    history: list[tuple[str, list[Json]]] = field(default_factory=list)

    def as_message(self) -> Json:
        optional = {
            "bot_id": self.bot_id,
            "thread_ts": self.thread_ts,
            "blocks": self.blocks or None,
            "metadata": self.metadata,
        }
        message = {"type": "message", "user": self.user, "text": self.text, "ts": self.ts}
        return message | {name: value for name, value in optional.items() if value}


@dataclass(slots=True)
class Opened:
    """A view as Slack keeps it."""

    id: str
    user: str
    view: Json
    hash: str
    open: bool = True
    errors: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Workspace:
    """One workspace with the app installed."""

    team_id: str
    bot_token: str
    clock: Clock
    trigger_seconds: float = 3.0
    bot_user: str = "UBOT"
    bot_id: str = "BBOT"
    app_id: str = "A1"
    people: dict[str, Person] = field(default_factory=dict)
    conversations: dict[str, Conversation] = field(default_factory=dict)
    posts: list[Post] = field(default_factory=list)
    views: dict[str, Opened] = field(default_factory=dict)
    homes: dict[str, Opened] = field(default_factory=dict)
    statuses: list[Json] = field(default_factory=list)
    prompts: list[Json] = field(default_factory=list)
    revoked: bool = False
    _triggers: dict[str, tuple[str, float, bool]] = field(default_factory=dict)
    _count: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    def __post_init__(self) -> None:
        self.people[self.bot_user] = Person(self.bot_user, self.team_id, name="homeroom", bot=True)

    def add_person(self, user_id: str, email: str | None = None, **more: Any) -> Person:
        person = Person(user_id, more.pop("team_id", self.team_id), email, **more)
        self.people[user_id] = person
        return person

    def add_channel(self, channel_id: str, *members: str, with_bot: bool = True, **more: Any) -> Conversation:
        everyone = {*members, *([self.bot_user] if with_bot else [])}
        channel = Conversation(channel_id, more.pop("kind", "channel"), everyone, **more)
        self.conversations[channel_id] = channel
        return channel

    def direct(self, user_id: str) -> Conversation:
        """Return the conversation between the bot and a person, opened when there is none yet."""
        if user_id not in self.people:
            raise Refused("user_not_found")
        channel_id = f"D{user_id[1:]}"
        return self.conversations.get(channel_id) or self.add_channel(channel_id, user_id, kind="im")

    def conversation(self, channel_id: Any, *, member: bool = True) -> Conversation:
        """Find a conversation as an API method does: a person's id means their direct messages."""
        if isinstance(channel_id, str) and channel_id in self.people:
            return self.direct(channel_id)
        channel = self.conversations.get(str(channel_id))
        if channel is None:
            raise Refused("channel_not_found")
        if channel.archived:
            raise Refused("is_archived")
        if member and self.bot_user not in channel.members:
            raise Refused("not_in_channel")
        return channel

    def post(self, channel_id: str, user: str, text: str, **more: Any) -> Post:
        post = Post(channel_id, self.next_ts(), user, text, **more)
        self.posts.append(post)
        return post

    def find(self, channel_id: str, ts: Any, missing: str = "message_not_found") -> Post:
        for post in self.posts:
            if post.channel == channel_id and post.ts == ts and not post.deleted and post.to is None:
                return post
        raise Refused(missing)

    def shown(self, channel_id: str) -> list[Post]:
        """The bot's posts that everyone in a conversation sees."""
        return [p for p in self.posts if p.channel == channel_id and p.bot_id and not p.deleted and p.to is None]

    def private(self, user_id: str) -> list[Post]:
        """The ephemeral posts that one person sees."""
        return [post for post in self.posts if post.to == user_id and not post.deleted]

    def next_ts(self) -> str:
        return f"{int(time.time())}.{next(self._count):06d}"

    def next_id(self, prefix: str) -> str:
        return f"{prefix}{next(self._count):08d}"

    def grant_trigger(self, user_id: str) -> str:
        trigger = f"{next(self._count)}.{next(self._count)}.{user_id}"
        self._triggers[trigger] = (user_id, self.clock() + self.trigger_seconds, False)
        return trigger

    def use_trigger(self, trigger: Any) -> str:
        """Return whose trigger it is; it opens one view, within three seconds."""
        found = self._triggers.get(str(trigger))
        if found is None:
            raise Refused("invalid_trigger_id")
        user_id, expires, used = found
        if used:
            raise Refused("exchanged_trigger_id")
        if self.clock() > expires:
            raise Refused("expired_trigger_id")
        self._triggers[str(trigger)] = (user_id, expires, True)
        return user_id
