from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from adapters.outgoing_text import safe_url
from adapters.slack.limits import MESSAGE_SIZE, URL, size
from adapters.slack.outgoing_text import escape_markdown, honest_label
from adapters.slack.render import render
from core.replies import Choice, Choices, Citation, Form, Note, Picture, Reply, Sources, Table, Text, say

ANSWER = UUID(int=7)
ATTACK = "<!channel> <@U1> <#C1> <!subteam^S1> <https://evil.test|nice> &lt;!here&gt; @channel"


def elements(block: dict[str, Any]) -> list[dict[str, Any]]:
    inner: list[dict[str, Any]] = []
    for element in block["elements"]:
        inner += elements(element) if "elements" in element else [element]
    return inner


def test_markdown_becomes_rich_text() -> None:
    markdown = "# Mole\n\nA **mole** is `6e23`.\n\n1. count\n2. weigh\n   - gently\n\n> so be it\n\n```py\nn = 1\n```"
    (message,) = render(say(markdown))
    (block,) = message.blocks
    assert [part["type"] for part in block["elements"]] == [
        "rich_text_section",
        "rich_text_section",
        "rich_text_list",
        "rich_text_list",
        "rich_text_quote",
        "rich_text_preformatted",
    ]
    heading, paragraph, numbered, nested, quote, code = block["elements"]
    assert heading["elements"][0] == {"type": "text", "text": "Mole", "style": {"bold": True}}
    assert paragraph["elements"][1] == {"type": "text", "text": "mole", "style": {"bold": True}}
    assert paragraph["elements"][3] == {"type": "text", "text": "6e23", "style": {"code": True}}
    assert len(numbered["elements"]) == 2
    assert (nested["indent"], nested["style"]) == (1, "bullet")
    assert quote["elements"][0]["text"] == "so be it"
    assert code["elements"][0]["text"] == "n = 1"
    assert message.text == "Mole\nA mole is 6e23.\n1. count\n2. weigh\n  • gently\n&gt; so be it\nn = 1"


def test_a_list_goes_on_counting_after_code_between_its_items() -> None:
    (message,) = render(say("1. one\n\n   ```\n   x\n   ```\n2. two"))
    lists = [part for part in message.blocks[0]["elements"] if part["type"] == "rich_text_list"]
    assert [part.get("offset", 0) for part in lists] == [0, 1]


@pytest.mark.parametrize("marks", ["```", ">", "> >\n>", "[a]: https://b.org"])
def test_a_text_of_nothing_but_marks_is_still_said(marks: str) -> None:
    (message,) = render(say(marks))
    assert elements(message.blocks[0]) == [{"type": "text", "text": marks}]
    assert render(say(" \n\x00")) == ()


def test_no_text_of_people_or_models_is_read_as_markup() -> None:
    citation = Citation(1, ATTACK, ATTACK, ATTACK, UUID(int=1))
    parts = (
        Text(f"{ATTACK}\n\n- {ATTACK}\n\n> {ATTACK}\n\n`{ATTACK}`\n\n```\n{ATTACK}\n```\n\n|a|\n|-|\n|{ATTACK}|"),
        Note(ATTACK),
        Sources((citation,)),
        Table((ATTACK,), ((ATTACK,),), ATTACK),
        Choices((Choice(ATTACK, "a", ATTACK),)),
    )
    for message in render(Reply(parts, answer_id=ANSWER)):
        assert "<" not in message.text
        for block in message.blocks:
            kinds = {inner["type"] for inner in elements(block)} if block["type"] == "rich_text" else set()
            assert kinds <= {"text", "link"}
            if block["type"] == "context":
                assert not re.search(r"<(?!https://)", block["elements"][0]["text"])
                assert block["elements"][0]["verbatim"] is True
            if block["type"] == "actions":
                assert {button["text"]["type"] for button in block["elements"]} == {"plain_text"}
        assert message.arguments()["link_names"] is False
        assert message.arguments()["unfurl_links"] is False


def test_small_print_keeps_its_links() -> None:
    (message,) = render(Reply((Note("[the | page](https://a.org/?x=1&y=2) & more\n\n- a <b>"),)))
    assert message.blocks[0]["elements"][0]["text"] == (
        "<https://a.org/?x=1&amp;y=2|the ¦ page> &amp; more\n• a &lt;b&gt;"
    )


