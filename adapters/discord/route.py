"""Where an answer to a payload of Discord's goes: short strings, kept with the event and read back after a restart."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields

from adapters.discord.places import Where

COMMAND, COMPONENT, MODAL, MESSAGE, REACTION = "command", "component", "modal", "message", "reaction"
_ALIVE = 15 * 60 - 20  # seconds for which an interaction's token is good, less some for the way


@dataclass(frozen=True, slots=True)
class Route:
    """The way back. `channel` is where to post: a thread is a channel of its own, `parent` the channel it is in.

    `message` is the message it is about, `private` is set in direct messages. The interaction's `token` dies after a
    quarter of an hour; `at` is when it came, in seconds since 1970. `in_message` says that the interaction began at a
    message of ours, which a deferred answer leaves as it is. `form` is the id under which the form that was sent is
    kept, where it had several pages.
    """

    kind: str
    user: str
    channel: str = ""
    parent: str = ""
    guild: str = ""
    message: str = ""
    private: str = ""
    application: str = ""
    interaction: str = ""
    token: str = ""
    at: str = ""
    in_message: str = ""
    form: str = ""

    def as_data(self) -> dict[str, str]:
        """Return what is known, to be kept."""
        return {name: value for name, value in asdict(self).items() if value}

    @classmethod
    def from_data(cls, data: Mapping[str, str]) -> Route:
        """Return the route that `as_data` was given; what is missing is empty, what is unknown is left out."""
        return cls(**{field.name: str(data.get(field.name, "")) for field in fields(cls)})

    @property
    def in_thread(self) -> bool:
        """Whether it happened in a thread or a forum post."""
        return bool(self.parent) and self.parent != self.channel

    def alive(self, now: float) -> bool:
        """Say whether the interaction can still be answered, at a time in seconds since 1970."""
        return bool(self.token) and now < float(self.at or 0) + _ALIVE


def route_of_event(kind: str, user: str, guild: str, where: Where, message: str = "") -> Route:
    """Return the way back from a message or a reaction."""
    return Route(
        kind,
        user,
        channel=where.thread or where.channel,
        parent=where.channel,
        guild=guild,
        message=message,
        private="1" if where.private else "",
    )


def route_of_interaction(payload: Mapping[str, object], where: Where, user: str, now: float | None = None) -> Route:
    """Return the way back from an interaction that came now."""
    kind = {2: COMMAND, 3: COMPONENT, 5: MODAL}.get(int(str(payload.get("type") or 0)), "")
    message = payload.get("message")
    return Route(
        kind,
        user,
        channel=where.thread or where.channel,
        parent=where.channel,
        guild=str(payload.get("guild_id") or ""),
        message=str(message.get("id") or "") if isinstance(message, Mapping) else "",
        private="1" if where.private else "",
        application=str(payload.get("application_id") or ""),
        interaction=str(payload.get("id") or ""),
        token=str(payload.get("token") or ""),
        at=f"{time.time() if now is None else now:.3f}",
        in_message="1" if message else "",
    )
