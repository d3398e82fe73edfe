from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from slack_sdk.models.blocks import Block

from adapters.slack.forms import form_view, sent_form
from adapters.slack.incoming_text import plain_text
from adapters.slack.receive import is_addressed, is_shared, receive
from core.enums import Platform
from core.events import Attachment, Command, Control, Deletion, Message, Page, Place, Reaction, Sender, Visit
from core.replies import Field, Form, as_shown

ASKED = Sender(Platform.SLACK, "U1", "T1")


def wrap(**event: Any) -> dict[str, Any]:
    return {
        "type": "event_callback",
        "team_id": "T1",
        "api_app_id": "A1",
        "event_id": "Ev1",
        "event_time": 1,
        "authorizations": [{"team_id": "T1", "user_id": "UBOT", "is_bot": True}],
        "is_ext_shared_channel": False,
        "event": event,
    }


def message(**changes: Any) -> dict[str, Any]:
    base = {"type": "message", "channel": "C1", "channel_type": "channel", "user": "U1", "ts": "1.1", "event_ts": "1.1"}
    return wrap(**{**base, "text": "<@UBOT> what is a mole?", **changes})


def test_a_mention_and_its_message_are_one_deed() -> None:
    heard = receive(message())
    mention = receive(message(type="app_mention"))
    assert heard == mention
    assert heard == Message(
        key="slack:message:C1:1.1",
        sender=ASKED,
        place=Place("C1", "1.1", private=False),
        text="what is a mole?",
        message_id="1.1",
    )
    assert is_addressed(message())
    assert is_addressed(message(type="app_mention"))


def test_a_direct_message_is_private_and_needs_no_mention() -> None:
    body = message(channel="D1", channel_type="im", text="what is a mole?")
    heard = receive(body)
    assert isinstance(heard, Message)
    assert heard.place == Place("D1", "1.1", private=True)
    assert is_addressed(body)


def test_a_group_conversation_is_not_private() -> None:
    heard = receive(message(channel="G1", channel_type="mpim"))
    assert heard is not None
    assert not heard.place.private


def test_a_reply_in_a_thread_is_heard_but_not_addressed_by_itself() -> None:
    body = message(text="and then?", thread_ts="0.9")
    heard = receive(body)
    assert heard is not None
    assert heard.place.thread_id == "0.9"
    assert not is_addressed(body)


@pytest.mark.parametrize(
    "changes",
    [
        {"text": "lunch?"},
        {"text": "lunch?", "thread_ts": "1.1"},  # the thread's own first message
        {"user": "UBOT"},
        {"bot_id": "B7"},
        {"user": "USLACKBOT"},
        {"user": None},
        {"hidden": True},
        *(
            {"subtype": kind}
            for kind in ("message_changed", "message_deleted", "channel_join", "bot_message", "tombstone")
        ),
    ],
)
def test_what_is_not_meant_for_us_is_dropped(changes: dict[str, Any]) -> None:
    assert receive(message(**changes)) is None


def test_a_file_with_a_question_is_a_question() -> None:
    assert isinstance(receive(message(subtype="file_share")), Message)


def test_other_events_are_nobodys_deed() -> None:
    assert receive(wrap(type="app_home_opened", user="U1", tab="about", channel="D1")) is None
    assert receive(wrap(type="member_joined_channel", user="UBOT", channel="C1")) is None
    assert receive({"type": "view_closed", "user": {"id": "U1"}}) is None
    assert receive({}) is None


def test_a_person_of_another_organisation_keeps_their_own_workspace() -> None:
    body = {**message(user_team="T9"), "is_ext_shared_channel": True}
    heard = receive(body)
    assert heard is not None
    assert heard.sender.workspace_id == "T9"
    assert is_shared(body)
    assert not is_shared(message())
    assert is_shared(message(user_team="T9"))


@pytest.mark.parametrize(
    ("sent", "typed"),
    [
        ("<@UBOT>  hello", "hello"),
        ("hello <@UBOT|homeroom>", "hello"),
        ("ask <@U2> in <#C2|physics> or <#C3>", "ask @someone in #physics or #channel"),
        ("<!channel> <!subteam^S1|@tutors> <!date^1^{date}|Monday>", "@channel @tutors Monday"),
        ("see <https://a.org/x|a.org/x> and <https://b.org> and <https://c.org|the site>", None),
        ("a &lt; b &amp;&amp; c &gt; d, not &amp;lt;", "a < b && c > d, not &lt;"),
        ("if a < b > c", "if a < b > c"),  # commands come unescaped
        ("write to <mailto:a@b.org|a@b.org>", "write to a@b.org"),
        ("for i:\n    go  on", "for i:\n    go  on"),
    ],
)
def test_text_is_what_was_typed(sent: str, typed: str | None) -> None:
    expected = typed or "see https://a.org/x and https://b.org and the site (https://c.org)"
    assert plain_text(sent, own="UBOT") == expected


