"""The things a workspace keeps: people, conversations, posts and views."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import Any

from tests.fakes.slack.files import File

Json = dict[str, Any]


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
    files: list[File] = field(default_factory=list)

    def as_message(self) -> Json:
        optional = {
            "bot_id": self.bot_id,
            "thread_ts": self.thread_ts,
            "blocks": self.blocks or None,
            "metadata": self.metadata,
        }
        message: Json = {"type": "message", "user": self.user, "text": self.text, "ts": self.ts}
        if self.files:
            shown = [file.as_file() for file in self.files if not file.deleted]
            message |= {"subtype": "file_share", "upload": False, "display_as_bot": False, "files": shown}
        return message | {name: value for name, value in optional.items() if value}

    def reacted(self) -> list[Json]:
        """Return the reactions as Slack lists them."""
        return [
            {"name": name, "users": list(users), "count": len(users)} for name, users in self.reactions.items() if users
        ]


@dataclass(slots=True)
class Opened:
    """A view as Slack keeps it. `root` is the modal at the bottom of its stack, `previous` the one below it."""

    id: str
    user: str
    view: Json
    hash: str = ""
    open: bool = True
    errors: dict[str, str] = field(default_factory=dict)
    root: str = ""
    previous: str | None = None
    attached: dict[str, list[File]] = field(default_factory=dict)  # by `block_id`

    def __post_init__(self) -> None:
        self.root = self.root or self.id
        self.show(self.view)

    def show(self, view: Json) -> None:
        """Show another view in its place."""
        self.view, self.errors, self.attached = view, {}, {}
        self.hash = hashlib.sha256(json.dumps(view, sort_keys=True).encode()).hexdigest()[:12]


@dataclass(slots=True)
class Upload:
    """A file that the app has asked an address for."""

    file: File
    length: int
    arrived: bool = False
