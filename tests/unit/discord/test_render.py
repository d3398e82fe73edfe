"""A neutral reply as Discord's messages: within every limit, pinging nobody, its controls readable again."""

from __future__ import annotations

import json
import re
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.discord.controls import pack_id, read_pressed, unpack_id
from adapters.discord.forms import OPEN_FORM, form_modal, read_modal, unpack_form
from adapters.discord.limits import length
from adapters.discord.markdown import read_markdown
from adapters.discord.packing import Message
from adapters.discord.render import render
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
    say,
)

ANSWER = UUID("6f1f8a52-0c5e-4b0c-9a58-1f1f1f1f1f1f")
MARKS = st.sampled_from(
    [
        *("@everyone", "@here", "<@1>", "<@&2>", "<#3>", "```", "`", "**", "__", "_", "~~", "||", "[a](https://b.org)"),
        *("\n\n", "\n", "- ", "1. ", "> ", "# ", "-# ", "|a|b|\n|-|-|\n|1|2|\n", "\n    code", "\u202e", "\x00", "\\"),
        *("👍🏽", "é", "](", "https://a.org/x_y_z?y=1&z=2", "---\n", "\ud800", '"', "<t:1>", "<:a:1>", "(", "["),
    ]
)
TEXTS = st.lists(MARKS | st.text(max_size=12), max_size=12).map("".join)
ANY = TEXTS | st.builds(lambda text, times, mark: mark.join([text] * times), TEXTS, st.integers(1, 300), MARKS)
ACTIONS = st.text("abcdefg.", min_size=1, max_size=20)
VALUES = (
    st.text(max_size=40)
    | st.uuids().map(str)
    | st.builds(lambda text, size: (text * size)[:size], st.text(min_size=1), st.integers(1, 1_000))
)
CHOICES = st.lists(st.builds(Choice, ANY, ACTIONS, VALUES), max_size=30).map(tuple)
MANY = st.sampled_from([9, 99]).map(
    lambda size: tuple(Choice(f"{number}", "many", f"{number:-<{size}}") for number in range(130))
)
OFFERS = st.builds(Offer, TEXTS, TEXTS)
FORMS = st.builds(
    Form,
    TEXTS,
    ACTIONS,
    st.lists(
        st.builds(Field, ACTIONS, TEXTS, ANY, st.booleans(), st.booleans(), st.lists(OFFERS, max_size=5).map(tuple)),
        max_size=6,
        unique_by=lambda field: field.name,
    ).map(tuple),
    st.text(max_size=150),
)


@st.composite
def tables(draw: st.DrawFn) -> Table:
    width = draw(st.integers(0, 8))
    cells = draw(st.lists(ANY, min_size=1, max_size=6))
    row = tuple(cells[number % len(cells)] for number in range(width))
    return Table(row, (row,) * draw(st.integers(0, 40)), draw(TEXTS))


PARTS: st.SearchStrategy[Part] = st.one_of(
    st.builds(Text, ANY),
    st.builds(Note, ANY),
    st.builds(
        Sources,
        st.lists(
            st.builds(
                Citation, st.integers(1, 99), ANY, TEXTS, ANY, st.uuids(), st.none() | st.just("https://h.org/s")
            ),
            max_size=12,
        ).map(tuple),
    ),
    tables(),
    st.builds(Picture, st.just(b"png"), ANY),
    st.builds(File, ANY, st.just(b"a,b")),
    FORMS,
)


def check(message: Message) -> None:
    """Hold a message against Discord's limits."""
    body = message.body()
    assert body["allowed_mentions"] == {"parse": []}
    assert length(body["content"]) <= 2_000
    assert body["content"].strip() or body["embeds"] or body["components"] or message.uploads
    assert len(body["embeds"]) <= 10
    assert sum(length(each.get("title", "")) + length(each.get("description", "")) for each in body["embeds"]) <= 6_000
    assert all(length(each["description"]) <= 4_096 for each in body["embeds"])
    assert len(body["components"]) <= 5
    ids = [each["custom_id"] for row in body["components"] for each in row["components"]]
    assert len(set(ids)) == len(ids)
    assert all(0 < length(each) <= 100 for each in ids)
    for row in body["components"]:
        kinds = [each["type"] for each in row["components"]]
        assert kinds == [3] or (set(kinds) == {2} and len(kinds) <= 5)
        for each in row["components"]:
            if each["type"] == 2:
                assert 0 < length(each["label"]) <= 80
            else:
                values = [option["value"] for option in each["options"]]
                assert 0 < len(values) <= 25
                assert len(set(values)) == len(values)
                assert all(0 < length(value) <= 100 for value in values)
                assert all(0 < length(option["label"]) <= 100 for option in each["options"])
    assert len(message.uploads) <= 10
    assert all(length(each.alt) <= 1_024 for each in message.uploads if isinstance(each, Picture))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.large_base_example])
