"""What there is on this Discord: people, servers, channels and posts, and who may do what where."""

from __future__ import annotations

import itertools
import mimetypes
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from tests.fakes.discord.errors import Refused
from tests.fakes.discord.permissions import ALL, bits, computed, has
from tests.fakes.discord.records import (
    DM,
    PRIVATE_THREAD,
    TEXT,
    THREAD_CREATED,
    THREAD_STARTER,
    Channel,
    File,
    Guild,
    Interaction,
    Json,
    Modal,
    Person,
    Post,
    Role,
)

BOT, APPLICATION = "900", "901"
_HAS_THREAD = 1 << 5
_EPOCH = 1_420_070_400  # Discord's


@dataclass(slots=True)
class World:
    """One Discord with the app in it. `commands` are the registered ones: by server, "" for those everywhere."""

    clock: Callable[[], float]
    origin: str = ""
    guilds: dict[str, Guild] = field(default_factory=dict)
    people: dict[str, Person] = field(default_factory=dict)
    channels: dict[str, Channel] = field(default_factory=dict)
    posts: list[Post] = field(default_factory=list)
    files: dict[str, File] = field(default_factory=dict)
    commands: dict[str, dict[str, Json]] = field(default_factory=dict)
    creations: dict[str, int] = field(default_factory=dict)
    interactions: dict[str, Interaction] = field(default_factory=dict)
    modals: list[Modal] = field(default_factory=list)
    typing: list[str] = field(default_factory=list)
    _count: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    def __post_init__(self) -> None:
        self.people[BOT] = Person(BOT, "Homeroom", bot=True)

    def next_id(self) -> str:
        """Return a snowflake: later ones are greater, and the time is in them."""
        return str((int((time.time() - _EPOCH) * 1000) << 22) + (next(self._count) & 0x3FFFFF))

    def add_guild(self, name: str = "School", *, large: bool = False, unavailable: bool = False) -> Guild:
        """Add a server; one after another they fall to the shards in turn, the first to shard 0."""
        guild = Guild(str(840 + len(self.guilds) << 22), name, "1", large=large, unavailable=unavailable)
        role = Role(self.next_id(), "Homeroom", guild.roles[guild.id].permissions, BOT)
        guild.roles[role.id] = role
        guild.members[BOT] = [role.id]
        self.guilds[guild.id] = guild
        return guild

    def add_person(self, user_id: str, name: str = "", *, guild: str | None = "", **more: Any) -> Person:
        """Add somebody, to the first server unless another is named; None puts them in none."""
        person = self.people.get(user_id)
        if person is None:
            person = self.people[user_id] = Person(user_id, name or f"Person {user_id}", **more)
        if guild is not None:
            self.guilds[guild or next(iter(self.guilds))].members.setdefault(user_id, [])
        return person

    def add_role(self, user_id: str, *permissions: str, guild: str = "") -> Role:
        """Give somebody a role of their own with these permissions."""
        place = self.guilds[guild or next(iter(self.guilds))]
        role = Role(self.next_id(), f"role {len(place.roles)}", bits(*permissions))
        place.roles[role.id] = role
        place.members[user_id].append(role.id)
        return role

    def add_channel(
        self, channel_id: str, name: str = "", kind: int = TEXT, *, guild: str = "", **more: Any
    ) -> Channel:
        """Add a channel to the first server, unless another is named. `tags` of a forum are names."""
        tags = [{"id": self.next_id(), "name": tag, "moderated": False} for tag in more.pop("tags", ())]
        tags = [tag | {"emoji_id": None, "emoji_name": None} for tag in tags]
        place = guild or next(iter(self.guilds))
        channel = Channel(channel_id, kind, name or f"c{channel_id}", place, tags=tags, **more)
        self.channels[channel_id] = channel
        return channel

    def deny(self, channel_id: str, *names: str, to: str = BOT) -> None:
        """Take permissions from a member, or with a role's id from a role, in one channel."""
        allowed, denied = self.channels[channel_id].overwrites.get(to, (0, 0))
        self.channels[channel_id].overwrites[to] = (allowed & ~bits(*names), denied | bits(*names))

    def direct(self, user_id: str) -> Channel:
        """Return the direct messages between the bot and somebody, opened when there are none yet."""
        for channel in self.channels.values():
            if channel.kind == DM and user_id in channel.members:
                return channel
        channel = Channel(self.next_id(), DM, members=[user_id, BOT])
        self.channels[channel.id] = channel
        return channel

    def permissions(self, user_id: str, channel: Channel) -> int:
        """Return what somebody may do in a channel; in direct messages everything."""
        if channel.guild is None:
            return ALL if user_id in channel.members else 0
        guild = self.guilds[channel.guild]
        if user_id not in guild.members:
            return 0
        if user_id == guild.owner:
            return ALL
        place = self.channels[channel.parent] if channel.is_thread and channel.parent else channel
        roles = guild.members[user_id]
        base = guild.roles[guild.id].permissions
        for role in roles:
            base |= guild.roles[role].permissions
        of_roles = [place.overwrites[role] for role in roles if role in place.overwrites]
        denied, allowed = 0, 0
        for allow, deny in of_roles:
            allowed, denied = allowed | allow, denied | deny
        steps = [place.overwrites.get(guild.id, (0, 0)), (allowed, denied), place.overwrites.get(user_id, (0, 0))]
        result = computed(base, steps)
        hidden = channel.kind == PRIVATE_THREAD and user_id not in channel.members
        return 0 if hidden and not has(result, "manage_threads") else result

    def channel(self, channel_id: Any, *needed: str) -> Channel:
        """Find a channel as a call does. Raises `Refused` where the bot does not see it, or may not do that there."""
        channel = self.channels.get(str(channel_id))
        if channel is None or channel.deleted:
            raise Refused(10003)
        granted = self.permissions(BOT, channel)
        if not has(granted, "view_channel"):
            raise Refused(50001)
        if not all(has(granted, name) for name in needed):
            raise Refused(50013)
        return channel

    def find(self, channel_id: str, post_id: Any) -> Post:
        """Find a message that is there for everyone. Raises `Refused`."""
        for post in self.posts:
            if post.channel == channel_id and post.id == str(post_id) and not post.deleted and post.to is None:
                return post
        raise Refused(10008)

    def add_file(self, channel_id: str, name: str, content: bytes, description: str | None = None) -> File:
        file_id = self.next_id()
        kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
        url = f"{self.origin}attachments/{channel_id}/{file_id}/{name}"
        self.files[file_id] = File(file_id, name, content, url, kind, description)
        return self.files[file_id]

    def add_post(self, channel_id: str, author: str, content: str, **more: Any) -> Post:
        post = Post(more.pop("id", None) or self.next_id(), channel_id, author, content, now(), **more)
        self.posts.append(post)
        if post.to is None:
            self.channels[channel_id].last_post = post.id
        return post

    def announce(self, thread: Channel) -> Post:
        """Post what Discord says of a new thread: in it what it hangs on, or else in its channel that it is there."""
        roots = [post for post in self.posts if post.id == thread.id]
        if not roots:
            reference = {"type": 0, "channel_id": thread.id, "guild_id": thread.guild}
            parent = thread.parent or ""
            return self.add_post(parent, thread.owner, thread.name, kind=THREAD_CREATED, reference=reference)
        reference = {"type": 0, "channel_id": thread.parent, "message_id": thread.id, "guild_id": thread.guild}
        roots[0].thread = thread.id
        roots[0].flags |= _HAS_THREAD
        return self.add_post(thread.id, thread.owner, "", kind=THREAD_STARTER, reference=reference)

    def shown(self, channel_id: str) -> list[Post]:
        """The bot's posts that everyone in a channel sees, without what Discord itself says of its threads."""
        own = [p for p in self.posts if (p.channel, p.author, p.to) == (channel_id, BOT, None) and not p.deleted]
        return [post for post in own if post.kind not in (THREAD_CREATED, THREAD_STARTER)]

    def private(self, user_id: str) -> list[Post]:
        """The ephemeral posts that one person sees."""
        return [post for post in self.posts if post.to == user_id and not post.deleted]

    def threads(self, channel_id: str) -> list[Channel]:
        """The threads, or the forum posts, in a channel."""
        return [each for each in self.channels.values() if each.parent == channel_id and not each.deleted]


def now() -> str:
    return datetime.now(UTC).isoformat()