def test_a_command_is_known_by_its_trigger() -> None:
    form = {
        "command": "/ask",
        "text": "mode:CLASS what is a mole?",
        "user_id": "U1",
        "channel_id": "C1",
        "team_id": "T1",
        "response_url": "http://slack.test/r",
        "trigger_id": "1.2.3",
    }
    assert receive(form) == Command(
        key="slack:command:1.2.3",
        sender=ASKED,
        place=Place("C1", private=False),
        name="ask",
        text="mode:CLASS what is a mole?",
    )


def action(**pressed: Any) -> dict[str, Any]:
    return {
        "type": "block_actions",
        "team": {"id": "T1", "domain": "d"},
        "user": {"id": "U1", "team_id": "T1"},
        "container": {"type": "message", "message_ts": "5.5", "channel_id": "C1"},
        "channel": {"id": "C1"},
        "message": {"ts": "5.5", "thread_ts": "1.1"},
        "trigger_id": "x.y",
        "response_url": "http://slack.test/r",
        "actions": [{"block_id": "b", "action_ts": "9", **pressed}],
    }


@pytest.mark.parametrize(
    ("pressed", "expected"),
    [
        ({"type": "button", "action_id": "answer.retry#0", "value": "a:b"}, ("answer.retry", "a:b")),
        ({"type": "button", "action_id": "answer.retry#1"}, ("answer.retry", "")),
        (
            {"type": "static_select", "action_id": "menu", "selected_option": {"value": "class.pick\nBIO\n1"}},
            ("class.pick", "BIO\n1"),
        ),
        ({"type": "feedback_buttons", "action_id": "feedback", "value": "+:id"}, ("feedback.up", "id")),
        ({"type": "feedback_buttons", "action_id": "feedback", "value": "-:id"}, ("feedback.down", "id")),
    ],
)
def test_what_is_pressed_comes_back_as_it_was_offered(pressed: dict[str, Any], expected: tuple[str, str]) -> None:
    control = receive(action(**pressed))
    assert isinstance(control, Control)
    assert (control.action, control.value) == expected
    assert control.place == Place("C1", "1.1", private=False)
    assert control.sender == ASKED
    assert control.key == "slack:action:x.y:9"


def test_a_picker_of_another_kind_is_nothing() -> None:
    assert receive(action(type="users_select", action_id="u", selected_user="U2")) is None
    assert receive({**action(), "actions": []}) is None


def test_a_form_comes_back_with_its_fields_put_together() -> None:
    body = {
        "type": "view_submission",
        "team": {"id": "T1"},
        "user": {"id": "U1"},
        "trigger_id": "t.1",
        "view": {
            "id": "V1",
            "hash": "h",
            "callback_id": "lesson.save",
            "private_metadata": '{"value": "42", "channel": "C1", "thread": "1.1"}',
            "state": {
                "values": {
                    "text#1": {"input": {"type": "plain_text_input", "value": " again"}},
                    "text": {"input": {"type": "plain_text_input", "value": "once"}},
                    "mode": {"input": {"type": "static_select", "selected_option": {"value": "CLASS"}}},
                    "note": {"input": {"type": "plain_text_input", "value": None}},
                }
            },
        },
    }
    assert receive(body) == Control(
        key="slack:form:t.1",
        sender=ASKED,
        place=Place("C1", "1.1", private=False),
        action="lesson.save",
        value="42",
        fields={"text": "once again", "mode": "CLASS", "note": ""},
    )


def test_a_file_comes_with_its_field() -> None:
    sent = {"name": "people.csv", "size": 12, "url_private_download": "http://files.test/people.csv", "id": "F1"}
    view = {
        "callback_id": "roster",
        "state": {"values": {"file": {"input": {"type": "file_input", "files": [sent]}}}},
    }
    control = receive({"type": "view_submission", "team": {"id": "T1"}, "user": {"id": "U1"}, "view": view})
    assert isinstance(control, Control)
    assert control.files == {"file": Attachment("people.csv", "http://files.test/people.csv", 12)}
    assert control.fields == {}


