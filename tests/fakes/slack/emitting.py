"""How an event leaves a workspace for the app."""

from __future__ import annotations

import time

from tests.fakes.slack.delivery import Courier, Delivery
from tests.fakes.slack.workspace import Json, Workspace

# What an app that is no longer installed still hears.
_LAST_WORDS = frozenset({"tokens_revoked", "app_uninstalled"})


class Emitter:
    """Sends events of one workspace, where the app is there to get them."""

    def __init__(self, workspace: Workspace, courier: Courier) -> None:
        self.workspace = workspace
        self._courier = courier

    def emit(self, event: Json) -> Delivery | None:
        """Deliver an event, where the bot is there to see it."""
        channel = self.workspace.conversations.get(event.get("channel", ""))
        if channel is not None and self.workspace.bot_user not in channel.members:
            return None
        return self._send(event, shared=bool(channel and channel.shared))

    def _send(self, event: Json, *, shared: bool = False) -> Delivery | None:
        place = self.workspace
        if place.uninstalled and event["type"] not in _LAST_WORDS:
            return None
        if place.subscribed is not None and event["type"] not in place.subscribed:
            return None
        payload = {
            "token": "verification",
            "team_id": place.team_id,
            "api_app_id": place.app_id,
            "type": "event_callback",
            "event_id": place.next_id("Ev"),
            "event_time": int(time.time()),
            "authorizations": [
                {
                    "enterprise_id": None,
                    "team_id": place.team_id,
                    "user_id": place.bot_user,
                    "is_bot": True,
                    "is_enterprise_install": False,
                }
            ],
            "is_ext_shared_channel": shared,
            "event": event,
        }
        return self._courier.send(Delivery("events_api", payload))