@pytest.mark.parametrize(
    ("url", "safe"),
    [
        ("https://a.org/p?q=1&r=2#s", "https://a.org/p?q=1&r=2#s"),
        ("http://a.org/a b|c>d", "http://a.org/a%20b%7Cc%3Ed"),
        ("mailto:a@b.org", "mailto:a@b.org"),
        ("javascript:alert(1)", None),
        ("data:text/html,x", None),
        ("slack://user?team=T1", None),
        ("https:///nowhere", None),
        ("http://[broken", None),
        ("https://school.org@evil.org/", None),
        ("https://evil.org|nice", None),
        ("https://müller.de/ä", "https://xn--mller-kva.de/%C3%A4"),
        ("https://a.org:8443/x", "https://a.org:8443/x"),
        ("https://a.org:port/", None),
        ("https://" + "a" * 70 + ".org", None),
        ("https://a.org/" + "x" * 3000, None),
    ],
)
def test_only_ordinary_addresses_are_linked(url: str, safe: str | None) -> None:
    assert safe_url(url, URL) == safe


def test_a_link_does_not_pretend_to_lead_elsewhere() -> None:
    assert honest_label("https://good.org/login", "https://evil.org/x") == "https://evil.org/x"
    assert honest_label("good.org", "https://evil.org/x") == "https://evil.org/x"
    assert honest_label("www.good.org", "https://good.org/x") == "www.good.org"
    assert honest_label("the page", "https://good.org/x") == "the page"


def test_streamed_markdown_opens_no_token_wherever_it_is_cut() -> None:
    assert (
        escape_markdown("<!channel> & [a](https://b.org?c&d)\n> so") == "&lt;!channel> & [a] (https://b.org?c&d)\n> so"
    )


def test_a_link_in_a_stream_shows_where_it_leads_wherever_the_pieces_are_cut() -> None:
    link = "[bank.example](https://evil.example)"
    for cut in range(len(link)):
        shown = escape_markdown(link[:cut]) + escape_markdown(link[cut:], link[:cut])
        assert shown == "[bank.example] (https://evil.example)"


def test_sources_carry_number_place_sentence_and_link() -> None:
    citation = Citation(
        2, "Moles & grams", "p. 3", "A mole is\na number.", UUID(int=3), f"https://h.org/s/{UUID(int=3)}"
    )
    (message,) = render(Reply((Sources((citation,)),)))
    number, title, place, _, quote = elements(message.blocks[0])
    assert number["text"] == "[2] "
    assert title["url"] == "https://h.org/s/00000000-0000-0000-0000-000000000003"
    assert (title["text"], place["text"], quote["text"]) == ("Moles & grams", ", p. 3", "“A mole is a number.”")
    (unlinked,) = render(Reply((Sources((replace(citation, url=None),)),)))
    assert {inner["type"] for inner in elements(unlinked.blocks[0])} == {"text"}


def test_a_long_answer_is_cut_between_paragraphs_and_keeps_its_code_whole() -> None:
    code = "\n".join(f"line_{number} = {number}" for number in range(400))
    paragraphs = [f"Paragraph {number}. " + "All about moles. " * 60 for number in range(38)]
    answer = "\n\n".join([*paragraphs[:19], f"```\n{code}\n```", *paragraphs[19:]])
    assert len(answer) > 40_000
    messages = render(Reply((Text(answer),), answer_id=ANSWER))
    assert len(messages) <= 6
    shown = [inner["text"] for message in messages for inner in elements(message.blocks[0])]
    assert [text.strip() for text in shown if text.strip()] == [
        *(text.strip() for text in paragraphs[:19]),
        code,
        *(text.strip() for text in paragraphs[19:]),
    ]
    assert [block["type"] for block in messages[-1].blocks] == ["rich_text", "context_actions"]
    assert all(block["type"] == "rich_text" for message in messages[:-1] for block in message.blocks)


@pytest.mark.parametrize(("mark", "kind"), [("> ", "rich_text_quote"), ("- ", "rich_text_list")])
def test_what_is_longer_than_a_message_stays_what_it_is(mark: str, kind: str) -> None:
    messages = render(say(mark + "All about moles. " * 1_500))
    assert len(messages) > 1
    kinds = [element["type"] for message in messages for block in message.blocks for element in block["elements"]]
    assert kinds[0] == kind
    assert set(kinds) == ({kind} if mark == "> " else {kind, "rich_text_section"}), "a list item has one mark"
    assert all(message.text.startswith("&gt; ") for message in messages if mark == "> ")


