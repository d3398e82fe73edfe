"""Slack's payloads as neutral events: pure functions, no client, no state.

A payload is what bolt calls `body`: an `event_callback`, a slash command's form, or an interaction. Shapes are those
of https://docs.slack.dev/reference/events and https://docs.slack.dev/reference/interaction-payloads. `None` means that
nobody did anything that is meant for us.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from adapters.slack.incoming_text import first_mention, mentions, plain_text
from adapters.slack.submitted import COUNT_MARK, read_metadata, sent_files, typed_fields
from core.answering.replying import STOP
from core.enums import Platform
from core.events import (
    Command,
    Control,
    Deletion,
    Event,
    Message,
    Page,
    Place,
    Reaction,
    Sender,
    Visit,
)

Payload = Mapping[str, Any]

# Kinds of message that a person wrote as such. Everything else with a subtype is an edit, a deletion or a notice; an
# edited question is not answered again, because whoever reads the thread has seen the answer to the first one.
_SPOKEN = frozenset({"", "file_share", "thread_broadcast", "me_message"})
FEEDBACK_UP, FEEDBACK_DOWN = "feedback.up", "feedback.down"


def receive(body: Payload, *, prefix: str = "") -> Event | None:
    """Return what a payload of any kind says that a person did, or None.

    `prefix` is what this installation puts before the names of slash commands.
    """
    match body.get("type"):
        case "event_callback":
            return receive_event(body)
        case "block_actions":
            return receive_action(body)
        case "view_submission":
            return receive_submission(body)
        case None if "command" in body:
            return receive_command(body, prefix=prefix)
        case _:
            return None


def receive_event(body: Payload) -> Event | None:
    """Return the event in an Events API payload: a message, one taken back, a reaction, Stop, or a page opened."""
    event: Payload = body.get("event") or {}
    match event.get("type"):
        case "message" | "app_mention":
            return _deletion(body, event) or _message(body, event)
        case "reaction_added" | "reaction_removed":
            return _reaction(body, event)
        case "agent_session_stopped":
            return _stopped(body, event)
        case "app_home_opened":
            return _visit(body, event)
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
    return bool(body.get("is_ext_shared_channel")) or (home is not None and of_sender != home)


def receive_command(body: Payload, *, prefix: str = "") -> Command | None:
    """Return a slash command. Its thread is unknown: Slack does not say from which thread one was typed."""
    name = str(body.get("command", "")).removeprefix("/").removeprefix(prefix)
    if not name or not body.get("user_id"):
        return None
    channel = str(body.get("channel_id", ""))
    # An organisation's own installation names no workspace where the person is in none.
    workspace = str(body.get("team_id") or body.get("enterprise_id") or "")
    return Command(
        key=f"slack:command:{body.get('trigger_id') or body.get('response_url')}",
        sender=Sender(Platform.SLACK, str(body["user_id"]), workspace),
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
    private = not channel or channel.startswith("D")
    return Control(
        # The view's hash stays the same when a form is sent again after an error, so the trigger comes first.
        key=f"slack:form:{body.get('trigger_id') or ':'.join((str(view.get('id')), str(view.get('hash'))))}",
        sender=_sender(body),
        place=Place(channel, kept.get("thread") or None, private=private, shared=is_shared(body)),
        action=str(view.get("callback_id") or ""),
        value=kept.get("value", ""),
        fields=typed_fields(view),
        files=sent_files(view),
    )


def _message(body: Payload, event: Payload) -> Message | None:
    user, channel, ts = event.get("user"), event.get("channel"), event.get("ts")
    own = _own_id(body)
    if event.get("bot_id") or event.get("hidden") or user in (None, own, "USLACKBOT"):
        return None
    if str(event.get("subtype") or "") not in _SPOKEN or not channel or not ts:
        return None
    text = str(event.get("text") or "")
    in_thread = event.get("thread_ts") not in (None, ts)
    addressed = is_addressed(body)
    # A reply that begins with somebody else's name is for them, whoever else takes part in the thread.
    if not addressed and (not in_thread or first_mention(text) not in (None, own)):
        return None
    return Message(
        key=f"slack:message:{channel}:{ts}",
        sender=Sender(Platform.SLACK, str(user), _team_of(body, event)),
        # An answer to a message that stands by itself opens a thread under it.
        place=Place(
            str(channel), str(event.get("thread_ts") or ts), private=_is_private(event), shared=is_shared(body)
        ),
        text=plain_text(text, own=own),
        addressed=addressed,
        message_id=str(ts),
    )


def _deletion(body: Payload, event: Payload) -> Deletion | None:
    """Return that a message was taken back. One with replies leaves a tombstone, which comes as a change."""
    left: Payload = event.get("message") or {}
    match event.get("subtype"), left.get("subtype"):
        case "message_deleted", _:
            ts = event.get("deleted_ts")
        case "message_changed", "tombstone":
            ts = left.get("ts")
        case _:
            return None
    before: Payload = event.get("previous_message") or {}
    channel, user = event.get("channel"), before.get("user")
    if not channel or not ts or before.get("bot_id") or user in (None, _own_id(body), "USLACKBOT"):
        return None
    return Deletion(
        key=f"slack:deletion:{channel}:{ts}",
        sender=Sender(Platform.SLACK, str(user), _team_of(body, before)),
        place=Place(
            str(channel), str(before.get("thread_ts") or ts), private=_is_private(event), shared=is_shared(body)
        ),
        message_id=str(ts),
    )


def _visit(body: Payload, event: Payload) -> Visit | None:
    user, tab = event.get("user"), event.get("tab")
    if not user or tab not in tuple(Page):
        return None
    return Visit(
        key=f"slack:visit:{user}:{tab}:{event.get('event_ts')}",
        sender=Sender(Platform.SLACK, str(user), _team_of(body, event)),
        place=Place(str(event.get("channel") or "")),
        page=Page(tab),
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
        place=Place(channel, private=channel.startswith("D"), shared=is_shared(body)),
        emoji=emoji,
        added=event["type"] == "reaction_added",
        message_id=ts,
        at=_time(event.get("event_ts")),
    )


def _stopped(body: Payload, event: Payload) -> Control | None:
    """Return Stop; its value holds Slack's ids of the messages that were being written, apart by spaces."""
    channel, user = str(event.get("channel") or ""), event.get("user")
    if not channel or not user:
        return None
    return Control(
        key=f"slack:stop:{channel}:{event.get('event_ts')}",
        sender=Sender(Platform.SLACK, str(user), _team_of(body, event)),
        place=Place(channel, event.get("thread_ts"), private=channel.startswith("D"), shared=is_shared(body)),
        action=STOP,
        value=" ".join(map(str, event.get("streaming_message_ts") or ())),
    )


