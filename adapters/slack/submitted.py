"""What stands in a form that was sent: texts, files, and what the form carried along."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from core.events import Attachment

Payload = Mapping[str, Any]

# Where an action's name or a field's name is used twice, what follows this tells them apart.
COUNT_MARK = "#"


def read_metadata(text: str) -> dict[str, str]:
    """Return what a view of ours carries in its `private_metadata`; empty for anything else."""
    try:
        kept = json.loads(text)
    except ValueError:
        return {}
    return {str(key): str(value) for key, value in kept.items()} if isinstance(kept, dict) else {}


def typed_fields(view: Payload) -> dict[str, str]:
    """Return a form's texts by field; the pieces of a long one, which are numbered, are put together again."""
    pieces: dict[str, dict[int, str]] = {}
    for block_id, state in _states(view):
        if state.get("type") == "file_input":
            continue
        name, _, number = block_id.partition(COUNT_MARK)
        chosen: Payload = state.get("selected_option") or {}
        text = str(state.get("value") or chosen.get("value") or "")
        pieces.setdefault(name, {})[int(number) if number.isdecimal() else 0] = text
    return {name: "".join(texts[number] for number in sorted(texts)) for name, texts in pieces.items()}


def sent_files(view: Payload) -> dict[str, Attachment]:
    """Return the file of each field that takes one; fetching it needs the bot's token."""
    found = ((block_id, file) for block_id, state in _states(view) for file in (state.get("files") or ())[:1])
    return {
        name: Attachment(
            str(file.get("name") or "file"),
            str(file.get("url_private_download") or file.get("url_private") or ""),
            int(file.get("size") or 0),
        )
        for name, file in found
    }


def _states(view: Payload) -> list[tuple[str, Payload]]:
    values: Mapping[str, Mapping[str, Payload]] = (view.get("state") or {}).get("values") or {}
    return [(block_id, state) for block_id, inputs in values.items() for state in inputs.values()]
