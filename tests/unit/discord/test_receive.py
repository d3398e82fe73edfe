"""Discord's payloads as neutral events."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from adapters.discord.incoming_text import plain_text
from adapters.discord.places import Where, where_of
from adapters.discord.receive import (
    read_focus,
    receive_deletion,
    receive_interaction,
    receive_message,
    receive_reaction,
)
from adapters.discord.route import Route, route_of_interaction
from core.enums import Platform
from core.events import Attachment, Command, Control, Message, Place, Sender
from core.inbox.data import as_data, from_data

OWN, ROLE = "900", "901"
TEXT_CHANNEL = Where("21")
THREAD = Where("21", "31")
DIRECT = Where("41", private=True)
AT = datetime(2026, 1, 2, tzinfo=UTC)


def message(content: str, channel: str = "21", **more: Any) -> dict[str, Any]:
    return {"id": "51", "channel_id": channel, "author": {"id": "11"}, "type": 0, "content": content} | more


def interaction(kind: int, data: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "id": "61",
        "application_id": "901",
        "type": kind,
        "token": "secret",
        "guild_id": "7",
        "channel": {"id": "21", "type": 0},
        "member": {"user": {"id": "11"}},
        "data": data,
    } | more


def test_a_mention_is_a_question_whose_thread_will_bear_its_id() -> None:
    event = receive_message(message(f"<@{OWN}> why <@12>, in <#22>?"), TEXT_CHANNEL, "7", (OWN, ROLE))
    assert event == Message(
        key="discord:message:21:51",
        sender=Sender(Platform.DISCORD, "11", "7"),
        place=Place("21", "51", private=False),
        text="why @someone, in #channel?",
        message_id="51",
    )
    assert from_data(as_data(event)) == event


def test_a_mention_of_the_bots_own_role_is_meant_for_the_bot() -> None:
    event = receive_message(message(f"<@&{ROLE}> why, <@&12>?"), TEXT_CHANNEL, "7", (OWN, ROLE))
    assert event is not None
    assert (event.text, event.addressed) == ("why, @some-group?", True)


def test_a_reply_in_a_thread_counts_for_its_parent() -> None:
    event = receive_message(message("and then?", "31"), THREAD, "7", (OWN, ROLE))
    assert event is not None
    assert (event.place, event.addressed) == (Place("21", "31", private=False), False)


@pytest.mark.parametrize(
    ("payload", "where"),
    [
        (message("just talking"), TEXT_CHANNEL),
        (message("", "31"), THREAD),  # unread, for want of the intent
        (message("<@12> what do you say?", "31"), THREAD),
        (message("<@&12> what do you say?", "31"), THREAD),
        (message("@everyone come here", "31"), THREAD),
        (message(f"<@{OWN}> hi", author={"id": "13", "bot": True}), TEXT_CHANNEL),
        (message(f"<@{OWN}> hi", webhook_id="9"), TEXT_CHANNEL),
        (message(f"<@{OWN}>", type=7), TEXT_CHANNEL),
        (message(f"<@{OWN}>", author={}), TEXT_CHANNEL),
    ],
)
def test_what_is_not_for_us_is_nothing(payload: dict[str, Any], where: Where) -> None:
    assert receive_message(payload, where, "7", (OWN, ROLE)) is None


def test_a_direct_message_has_no_thread_and_a_reply_that_pings_is_a_mention() -> None:
    direct = receive_message(message("why?", "41"), DIRECT, "7", (OWN, ROLE))
    assert direct is not None
    assert direct.place == Place("41", None, private=True)
    replied = receive_message(message("why?", mentions=[{"id": OWN}], type=19), TEXT_CHANNEL, "7", (OWN, ROLE))
    assert replied is not None
    assert replied.addressed


def test_what_opens_a_post_is_asked_with_its_title_and_tags() -> None:
    parent = {"id": "23", "type": 15, "available_tags": [{"id": "1", "name": "moon"}, {"id": "2", "name": "sun"}]}
    where = where_of({"id": "51", "type": 11, "parent_id": "23", "name": "Phases?", "applied_tags": ["1"]}, parent)
    payload = message("", "51")
    assert receive_message(payload, where, "7", (OWN, ROLE)) is None, "the forum stands for no class"
    event = receive_message(payload, where, "7", (OWN, ROLE), posted=True)
    assert event is not None
    assert (event.text, event.place, event.addressed) == ("Phases? (moon)", Place("23", "51", private=False), True)
    named = receive_message(payload, replace(where, title=f"<@{OWN}> Does <@12> know?"), "7", (OWN, ROLE), posted=True)
    assert named is not None
    assert named.text == "Does @someone know? (moon)", "a question carries no ids, wherever it is asked"


def test_reactions_are_told_apart_by_their_time() -> None:
    payload = {"user_id": "11", "message_id": "51", "channel_id": "31", "emoji": {"id": None, "name": "👍🏽"}}
    event = receive_reaction(payload, THREAD, "7", OWN, added=True, at=AT)
    assert event is not None
    assert (event.emoji, event.added, event.message_id, event.at) == ("👍🏽", True, "51", AT)
    assert event.place.channel_id == "21"
    custom = receive_reaction(payload | {"emoji": {"id": "5", "name": "yes"}}, THREAD, "7", OWN, added=False, at=AT)
    assert custom is not None
    assert custom.emoji == "yes"
    for other in ({"user_id": OWN}, {"message_author_id": "12"}, {"member": {"user": {"id": "11", "bot": True}}}):
        assert receive_reaction(payload | other, THREAD, "7", OWN, added=True, at=AT) is None


def test_a_command_brings_its_subcommand_options_and_files() -> None:
    data = {
        "name": "hr-class",
        "type": 1,
        "options": [
            {
                "name": "roster",
                "type": 1,
                "options": [
                    {"name": "code", "type": 3, "value": "SKY", "focused": True},
                    {"name": "file", "type": 11, "value": "71"},
                ],
            }
        ],
        "resolved": {"attachments": {"71": {"id": "71", "filename": "a.csv", "size": 3, "url": "https://cdn/a"}}},
    }
    event = receive_interaction(interaction(2, data), TEXT_CHANNEL, "7", prefix="hr-")
    assert isinstance(event, Command)
    assert (event.key, event.name, event.text, event.options) == (
        "discord:interaction:61",
        "class",
        "roster",
        {"code": "SKY"},
    )
    assert event.files == {"file": Attachment("a.csv", "https://cdn/a", 3)}
    assert read_focus(data) == ("code", "SKY")


def test_a_component_and_a_form_are_controls() -> None:
    pressed = receive_interaction(
        interaction(3, {"component_type": 2, "custom_id": "link.form|"}, message={"id": "51"}), THREAD, "7"
    )
    assert isinstance(pressed, Control)
    assert (pressed.action, pressed.value, pressed.place.thread_id) == ("link.form", "", "31")
    sent = receive_interaction(
        interaction(
            5,
            {
                "custom_id": "link.otp|ada@scho",
                "components": [{"type": 18, "component": {"type": 4, "custom_id": "code|ol.example", "value": "123"}}],
            },
        ),
        TEXT_CHANNEL,
        "7",
    )
    assert isinstance(sent, Control)
    assert (sent.action, sent.value, sent.fields) == ("link.otp", "ada@school.example", {"code": "123"})
    assert receive_interaction(interaction(3, {"component_type": 2, "custom_id": "kept|0"}), THREAD, "7") is None
    assert receive_interaction(interaction(4, {}), THREAD, "7") is None


def test_a_deletion_names_nobody() -> None:
    event = receive_deletion("31", "51", THREAD, "7")
    assert (event.place.channel_id, event.message_id, event.sender.user_id) == ("21", "51", "")


def test_a_route_is_kept_as_words_and_its_token_dies() -> None:
    route = route_of_interaction(interaction(2, {}), THREAD, "11", now=1_000.0)
    assert Route.from_data(route.as_data()) == route
    assert (route.channel, route.parent, route.in_thread) == ("31", "21", True)
    assert route.alive(1_000.0 + 800)
    assert not route.alive(1_000.0 + 900)


@pytest.mark.parametrize(
    ("sent", "typed"),
    [
        ("<a:wave:1> <:ok:2>", ":wave: :ok:"),
        ("<@&5> </ask:6> <t:0:R>", "@some-group /ask <t:0:R>"),
        ("a < b and c > d", "a < b and c > d"),
        (f"<@!{OWN}>   why?", "why?"),
    ],
)
def test_text_is_what_was_typed(sent: str, typed: str) -> None:
    assert plain_text(sent, OWN) == typed
