"""Forms of more fields than a modal takes, divided into pages and filled in one after the other."""

from __future__ import annotations

import json
from uuid import UUID

import pytest

from adapters.discord.forms import read_modal
from adapters.discord.limits import CONTENT, MODAL_TITLE, length
from adapters.discord.paging import (
    OPEN_PAGE,
    as_value,
    continues,
    divide,
    fill_in,
    from_value,
    kept_message,
    page_modal,
    reopen,
    sent_message,
    typed_values,
)
from core.events import Attachment
from core.replies import Field, Form
from tests.fakes.discord.component_rules import check_components, check_modal
from tests.fakes.discord.errors import Problems

HELD = UUID("00000000-0000-0000-0000-00000000000a")


def form_of(count: int, **about: str) -> Form:
    fields = tuple(Field(f"f{number}", f"Label {number}", f"value {number}") for number in range(count))
    return Form("Settings of The Night Sky, a class of the school's", "class.settings", fields, "v" * 900, **about)


@pytest.mark.parametrize(("count", "sizes"), [(3, (3,)), (6, (3, 3)), (7, (4, 3)), (8, (4, 4)), (11, (4, 4, 3))])
def test_pages_are_few_and_about_as_long_as_each_other(count: int, sizes: tuple[int, ...]) -> None:
    assert divide(form_of(count)).sizes == sizes


def test_a_text_of_several_inputs_stays_on_one_page() -> None:
    long = Field("text", "Text", "word " * 3_000, long=True)
    paged = divide(Form("Edit", "edit", (Field("a", "A"), Field("b", "B"), long, Field("c", "C"))))
    assert [[each.name for each in paged.page(number)] for number in range(2)] == [["a", "b"], ["text", "c"]]
    assert all(len(page_modal(paged, number, HELD)["components"]) <= 5 for number in range(2))
    with pytest.raises(ValueError, match="longer than a page"):
        divide(Form("Edit", "edit", (Field("text", "Text", "word " * 5_000),)))


def test_every_page_is_a_modal_that_discord_takes_and_says_which_it_is() -> None:
    paged = divide(form_of(8))
    for number in range(2):
        modal, problems = page_modal(paged, number, HELD), Problems()
        check_modal(modal, problems)
        assert not problems.found
        assert modal["title"].endswith(f"({number + 1} of 2)")
        assert length(modal["title"]) <= MODAL_TITLE
        sent = [{"component": {"custom_id": each["component"]["custom_id"], "type": 4, "value": "x"}}
                for each in modal["components"]]  # fmt: skip
        action, value, fields, _ = read_modal({"custom_id": modal["custom_id"], "components": sent})
        assert (action, value) == (OPEN_PAGE, f"{HELD.hex}:{number}")
        assert list(fields) == [each.name for each in paged.page(number)]


def test_what_was_typed_is_kept_and_the_rest_stays_as_it_was() -> None:
    first = fill_in(divide(form_of(8)), 0, {"f0": "new", "f7": "not on this page"}, {})
    assert first.left == (1,)
    both = fill_in(from_value(as_value(first), first.files), 1, {"f4": ""}, {})
    assert both.left == ()
    assert typed_values(both) == {**{f"f{n}": f"value {n}" for n in range(8)}, "f0": "new", "f4": ""}


def test_pages_with_mistakes_are_sent_again_and_the_last_one_where_nobody_knows() -> None:
    paged = fill_in(fill_in(divide(form_of(8)), 0, {}, {}), 1, {}, {})
    assert reopen(paged, {"f1"}).left == (0,)
    assert reopen(paged, {"f1", "f6"}).left == (0, 1)
    assert reopen(paged, {}).left == (1,)


def test_a_file_that_has_come_may_be_left_out_the_next_time() -> None:
    paged = divide(Form("Hand in", "send", (*form_of(5).fields, Field("file", "Your work", file=True))))
    assert page_modal(paged, 1, HELD)["components"][-1]["component"]["required"]
    sent = fill_in(paged, 1, {}, {"file": Attachment("essay.pdf", "https://cdn.discordapp.com/1", 9)})
    upload = page_modal(sent, 1, HELD)["components"][-1]
    assert not upload["component"]["required"]
    assert "empty keeps essay.pdf" in json.dumps(upload)
    assert "file" not in typed_values(sent)
    assert "**essay.pdf**" in kept_message(sent, 1, HELD).content


def test_what_was_kept_is_said_in_one_message_with_the_way_on() -> None:
    paged = divide(Form("*_" * 60, "a", tuple(Field(f"f{n}", "`|" * 99, "@everyone ~|*" * 99) for n in range(10))))
    message, problems = kept_message(fill_in(paged, 0, {}, {}), 0, HELD), Problems()
    check_components(list(message.rows), problems, v2=False)
    assert not problems.found
    assert length(message.content) <= CONTENT
    assert [each["label"] for each in message.rows[0]["components"]] == ["Continue (2 of 2)", "Change (1 of 2)"]
    assert continues(message.rows, HELD)
    assert not continues(message.rows, UUID(int=7))
    assert not sent_message(paged).rows