def _place_of_interaction(body: Payload) -> Place:
    container: Payload = body.get("container") or {}
    message: Payload = body.get("message") or {}
    channel = str((body.get("channel") or {}).get("id") or container.get("channel_id") or "")
    ts = message.get("thread_ts") or container.get("thread_ts") or container.get("message_ts")
    private = not channel or channel.startswith("D")
    return Place(channel, str(ts) if ts else None, private=private, shared=is_shared(body))


def _sender(body: Payload) -> Sender:
    user: Payload = body.get("user") or {}
    return Sender(
        Platform.SLACK, str(user.get("id") or ""), str(user.get("team_id") or (body.get("team") or {}).get("id") or "")
    )


def _team_of(body: Payload, event: Payload) -> str:
    """Return the workspace a person belongs to: in a shared channel not the one the event came through."""
    return str(event.get("user_team") or event.get("source_team") or body.get("team_id") or "")


def _time(event_ts: object) -> datetime | None:
    """Return the moment of one of Slack's timestamps, which are seconds since 1970 with six decimals."""
    try:
        return datetime.fromtimestamp(float(str(event_ts)), UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _is_private(event: Payload) -> bool:
    return event.get("channel_type") == "im" or str(event.get("channel") or "").startswith("D")


def _own_id(body: Payload) -> str | None:
    """Return the bot's own user id, which Slack sends along as the one on whose behalf it delivers."""
    return next((str(a["user_id"]) for a in body.get("authorizations") or () if a.get("is_bot")), None)