@given(st.lists(PARTS, max_size=5), st.booleans())
def test_whatever_a_reply_holds_fits(parts: list[Part], thumbs: bool) -> None:
    for message in render(Reply(tuple(parts), answer_id=ANSWER), thumbs=thumbs):
        check(message)


# Buttons and menus that leave one row of a message.
_ROWS = [Choices((Choice("Here", "row", str(number)),), menu=True) for number in range(4)]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.large_base_example])
@given(CHOICES | MANY, st.booleans())
def test_every_choice_comes_back_as_it_was_offered(choices: tuple[Choice, ...], menu: bool) -> None:
    try:
        messages = render(Reply((*_ROWS, Choices(choices, menu=menu))))
    except ValueError:
        assert sum(len(choice.value) for choice in choices) > 2_000
        return
    read = set()
    for message in messages:
        check(message)
        for row in message.rows:
            for each in row["components"]:
                pressed = [{"custom_id": each["custom_id"], "component_type": 2}]
                if each["type"] == 3:
                    pressed = [
                        {"custom_id": each["custom_id"], "component_type": 3, "values": [option["value"]]}
                        for option in each["options"]
                    ]
                read |= {read_pressed(data, {"embeds": list(message.embeds)}) for data in pressed}
    assert read == {("row", str(number)) for number in range(4)} | {(each.action, each.value) for each in choices}


@pytest.mark.parametrize(
    "value",
    [
        "",
        str(ANSWER),
        ANSWER.hex,
        f"{ANSWER} 3",
        f"1234567890123456789:{ANSWER.hex}:{ANSWER.hex}:T",
        "~!^",
        "a|b",
        "é\n",
    ],
)
def test_an_id_says_what_was_put_into_it(value: str) -> None:
    packed = pack_id("class.bind.pick", value)
    assert len(packed) <= 100, "every value in use fits without being kept elsewhere"
    assert unpack_id(packed) == ("class.bind.pick", value)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(FORMS)
def test_a_form_is_a_modal_within_limits_or_refused(form: Form) -> None:
    try:
        modal = form_modal(form)
    except ValueError:
        return
    assert 0 < length(modal["custom_id"]) <= 100
    assert 0 < length(modal["title"]) <= 45
    assert 1 <= len(modal["components"]) <= 5
    ids = [label["component"]["custom_id"] for label in modal["components"]]
    assert len(set(ids)) == len(ids)
    for label in modal["components"]:
        assert 0 < length(label["label"]) <= 45
        assert length(label.get("description", "")) <= 100
        assert length(label["component"]["custom_id"]) <= 100
        assert length(label["component"].get("value", "")) <= 4_000
    sent = [{"component": {"type": 4, "custom_id": each, "value": "x"}} for each in ids]
    action, value, fields, _ = read_modal({"custom_id": modal["custom_id"], "components": sent})
    assert (action, value) == (form.action, form.value)
    assert set(fields) == {field.name for field in form.fields}


def test_a_form_that_comes_too_late_is_a_button_which_holds_it_whole() -> None:
    form = Form("Link", "link.otp", (Field("code", "The number " * 9, value="7" * 900),), "ada@school.example")
    (message,) = render(Reply((form,)))
    (button,) = message.rows[0]["components"]
    action, value = read_pressed(
        {"custom_id": button["custom_id"], "component_type": 2}, {"embeds": list(message.embeds)}
    )
    assert action == OPEN_FORM
    assert unpack_form(value) == form


def test_a_form_of_too_many_fields_says_how_else() -> None:
    (message,) = render(Reply((Form("Settings", "a", tuple(Field(f"f{n}", "F") for n in range(6))),)))
    assert "type the command" in message.content
    assert not message.rows


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("@everyone <@1> <@&2> <#3> <t:1>", "@\u200beveryone \\<@1> \\<@&2> \\<#3> \\<t:1>"),
        ("snake_case and _this_ __that__", "snake_case and *this* **that**"),
        ("||hidden|| ~~gone~~", "\\|\\|hidden\\|\\| ~~gone~~"),
        ("[free money](https://evil.example)", "free money (<https://evil.example>)"),
        ("[page](https://homeroom.test/s/1)", "[page](<https://homeroom.test/s/1>)"),
        ("[a](javascript:alert)", r"[a]\(javascript:alert)"),
        (r"\[a](https://b.org)", "[a](<https://b.org>)"),
        ("see https://a.org/x_y_z.", "see <https://a.org/x_y_z>."),
        ("light [1][2] (then)", "light [1][2] (then)"),
        ("a\n\\# no heading\n\\- no list\n1\\. one", "a\n\\# no heading\n\\- no list\n1\\. one"),
        ("## Optics", "**Optics**"),
        ("- a\n  - b\n- c", "- a\n  - b\n- c"),
        ("> quoted\n> more", "> quoted\n> more"),
        ("```py\nx = '`'\n```", "```py\nx = '`'\n```"),
        ("`@everyone`", "`@everyone`"),
    ],
)
def test_markdown_is_written_as_discord_reads_it(written: str, shown: str) -> None:
    (message,) = render(say(written), pages="https://homeroom.test/")
    if written.startswith("\\["):
        assert "](" not in message.content, "no link may hide its address"
    else:
        assert message.content == shown


