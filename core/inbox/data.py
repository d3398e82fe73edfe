"""Events as plain data, to be kept and read back."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from core.enums import Platform
from core.events import (
    Attachment,
    Command,
    Control,
    Deletion,
    Event,
    Message,
    Page,
    Place,
    Reaction,
    Sender,
    Visit,
)

_UNKEPT = re.compile("[\x00\ud800-\udfff]")  # PostgreSQL's JSON holds no NUL and no half of a character
_KINDS = {kind.__name__: kind for kind in (Message, Command, Control, Reaction, Deletion, Visit)}


def as_data(event: Event) -> dict[str, Any]:
    """Return an event as what JSON can hold."""
    data = asdict(event)
    if isinstance(event, Reaction):
        data["at"] = event.at.isoformat() if event.at else None
    return {"kind": type(event).__name__, **{name: _kept(value) for name, value in data.items()}}


def from_data(data: Mapping[str, Any]) -> Event:
    """Return the event that `as_data` was given. Raises `KeyError` or `TypeError` for what it never returned."""
    fields = dict(data)
    kind = _KINDS[fields.pop("kind")]
    sender, place = fields.pop("sender"), fields.pop("place")
    fields["sender"] = Sender(Platform(sender["platform"]), sender["user_id"], sender["workspace_id"])
    fields["place"] = Place(**place)
    if "files" in fields:
        fields["files"] = {name: Attachment(**file) for name, file in fields["files"].items()}
    if kind is Reaction and fields["at"]:
        fields["at"] = datetime.fromisoformat(fields["at"])
    if kind is Visit:
        fields["page"] = Page(fields["page"])
    return kind(**fields)


def _kept(value: Any) -> Any:  # noqa: ANN401  (whatever JSON can hold)
    if isinstance(value, str):
        return _UNKEPT.sub("", value)
    if isinstance(value, dict):
        return {_kept(name): _kept(each) for name, each in value.items()}
    return value
