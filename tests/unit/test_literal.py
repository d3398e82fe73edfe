"""Titles and names are shown as they are on every surface, whatever Markdown would read in them."""

from __future__ import annotations

import io
import json
import re
from html import unescape
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from rich.console import Console

from adapters.discord.render import render as render_discord
from adapters.slack.render import render as render_slack
from adapters.terminal.render import plain
from adapters.terminal.render import render as render_terminal
from bot.commands.notices import write_news
from bot.dispatch import error_reply
from core.content.announce import News
from core.enums import Platform
from core.errors import NotFound
from core.events import Command, Place, Sender
from core.replies import Note, Reply, Text
from core.text import literal, without_escapes

NASTY = (
    "The __init__ method and 2*3*4",
    "[a](http://evil.example)",
    "![x](http://evil.example/y.png)",
    "<b>bold</b> &amp; &#42; <!channel>",
    "`code` and ``more` ~~gone~~",
    "a\\*b \\",
    "1. first",
    "2) second",
    "# Heading",
    "- item",
    "+ item",
    "> quoted",
    "=== under",
    "| a | b |",
    "[a]: http://evil.example",
    "snake_case_name.md",
    "*",
    "_all_ **of** ***it***",
)
AROUND = ("“{}” is published.", "{}", "- {}", "- {}: **10 / 10**", "**{}**: this is what it would do.", "Seen:\n\n{}")


@pytest.mark.parametrize("title", NASTY)
@pytest.mark.parametrize("around", AROUND)
@pytest.mark.parametrize("part", [Text, Note])
def test_a_title_shows_as_it_is_on_every_surface(title: str, around: str, part: type[Text | Note]) -> None:
    reply = Reply((part(around.format(literal(title))),))
    assert _bare(title) in _bare(_on_slack(reply))
    assert _bare(title) in _bare("\n".join(message.content for message in render_discord(reply)))
    assert title in "\n".join(plain(reply))
    assert title in _at_terminal(reply)
    shown = json.dumps([message.blocks for message in render_slack(reply)])
    assert '"code"' not in shown
    assert '"italic"' not in shown
    assert "](<" not in "".join(message.content for message in render_discord(reply))


def _bare(text: str) -> str:
    """Return text without Discord's escapes and what it puts around addresses."""
    return re.sub(r"<(https?://[^>]*)>", r"\1", re.sub(r"[\\\u200b]", "", text))


def _on_slack(reply: Reply) -> str:
    def words(element: object) -> str:
        if isinstance(element, list | tuple):
            return "".join(map(words, element))
        if not isinstance(element, dict):
            return ""
        text = element.get("text")
        if element.get("type") == "mrkdwn":
            return unescape(re.sub(r"<(https?://[^>|]*)\|[^>]*>", r"\1", str(text)))
        return text if isinstance(text, str) else words(element.get("elements")) + words(text)

    return "\n".join(words(message.blocks) for message in render_slack(reply))


def _at_terminal(reply: Reply) -> str:
    console = Console(file=io.StringIO(), width=300, force_terminal=False)
    for renderable in render_terminal(reply):
        console.print(renderable)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_an_error_quotes_as_it_is_and_keeps_its_code() -> None:
    error = NotFound("There is no lesson “2*3*4 [a](http://evil.example)”. `/lessons` lists them.")
    typed = Command(key="k", sender=Sender(Platform.SLACK, "U1", "T1"), place=Place("D1"), name="ask")
    reply = error_reply(error, typed)
    (said,) = plain(reply)
    assert said == "There is no lesson “2*3*4 [a](http://evil.example)”. `/lessons` lists them."
    assert "/lessons lists them" in _at_terminal(reply)
    assert '"code": true' in json.dumps([message.blocks for message in render_slack(reply)])


def test_news_shows_titles_as_they_are() -> None:
    news = News(uuid4(), "lesson", uuid4(), None, "1.1", NASTY[1], NASTY[0], updated=False)
    said = _on_slack(write_news([news], "C*S*", ZoneInfo("UTC")))
    assert "New in C*S*" in said
    assert f"1.1 {NASTY[1]} ({NASTY[0]})" in said


def test_what_is_code_keeps_its_backslashes() -> None:
    assert without_escapes(r"a\_b `c\_d` ``e`\_`` \`f\_`") == r"a_b `c\_d` ``e`\_`` `f_`"