def test_no_masked_link_is_left_but_to_our_own_pages() -> None:
    for text in (r"\[a](https://b.org)", "**[a]**(https://b.org)", "[a]\\(https://b.org)", "`[a]`(https://b.org)"):
        (message,) = render(say(text))
        assert not re.search(r"(?<!\\)\]\(", message.content), message.content


def test_a_long_answer_is_cut_between_paragraphs_and_code_stays_code() -> None:
    paragraph = "Light bends at the surface of water. " * 20
    code = "\n".join(f"print({number})" for number in range(400))
    messages = render(say(f"{paragraph}\n\n{paragraph}\n\n{paragraph}\n\n```python\n{code}\n```\n\nThe end."))
    assert len(messages) > 3
    for message in messages:
        check(message)
        assert message.content.count("```") % 2 == 0, "a code block is closed in the message it is in"
    assert all(message.content.startswith("```python\n") for message in messages[2:-1])
    printed = re.findall(r"print\((\d+)\)", "\n".join(message.content for message in messages))
    assert printed == [str(number) for number in range(400)], "nothing is lost or said twice"
    assert messages[-1].content.endswith("The end.")


def test_a_long_quotation_is_quoted_to_its_end_and_its_code_stays_code() -> None:
    code = "\n".join(f"print({number})" for number in range(300))
    quoted = "\n".join(
        f"> {line}" for line in ["It bends. " * 300, "", "```python", *code.split("\n"), "```", "", "End."]
    )
    messages = render(say(quoted))
    assert len(messages) > 3
    for message in messages:
        check(message)
        assert all(line.startswith("> ") for line in message.content.split("\n"))
        assert message.content.count("```") % 2 == 0, "a code block is closed in the message it is in"
    printed = re.findall(r"print\((\d+)\)", "\n".join(message.content for message in messages))
    assert printed == [str(number) for number in range(300)], "nothing is lost or said twice"
    assert messages[-1].content.endswith("> ```\n> End.")


def test_small_print_is_small_to_its_end() -> None:
    messages = render(Reply((Note("It bends. " * 500),)))
    assert len(messages) > 2
    for message in messages:
        check(message)
        assert message.content.startswith("-# It bends.")


def test_an_answer_has_its_sources_in_a_box_and_buttons_for_their_passages() -> None:
    citation = Citation(1, "Optics [draft]", "page 3", "Light *bends*.", ANSWER, "https://homeroom.test/s/1")
    (message,) = render(Reply((Text("It bends [1]."), Sources((citation,)), Note("Check it.")), answer_id=ANSWER))
    assert message.content == "It bends [1].\n-# Check it."
    (embed,) = message.embeds
    assert embed["description"] == (
        "**[1]** [Optics (draft)](<https://homeroom.test/s/1>), page 3\n> *“Light \\*bends\\*.”*"
    )
    (button,) = message.rows[0]["components"]
    assert unpack_id(button["custom_id"]) == ("citation.show", f"{ANSWER} 1")


def test_a_narrow_table_is_drawn_and_a_wide_one_is_told_row_by_row() -> None:
    (message,) = render(Reply((Table(("No", "Title"), (("1.1", "Sky"), ("1.2", "Stars")), "Lessons"),)))
    assert message.content == "**Lessons**\n\n```\nNo   Title\n───  ─────\n1.1  Sky\n1.2  Stars\n```"
    (message,) = render(Reply((Table(("Name", "About"), (("a_b", "x" * 70),)),)))
    assert message.content == f"- **a_b** — About: {'x' * 70}"


def test_the_pieces_of_markdown_keep_their_order() -> None:
    pieces = [piece.written() for piece in read_markdown("one\n\n1. two\n2. three\n\n---\n\nfour")]
    assert pieces == ["one", "1. two", "2. three", "———", "four"]


def test_the_body_can_be_sent_as_json() -> None:
    (message,) = render(Reply((Text("a"), Picture(b"png", "A curve"))))
    assert json.loads(json.dumps(message.body()))["attachments"] == [
        {"id": 0, "filename": "picture-0.png", "description": "A curve"}
    ]
