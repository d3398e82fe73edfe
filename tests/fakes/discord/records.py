"""The things Discord keeps: people, servers, channels, posts and interactions."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tests.fakes.discord.permissions import EVERYONE

Json = dict[str, Any]
THREAD_CREATED, REPLY, SLASH, THREAD_STARTER = 18, 19, 20, 21  # types of message, 0 the ordinary one
TEXT, DM, ANNOUNCEMENTS, PUBLIC_THREAD, PRIVATE_THREAD, FORUM = 0, 1, 5, 11, 12, 15
THREADS = (10, PUBLIC_THREAD, PRIVATE_THREAD)


@dataclass(slots=True)
class Person:
    """A user. With `dms_closed` nobody can send them a first message or another."""

    id: str
    name: str
    bot: bool = False
    dms_closed: bool = False

    def as_user(self) -> Json:
        return {
            "id": self.id,
            "username": self.name.lower().replace(" ", "_"),
            "global_name": self.name,
            "discriminator": "0",
            "avatar": None,
            "bot": self.bot,
            "public_flags": 0,
            "flags": 0,
            "primary_guild": None,
        }


@dataclass(slots=True)
class Role:
    id: str
    name: str
    permissions: int
    bot: str = ""  # the app that Discord made it for

    def as_json(self, position: int) -> Json:
        made_for = {"tags": {"bot_id": self.bot}} if self.bot else {}
        return {
            "id": self.id,
            "name": self.name,
            "color": 0,
            "hoist": False,
            "position": position,
            "permissions": str(self.permissions),
            "managed": bool(self.bot),
            "mentionable": False,
            "flags": 0,
            **made_for,
        }


@dataclass(slots=True)
class Guild:
    """A server. `members` are the roles of everybody in it; an `unavailable` one is told of later."""

    id: str
    name: str
    owner: str = ""
    roles: dict[str, Role] = field(default_factory=dict)
    members: dict[str, list[str]] = field(default_factory=dict)
    large: bool = False
    unavailable: bool = False

    def __post_init__(self) -> None:
        self.roles[self.id] = Role(self.id, "@everyone", EVERYONE)


@dataclass(slots=True)
class Channel:
    """A channel, a thread or forum post in one, or direct messages; `kind` is Discord's number.

    `overwrites` are what a role or a member is allowed and denied here. `members` are a thread's, or both sides of
    direct messages.
    """

    id: str
    kind: int
    name: str = ""
    guild: str | None = None
    parent: str | None = None
    members: list[str] = field(default_factory=list)
    topic: str | None = None
    overwrites: dict[str, tuple[int, int]] = field(default_factory=dict)
    tags: list[Json] = field(default_factory=list)
    applied_tags: list[str] = field(default_factory=list)
    flags: int = 0
    owner: str = ""
    archived: bool = False
    locked: bool = False
    deleted: bool = False
    last_post: str | None = None

    @property
    def is_thread(self) -> bool:
        return self.kind in THREADS

    def as_json(self) -> Json:
        about: Json = {"id": self.id, "type": self.kind, "flags": self.flags, "last_message_id": self.last_post}
        if self.guild is None:
            return about
        about |= {"name": self.name, "guild_id": self.guild, "parent_id": self.parent, "rate_limit_per_user": 0}
        if self.is_thread:
            metadata = {
                "archived": self.archived,
                "auto_archive_duration": 1440,
                "archive_timestamp": "2024-01-01T00:00:00+00:00",
                "locked": self.locked,
                "create_timestamp": "2024-01-01T00:00:00+00:00",
            }
            if self.kind == PRIVATE_THREAD:
                metadata["invitable"] = True
            return about | {
                "owner_id": self.owner,
                "message_count": 0,
                "total_message_sent": 0,
                "member_count": len(self.members),
                "applied_tags": self.applied_tags,
                "thread_metadata": metadata,
            }
        about |= {"position": 0, "nsfw": False, "topic": self.topic}
        if self.kind == FORUM:
            about |= {"available_tags": self.tags, "default_sort_order": None, "default_forum_layout": 0}
            about |= {"default_reaction_emoji": None, "template": ""}
        return about


@dataclass(slots=True)
class File:
    """An attachment; its bytes are under `url`."""

    id: str
    name: str
    content: bytes
    url: str
    kind: str
    description: str | None = None

    def as_json(self) -> Json:
        about: Json = {"id": self.id, "filename": self.name, "size": len(self.content), "content_type": self.kind}
        about |= {"url": self.url, "proxy_url": self.url}
        return about | ({"description": self.description} if self.description else {})


@dataclass(slots=True)
class Post:
    """A message. `to` is set on an ephemeral one; `pings` are whom it notified: people, roles, “@everyone”.

    `edits` are the texts it had before, the oldest first; `about` says which interaction it answers.
    """

    id: str
    channel: str
    author: str
    content: str
    sent: str
    to: str | None = None
    kind: int = 0
    flags: int = 0
    embeds: list[Json] = field(default_factory=list)
    components: list[Json] = field(default_factory=list)
    files: list[File] = field(default_factory=list)
    reference: Json | None = None
    nonce: str | None = None
    about: Json | None = None
    edited: str | None = None
    edits: list[str] = field(default_factory=list)
    mentions: list[str] = field(default_factory=list)
    mentions_everyone: bool = False
    pings: frozenset[str] = frozenset()
    reactions: dict[str, list[str]] = field(default_factory=dict)
    thread: str | None = None
    deleted: bool = False


@dataclass(slots=True)
class Modal:
    """A form somebody sees. It closes when the app answers what it was sent with.

    `source` is the message it was opened from, `about` what its interaction says of itself.
    """

    user: str
    channel: str
    custom_id: str
    title: str
    components: list[Json]
    source: Post | None = None
    about: Json | None = None
    open: bool = True


@dataclass(slots=True)
class Interaction:
    """What somebody did with the app, and what came of it.

    `kind` is 2 for a command, 3 for a component, 4 for autocompletion, 5 for a modal. `answer` is the type of the
    callback, `post` the message `@original` means, `choices` what autocompletion offered.
    """

    id: str
    token: str
    kind: int
    user: str
    channel: str
    began: float
    data: Json
    source: Post | None = None
    from_modal: Modal | None = None
    answer: int | None = None
    post: Post | None = None
    posts: list[Post] = field(default_factory=list)
    choices: list[Json] | None = None
    modal: Modal | None = None
    waiting: bool = False

    @property
    def acknowledged(self) -> bool:
        return self.answer is not None
