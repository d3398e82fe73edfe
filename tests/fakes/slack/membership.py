"""Who comes and goes: people and the bot in channels, the app in a workspace."""

from __future__ import annotations

from tests.fakes.slack.calls import member_event, uninstalled_events
from tests.fakes.slack.delivery import Delivery
from tests.fakes.slack.emitting import Emitter


class Membership(Emitter):
    """What people do to channels and to the app."""

    def join(self, user: str, channel: str) -> Delivery | None:
        place = self.workspace.conversations[channel]
        place.members.add(user)
        return self.emit(member_event(self.workspace, place, user, "member_joined_channel"))

    def leave(self, user: str, channel: str) -> Delivery | None:
        place = self.workspace.conversations[channel]
        place.members.discard(user)
        return self.emit(member_event(self.workspace, place, user, "member_left_channel"))

    def add_bot(self, channel: str, by: str) -> Delivery | None:
        """Invite the bot: it hears of its own joining."""
        place, bot = self.workspace.conversations[channel], self.workspace.bot_user
        place.members.add(bot)
        return self.emit(member_event(self.workspace, place, bot, "member_joined_channel", inviter=by))

    def remove_bot(self, channel: str, by: str = "U1") -> Delivery | None:
        """Put the bot out: `channel_left`, or `group_left` of a private one, is the last it hears from there."""
        place = self.workspace.conversations[channel]
        place.members.discard(self.workspace.bot_user)
        kind = "channel_left" if place.kind == "channel" else "group_left"
        ts = self.workspace.next_ts()
        return self._send({"type": kind, "channel": channel, "actor_id": by, "event_ts": ts}, shared=place.shared)

    def uninstall(self) -> tuple[Delivery, ...]:
        """Remove the app from the workspace: its token is dead, and it is told so in two events."""
        self.workspace.uninstalled = True
        sent = [self._send(event) for event in uninstalled_events(self.workspace)]
        return tuple(delivery for delivery in sent if delivery)

    def revoke_token(self) -> Delivery | None:
        """Revoke the bot's token without removing the app, as an administrator can."""
        self.workspace.revoked = True
        return self._send(uninstalled_events(self.workspace)[0])
