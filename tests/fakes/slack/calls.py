"""One call of a Web API method: whose it is, what it says, and the events it causes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from tests.fakes.slack.workspace import Post, Workspace

Json = dict[str, Any]
Emit = Callable[[Workspace, Json], object]


@dataclass(frozen=True, slots=True)
class Call:
    """A call whose token was accepted. `emit` sends an event to the app."""

    workspace: Workspace
    arguments: Json
    scopes: frozenset[str]
    emit: Emit

    def emit_post(self, post: Post) -> None:
        self.emit(self.workspace, post_event(self.workspace, post))

    def emit_change(self, post: Post, before: Json) -> None:
        self.emit(self.workspace, change_event(self.workspace, post, before))

    def emit_deletion(self, post: Post) -> None:
        self.emit(self.workspace, deletion_event(self.workspace, post))


Method = Callable[[Call], Awaitable[Json]]


def post_event(workspace: Workspace, post: Post) -> Json:
    """Return the `message` event of a post."""
    channel = workspace.conversations[post.channel]
    author = workspace.people[post.user]
    event = post.as_message() | {"channel": post.channel, "channel_type": channel.kind, "event_ts": post.ts}
    event |= {"team": author.team_id}
    if post.bot_id:
        event |= {"app_id": workspace.app_id}
    if channel.shared:
        event |= {"user_team": author.team_id, "source_team": author.team_id}
    return event


def change_event(workspace: Workspace, post: Post, before: Json) -> Json:
    return _notice(workspace, post, "message_changed") | {"message": post.as_message(), "previous_message": before}


def deletion_event(workspace: Workspace, post: Post) -> Json:
    return _notice(workspace, post, "message_deleted") | {
        "deleted_ts": post.ts,
        "previous_message": post.as_message(),
    }


def _notice(workspace: Workspace, post: Post, subtype: str) -> Json:
    ts = workspace.next_ts()
    return {
        "type": "message",
        "subtype": subtype,
        "hidden": True,
        "channel": post.channel,
        "channel_type": workspace.conversations[post.channel].kind,
        "ts": ts,
        "event_ts": ts,
    }
