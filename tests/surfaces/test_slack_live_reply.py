"""Replies in Slack that are put into other words where they stand."""

from __future__ import annotations

import pytest

from adapters.slack.responder import SHOWN_PRIVATELY
from core.errors import NotPermitted, Unavailable
from core.replies import File, Text, say
from tests.fakes.slack.delivery import Delivery
from tests.fakes.slack_server import Failure, SlackServer
from tests.surfaces.slack_replies import responder_for, said


def upload(slack: SlackServer, channel: str = "C1") -> Delivery:
    """Somebody types a command; return its delivery."""
    return slack.people.command("U1", channel, "/material", "upload")


async def test_in_a_channel_it_stands_in_direct_messages_where_it_can_be_changed(slack: SlackServer) -> None:
    direct = slack.workspace.direct("U1").id
    live = await responder_for(slack, upload(slack)).send_live(say("It waits."))
    assert live is not None
    (post,) = slack.workspace.shown(direct)
    (pointer,) = slack.workspace.private("U1")
    assert (said(post), said(pointer)) == ("It waits.", SHOWN_PRIVATELY)
    await live.change(say("It is ready."))
    assert [said(each) for each in slack.workspace.shown(direct)] == ["It is ready."]
    assert not slack.workspace.shown("C1")


async def test_in_direct_messages_it_stands_where_it_was_asked(slack: SlackServer) -> None:
    direct = slack.workspace.direct("U1").id
    live = await responder_for(slack, upload(slack, direct)).send_live(say("It waits."))
    assert live is not None
    await live.change(say("It is ready."))
    assert [said(each) for each in slack.workspace.shown(direct)] == ["It is ready."]
    assert not slack.workspace.private("U1")


async def test_without_direct_messages_it_is_shown_and_stands(slack: SlackServer) -> None:
    slack.fail("conversations.open", Failure(error="cannot_dm_bot"))
    assert await responder_for(slack, upload(slack)).send_live(say("It waits.")) is None
    assert [said(each) for each in slack.workspace.private("U1")] == ["It waits."]


async def test_what_takes_several_posts_is_shown_and_stands(slack: SlackServer) -> None:
    direct = slack.workspace.direct("U1").id
    reply = say("It waits.", File("notes.md", b"x"), Text("x" * 20_000))
    assert await responder_for(slack, upload(slack, direct)).send_live(reply) is None
    assert len(slack.workspace.shown(direct)) > 1


@pytest.mark.parametrize(
    ("failure", "error"),
    [(Failure(error="message_not_found"), NotPermitted), (Failure(error="token_revoked"), Unavailable)],
)
async def test_why_it_cannot_be_changed_is_told(slack: SlackServer, failure: Failure, error: type[Exception]) -> None:
    live = await responder_for(slack, upload(slack)).send_live(say("It waits."))
    assert live is not None
    slack.fail("chat.update", failure)
    with pytest.raises(error):
        await live.change(say("It is ready."))