def test_a_form_can_be_made_again_from_what_was_sent() -> None:
    form = Form(
        "New card",
        "card.save",
        (
            Field("front", "Front", "mole"),
            Field("back", "Back", "x" * 4_000, long=True, required=False),
            Field("sure", "Sure", "yes", options=as_shown(("yes", "no"))),
            Field("file", "File", required=False, file=True),
        ),
        "c1",
    )
    view = form_view(form, Place("C1", "1.1", private=False))
    assert Block.parse(view["blocks"][-1]).to_dict()["element"]["type"] == "file_input"  # type: ignore[union-attr]  # it parses
    values: dict[str, Any] = {}
    for block in view["blocks"]:
        element = block["element"]
        state = {"type": element["type"], "value": element.get("initial_value")}
        values[block["block_id"]] = {"input": state | {"selected_option": element.get("initial_option")}}
    assert sent_form({**view, "state": {"values": values}}) == form


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"subtype": "message_deleted", "deleted_ts": "5.5"}, "5.5"),
        ({"subtype": "message_changed", "message": {"subtype": "tombstone", "user": "USLACKBOT", "ts": "5.5"}}, "5.5"),
        ({"subtype": "message_changed", "message": {"user": "U1", "ts": "5.5", "text": "better"}}, None),
    ],
)
def test_a_message_taken_back_is_told_and_an_edit_is_not(change: dict[str, Any], expected: str | None) -> None:
    before = {"user": "U1", "ts": "5.5", "thread_ts": "1.1", "text": "oops"}
    event = {"type": "message", "hidden": True, "channel": "C1", "ts": "9.9", "previous_message": before, **change}
    heard = receive(wrap(**event))
    if expected is None:
        assert heard is None
        return
    assert heard == Deletion(
        key="slack:deletion:C1:5.5", sender=ASKED, place=Place("C1", "1.1", private=False), message_id=expected
    )
    for author in ({"user": "UBOT"}, {"user": "U2", "bot_id": "B2"}, {"user": "USLACKBOT"}, {}):
        assert receive(wrap(**{**event, "previous_message": {"ts": "5.5", **author}})) is None


def test_a_reply_to_somebody_else_is_left_to_them() -> None:
    assert receive(message(text="<@U2> and you?", thread_ts="0.9")) is None
    assert receive(message(text="<!subteam^S2|@tutors> and you?", thread_ts="0.9")) is None
    assert receive(message(text="<!here> come along", thread_ts="0.9")) is None
    assert receive(message(text="<@U2> ask <@UBOT>", thread_ts="0.9")) is not None
    assert receive(message(text="and <@U2>?", thread_ts="0.9")) is not None
    assert receive(message(text="<@U2> said so", channel="D1", channel_type="im")) is not None


@pytest.mark.parametrize("tab", list(Page))
def test_a_page_of_ours_is_visited(tab: Page) -> None:
    body = wrap(type="app_home_opened", user="U1", tab=tab.value, channel="D1", event_ts="3.3")
    assert receive(body) == Visit(key=f"slack:visit:U1:{tab}:3.3", sender=ASKED, place=Place("D1"), page=tab)


def test_a_command_loses_the_installations_prefix_and_may_come_from_an_organisation() -> None:
    form = {"command": "/hr-ask", "user_id": "U1", "channel_id": "D1", "enterprise_id": "E1", "trigger_id": "1"}
    command = receive(form, prefix="hr-")
    assert isinstance(command, Command)
    assert (command.name, command.sender.workspace_id, command.place.private) == ("ask", "E1", True)


def test_places_that_others_read_are_marked() -> None:
    shared = receive({**message(user_team="T9"), "is_ext_shared_channel": True})
    assert shared is not None
    assert shared.place.shared
    stranger = receive({**action(type="button", action_id="go"), "user": {"id": "U9", "team_id": "T9"}})
    assert stranger is not None
    assert stranger.place.shared
    grid = receive({**action(type="button", action_id="go"), "team": None})
    assert grid is not None
    assert not grid.place.shared


@pytest.mark.parametrize("added", [True, False])
def test_a_reaction_keeps_its_skin_tone_and_its_order(added: bool) -> None:
    event = {
        "type": "reaction_added" if added else "reaction_removed",
        "user": "U1",
        "reaction": "+1::skin-tone-4",
        "item_user": "UBOT",
        "item": {"type": "message", "channel": "C1", "ts": "5.5"},
        "event_ts": "1783549383.783769",
    }
    assert receive(wrap(**event)) == Reaction(
        key="slack:reaction:U1:C1:5.5:+1::skin-tone-4:1783549383.783769",
        sender=ASKED,
        place=Place("C1", private=False),
        emoji="+1::skin-tone-4",
        added=added,
        message_id="5.5",
        at=datetime(2026, 7, 8, 22, 23, 3, 783769, tzinfo=UTC),
    )
    assert receive(wrap(**{**event, "user": "UBOT"})) is None
    assert receive(wrap(**{**event, "item_user": "U2"})) is None
    assert receive(wrap(**{**event, "item": {"type": "file", "file": "F1"}})) is None


def test_the_platforms_own_stop_names_the_messages_it_stopped() -> None:
    control = receive(
        wrap(
            type="agent_session_stopped",
            channel="D1",
            user="U1",
            thread_ts="1.1",
            streaming_message_ts=["5.5", "5.6"],
            event_ts="7.7",
        )
    )
    assert isinstance(control, Control)
    assert (control.action, control.value, control.place.thread_id) == ("answer.stop", "5.5 5.6", "1.1")
