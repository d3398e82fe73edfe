"""Buttons, selects and forms as people use them: the client lets them send only what can be sent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tests.fakes.discord.component_rules import (
    BUTTON,
    CHECKBOX,
    CHECKBOXES,
    INPUT,
    LABEL,
    RADIO,
    ROW,
    SELECT,
    SELECTS,
    UPLOAD,
    walk,
)
from tests.fakes.discord.interacting import Interacting
from tests.fakes.discord.records import Interaction, Json, Modal, Post
from tests.fakes.discord.rules import given

_COMPONENT, _SUBMITTED = 3, 5
_LINK = 5


class Presses(Interacting):
    """What people do with components."""

    def press(self, user: str, post: Post, label: str) -> Interaction:
        """Press the button that shows a label, or an emoji where it has no label, or has this `custom_id`."""
        button = _find(post.components, (BUTTON,), label)
        assert button["style"] != _LINK, f"“{label}” only opens a page"
        self._check_sees(user, post, button)
        data = {"component_type": BUTTON, "custom_id": button["custom_id"], "id": button["id"]}
        return self._interact(_COMPONENT, user, post.channel, data, source=post)

    def pick(self, user: str, post: Post, *chosen: str, of: str = "") -> Interaction:
        """Pick options by their labels or values; from a select of people, roles or channels ids.

        `of` is the select's placeholder or `custom_id` where the message has several.
        """
        select = _find(post.components, SELECTS, of)
        self._check_sees(user, post, select)
        values = _chosen(select, chosen)
        data: Json = {"component_type": select["type"], "custom_id": select["custom_id"], "id": select["id"]}
        data["values"] = values
        if select["type"] != SELECT:
            data["resolved"] = self._resolve(post.channel, values)
        return self._interact(_COMPONENT, user, post.channel, data, source=post)

    def submit(self, modal: Modal, **filled: Any) -> Interaction:
        """Send a form. Fields are named by `custom_id`; those not named keep what stands in them.

        A text field takes text, a select its values, a file field names and bytes, a checkbox True or False.
        """
        assert modal.open, "the form is closed"
        fields = {each["custom_id"]: each for each in walk(modal.components) if "custom_id" in each}
        assert set(filled) <= set(fields), f"the form has only {sorted(fields)}"
        ids: list[str] = []
        components: list[Json] = []
        for row in modal.components:
            if row["type"] == ROW:
                inside = [self._field(modal, each, filled, ids) for each in row["components"]]
                components.append({"type": ROW, "id": row["id"], "components": inside})
            elif row["type"] == LABEL:
                field = self._field(modal, row["component"], filled, ids)
                components.append({"type": LABEL, "id": row["id"], "component": field})
            else:
                components.append({"type": row["type"], "id": row["id"]})
        data: Json = {"custom_id": modal.custom_id, "components": components}
        if ids:
            data["resolved"] = self._resolve(modal.channel, ids)
        return self._interact(_SUBMITTED, modal.user, modal.channel, data, source=modal.source, from_modal=modal)

    def cancel(self, modal: Modal) -> None:
        """Close a form without sending it. The app does not hear of it."""
        modal.open = False

    def _check_sees(self, user: str, post: Post, component: Json) -> None:
        assert not post.deleted, "the message is gone"
        assert post.to in (None, user), f"{user} does not see this message"
        assert not component.get("disabled"), "it is switched off"

    def _field(self, modal: Modal, field: Json, filled: dict[str, Any], ids: list[str]) -> Json:
        name, kind = field["custom_id"], field["type"]
        sent: Json = {"type": kind, "id": field["id"], "custom_id": name}
        required = given(field, "required", default=True)
        if kind == INPUT:
            text = str(filled.get(name, field.get("value") or ""))
            assert text or not required, f"Discord would not send the form without “{name}”"
            least, most = field.get("min_length") or 0, field.get("max_length") or 4000
            assert not text or least <= len(text) <= most, f"“{name}” takes {least} to {most} characters"
            return sent | {"value": text}
        if kind == CHECKBOX:
            return sent | {"value": bool(filled.get(name, given(field, "default", default=False)))}
        if kind == UPLOAD:
            files: Sequence[tuple[str, bytes]] = filled.get(name, ())
            least, most = given(field, "min_values", 1), given(field, "max_values", 1)
            assert (not files and not required) or least <= len(files) <= most, (
                f"“{name}” takes {least} to {most} files"
            )
            values = [self.world.add_file(modal.channel, *file).id for file in files]
            ids += values
            return sent | {"values": values}
        defaults = [option["value"] for option in field.get("options") or () if option.get("default")]
        chosen = filled.get(name, defaults)
        chosen = (chosen,) if isinstance(chosen, str) else tuple(chosen)
        assert chosen or not required, f"Discord would not send the form without “{name}”"
        values = _chosen(field, chosen) if chosen else []
        if kind in SELECTS[1:]:
            ids += values
        if kind == RADIO:
            return sent | {"value": values[0] if values else None}
        assert kind in (*SELECTS, CHECKBOXES)
        return sent | {"values": values}


def _find(components: list[Json], kinds: tuple[int, ...], label: str) -> Json:
    """Return the component of these kinds that shows a label; the only one where none is given."""
    found = [each for each in walk(components) if each["type"] in kinds]
    for each in found:
        names = (
            each.get("label"),
            each.get("placeholder"),
            each.get("custom_id"),
            (each.get("emoji") or {}).get("name"),
        )
        if label in names or (not label and len(found) == 1):
            return each
    raise AssertionError(
        f"nothing here shows “{label}”: {[each.get('label') or each.get('custom_id') for each in found]}"
    )


def _chosen(select: Json, chosen: Sequence[str]) -> list[str]:
    """Return the values of what is picked, by label or value."""
    if "options" in select:
        by_name = {option["label"]: option["value"] for option in select["options"]}
        by_name |= {option["value"]: option["value"] for option in select["options"]}
        assert set(chosen) <= set(by_name), f"{chosen} are not all among {sorted(by_name)}"
        chosen = [by_name[each] for each in chosen]
    least, most = given(select, "min_values", 1), given(select, "max_values", 1)
    assert select["type"] == RADIO or least <= len(chosen) <= most, f"so many cannot be picked: {chosen}"
    return list(chosen)
