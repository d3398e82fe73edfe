"""What components may look like, in messages (old and Components V2) and in modals.

https://docs.discord.com/developers/components/reference
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.fakes.discord.errors import Json, Path, Problems
from tests.fakes.discord.rules import (
    Rule,
    address,
    anything,
    form,
    given,
    listed,
    one_of,
    snowflake,
    text,
    truth,
    whole,
)

ROW, BUTTON, SELECT, INPUT, SECTION, TEXT, THUMBNAIL, GALLERY, FILE, SEPARATOR, CONTAINER, LABEL, UPLOAD = (
    *(1, 2, 3, 4, 9, 10, 11, 12, 13, 14, 17, 18, 19),
)
RADIO, CHECKBOXES, CHECKBOX = 21, 22, 23
SELECTS = (3, 5, 6, 7, 8)
MOST_V2, MOST_TEXT = 40, 4000
_TYPE: dict[str, Rule] = {"type": whole(1, 23)}
_ID: dict[str, Rule] = {"id": whole(0, 2**31 - 1)}
_CUSTOM: dict[str, Rule] = {"custom_id": text(1, 100)}
_OPTION = form(
    {"label": text(1, 100), "value": text(1, 100)}, {"description": text(0, 100), "emoji": anything, "default": truth}
)
_MEDIA = form({"url": address("http", "https", "attachment")}, {})
_CHOSEN: dict[str, Rule] = {
    "placeholder": text(0, 150),
    "min_values": whole(0, 25),
    "max_values": whole(1, 25),
    "disabled": truth,
    "required": truth,
    "default_values": listed(form({"id": snowflake, "type": one_of("user", "role", "channel")}, {}), 0, 25),
}
_TYPED: dict[str, Rule] = {
    "label": text(1, 45),
    "min_length": whole(0, 4000),
    "max_length": whole(1, 4000),
    "value": text(0, 4000),
    "placeholder": text(0, 100),
    "required": truth,
}


def _shape(required: dict[str, Rule], optional: dict[str, Rule] | None = None) -> Rule:
    return form(_TYPE | required, _ID | (optional or {}))


RULES: dict[int, Rule] = {
    ROW: _shape({"components": anything}),
    BUTTON: _shape(
        {"style": one_of(1, 2, 3, 4, 5, 6)},
        {**_CUSTOM, "label": text(0, 80), "url": address("http", "https", "discord"), "disabled": truth},
    ),
    SELECT: _shape({**_CUSTOM, "options": listed(_OPTION, 1, 25)}, _CHOSEN),
    **{kind: _shape(_CUSTOM, _CHOSEN) for kind in SELECTS[1:]},
    INPUT: _shape({**_CUSTOM, "style": one_of(1, 2)}, _TYPED),
    SECTION: _shape({"components": anything, "accessory": anything}),
    TEXT: _shape({"content": text(1, MOST_TEXT)}),
    THUMBNAIL: _shape({"media": _MEDIA}, {"description": text(0, 1024), "spoiler": truth}),
    GALLERY: _shape({"items": listed(form({"media": _MEDIA}, {"description": text(0, 1024)}), 1, 10)}),
    FILE: _shape({"file": form({"url": address("attachment")}, {})}, {"spoiler": truth}),
    SEPARATOR: _shape({}, {"divider": truth, "spacing": one_of(1, 2)}),
    CONTAINER: _shape({"components": anything}, {"accent_color": whole(0, 0xFFFFFF), "spoiler": truth}),
    LABEL: _shape({"label": text(1, 45), "component": anything}, {"description": text(1, 100)}),
    UPLOAD: _shape(_CUSTOM, {"min_values": whole(0, 10), "max_values": whole(1, 10), "required": truth}),
    RADIO: _shape({**_CUSTOM, "options": listed(_OPTION, 2, 10)}, {"required": truth}),
    CHECKBOXES: _shape(
        {**_CUSTOM, "options": listed(_OPTION, 1, 10)},
        {"min_values": whole(0, 10), "max_values": whole(1, 10), "required": truth},
    ),
    CHECKBOX: _shape(_CUSTOM, {"default": truth}),
}
_IN_ROW = (BUTTON, *SELECTS)
_IN_CONTAINER = (ROW, SECTION, TEXT, GALLERY, FILE, SEPARATOR)
_IN_LABEL = (*SELECTS, INPUT, UPLOAD, RADIO, CHECKBOXES, CHECKBOX)


def check_components(components: Any, problems: Problems, *, v2: bool) -> None:
    """Check the components of a message."""
    path: Path = ("components",)
    if not isinstance(components, list):
        problems.add(path, "LIST_TYPE_CONVERT", "Only iterables may be used in a ListType")
        return
    if not v2 and len(components) > 5:
        problems.add(path, "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 5 in length.")
    for number, component in enumerate(components):
        _check(component, (*path, number), problems, (CONTAINER, *_IN_CONTAINER) if v2 else (ROW,))
    if problems.found:  # what concerns them all is looked at when each is in order
        return
    everything = list(walk(components))
    if v2 and len(everything) > MOST_V2:
        problems.add(path, "COMPONENT_MAX_TOTAL_COMPONENTS_EXCEEDED", f"The maximum number is {MOST_V2}")
    if v2 and sum(len(each.get("content") or "") for each in everything if each.get("type") == TEXT) > MOST_TEXT:
        problems.add(path, "COMPONENT_DISPLAYABLE_TEXT_SIZE_EXCEEDED", f"exceeds maximum size of {MOST_TEXT}")
    _check_distinct(everything, path, problems)


def check_modal(modal: Any, problems: Problems, path: Path = ()) -> None:
    """Check what a callback of type 9 opens: title, and up to five rows, labels or texts."""
    form({"custom_id": text(1, 100), "title": text(1, 45), "components": listed(anything, 1, 5)}, {})(
        modal, path, problems
    )
    rows = modal.get("components") if isinstance(modal, dict) else None
    for number, component in enumerate(rows if isinstance(rows, list) else []):
        _check(component, (*path, "components", number), problems, (ROW, LABEL, TEXT), modal=True)
    if not problems.found:
        _check_distinct(list(walk(rows or [])), (*path, "components"), problems)


def walk(components: Any) -> Iterator[Json]:
    """Yield every component, however deep it lies."""
    for component in components if isinstance(components, list) else []:
        if isinstance(component, dict):
            yield component
            yield from walk(component.get("components"))
            yield from walk([component[name] for name in ("accessory", "component") if name in component])


def _check(component: Any, path: Path, problems: Problems, allowed: tuple[int, ...], *, modal: bool = False) -> None:
    kind = component.get("type") if isinstance(component, dict) else None
    if kind not in allowed:
        problems.add((*path, "type"), "UNION_TYPE_CHOICES", f"Value of field “type” must be one of {allowed}.")
        return
    RULES[kind](component, path, problems)
    children = component.get("components")
    match kind:
        case 1:
            _check_row(children, path, problems, modal=modal)
        case 2:
            _check_button(component, path, problems)
        case 3:
            _check_options(component, path, problems)
        case 9:
            _check_children(children, path, problems, (TEXT,), 3)
            _check(component.get("accessory"), (*path, "accessory"), problems, (BUTTON, THUMBNAIL))
        case 17:
            _check_children(children, path, problems, _IN_CONTAINER, MOST_V2)
        case 18:
            _check(component.get("component"), (*path, "component"), problems, _IN_LABEL, modal=True)


def _check_children(children: Any, path: Path, problems: Problems, allowed: tuple[int, ...], most: int) -> None:
    path = (*path, "components")
    listed(anything, 1, most)(children, path, problems)
    for number, child in enumerate(children if isinstance(children, list) else []):
        _check(child, (*path, number), problems, allowed)


def _check_row(children: Any, path: Path, problems: Problems, *, modal: bool) -> None:
    if modal:
        listed(anything, 1, 1)(children, (*path, "components"), problems)
        for child in children if isinstance(children, list) else []:
            _check(child, (*path, "components", 0), problems, (INPUT, *SELECTS), modal=True)
            if isinstance(child, dict) and child.get("type") == INPUT and not child.get("label"):
                problems.add((*path, "components", 0, "label"), "BASE_TYPE_REQUIRED", "This field is required")
        return
    _check_children(children, path, problems, _IN_ROW, 5)
    width = sum(1 if child.get("type") == BUTTON else 5 for child in children or () if isinstance(child, dict))
    if width > 5:
        problems.add((*path, "components"), "COMPONENT_LAYOUT_WIDTH_EXCEEDED", "Action row width exceeded")


def _check_button(button: Json, path: Path, problems: Problems) -> None:
    needed = "url" if button.get("style") == 5 else "sku_id" if button.get("style") == 6 else "custom_id"
    if not button.get(needed):
        problems.add((*path, needed), "BASE_TYPE_REQUIRED", "This field is required")
    elif button.get("custom_id") and needed != "custom_id":
        message = "A custom id and url cannot both be specified"
        problems.add(path, "BUTTON_COMPONENT_CUSTOM_ID_URL_MUTUALLY_EXCLUSIVE", message)
    if needed != "sku_id" and not button.get("label") and not button.get("emoji"):
        problems.add(path, "BUTTON_COMPONENT_INVALID", "A button must have a label or an emoji")


def _check_options(select: Json, path: Path, problems: Problems) -> None:
    options = [option for option in select.get("options") or () if isinstance(option, dict)]
    values = [option.get("value") for option in options]
    for number, value in enumerate(values):
        if value in values[:number]:
            where = (*path, "options", number, "value")
            problems.add(
                where, "SELECT_COMPONENT_OPTION_VALUE_DUPLICATED", "The specified option value is already used"
            )
    least, most = (given(select, name, 1) for name in ("min_values", "max_values"))
    if isinstance(least, int) and isinstance(most, int) and not least <= most <= len(options):
        problems.add((*path, "max_values"), "SELECT_COMPONENT_MAX_VALUES_INVALID", "more values than options")
    if isinstance(most, int) and sum(bool(option.get("default")) for option in options) > most:
        problems.add((*path, "options"), "SELECT_COMPONENT_TOO_MANY_DEFAULT_VALUES", "too many default values")


def _check_distinct(components: list[Json], path: Path, problems: Problems) -> None:
    for name, code in (("custom_id", "COMPONENT_CUSTOM_ID_DUPLICATED"), ("id", "COMPONENT_ID_DUPLICATED")):
        given = [component[name] for component in components if component.get(name)]
        if len(set(map(str, given))) != len(given):
            problems.add(path, code, f"Component {name} cannot be duplicated")
