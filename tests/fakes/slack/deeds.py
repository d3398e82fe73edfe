"""What people do in Slack, with the payloads the app gets for it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import partial
from typing import Any

from tests.fakes.slack.blocks import Refused, check_message_blocks, check_view
from tests.fakes.slack.calls import change_event, deletion_event, post_event
from tests.fakes.slack.delivery import Courier, Delivery
from tests.fakes.slack.workspace import Json, Opened, Post, Workspace


@dataclass(frozen=True, slots=True)
class Said:
    """A message and its deliveries: the `message` event, and the `app_mention` where the bot was mentioned."""

    post: Post
    deliveries: tuple[Delivery, ...]

    async def done(self) -> None:
        for delivery in self.deliveries:
            await delivery.done()


class Deeds:
    """The people of one workspace, as far as the app notices them."""

    def __init__(self, workspace: Workspace, courier: Courier, response_url: str) -> None:
        self.workspace = workspace
        self._courier = courier
        self._response_url = response_url
        self.responses: dict[str, tuple[str, str, Post | None]] = {}  # channel, person and post of a `response_url`

    def emit(self, event: Json) -> Delivery | None:
        """Deliver an event, where the bot is there to see it."""
        channel = self.workspace.conversations.get(event.get("channel", ""))
        if channel is not None and self.workspace.bot_user not in channel.members:
            return None
        place = self.workspace
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
            "is_ext_shared_channel": bool(channel and channel.shared),
            "event": event,
        }
        return self._courier.send(Delivery("events_api", payload))

    def say(self, user: str, channel: str, text: str, thread_ts: str | None = None, **more: Any) -> Said:
        post = self.workspace.post(channel, user, text, thread_ts=thread_ts)
        event = post_event(self.workspace, post) | more
        sent = [self.emit(event)]
        if f"<@{self.workspace.bot_user}>" in text and self.workspace.conversations[channel].kind != "im":
            mention = {name: value for name, value in event.items() if name != "channel_type"}
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
        return self.emit(
            {
                "type": "reaction_removed" if take_off else "reaction_added",
                "user": user,
                "reaction": emoji,
                "item_user": post.user,
                "item": {"type": "message", "channel": post.channel, "ts": post.ts},
                "event_ts": self.workspace.next_ts(),
            }
        )

    def open_home(self, user: str, tab: str = "home") -> Delivery | None:
        channel = self.workspace.direct(user).id
        return self.emit({"type": "app_home_opened", "user": user, "channel": channel, "tab": tab, "event_ts": "1.0"})

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

    def command(self, user: str, channel: str, command: str, text: str = "") -> Delivery:
        place = self.workspace
        form = {
            "token": "verification",
            "command": command,
            "text": text,
            "user_id": user,
            "user_name": user.lower(),
            "channel_id": channel,
            "channel_name": place.conversations[channel].name or "directmessage",
            "team_id": place.team_id,
            "team_domain": "school",
            "api_app_id": place.app_id,
            "is_enterprise_install": "false",
            "response_url": self._response(channel, user, None),
            "trigger_id": place.grant_trigger(user),
        }
        settle = partial(self._say_back, channel=channel, user=user)
        return self._courier.send(Delivery("slash_commands", form, settle))

    def press(self, user: str, post: Post, label: str) -> Delivery:
        """Press the button, pick the option or the thumb that shows `label`."""
        block_id, action = _find_action(post, label)
        place = self.workspace
        payload = {
            "type": "block_actions",
            "api_app_id": place.app_id,
            "token": "verification",
            "team": {"id": place.team_id, "domain": "school"},
            "user": {"id": user, "username": user.lower(), "team_id": place.people[user].team_id},
            "container": {"type": "message", "message_ts": post.ts, "channel_id": post.channel},
            "channel": {"id": post.channel, "name": "x"},
            "message": post.as_message(),
            "trigger_id": place.grant_trigger(user),
            "response_url": self._response(post.channel, user, post),
            "actions": [action | {"block_id": block_id, "action_ts": place.next_ts()}],
        }
        return self._courier.send(Delivery("interactive", payload))

    def submit(self, opened: Opened, **typed: str) -> Delivery:
        """Send a form; fields that are not named keep what stands in them."""
        values: dict[str, Any] = {}
        for block in opened.view["blocks"]:
            if block["type"] == "input":
                values[block["block_id"]] = {block["element"]["action_id"]: _state(block, typed)}
        view = {name: value for name, value in opened.view.items() if name != "state"}
        place = self.workspace
        payload = {
            "type": "view_submission",
            "team": {"id": place.team_id, "domain": "school"},
            "user": {"id": opened.user, "team_id": place.people[opened.user].team_id},
            "api_app_id": place.app_id,
            "token": "verification",
            "trigger_id": place.grant_trigger(opened.user),
            "view": view | {"id": opened.id, "hash": opened.hash, "state": {"values": values}},
            "response_urls": [],
        }
        return self._courier.send(Delivery("interactive", payload, partial(_settle, opened)))

    def respond(self, key: str, body: Json) -> None:
        """Take what the app sends to a `response_url`. Raises `Refused`."""
        if key not in self.responses:
            raise Refused("expired_url")
        channel, user, post = self.responses[key]
        if body.get("delete_original") and post is not None:
            post.deleted = True
        elif body.get("replace_original") and post is not None:
            check_message_blocks(body.get("blocks") or [])
            post.text, post.blocks = str(body.get("text", "")), list(body.get("blocks") or [])
        else:
            self._say_back(body, channel, user)

    def _say_back(self, answer: Json, channel: str, user: str) -> None:
        if not answer.get("text") and not answer.get("blocks"):
            return
        blocks = list(answer.get("blocks") or [])
        check_message_blocks(blocks)
        to = None if answer.get("response_type") == "in_channel" else user
        place = self.workspace
        place.post(channel, place.bot_user, str(answer.get("text", "")), blocks=blocks, bot_id=place.bot_id, to=to)

    def _response(self, channel: str, user: str, post: Post | None) -> str:
        key = self.workspace.next_id("R")
        self.responses[key] = (channel, user, post)
        return f"{self._response_url}{self.workspace.team_id}/{key}"


def _find_action(post: Post, label: str) -> tuple[str, Json]:
    """Return the block and the action of the button, the option or the thumb that shows a label."""
    for number, block in enumerate(post.blocks):
        block_id = block.get("block_id", f"b{number}")
        for element in block.get("elements", ()):
            kind = element.get("type")
            action = {"type": kind, "action_id": element.get("action_id", "")}
            if kind == "button" and element["text"]["text"] == label:
                return block_id, action | {"text": element["text"], "value": element.get("value")}
            if kind == "static_select":
                for option in element["options"]:
                    if option["text"]["text"] == label:
                        return block_id, action | {"selected_option": option}
            if kind == "feedback_buttons":
                for thumb in (element["positive_button"], element["negative_button"]):
                    if thumb["text"]["text"] == label:
                        return block_id, action | {"text": thumb["text"], "value": thumb["value"]}
    raise AssertionError(f"nothing to press shows “{label}”")


def _state(block: Json, typed: dict[str, str]) -> Json:
    element = block["element"]
    kind, name = element["type"], block["block_id"]
    if kind == "static_select":
        chosen = element.get("initial_option")
        if name in typed:
            chosen = next(option for option in element["options"] if option["value"] == typed[name])
        value: Any = chosen
    else:
        value = typed.get(name, element.get("initial_value"))
    assert value or block.get("optional"), f"Slack would not send the form without its field “{name}”"
    return {"type": kind, "selected_option" if kind == "static_select" else "value": value}


def _settle(opened: Opened, answer: Json) -> None:
    """Do to a view what the acknowledgement of its submission says."""
    match answer.get("response_action"):
        case "errors":
            names = {block.get("block_id") for block in opened.view["blocks"] if block["type"] == "input"}
            if not answer.get("errors") or not set(answer["errors"]) <= names:
                raise Refused("invalid_errors", "errors name blocks that are not in the view")
            opened.errors = dict(answer["errors"])
        case "update":
            check_view(answer["view"])
            opened.view, opened.errors = answer["view"], {}
        case _:
            opened.open = False
