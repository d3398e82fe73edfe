"""Slack's payloads as neutral events: pure functions, no client, no state.

A payload is what bolt calls `body`: an `event_callback`, a slash command's form, or an interaction. Shapes are those
of https://docs.slack.dev/reference/events and https://docs.slack.dev/reference/interaction-payloads. `None` means that
nobody did anything that is meant for us.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from adapters.slack.incoming_text import mentions, plain_text
from core.answering.replying import STOP
from core.enums import Platform
from core.events import Command, Control, Event, Message, Place, Reaction, Sender

Payload = Mapping[str, Any]

# Kinds of message that a person wrote as such. Everything else with a subtype is an edit, a deletion or a notice.
_SPOKEN = frozenset({"", "file_share", "thread_broadcast", "me_message"})
# Where an action's name or a field's name is used twice, what follows this tells them apart.
COUNT_MARK = "#"
FEEDBACK_UP, FEEDBACK_DOWN = "feedback.up", "feedback.down"


def receive(body: Payload) -> Event | None:
    """Return what a payload of any kind says that a person did, or None."""
    match body.get("type"):
        case "event_callback":
            return receive_event(body)
        case "block_actions":
            return receive_action(body)
        case "view_submission":
            return receive_submission(body)
        case None if "command" in body:
            return receive_command(body)
        case _:
            return None


def receive_event(body: Payload) -> Event | None:
    """Return the event in an Events API payload: a message, a reaction, or Stop in an agent session."""
    event: Payload = body.get("event") or {}
    match event.get("type"):
        case "message" | "app_mention":
            return _message(body, event)
        case "reaction_added" | "reaction_removed":
            return _reaction(body, event)
        case "agent_session_stopped":
            return _stopped(body, event)
        case _:
            return None


def is_addressed(body: Payload) -> bool:
    """Say whether a message is meant for the bot by itself: a direct message, or one that mentions it.

    Any other one is meant for it only as a reply in a thread the bot takes part in, which the caller has to look up.
    """
    event: Payload = body.get("event") or {}
    if event.get("type") == "app_mention" or _is_private(event):
        return True
    return _own_id(body) in mentions(str(event.get("text") or ""))


def is_shared(body: Payload) -> bool:
    """Say whether people of another organisation read along where this happened (Slack Connect)."""
    event: Payload = body.get("event") or {}
    home = body.get("team_id") or (body.get("team") or {}).get("id")
    of_sender = event.get("user_team") or (body.get("user") or {}).get("team_id") or home
    return bool(body.get("is_ext_shared_channel")) or of_sender != home


def receive_command(body: Payload) -> Command | None:
    """Return a slash command. Its thread is unknown: Slack does not say from which thread one was typed."""
    name = str(body.get("command", "")).removeprefix("/")
    if not name or not body.get("user_id"):
        return None
    channel = str(body.get("channel_id", ""))
    return Command(
        key=f"slack:command:{body.get('trigger_id')}",
        sender=Sender(Platform.SLACK, str(body["user_id"]), str(body.get("team_id", ""))),
        place=Place(channel, private=channel.startswith("D")),
        name=name,
        text=plain_text(str(body.get("text") or "")),
    )


def receive_action(body: Payload) -> Control | None:
    """Return what was pressed or picked in a message or a view; of several actions in one payload, the first."""
    actions = body.get("actions") or []
    if not actions:
        return None
    first: Payload = actions[0]
    chosen: Payload = first.get("selected_option") or {}
    action, value = str(first.get("action_id", "")), str(first.get("value") or "")
    match first.get("type"):
        case "static_select":
            action, _, value = str(chosen.get("value", "")).partition("\n")
        case "feedback_buttons":
            # Either button's value is the mark and the answer's id.
            up, _, value = value.partition(":")
            action = FEEDBACK_UP if up == "+" else FEEDBACK_DOWN
        case "button":
            action = action.partition(COUNT_MARK)[0]
        case _:
            return None
    if not action:
        return None
    return Control(
        key=f"slack:action:{body.get('trigger_id') or ''}:{first.get('action_ts') or ''}",
        sender=_sender(body),
        place=_place_of_interaction(body),
        action=action,
        value=value,
    )


def receive_submission(body: Payload) -> Control:
    """Return a form that was sent. Its action is the view's `callback_id`, its place what the form was opened from."""
    view: Payload = body.get("view") or {}
    kept = read_metadata(str(view.get("private_metadata") or ""))
    channel = kept.get("channel", "")
    return Control(
        # The view's hash stays the same when a form is sent again after an error, so the trigger comes first.
        key=f"slack:form:{body.get('trigger_id') or ':'.join((str(view.get('id')), str(view.get('hash'))))}",
        sender=_sender(body),
        place=Place(channel, kept.get("thread") or None, private=not channel or channel.startswith("D")),
        action=str(view.get("callback_id") or ""),
        value=kept.get("value", ""),
        fields=_fields((view.get("state") or {}).get("values") or {}),
    )


