"""Buttons and menus, whose ids say all there is to know, so that they work after any restart.

A `custom_id` holds 100 characters. An action and its value are written into it with UUIDs shortened to 22 characters.
What is longer is kept in the message itself: compressed, in the address of an embed that shows none, which Discord
sends back with the press. Nothing is kept on our side.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import zlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from uuid import UUID

from adapters.discord.limits import BUTTON_LABEL, CUSTOM_ID, OPTION_LABEL, OPTION_VALUE, OPTIONS, ROWS, URL, fit, length
from adapters.discord.packing import Bound, Control, Embed, Json
from adapters.outgoing_text import harmless
from core.replies import Choice
from core.text import one_line

Payload = Mapping[str, Any]
MENU = "menu|"
_KEPT = "kept|"
_KEPT_AT = "https://discord.com/#kept-"
_KEPT_EMBEDS = 4
_MENU_FROM = 6  # so many choices are a menu instead of buttons side by side
_BUTTON, _SELECT = 2, 3
_LARGEST = 100_000  # characters that are unpacked at most
_WRITTEN = re.compile(
    r"(?P<dashed>[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})"
    r"|(?<![0-9a-f])(?P<hex>[0-9a-f]{32})(?![0-9a-f])|(?P<mark>[~!^])"
)
_SHORT = re.compile(r"\^(?P<mark>.)|(?P<kind>[~!])(?P<id>[A-Za-z0-9_-]{22})", re.DOTALL)


def pack_id(action: str, value: str = "") -> str:
    """Return an action and its value as one string, as short as can be; `unpack_id` reads it."""
    return f"{action}|{_WRITTEN.sub(_shorten, value)}"


def unpack_id(custom_id: str) -> tuple[str, str]:
    """Return the action and the value that `pack_id` was given."""
    action, _, value = custom_id.partition("|")
    return action, _SHORT.sub(_lengthen, value)


def short_uuid(uuid: UUID) -> str:
    """Return a UUID as 22 characters."""
    return base64.urlsafe_b64encode(uuid.bytes).decode().rstrip("=")


def choice_units(choices: Sequence[Choice], *, menu: bool = False) -> Iterator[Control | Bound]:
    """Yield buttons, or menus where there are many or they are to be one, and whatever their ids can't hold.

    Raises `ValueError` for a choice without an action, or more than a message can keep: a mistake in the reply.
    """
    as_menu = menu or len(choices) >= _MENU_FROM
    for start in range(0, len(choices), ROWS * OPTIONS):
        kept: list[tuple[str, str]] = []
        some = choices[start : start + ROWS * OPTIONS]
        controls = _controls(some, [_id_of(choice, kept) for choice in some], menu=as_menu)
        if kept:
            yield Bound((*_keep(kept), *controls))
        else:
            yield from controls


def _controls(choices: Sequence[Choice], ids: Sequence[str], *, menu: bool) -> Iterator[Control]:
    if menu:
        options = {
            custom_id: {"label": _label(choice, OPTION_LABEL), "value": custom_id}
            for choice, custom_id in zip(choices, ids, strict=True)
        }
        listed = list(options.values())
        for start in range(0, len(listed), OPTIONS):
            body = {
                "type": _SELECT,
                "custom_id": MENU,
                "placeholder": "Choose one",
                "options": listed[start : start + OPTIONS],
            }
            yield Control(body)
        return
    for choice, custom_id in zip(choices, ids, strict=True):
        yield Control({"type": _BUTTON, "style": 2, "label": _label(choice, BUTTON_LABEL), "custom_id": custom_id})


def read_pressed(data: Payload, message: Payload) -> tuple[str, str]:
    """Return the action and value of a component that was used; both empty for one that is none of ours."""
    custom_id = str(data.get("custom_id") or "")
    if data.get("component_type") == _SELECT and custom_id.startswith(MENU):
        custom_id = str(next(iter(data.get("values") or ()), ""))
    if custom_id.startswith(_KEPT):
        return _read_kept(message, custom_id.removeprefix(_KEPT))
    return unpack_id(custom_id)


def _id_of(choice: Choice, kept: list[tuple[str, str]]) -> str:
    if not choice.action or "|" in choice.action:
        raise ValueError(f"the choice “{choice.label}” has no action that can be sent")
    custom_id = pack_id(choice.action, choice.value)
    if length(custom_id) <= min(CUSTOM_ID, OPTION_VALUE) and not custom_id.startswith((_KEPT, MENU)):
        return custom_id
    kept.append((choice.action, choice.value))
    # Two parts of one message may keep something, so that the index alone would not do.
    return f"{_KEPT}{zlib.crc32(json.dumps(kept[-1]).encode()):08x}"


def _keep(kept: list[tuple[str, str]]) -> Iterator[Embed]:
    table = {f"{zlib.crc32(json.dumps(each).encode()):08x}": each for each in kept}
    packed = base64.urlsafe_b64encode(zlib.compress(json.dumps(table, ensure_ascii=False).encode(), 9)).decode()
    name = f"{zlib.crc32(packed.encode()):08x}"
    room = URL - len(_KEPT_AT) - len(name) - 8
    parts = [packed[start : start + room] for start in range(0, len(packed), room)]
    if len(parts) > _KEPT_EMBEDS:
        raise ValueError("the choices carry more than a message can keep")
    for number, part in enumerate(parts):
        yield Embed({"description": "-# …", "url": f"{_KEPT_AT}{name}-{number}-{part}"})


def _read_kept(message: Payload, key: str) -> tuple[str, str]:
    parts: dict[str, list[str]] = {}
    for embed in message.get("embeds") or ():
        url = str(embed.get("url") or "")
        if url.startswith(_KEPT_AT):
            name, _, part = url.removeprefix(_KEPT_AT).split("-", 2)
            parts.setdefault(name, []).append(part)
    for pieces in parts.values():
        try:
            unpacker = zlib.decompressobj()
            table = json.loads(unpacker.decompress(base64.urlsafe_b64decode("".join(pieces)), _LARGEST))
        except (ValueError, zlib.error, binascii.Error):
            continue
        if isinstance(table, dict) and key in table:
            action, value = table[key]
            return str(action), str(value)
    return "", ""


def _label(choice: Choice, limit: int) -> str:
    return fit(one_line(harmless(choice.label), 1_000), limit) or "…"


def _shorten(found: re.Match[str]) -> str:
    if found["mark"]:
        return f"^{found['mark']}"
    return ("~" if found["dashed"] else "!") + short_uuid(UUID(found[0]))


def _lengthen(found: re.Match[str]) -> str:
    if found["mark"]:
        return found["mark"]
    uuid = UUID(bytes=base64.urlsafe_b64decode(f"{found['id']}=="))
    return str(uuid) if found["kind"] == "~" else uuid.hex


def component_ids(rows: Sequence[Json]) -> Iterator[str]:
    """Yield the ids of all components of a message, and of its menus' options."""
    for row in rows:
        for component in row.get("components") or ():
            yield str(component.get("custom_id") or "")
            for option in component.get("options") or ():
                yield str(option.get("value") or "")
