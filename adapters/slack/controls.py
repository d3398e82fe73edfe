"""Buttons, menus and the feedback row: what people press; receive.py reads what it sends back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any
from uuid import UUID

from adapters.slack.limits import ACTIONS, BUTTON_TEXT, BUTTON_VALUE, OPTION_TEXT, OPTION_VALUE, OPTIONS, size
from adapters.slack.submitted import COUNT_MARK
from core.replies import Choice
from core.text import one_line

Block = dict[str, Any]
_MENU_FROM = 6  # so many choices are a menu instead of buttons side by side
_BLOCK = 11_000  # JSON of one block, so that it fits into a message


def plain_object(text: str, limit: int) -> dict[str, Any]:
    """Return a `plain_text` object of at most `limit` characters; nothing in one is ever a mention or a link."""
    return {"type": "plain_text", "text": one_line(text, limit) or "…", "emoji": False}


def choice_blocks(choices: Sequence[Choice], *, menu: bool = False) -> Iterator[Block]:
    """Yield buttons, or menus where there are many, or they are to be one, and their values fit it.

    Raises `ValueError` for an action and value that Slack would not carry: that is a mistake in the reply.
    """
    for choice in choices:
        if not choice.action or len(choice.action) > OPTION_VALUE or len(choice.value) > BUTTON_VALUE:
            raise ValueError(f"the choice “{choice.label}” carries more than {BUTTON_VALUE} characters, or no action")
    if (menu or len(choices) >= _MENU_FROM) and all(len(_option_value(choice)) <= OPTION_VALUE for choice in choices):
        for options in _batches([_option(choice) for choice in choices], OPTIONS):
            yield {"type": "actions", "elements": [_menu(options)]}
    else:
        for buttons in _batches([_button(choice) for choice in choices], ACTIONS):
            # The ids of one block have to differ, and two buttons may do the same with different values.
            elements = [
                {**button, "action_id": f"{button['action_id']}{COUNT_MARK}{number}"}
                for number, button in enumerate(buttons)
            ]
            yield {"type": "actions", "elements": elements}


def _batches(parts: list[dict[str, Any]], count: int) -> Iterator[list[dict[str, Any]]]:
    """Yield parts in groups that one block may hold, by their number and so that it fits into a message."""
    group: list[dict[str, Any]] = []
    for part in parts:
        if group and (len(group) == count or size([*group, part]) > _BLOCK):
            yield group
            group = []
        group.append(part)
    if group:
        yield group


def feedback_block(answer_id: UUID) -> Block:
    """Return the platform's own row of thumbs for an answer."""
    return {
        "type": "context_actions",
        "elements": [
            {
                "type": "feedback_buttons",
                "action_id": "feedback",
                "positive_button": _thumb("👍", "This answer helps", f"+:{answer_id}"),
                "negative_button": _thumb("👎", "This answer does not help", f"-:{answer_id}"),
            }
        ],
    }


def _thumb(face: str, meaning: str, value: str) -> dict[str, Any]:
    return {"text": {"type": "plain_text", "text": face}, "accessibility_label": meaning, "value": value}


def _button(choice: Choice) -> dict[str, Any]:
    button = {"type": "button", "action_id": choice.action, "text": plain_object(choice.label, BUTTON_TEXT)}
    return button | ({"value": choice.value} if choice.value else {})


def _menu(options: list[dict[str, Any]]) -> dict[str, Any]:
    placeholder = plain_object("Choose one", BUTTON_TEXT)
    return {"type": "static_select", "action_id": "menu", "placeholder": placeholder, "options": options}


def _option(choice: Choice) -> dict[str, Any]:
    return {"text": plain_object(choice.label, OPTION_TEXT), "value": _option_value(choice)}


def _option_value(choice: Choice) -> str:
    return f"{choice.action}\n{choice.value}"
