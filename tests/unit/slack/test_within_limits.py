"""Whatever a reply holds, what is rendered passes slack_sdk's models and Slack's other limits, and pings nobody."""

from __future__ import annotations

import json
import re
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.outgoing_text import harmless
from adapters.slack.forms import form_choice, form_view, unpack_form
from adapters.slack.limits import FALLBACK, MESSAGE_SIZE, size
from adapters.slack.outgoing_text import escape_markdown
from adapters.slack.receive import receive_submission
from adapters.slack.render import render
from core.replies import (
    Choice,
    Choices,
    Citation,
    Field,
    File,
    Form,
    Note,
    Offer,
    Part,
    Picture,
    Reply,
    Sources,
    Table,
    Text,
)
from tests.fakes.slack.blocks import Refused, check_message_blocks, check_view

MARKS = st.sampled_from(
    [
        *("<!channel>", "<@U1>", "&", "<", ">", "&lt;", "```", "`", "**", "_", "~~", "[a](https://b.org)", "|", "\n"),
        *(
            "<https://e.org|x>",
            "\n\n",
            "- ",
            "1. ",
            "> ",
            "# ",
            "|a|b|\n|-|-|\n|1|2|\n",
            "\n    code",
            "\u202e",
            "\x00",
        ),
        *("👍🏽", "é", "![i](http://i.org)", "](", "https://a.org/x?y=1&z=2", "---\n", "\ud800", "\\", '"', "    "),
    ]
)
TEXTS = st.lists(MARKS | st.text(max_size=12), max_size=12).map("".join)
LONG = st.builds(lambda text, times, between: between.join([text] * times)[:16_000], TEXTS, st.integers(1, 400), MARKS)
ANY = TEXTS | LONG
ACTIONS = st.text("abcdefg.", min_size=1, max_size=20)
VALUES = st.text(max_size=40) | st.builds(
    lambda text, size: (text * size)[:size], st.text(min_size=1), st.integers(1, 2_000)
)
CHOICES = st.builds(Choice, ANY, ACTIONS, VALUES)
CITATIONS = st.builds(
    Citation, st.integers(1, 99), ANY, TEXTS, ANY, st.uuids(), st.none() | st.just("https://h.org/source/token")
)
OFFERS = st.builds(Offer, TEXTS, TEXTS)
FORMS = st.builds(
    Form,
    TEXTS,
    ACTIONS,
    st.lists(
        st.builds(Field, ACTIONS, TEXTS, ANY, st.booleans(), st.booleans(), st.lists(OFFERS, max_size=5).map(tuple)),
        max_size=4,
        unique_by=lambda field: field.name,
    ).map(tuple),
    st.text(max_size=300),
)


@st.composite
def tables(draw: st.DrawFn) -> Table:
    width, height = draw(st.integers(0, 24)), draw(st.integers(0, 130))
    cells = draw(st.lists(ANY, min_size=1, max_size=6))
    room = 60_000 // max(1, width * height)  # many cells or long ones: both only take long
    row = tuple(cells[number % len(cells)][:room] for number in range(width))
    return Table(row, (row,) * height, draw(TEXTS))


PARTS: st.SearchStrategy[Part] = st.one_of(
    st.builds(Text, ANY),
    st.builds(Note, ANY),
    st.builds(Sources, st.lists(CITATIONS, max_size=12).map(tuple)),
    tables(),
    st.builds(Picture, st.just(b"png"), TEXTS),
    st.builds(File, TEXTS, st.just(b"a,b")),
    st.builds(Choices, st.lists(CHOICES, max_size=60).map(tuple), st.booleans()),
    FORMS,
)
REPLIES = st.builds(Reply, st.lists(PARTS, max_size=5).map(tuple), answer_id=st.none() | st.uuids())
TOKEN = re.compile(r"<[!@#]|<[a-z]+:")


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(reply=REPLIES)
def test_any_reply_renders_within_every_limit(reply: Reply) -> None:
    messages = render(reply)
    for message in messages:
        blocks = list(message.blocks)
        assert len(messages) == 1 or [block["type"] for block in blocks] != ["context_actions"]
        check_message_blocks(blocks)
        assert size(blocks) <= MESSAGE_SIZE
        assert 0 < len(message.text) <= FALLBACK
        assert not TOKEN.search(message.text)
        assert not re.search(r"&(?!amp;|lt;|gt;)", message.text)
        for block in blocks:
            check_pings_nobody(block)


def check_pings_nobody(thing: Any) -> None:
    if isinstance(thing, list):
        for inner in thing:
            check_pings_nobody(inner)
    elif isinstance(thing, dict):
        assert thing.get("type") not in {"user", "usergroup", "broadcast", "channel", "markdown"}
        if thing.get("type") == "mrkdwn":
            assert not re.search(r"<(?!(?:https?|mailto):[^<>|]*\|[^<>|]*>)", thing["text"])
        for inner in thing.values():
            check_pings_nobody(inner)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(form=FORMS)
def test_any_form_is_a_view_that_comes_back_whole(form: Form) -> None:
    view = form_view(form)
    check_view(view)
    values: dict[str, Any] = {}
    for block in reversed([block for block in view["blocks"] if block["type"] == "input"]):
        element = block["element"]
        typed = element.get("initial_value")
        chosen = element.get("initial_option")
        values[block["block_id"]] = {"input": {"type": element["type"], "value": typed, "selected_option": chosen}}
    control = receive_submission({"user": {"id": "U1"}, "view": {**view, "state": {"values": values}}})
    assert (control.action, control.value) == (form.action, form.value)
    for field in form.fields:
        if field.options and all(each.value for each in field.options):
            kept = field.chosen.value if field.chosen else ""
        else:
            kept = harmless(field.shown)
        assert control.fields[field.name] == kept


@settings(max_examples=100, deadline=None)
@given(form=FORMS)
def test_a_form_survives_being_packed_into_a_button(form: Form) -> None:
    choice = form_choice(form)
    assert choice is None or unpack_form(choice.value) == form


@settings(max_examples=100, deadline=None)
@given(pieces=st.lists(TEXTS, max_size=10))
def test_streamed_pieces_open_no_token(pieces: list[str]) -> None:
    assert "<" not in "".join(escape_markdown(piece) for piece in pieces)


def test_the_check_refuses_a_bad_block() -> None:
    answer = Reply((Text("x"),), answer_id=UUID(int=1))
    (message,) = render(answer)
    broken = json.loads(json.dumps(message.blocks))
    broken[0]["elements"][0]["elements"][0] = {"type": "text", "text": ""}
    with pytest.raises(Refused, match="invalid_blocks"):
        check_message_blocks(broken)