def read_metadata(text: str) -> dict[str, str]:
    """Return what a view of ours carries in its `private_metadata`; empty for anything else."""
    try:
        kept = json.loads(text)
    except ValueError:
        return {}
    return {str(key): str(value) for key, value in kept.items()} if isinstance(kept, dict) else {}


def _fields(values: Mapping[str, Mapping[str, Payload]]) -> dict[str, str]:
    """Return a form's fields by name; the pieces of a long one, which are numbered, are put together again."""
    pieces: dict[str, dict[int, str]] = {}
    for block_id, inputs in values.items():
        name, _, number = block_id.partition(COUNT_MARK)
        for state in inputs.values():
            chosen: Payload = state.get("selected_option") or {}
            text = str(state.get("value") or chosen.get("value") or "")
            pieces.setdefault(name, {})[int(number) if number.isdecimal() else 0] = text
    return {name: "".join(texts[number] for number in sorted(texts)) for name, texts in pieces.items()}


def _message(body: Payload, event: Payload) -> Message | None:
    user, channel, ts = event.get("user"), event.get("channel"), event.get("ts")
    own = _own_id(body)
    if event.get("bot_id") or event.get("hidden") or user in (None, own, "USLACKBOT"):
        return None
    if str(event.get("subtype") or "") not in _SPOKEN or not channel or not ts:
        return None
    private = _is_private(event)
    text = str(event.get("text") or "")
    in_thread = event.get("thread_ts") not in (None, ts)
    if not (private or in_thread or is_addressed(body)):
        return None
    return Message(
        key=f"slack:message:{channel}:{ts}",
        sender=Sender(Platform.SLACK, str(user), _team_of(body, event)),
        # An answer to a message that stands by itself opens a thread under it.
        place=Place(str(channel), str(event.get("thread_ts") or ts), private=private),
        text=plain_text(text, own=own),
    )


def _reaction(body: Payload, event: Payload) -> Reaction | None:
    item: Payload = event.get("item") or {}
    user, own = event.get("user"), _own_id(body)
    if item.get("type") != "message" or not user or user == own:
        return None
    if event.get("item_user") not in (None, own):
        return None
    channel, ts, emoji = str(item.get("channel")), str(item.get("ts")), str(event.get("reaction"))
    return Reaction(
        key=f"slack:reaction:{user}:{channel}:{ts}:{emoji}:{event.get('event_ts')}",
        sender=Sender(Platform.SLACK, str(user), _team_of(body, event)),
        place=Place(channel, private=channel.startswith("D")),
        emoji=emoji,
        added=event["type"] == "reaction_added",
        message_id=ts,
    )


def _stopped(body: Payload, event: Payload) -> Control | None:
    """Return Stop; its value holds Slack's ids of the messages that were being written, apart by spaces."""
    channel, user = str(event.get("channel") or ""), event.get("user")
    if not channel or not user:
        return None
    return Control(
        key=f"slack:stop:{channel}:{event.get('event_ts')}",
        sender=Sender(Platform.SLACK, str(user), _team_of(body, event)),
        place=Place(channel, event.get("thread_ts"), private=channel.startswith("D")),
        action=STOP,
        value=" ".join(map(str, event.get("streaming_message_ts") or ())),
    )


def _place_of_interaction(body: Payload) -> Place:
    container: Payload = body.get("container") or {}
    message: Payload = body.get("message") or {}
    channel = str((body.get("channel") or {}).get("id") or container.get("channel_id") or "")
    ts = message.get("thread_ts") or container.get("thread_ts") or container.get("message_ts")
    return Place(channel, str(ts) if ts else None, private=not channel or channel.startswith("D"))


def _sender(body: Payload) -> Sender:
    user: Payload = body.get("user") or {}
    return Sender(
        Platform.SLACK, str(user.get("id") or ""), str(user.get("team_id") or (body.get("team") or {}).get("id") or "")
    )


def _team_of(body: Payload, event: Payload) -> str:
    """Return the workspace a person belongs to: in a shared channel not the one the event came through."""
    return str(event.get("user_team") or event.get("source_team") or body.get("team_id") or "")


def _is_private(event: Payload) -> bool:
    return event.get("channel_type") == "im" or str(event.get("channel") or "").startswith("D")


def _own_id(body: Payload) -> str | None:
    """Return the bot's own user id, which Slack sends along as the one on whose behalf it delivers."""
    return next((str(a["user_id"]) for a in body.get("authorizations") or () if a.get("is_bot")), None)
