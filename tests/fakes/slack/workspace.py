"""What a Slack workspace holds: people, conversations, posts, views, and the ids that mean something for a while."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.fakes.slack.blocks import Refused
from tests.fakes.slack.files import File
from tests.fakes.slack.records import Conversation, Json, Opened, Person, Post, Upload

__all__ = ["Clock", "Conversation", "Json", "Opened", "Person", "Post", "Upload", "Workspace"]

Clock = Callable[[], float]
STACKED = 3  # modals


@dataclass(slots=True)
class Workspace:
    """One workspace with the app installed."""

    team_id: str
    bot_token: str
    clock: Clock
    origin: str = ""
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
    files: dict[str, File] = field(default_factory=dict)
    uploads: dict[str, Upload] = field(default_factory=dict)
    scopes: frozenset[str] | None = None  # what was granted here, where that differs from the server's
    subscribed: frozenset[str] | None = None  # the types of event the app gets; all of them where it is None
    revoked: bool = False
    uninstalled: bool = False
    token_ends: float | None = None  # by `clock`, of a token that rotates
    old_tokens: set[str] = field(default_factory=set)
    _triggers: dict[str, tuple[str, float, bool, str | None]] = field(default_factory=dict)
    _count: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    def __post_init__(self) -> None:
        self.people[self.bot_user] = Person(self.bot_user, self.team_id, name="homeroom", bot=True)

    def renew_token(self) -> None:
        """Install the app anew: a dead token stays dead."""
        if self.revoked or self.uninstalled:
            self.old_tokens.add(self.bot_token)
            self.bot_token = f"xoxb-{self.team_id}-{len(self.old_tokens) + 1}"
            self.revoked = self.uninstalled = False
            self.token_ends = None

    def check_token(self, token: str) -> None:
        """Raises `Refused` for a token that is worth nothing any more."""
        if self.revoked or token in self.old_tokens:
            raise Refused("token_revoked")
        if self.uninstalled:
            raise Refused("account_inactive")
        if self.token_ends is not None and self.clock() > self.token_ends:
            raise Refused("token_expired")

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

    def conversation(self, channel_id: Any, *, member: bool = True, archived: bool = False) -> Conversation:
        """Find a conversation as an API method does: a person's id means their direct messages.

        `member` and `archived` say whether the bot has to be in it, and whether an archived one will do.
        """
        if isinstance(channel_id, str) and channel_id in self.people:
            return self.direct(channel_id)
        channel = self.conversations.get(str(channel_id))
        inside = channel is not None and self.bot_user in channel.members
        if channel is None or (channel.kind != "channel" and not inside):
            raise Refused("channel_not_found")
        if channel.archived and not archived:
            raise Refused("is_archived")
        if member and not inside:
            raise Refused("not_in_channel")
        return channel

    def post(self, channel_id: str, user: str, text: str, **more: Any) -> Post:
        post = Post(channel_id, self.next_ts(), user, text, **more)
        self.posts.append(post)
        for file in post.files:
            file.shares.append((channel_id, post.ts))
        return post

    def find(self, channel_id: str, ts: Any, missing: str = "message_not_found") -> Post:
        for post in self.posts:
            if post.channel == channel_id and post.ts == ts and not post.deleted and post.to is None:
                return post
        raise Refused(missing)

    def replies(self, root: Post) -> list[Post]:
        """The posts in the thread under a post, the oldest first."""
        return [
            post
            for post in self.posts
            if post.channel == root.channel and post.thread_ts == root.ts != post.ts
            if post.to is None and not post.deleted
        ]

    def parent_of(self, post: Post) -> Json:
        """Return what a reply says about the post its thread hangs on."""
        roots = [root for root in self.posts if (root.channel, root.ts) == (post.channel, post.thread_ts)]
        return {"parent_user_id": roots[0].user} if roots else {}

    def permalink(self, post: Post) -> str:
        link = f"https://school.slack.com/archives/{post.channel}/p{post.ts.replace('.', '')}"
        reply = post.thread_ts not in (None, post.ts)
        return f"{link}?thread_ts={post.thread_ts}&cid={post.channel}" if reply else link

    def add_file(self, name: str, user: str, content: bytes = b"") -> File:
        file = File(self.next_id("F"), self.team_id, name, user, self.origin, content)
        self.files[file.id] = file
        return file

    def sees(self, file: File) -> bool:
        """Whether the bot may read a file: its own, one a form of its took, or one in a conversation it is in."""
        if file.given or file.user == self.bot_user:
            return True
        return any(self.bot_user in self.conversations[channel].members for channel, _ in file.shares)

    def open_view(self, user: str, view: Json) -> Opened:
        opened = Opened(self.next_id("V"), user, view)
        self.views[opened.id] = opened
        return opened

    def push_view(self, user: str, view: Json, below: Opened) -> Opened:
        """Lay a modal on another. Raises `Refused` where three lie there."""
        if len([view for view in self.views.values() if view.open and view.root == below.root]) >= STACKED:
            raise Refused("push_limit_reached")
        opened = Opened(self.next_id("V"), user, view, root=below.root, previous=below.id)
        self.views[opened.id] = opened
        return opened

    def as_view(self, opened: Opened) -> Json:
        """Return a view as answers and payloads carry it."""
        return opened.view | {
            "id": opened.id,
            "team_id": self.team_id,
            "app_id": self.app_id,
            "app_installed_team_id": self.team_id,
            "bot_id": self.bot_id,
            "hash": opened.hash,
            "root_view_id": opened.root,
            "previous_view_id": opened.previous,
            "state": {"values": {}},
        }

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

    def grant_trigger(self, user_id: str, view_id: str | None = None) -> str:
        """Return a trigger for what somebody did, in a view where one is named."""
        trigger = f"{next(self._count)}.{next(self._count)}.{user_id}"
        self._triggers[trigger] = (user_id, self.clock() + self.trigger_seconds, False, view_id)
        return trigger

    def use_trigger(self, trigger: Any) -> tuple[str, str | None]:
        """Return whose trigger it is and in which view; it opens one view, within three seconds."""
        found = self._triggers.get(str(trigger))
        if found is None:
            raise Refused("invalid_trigger_id")
        user_id, expires, used, view_id = found
        if used:
            raise Refused("exchanged_trigger_id")
        if self.clock() > expires:
            raise Refused("expired_trigger_id")
        self._triggers[str(trigger)] = (user_id, expires, True, view_id)
        return user_id, view_id
