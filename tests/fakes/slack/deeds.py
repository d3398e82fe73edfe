"""What people do in Slack, with the payloads the app gets for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tests.fakes.slack.calls import change_event, deletion_event, post_event, reaction_event
from tests.fakes.slack.delivery import Courier, Delivery
from tests.fakes.slack.interactions import Interactions
from tests.fakes.slack.membership import Membership
from tests.fakes.slack.workspace import Post, Workspace


@dataclass(frozen=True, slots=True)
class Said:
    """A message and its deliveries: the `message` event, and the `app_mention` where the bot was mentioned."""

    post: Post
    deliveries: tuple[Delivery, ...]

    async def done(self) -> None:
        for delivery in self.deliveries:
            await delivery.done()


class Deeds(Interactions, Membership):
    """The people of one workspace, as far as the app notices them."""

    def __init__(self, workspace: Workspace, courier: Courier, response_url: str) -> None:
        super().__init__(workspace, courier)
        self.response_url = response_url
        self.responses = {}

    def say(self, user: str, channel: str, text: str, thread_ts: str | None = None, **more: Any) -> Said:
        return self._said(self.workspace.post(channel, user, text, thread_ts=thread_ts), more)

    def share(
        self, user: str, channel: str, *files: tuple[str, bytes], text: str = "", thread_ts: str | None = None
    ) -> Said:
        """Send files, each a name and its bytes, in one message of subtype `file_share`."""
        kept = [self.workspace.add_file(name, user, content) for name, content in files]
        return self._said(self.workspace.post(channel, user, text, thread_ts=thread_ts, files=kept), {})

    def _said(self, post: Post, more: dict[str, Any]) -> Said:
        event = post_event(self.workspace, post) | more
        sent = [self.emit(event)]
        private = self.workspace.conversations[post.channel].kind == "im"
        if f"<@{self.workspace.bot_user}>" in post.text and not private:
            mention = {name: value for name, value in event.items() if name not in ("channel_type", "subtype")}
            sent.append(self.emit(mention | {"type": "app_mention"}))
        return Said(post, tuple(delivery for delivery in sent if delivery))

    def edit(self, post: Post, text: str) -> Delivery | None:
        before = post.as_message()
        post.text = text
        return self.emit(change_event(self.workspace, post, before))

    def remove(self, post: Post) -> Delivery | None:
        post.deleted = True
        return self.emit(deletion_event(self.workspace, post))

    def react(self, user: str, post: Post, emoji: str, *, take_off: bool = False) -> Delivery | None:
        names = post.reactions.setdefault(emoji, [])
        if take_off:
            names.remove(user)
        else:
            names.append(user)
        event = reaction_event(self.workspace, post, user, emoji, added=not take_off)
        channel = self.workspace.conversations[post.channel]
        if self.workspace.bot_user not in channel.members:
            return None
        return self.emit(event)

    def open_home(self, user: str, tab: str = "home") -> Delivery | None:
        channel = self.workspace.direct(user).id
        event = {"type": "app_home_opened", "user": user, "channel": channel, "tab": tab}
        return self.emit(event | {"event_ts": self.workspace.next_ts()})

    def press_stop(self, user: str, channel: str, thread_ts: str) -> Delivery | None:
        """Press the platform's own Stop: Slack ends the streams in the thread itself."""
        streams = [p for p in self.workspace.posts if p.streaming and (p.channel, p.thread_ts) == (channel, thread_ts)]
        for post in streams:
            post.streaming, post.text = False, post.streamed
        return self.emit(
            {
                "type": "agent_session_stopped",
                "channel": channel,
                "user": user,
                "thread_ts": thread_ts,
                "streaming_message_ts": [post.ts for post in streams],
                "event_ts": self.workspace.next_ts(),
            }
        )
