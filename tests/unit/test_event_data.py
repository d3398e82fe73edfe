"""Events as data that PostgreSQL keeps."""

from __future__ import annotations

from core.enums import Platform
from core.events import Command, Place, Sender
from core.inbox.data import as_data, from_data


def test_what_postgresql_can_not_hold_is_left_out() -> None:
    sender, place = Sender(Platform.DISCORD, "1", "2"), Place("3")
    typed = Command(
        key="k", sender=sender, place=place, name="ask", text="a\x00b\ud800c 😀", options={"q": "\udc00d\x00"}
    )
    kept = from_data(as_data(typed))
    assert kept == Command(key="k", sender=sender, place=place, name="ask", text="abc 😀", options={"q": "d"})
