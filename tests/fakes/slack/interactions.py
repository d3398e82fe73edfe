"""Commands, buttons and forms: what the app answers in its acknowledgement, and what it gets with them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from tests.fakes.slack.blocks import Refused, check_view
from tests.fakes.slack.delivery import Delivery
from tests.fakes.slack.files import File
from tests.fakes.slack.responses import Responses
from tests.fakes.slack.workspace import Json, Opened, Post

FORM_FILE_SIZE = 10 * 1024 * 1024
FORM_FILES = 10


class Interactions(Responses):
    """What people do with the app's commands, messages and views."""

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
        thread = {"thread_ts": post.thread_ts} if post.thread_ts else {}
        return self._press(
            user,
            _find_action(post.blocks, label),
            {
                "container": {
                    "type": "message",
                    "message_ts": post.ts,
                    "channel_id": post.channel,
                    "is_ephemeral": post.to is not None,
                    **thread,
                },
                "channel": {"id": post.channel, "name": "x"},
                "message": post.as_message(),
                "response_url": self._response(post.channel, user, post),
            },
        )

    def press_in(self, opened: Opened, label: str) -> Delivery:
        """Press what shows `label` in a modal or a home; its trigger can push a modal onto the one it is in."""
        container = {"type": "view", "view_id": opened.id}
        about = {"container": container, "view": self.workspace.as_view(opened)}
        return self._press(opened.user, _find_action(opened.view["blocks"], label), about, opened.id)

    def attach(self, opened: Opened, field: str, name: str, content: bytes) -> File:
        """Put a file into a form's `file_input`, by its block's id; several go in one after another."""
        block = next(block for block in opened.view["blocks"] if block.get("block_id") == field)
        element = block["element"]
        assert element["type"] == "file_input", f"“{field}” takes no files"
        already = opened.attached.setdefault(field, [])
        assert len(already) < element.get("max_files", FORM_FILES), f"“{field}” takes no more files"
        assert len(content) <= FORM_FILE_SIZE, "a form takes files of up to 10 MB"
        file = self.workspace.add_file(name, opened.user, content)
        kinds = element.get("filetypes")
        assert not kinds or file.extension in kinds, f"“{field}” takes {kinds}, not {name}"
        file.given = True
        already.append(file)
        return file

    def submit(self, opened: Opened, **typed: str) -> Delivery:
        """Send a form; fields that are not named keep what stands in them."""
        values: dict[str, Any] = {}
        for block in opened.view["blocks"]:
            if block["type"] == "input":
                state = _state(block, typed, opened.attached)
                values[block["block_id"]] = {block["element"]["action_id"]: state}
        place = self.workspace
        payload = {
            "type": "view_submission",
            "team": {"id": place.team_id, "domain": "school"},
            "user": {"id": opened.user, "team_id": place.people[opened.user].team_id},
            "api_app_id": place.app_id,
            "token": "verification",
            "trigger_id": place.grant_trigger(opened.user, opened.id),
            "view": place.as_view(opened) | {"state": {"values": values}},
            "response_urls": [],
        }
        return self._courier.send(Delivery("interactive", payload, partial(self._settle, opened)))

    def close(self, opened: Opened) -> Delivery | None:
        """Cancel a modal; the app hears of it only where the view asks for that."""
        opened.open = False
        if not opened.view.get("notify_on_close"):
            return None
        place = self.workspace
        payload = {
            "type": "view_closed",
            "team": {"id": place.team_id, "domain": "school"},
            "user": {"id": opened.user, "team_id": place.people[opened.user].team_id},
            "api_app_id": place.app_id,
            "token": "verification",
            "view": place.as_view(opened),
            "is_cleared": False,
        }
        return self._courier.send(Delivery("interactive", payload))

    def _press(self, user: str, found: tuple[str, Json], about: Json, view_id: str | None = None) -> Delivery:
        block_id, action = found
        place = self.workspace
        payload = {
            "type": "block_actions",
            "api_app_id": place.app_id,
            "token": "verification",
            "team": {"id": place.team_id, "domain": "school"},
            "user": {"id": user, "username": user.lower(), "team_id": place.people[user].team_id},
            "trigger_id": place.grant_trigger(user, view_id),
            "actions": [action | {"block_id": block_id, "action_ts": place.next_ts()}],
            **about,
        }
        return self._courier.send(Delivery("interactive", payload))

    def _settle(self, opened: Opened, answer: Json) -> None:
        """Do to a view what the acknowledgement of its submission says."""
        match answer.get("response_action"):
            case "errors":
                names = {block.get("block_id") for block in opened.view["blocks"] if block["type"] == "input"}
                if not answer.get("errors") or not set(answer["errors"]) <= names:
                    raise Refused("invalid_errors", "errors name blocks that are not in the view")
                opened.errors = dict(answer["errors"])
            case "update":
                check_view(answer["view"])
                opened.show(answer["view"])
            case "push":
                check_view(answer["view"])
                self.workspace.push_view(opened.user, answer["view"], opened)
            case "clear":
                for view in self.workspace.views.values():
                    if view.root == opened.root:
                        view.open = False
            case _:
                opened.open = False


def _find_action(blocks: Sequence[Json], label: str) -> tuple[str, Json]:
    """Return the block and the action of the button, the option or the thumb that shows a label."""
    for number, block in enumerate(blocks):
        block_id = block.get("block_id", f"b{number}")
        accessory = [block["accessory"]] if "accessory" in block else []
        for element in (*block.get("elements", ()), *accessory):
            kind = element.get("type")
            action = {"type": kind, "action_id": element.get("action_id", "")}
            if kind == "button" and element["text"]["text"] == label:
                return block_id, action | {"text": element["text"], "value": element.get("value")}
            if kind in ("static_select", "overflow"):
                for option in element["options"]:
                    if option["text"]["text"] == label:
                        return block_id, action | {"selected_option": option}
            if kind == "feedback_buttons":
                for thumb in (element["positive_button"], element["negative_button"]):
                    if thumb["text"]["text"] == label:
                        return block_id, action | {"text": thumb["text"], "value": thumb["value"]}
    raise AssertionError(f"nothing to press shows “{label}”")


def _state(block: Json, typed: dict[str, str], attached: dict[str, list[File]]) -> Json:
    element = block["element"]
    kind, name = element["type"], block["block_id"]
    key = {"static_select": "selected_option", "file_input": "files"}.get(kind, "value")
    value: Any
    if kind == "static_select":
        value = element.get("initial_option")
        if name in typed:
            value = next(each for each in element["options"] if typed[name] in (each["value"], each["text"]["text"]))
    elif kind == "file_input":
        value = [file.as_file() for file in attached.get(name, ())]
    else:
        value = typed.get(name, element.get("initial_value"))
    assert value or block.get("optional"), f"Slack would not send the form without its field “{name}”"
    return {"type": kind, key: value}
