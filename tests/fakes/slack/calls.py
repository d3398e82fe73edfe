"""One call of a Web API method: whose it is, what it says, and the events it causes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from tests.fakes.slack.oauth import Registration
from tests.fakes.slack.workspace import Conversation, Post, Workspace

Json = dict[str, Any]
Emit = Callable[[Workspace, Json], object]


@dataclass(frozen=True, slots=True)
class Call:
    """A call whose token was accepted. `emit` sends an event to the app."""

    workspace: Workspace
    arguments: Json
    scopes: frozenset[str]
    emit: Emit
    app: Registration

    def emit_post(self, post: Post) -> None:
        self.emit(self.workspace, post_event(self.workspace, post))

    def emit_change(self, post: Post, before: Json) -> None:
        self.emit(self.workspace, change_event(self.workspace, post, before))

    def emit_reaction(self, post: Post, emoji: str, *, added: bool) -> None:
        self.emit(self.workspace, reaction_event(self.workspace, post, self.workspace.bot_user, emoji, added=added))

    def emit_joined(self, channel: Conversation, user: str) -> None:
        self.emit(self.workspace, member_event(self.workspace, channel, user, "member_joined_channel"))

    def emit_uninstalled(self) -> None:
        for event in uninstalled_events(self.workspace):
            self.emit(self.workspace, event)

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
    if post.thread_ts not in (None, post.ts):
        event |= workspace.parent_of(post)
    if channel.shared:
        event |= {"user_team": author.team_id, "source_team": author.team_id}
        if post.files:  # of a file in a shared channel an event says no more
            event["files"] = [{"id": file.id, "file_access": "check_file_info"} for file in post.files]
    return event


def reaction_event(workspace: Workspace, post: Post, user: str, emoji: str, *, added: bool) -> Json:
    return {
        "type": "reaction_added" if added else "reaction_removed",
        "user": user,
        "reaction": emoji,
        "item_user": post.user,
        "item": {"type": "message", "channel": post.channel, "ts": post.ts},
        "event_ts": workspace.next_ts(),
    }


def member_event(workspace: Workspace, channel: Conversation, user: str, kind: str, inviter: str | None = None) -> Json:
    """Return `member_joined_channel` or `member_left_channel`."""
    event = {
        "type": kind,
        "user": user,
        "channel": channel.id,
        "channel_type": "C" if channel.kind == "channel" else "G",
        "team": workspace.people[user].team_id,
        "event_ts": workspace.next_ts(),
    }
    return event | ({"inviter": inviter} if inviter else {})


def uninstalled_events(workspace: Workspace) -> tuple[Json, Json]:
    """Return what the app gets when its tokens are gone, the last of them with the installation itself."""
    tokens: Json = {"type": "tokens_revoked", "tokens": {"oauth": [], "bot": [workspace.bot_user]}}
    return tokens | {"event_ts": workspace.next_ts()}, {"type": "app_uninstalled", "event_ts": workspace.next_ts()}


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
