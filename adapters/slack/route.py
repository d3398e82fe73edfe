"""Where an answer to a payload of Slack's goes: short strings, kept with the event and read back after a restart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from adapters.slack.submitted import read_metadata

Payload = Mapping[str, Any]
COMMAND, ACTION, FORM, MESSAGE, REACTION, HOME, PROMPTS = (
    "command",
    "action",
    "form",
    "message",
    "reaction",
    "home",
    "prompts",
)


@dataclass(frozen=True, slots=True)
class Route:
    """The way back. `team_id` is the workspace whose bot token is used, `user_team` the one the person belongs to.

    `ts` is the message it is about: the person's own, or the one that was pressed or reacted to. `response_url` dies
    after half an hour or five uses, `trigger_id` after three seconds.
    """

    kind: str
    team_id: str
    user_id: str
    user_team: str = ""
    channel: str = ""
    thread_ts: str = ""
    ts: str = ""
    response_url: str = ""
    trigger_id: str = ""

    def as_data(self) -> dict[str, str]:
        """Return what is known, to be kept."""
        return {name: value for name, value in asdict(self).items() if value}

    @classmethod
    def from_data(cls, data: Mapping[str, str]) -> Route:
        """Return the route that `as_data` was given; what is missing is empty, what is unknown is left out."""
        return cls(**{field.name: str(data.get(field.name, "")) for field in fields(cls)})


def route_of(body: Payload) -> Route:
    """Return the way back from a payload: an event, a slash command, or an interaction."""
    if body.get("type") == "event_callback":
        return _of_event(body, body.get("event") or {})
    if "command" in body:
        return Route(
            kind=COMMAND,
            team_id=_team(body),
            user_id=str(body.get("user_id") or ""),
            user_team=_team(body),
            channel=str(body.get("channel_id") or ""),
            response_url=str(body.get("response_url") or ""),
            trigger_id=str(body.get("trigger_id") or ""),
        )
    return _of_interaction(body)


def _of_event(body: Payload, event: Payload) -> Route:
    kind, item, thread = str(event.get("type") or ""), event.get("item") or {}, event.get("assistant_thread") or {}
    if kind == "app_home_opened":
        kind = PROMPTS if event.get("tab") == "messages" else HOME
    elif kind == "assistant_thread_started":
        kind = PROMPTS
    elif kind.startswith("reaction_"):
        kind = REACTION
    else:
        kind = ACTION if kind == "agent_session_stopped" else MESSAGE
    return Route(
        kind=kind,
        team_id=_team(body),
        user_id=str(event.get("user") or thread.get("user_id") or ""),
        user_team=str(event.get("user_team") or event.get("source_team") or _team(body)),
        channel=str(event.get("channel") or item.get("channel") or thread.get("channel_id") or ""),
        thread_ts=str(event.get("thread_ts") or thread.get("thread_ts") or ""),
        ts=str(item.get("ts") or event.get("ts") or ""),
    )


def _of_interaction(body: Payload) -> Route:
    container, message = body.get("container") or {}, body.get("message") or {}
    user, view = body.get("user") or {}, body.get("view") or {}
    kept = read_metadata(str(view.get("private_metadata") or ""))
    channel = (body.get("channel") or {}).get("id") or container.get("channel_id") or kept.get("channel")
    return Route(
        kind=FORM if body.get("type") == "view_submission" else ACTION,
        team_id=_team(body),
        user_id=str(user.get("id") or ""),
        user_team=str(user.get("team_id") or _team(body)),
        channel=str(channel or ""),
        thread_ts=str(message.get("thread_ts") or container.get("thread_ts") or kept.get("thread") or ""),
        ts=str(container.get("message_ts") or message.get("ts") or ""),
        response_url=str(body.get("response_url") or ""),
        trigger_id=str(body.get("trigger_id") or ""),
    )


def _team(body: Payload) -> str:
    """Return the workspace a payload was sent to; an app that a whole organisation has installed gets no `team`."""
    team: Payload = body.get("team") or {}
    return str(body.get("team_id") or team.get("id") or (body.get("view") or {}).get("app_installed_team_id") or "")
