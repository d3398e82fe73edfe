"""A neutral form as a modal, and as a button that opens it where no trigger is at hand."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, replace
from typing import Any

from adapters.outgoing_text import harmless
from adapters.slack.controls import plain_object
from adapters.slack.limits import (
    BUTTON_VALUE,
    INPUT_LABEL,
    INPUT_TEXT,
    METADATA,
    OPTION_TEXT,
    OPTION_VALUE,
    OPTIONS,
    VIEW_TITLE,
)
from adapters.slack.split import split_text
from adapters.slack.submitted import COUNT_MARK, read_metadata, typed_fields
from core.events import Place
from core.replies import Choice, Field, Form, Offer, Part, Text
from core.text import literal

_SHORT = 150  # characters of a field that can be typed again
OPEN_FORM = "form.open"  # served by the surface itself, which has the trigger; core never sees it


def form_view(form: Form, place: Place | None = None) -> dict[str, Any]:
    """Return the view for `views.open`. `place` is where what the form leads to will be said.

    Raises `ValueError` for an action or value that Slack would not carry.
    """
    kept = {"value": form.value}
    if place is not None:
        kept |= {"channel": place.channel_id, "thread": place.thread_id or ""}
    metadata = json.dumps(kept, ensure_ascii=False)
    if not 0 < len(form.action) <= 255 or len(metadata) > METADATA:  # noqa: PLR2004  (the limit of every id of Slack's)
        raise ValueError(f"the form “{form.title}” carries more than {METADATA} characters, or no action")
    blocks = [block for field in form.fields for block in _inputs(field)]
    about = next(split_text(harmless(form.about), INPUT_TEXT), "").strip()
    if about:
        blocks.insert(0, {"type": "section", "text": {"type": "plain_text", "text": about, "emoji": False}})
    if len(form.title) > VIEW_TITLE:
        blocks.insert(0, {"type": "section", "text": plain_object(form.title, INPUT_TEXT)})
    return {
        "type": "modal",
        "callback_id": form.action,
        "private_metadata": metadata,
        "title": plain_object(form.title, VIEW_TITLE),
        "submit": plain_object("Send", VIEW_TITLE),
        "close": plain_object("Cancel", VIEW_TITLE),
        "blocks": blocks or [{"type": "section", "text": plain_object(form.title, INPUT_TEXT)}],
    }


def form_choice(form: Form) -> Choice | None:
    """Return a button that opens a form, the form packed into its value; None for a form too long for that.

    What the form is about stands in the message with the button.
    """
    packed = json.dumps(asdict(replace(form, about="")), ensure_ascii=False, separators=(",", ":"))
    return Choice(f"{form.title}…", OPEN_FORM, packed) if len(packed) <= BUTTON_VALUE else None


def given_back(form: Form) -> tuple[Part, ...]:
    """Return what leads back to a form that was sent in vain: itself, filled in; what is too long for that, as text."""
    if form_choice(form) is not None:
        return (form,)
    texts = [Text(f"**{literal(field.label)}**\n\n{field.value}") for field in form.fields if field.value]
    emptied = replace(
        form, fields=tuple(replace(field, value="") if len(field.value) > _SHORT else field for field in form.fields)
    )
    return (*texts, emptied) if form_choice(emptied) is not None else tuple(texts)


def unpack_form(value: str) -> Form:
    """Return the form packed into a button's value. Raises `ValueError` for anything else."""
    try:
        packed = json.loads(value)
        fields = tuple(
            Field(**{**field, "options": tuple(Offer.read(each) for each in field["options"])})
            for field in packed.pop("fields")
        )
        return Form(**packed, fields=fields)
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError("this is no form") from error


def sent_form(view: Mapping[str, Any]) -> Form:
    """Return the form that a view was made from, with what was typed into it."""
    typed = typed_fields(view)
    fields: list[Field] = []
    for block in view.get("blocks") or ():
        element: Mapping[str, Any] = block.get("element") or {}
        name, _, number = str(block.get("block_id") or "").partition(COUNT_MARK)
        if block.get("type") != "input" or number:
            continue
        fields.append(
            Field(
                name,
                str(block["label"]["text"]),
                typed.get(name, ""),
                long=bool(element.get("multiline")),
                required=not block.get("optional"),
                options=tuple(
                    Offer(str(option["text"]["text"]), str(option["value"])) for option in element.get("options") or ()
                ),
                file=element.get("type") == "file_input",
            )
        )
    kept = read_metadata(str(view.get("private_metadata") or ""))
    title, action = str(view["title"]["text"]), str(view.get("callback_id") or "")
    return Form(title, action, tuple(fields), kept.get("value", ""))


def form_errors(form_fields: Mapping[str, str]) -> dict[str, Any]:
    """Return the acknowledgement that shows sentences at a form's fields, by field name, and keeps it open."""
    return {"response_action": "errors", "errors": dict(form_fields)}


def _inputs(field: Field) -> Iterator[dict[str, Any]]:
    """Yield a field's input; a text longer than an input holds goes on in further ones."""
    element: dict[str, Any]
    if field.file:
        element = {"type": "file_input", "action_id": "input", "max_files": 1}
        yield _input(field.name, field.label, element, required=field.required)
        return
    if _fits_menu(field):
        yield _input(field.name, field.label, _menu(field), required=field.required)
        return
    pieces = list(split_text(harmless(field.shown), INPUT_TEXT)) or [""]
    for number, piece in enumerate(pieces):
        element = {
            "type": "plain_text_input",
            "action_id": "input",
            "multiline": field.long or "\n" in piece or len(pieces) > 1,
            "max_length": INPUT_TEXT,
        }
        if piece:
            element["initial_value"] = piece
        if field.options:
            element["placeholder"] = plain_object(" / ".join(each.label for each in field.options), OPTION_VALUE)
        name = f"{field.name}{COUNT_MARK}{number}" if number else field.name
        label = f"{field.label} (continued)" if number else field.label
        yield _input(name, label, element, required=field.required and not number)


def _input(name: str, label: str, element: dict[str, Any], *, required: bool) -> dict[str, Any]:
    return {
        "type": "input",
        "block_id": name,
        "label": plain_object(label, INPUT_LABEL),
        "element": element,
        "optional": not required,
    }


def _fits_menu(field: Field) -> bool:
    options = field.options
    return 0 < len(options) <= OPTIONS and all(0 < len(each.value) <= OPTION_VALUE for each in options)


def _menu(field: Field) -> dict[str, Any]:
    options = [{"text": plain_object(each.label, OPTION_TEXT), "value": each.value} for each in field.options]
    menu: dict[str, Any] = {"type": "static_select", "action_id": "input", "options": options}
    chosen = field.chosen
    return menu | ({"initial_option": options[field.options.index(chosen)]} if chosen else {})
