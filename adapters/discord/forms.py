"""A neutral form as a modal, and as a button that opens it where none can be opened at once."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, replace
from typing import Any

from adapters.discord.controls import pack_id, unpack_id
from adapters.discord.limits import (
    BUTTON_LABEL,
    CUSTOM_ID,
    INPUT_HELP,
    INPUT_LABEL,
    INPUT_TEXT,
    INPUTS,
    MODAL_TITLE,
    OPTION_LABEL,
    OPTION_VALUE,
    OPTIONS,
    fit,
    length,
)
from adapters.outgoing_text import harmless
from core.events import Attachment
from core.replies import Choice, Field, Form, Offer
from core.text import one_line

Json = dict[str, Any]
Payload = Mapping[str, Any]
OPEN_FORM = "form.open"  # served by the surface itself; core never sees it
COUNT_MARK = "#"
_LABEL, _TEXT, _SELECT, _FILE = 18, 4, 3, 19  # Discord's numbers of the components


def form_modal(form: Form) -> Json:
    """Return the data of a modal (https://discord.com/developers/docs/components/reference#label).

    What its own id can't hold of the form's value goes on in the ids of its inputs. Raises `ValueError` for more than
    five inputs, and for a value that is longer than all ids together.
    """
    inputs = [made for field in form.fields for made in inputs_of(field)]
    if not 1 <= len(inputs) <= INPUTS:
        raise ValueError(f"the form “{form.title}” has {len(inputs)} inputs; Discord takes 1 to {INPUTS}")
    packed = pack_id(form.action, form.value)
    custom_id, rest = packed[:CUSTOM_ID], packed[CUSTOM_ID:]
    if "|" not in custom_id:
        raise ValueError(f"the action of the form “{form.title}” is too long")
    labels = []
    for label, help_, element in inputs:
        room = CUSTOM_ID - len(element["custom_id"]) - 1
        part, rest = rest[:room], rest[room:]
        named = element | ({"custom_id": f"{element['custom_id']}|{part}"} if part else {})
        labels.append({"type": _LABEL, "label": label, **({"description": help_} if help_ else {}), "component": named})
    if rest:
        raise ValueError(f"the form “{form.title}” carries too long a value")
    title = fit(one_line(harmless(form.title), 1_000), MODAL_TITLE) or "Form"
    return {"custom_id": custom_id, "title": title, "components": labels}


def form_choice(form: Form) -> Choice:
    """Return a button that opens a form, the form itself its value. Raises `ValueError` as `form_modal` does."""
    form_modal(form)
    packed = json.dumps(asdict(replace(form, about="")), ensure_ascii=False, separators=(",", ":"))
    return Choice(f"{fit(form.title, BUTTON_LABEL - 2)}…", OPEN_FORM, packed)


def unpack_form(value: str) -> Form:
    """Return the form packed into a button's value. Raises `ValueError` for anything else."""
    try:
        return form_of(json.loads(value))
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError("this is no form") from error


def form_of(packed: Mapping[str, Any]) -> Form:
    """Return the form that `asdict` made this of."""
    fields = tuple(
        Field(**{**field, "options": tuple(Offer.read(each) for each in field["options"])})
        for field in packed["fields"]
    )
    return Form(**{**packed, "fields": fields})


def read_modal(data: Payload) -> tuple[str, str, dict[str, str], dict[str, Attachment]]:
    """Return the action, the value, the texts by field and the files by field of a modal that was sent."""
    packed = str(data.get("custom_id") or "")
    texts: dict[str, dict[int, str]] = {}
    files: dict[str, Attachment] = {}
    attachments: Payload = (data.get("resolved") or {}).get("attachments") or {}
    for element in _elements(data):
        left, _, part = str(element.get("custom_id") or "").partition("|")
        packed += part
        name, _, number = left.partition(COUNT_MARK)
        values = element.get("values") or ()
        if element.get("type") == _FILE:
            found = attachments.get(str(next(iter(values), "")))
            if found:
                files[name] = attachment_of(found)
            continue
        text = str(element.get("value") or next(iter(values), "") or "")
        texts.setdefault(name, {})[int(number) if number.isdecimal() else 0] = text
    action, value = unpack_id(packed)
    fields = {name: "".join(parts[number] for number in sorted(parts)) for name, parts in texts.items()}
    return action, value, fields, files


def attachment_of(found: Payload) -> Attachment:
    """Return a file that came along."""
    return Attachment(str(found.get("filename") or "file"), str(found.get("url") or ""), int(found.get("size") or 0))


def filled_in(form: Form | None, action: str, value: str, fields: Mapping[str, str]) -> Form:
    """Return a form that was sent with what was typed into it; without the form, with the fields' names as labels."""
    form = form or Form("Your form", action, tuple(Field(name, name.replace("_", " ").capitalize()) for name in fields))
    typed = tuple(replace(field, value=fields.get(field.name, field.value)) for field in form.fields)
    return replace(form, fields=typed, value=value)


def _elements(data: Payload) -> Iterator[Payload]:
    for outer in data.get("components") or ():
        if outer.get("component"):
            yield outer["component"]
        yield from outer.get("components") or ()


def inputs_of(field: Field) -> list[tuple[str, str, Json]]:
    """Return a field's inputs with label and help; a text longer than an input holds goes on in further ones."""
    return list(_inputs(field))


def _inputs(field: Field) -> Iterator[tuple[str, str, Json]]:
    words = one_line(harmless(field.label), 1_000) or field.name
    label = fit(words, INPUT_LABEL)
    help_ = fit(words, INPUT_HELP) if label != words else ""
    if field.file:
        least = int(field.required)
        yield (
            label,
            help_,
            {"type": _FILE, "custom_id": field.name, "min_values": least, "max_values": 1, "required": field.required},
        )
        return
    if _fits_menu(field):
        options = [
            {
                "label": fit(one_line(harmless(each.label), 1_000), OPTION_LABEL),
                "value": each.value,
                "default": each == field.chosen,
            }
            for each in field.options
        ]
        least = int(field.required)
        menu = {"type": _SELECT, "custom_id": field.name, "options": options, "min_values": least}
        yield label, help_, menu | {"required": field.required}
        return
    for number, piece in enumerate(_pieces(harmless(field.shown))):
        text: Json = {
            "type": _TEXT,
            "custom_id": f"{field.name}{COUNT_MARK}{number}" if number else field.name,
            "style": 2 if field.long or "\n" in piece or number else 1,
            "max_length": INPUT_TEXT,
            "required": field.required and not number,
        }
        if piece:
            text["value"] = piece
        if field.options:
            text["placeholder"] = fit(" / ".join(each.label for each in field.options), INPUT_HELP)
        yield (fit(f"{label} (continued)", INPUT_LABEL) if number else label), help_, text


def _pieces(text: str) -> Iterator[str]:
    while length(text) > INPUT_TEXT:
        end = INPUT_TEXT
        while length(text[:end]) > INPUT_TEXT:
            end -= (length(text[:end]) - INPUT_TEXT + 1) // 2
        yield text[:end]
        text = text[end:]
    yield text


def _fits_menu(field: Field) -> bool:
    options = field.options
    return 0 < len({each.value for each in options}) == len(options) <= OPTIONS and all(
        each.label.strip() and each.value.strip() and length(each.value) <= OPTION_VALUE for each in options
    )