@pytest.mark.parametrize("length", range(10_400, 12_000, 40))
def test_the_feedback_row_never_stands_alone(length: int) -> None:
    messages = render(Reply((Text("word " * (length // 5)),), answer_id=ANSWER))
    assert all(message.blocks[0]["type"] == "rich_text" for message in messages)
    assert messages[-1].blocks[-1]["type"] == "context_actions"


def test_one_paragraph_longer_than_a_message_is_cut_between_sentences() -> None:
    messages = render(say("Moles are “counted”. " * 2_000))
    assert len(messages) > 1
    for message in messages:
        assert elements(message.blocks[0])[-1]["text"].endswith("”. " if message is not messages[-1] else "”.")


def test_a_second_table_and_the_101st_row_begin_a_new_message() -> None:
    rows = tuple((str(number), "x") for number in range(150))
    table = Table(("No.", "Name"), rows, "All")
    messages = render(Reply((table, table)))
    grids = [[block for block in message.blocks if block["type"] == "table"] for message in messages]
    assert [len(blocks) for blocks in grids] == [1, 1, 1, 1]
    assert [len(blocks[0]["rows"]) for blocks in grids] == [100, 52, 100, 52]
    assert all(blocks[0]["rows"][0][0]["text"] == "No." for blocks in grids)


def test_an_empty_cell_and_too_many_columns_are_shown_too() -> None:
    (message,) = render(Reply((Table(("a", "b"), (("", "1"),)),)))
    assert message.blocks[0]["rows"][1][0]["text"] == "–"
    wide = Table(tuple(f"h{n}" for n in range(21)), (tuple(str(n) for n in range(21)),))
    (message,) = render(Reply((wide,)))
    assert "h20: 20" in elements(message.blocks[0])[0]["text"]


def test_few_choices_are_buttons_and_many_a_menu() -> None:
    few = tuple(Choice(f"Class {n}", "class.pick", str(n)) for n in range(5))
    (message,) = render(Reply((Choices(few),)))
    buttons = message.blocks[0]["elements"]
    assert [button["action_id"] for button in buttons] == [f"class.pick#{n}" for n in range(5)]
    assert message.text == "[Class 0 / Class 1 / Class 2 / Class 3 / Class 4]"
    many = tuple(Choice(f"Class {n}", "class.pick", str(n)) for n in range(120))
    menus = [block["elements"][0] for message in render(Reply((Choices(many),))) for block in message.blocks]
    assert [len(menu["options"]) for menu in menus] == [100, 20]
    long = tuple(Choice(f"Class {n}", "class.pick", "v" * 2_000) for n in range(30))
    shown = [block for message in render(Reply((Choices(long),))) for block in message.blocks]
    assert [len(block["elements"]) for block in shown] == [5] * 6
    assert len({button["action_id"] for button in shown[0]["elements"]}) == 5


def test_a_choice_slack_could_not_carry_is_refused() -> None:
    with pytest.raises(ValueError, match="2000"):
        render(Reply((Choices((Choice("x", "a", "v" * 2_001),)),)))


def test_a_failed_reply_asks_for_no_feedback_and_a_streamed_one_is_not_repeated() -> None:
    reply = Reply((Text("No."), Note("Stopped.")), answer_id=ANSWER, failed=True)
    assert [block["type"] for block in render(reply)[0].blocks] == ["rich_text", "context"]
    assert [block["type"] for block in render(reply, shown=True)[0].blocks] == ["context"]
    assert render(Reply((Text("Yes."),)), shown=True) == ()


def test_a_picture_is_handed_over_with_its_words() -> None:
    picture = Picture(b"png", "use over <time>")
    (message,) = render(Reply((Text("See:"), picture)))
    assert message.uploads == (picture,)
    assert message.text == "See:\n[picture: use over &lt;time&gt;]"


def test_a_form_is_offered_as_a_button() -> None:
    (message,) = render(Reply((Form("Edit lesson", "lesson.save", ()),)))
    button = message.blocks[0]["elements"][0]
    assert button["action_id"] == "form.open#0"
    assert json.loads(button["value"])["action"] == "lesson.save"
    (message,) = render(Reply((Form("Edit lesson", "lesson.save", (), "v" * 2_000),)))
    assert message.blocks[0]["type"] == "rich_text"


def test_the_fallback_stays_within_what_an_update_takes() -> None:
    (message,) = render(say("a & b " * 1_000))
    assert len(message.text) <= 4_000
    assert message.text.endswith("…")
    assert size(list(message.blocks)) <= MESSAGE_SIZE
