"""What Slack says about blocks and views: slack_sdk's own models, and the limits they do not know."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from slack_sdk.errors import SlackObjectFormationError
from slack_sdk.models.blocks import Block
from slack_sdk.models.views import View

BLOCKS_SIZE = 13_200  # where Slack was seen to answer `msg_blocks_too_long` (slackapi/bolt-js, issue 2509)
MARKDOWN_SIZE = 12_000
TABLE_SIZE = 10_000
_NEEDS_ONE = {"rich_text", "actions", "context", "context_actions"}
_INLINE = {"text", "link", "emoji", "user", "channel", "usergroup", "broadcast", "date", "color", "team"}


class Refused(Exception):
    """What Slack answers instead: an error code and the messages that go with it."""

    def __init__(self, code: str, *messages: str, **more: str) -> None:
        self.code = code
        self.messages = messages
        self.more = more
        super().__init__(f"{code} {' '.join(messages)}".strip())


def check_message_blocks(blocks: Sequence[Any]) -> None:
    """Raise `Refused` as `chat.postMessage` would."""
    if len(blocks) > 50:
        raise Refused("invalid_blocks", "no more than 50 items allowed [json-pointer:/blocks]")
    _check_all(blocks)
    if any(block["type"] == "input" and "element" not in block for block in blocks):
        raise Refused("invalid_blocks", "missing element")
    if asks_for_files(blocks):
        raise Refused("invalid_blocks", "file_input is for modals only")
    if sum(block["type"] == "table" for block in blocks) > 1:
        raise Refused("invalid_attachments", "only_one_table_allowed")
    if sum(len(block["text"]) for block in blocks if block["type"] == "markdown") > MARKDOWN_SIZE:
        raise Refused("msg_blocks_too_long")
    if len(json.dumps(list(blocks), ensure_ascii=False)) > BLOCKS_SIZE:
        raise Refused("msg_blocks_too_long")


def asks_for_files(blocks: Sequence[Any]) -> bool:
    return any((block.get("element") or {}).get("type") == "file_input" for block in blocks)


def check_view(view: dict[str, Any]) -> None:
    """Raise `Refused` as `views.open` and `views.publish` would."""
    try:
        View(**view).to_dict()
    except (SlackObjectFormationError, TypeError) as error:
        raise Refused("invalid_arguments", str(error)) from error
    blocks = view.get("blocks") or []
    if not blocks:
        raise Refused("invalid_arguments", "missing required field: blocks")
    _check_all(blocks, "invalid_arguments")
    if view["type"] == "modal":
        if not view.get("title"):
            raise Refused("invalid_arguments", "missing required field: title")
        if any(block["type"] == "input" for block in blocks) and not view.get("submit"):
            raise Refused("invalid_arguments", "a modal with input blocks needs a submit button")
    if asks_for_files(blocks) and view["type"] != "modal":
        raise Refused("invalid_arguments", "file_input is for modals only")
    if any(block["type"] in {"context_actions", "table", "markdown"} for block in blocks):
        raise Refused("invalid_arguments", "unsupported block in a view")
    for name, limit in (("external_id", 255), ("callback_id", 255), ("private_metadata", 3_000)):
        if len(view.get(name) or "") > limit:
            raise Refused("invalid_arguments", f"{name} must be no more than {limit} characters")


def _check_all(blocks: Sequence[Any], code: str = "invalid_blocks") -> None:
    for number, block in enumerate(blocks):
        try:
            _check(block)
        except (ValueError, SlackObjectFormationError, TypeError, KeyError) as error:
            raise Refused(code, f"{error} [json-pointer:/blocks/{number}]") from error
    named = [block["block_id"] for block in blocks if "block_id" in block]
    if len(named) != len(set(named)):
        raise Refused(code, "block_id already exists")


def _check(block: Any) -> None:
    if not isinstance(block, dict):
        raise TypeError("a block is an object")
    parsed = Block.parse(block)
    if parsed is None:
        raise ValueError(f"unsupported type: {block.get('type')}")
    parsed.to_dict()
    if block["type"] in _NEEDS_ONE and not block["elements"]:
        raise ValueError("must provide at least one element")
    match block["type"]:
        case "rich_text":
            for element in block["elements"]:
                _check_rich(element)
        case "table":
            _check_table(block["rows"])
        case "input":
            _check_input(block["element"])
    actions = [element["action_id"] for element in block.get("elements", ()) if "action_id" in element]
    if len(actions) != len(set(actions)):
        raise ValueError("action_id already exists")
    for value in _texts(block):
        if not 1 <= len(value["text"]) <= (3_000 if block["type"] != "context" else 2_000):
            raise ValueError("text is empty or too long")


def _check_rich(element: dict[str, Any]) -> None:
    parts = element["elements"]
    if element["type"] == "rich_text_list":
        if element.get("style") not in ("bullet", "ordered") or not 0 <= element.get("indent", 0) <= 8 or not parts:
            raise ValueError("invalid rich_text_list")
        if element.get("offset", 0) < 0:
            raise ValueError("invalid offset")
        for part in parts:
            _check_rich(part)
        return
    if element["type"] not in ("rich_text_section", "rich_text_quote", "rich_text_preformatted") or not parts:
        raise ValueError(f"invalid rich text element {element['type']}")
    for part in parts:
        if part["type"] not in _INLINE:
            raise ValueError(f"invalid inline element {part['type']}")
        if part["type"] == "text" and not part["text"]:
            raise ValueError("empty text")
        if part["type"] == "link" and not part["url"].startswith(("http://", "https://", "mailto:")):
            raise ValueError("invalid url")


def _check_table(rows: list[list[dict[str, Any]]]) -> None:
    if not 1 <= len(rows) <= 100 or any(not 1 <= len(row) <= 20 for row in rows):
        raise ValueError("a table has up to 100 rows of up to 20 cells")
    if len({len(row) for row in rows}) > 1:
        raise ValueError("rows differ in length")
    for cell in (cell for row in rows for cell in row):
        if cell["type"] == "raw_text" and not cell["text"]:
            raise ValueError("an empty cell")
        if cell["type"] not in ("raw_text", "rich_text", "raw_number"):
            raise ValueError("invalid cell")
    if sum(len(str(cell.get("text", ""))) for row in rows for cell in row) > TABLE_SIZE:
        raise ValueError("a table's cells hold up to 10,000 characters")


def _check_input(element: dict[str, Any]) -> None:
    if element["type"] == "plain_text_input":
        longest = element.get("max_length", 3_000)
        if not 1 <= longest <= 3_000 or len(element.get("initial_value") or "") > longest:
            raise ValueError("initial_value or max_length is out of range")
    if element["type"] == "file_input" and not 1 <= element.get("max_files", 10) <= 10:
        raise ValueError("max_files is out of range")
    if element["type"] == "static_select":
        options = element.get("options") or []
        if not options and not element.get("option_groups"):
            raise ValueError("a menu needs options")
        chosen = element.get("initial_option")
        if chosen is not None and chosen not in options:
            raise ValueError("initial_option is none of the options")


def _texts(thing: Any) -> Iterator[dict[str, Any]]:
    if isinstance(thing, dict):
        if thing.get("type") in ("plain_text", "mrkdwn"):
            yield thing
        for inner in thing.values():
            yield from _texts(inner)
    elif isinstance(thing, list):
        for inner in thing:
            yield from _texts(inner)
