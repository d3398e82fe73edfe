"""Reminders on their way: one for each, whoever dies over it, and none where there is nothing to do any more."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import text

from bot.clock import remind_of_what_is_due
from core.assignments.remind import set_reminders
from core.assignments.submit import submit
from core.audit.record import Actor
from core.enums import Platform
from core.inbox.notify import DUE_SOON
from tests.fakes.slack_server import Failure, SlackServer
from tests.surfaces.notices import Room, open_room
from tests.surfaces.slack_posts import all_text
from tests.surfaces.test_notifications import slack_class, slack_notices, visit

SOON = timedelta(hours=3)


@pytest.fixture
async def in_slack(slack: SlackServer, database: str, tmp_path: Path) -> AsyncIterator[Room]:
    slack.workspace.subscribed = frozenset()
    async with open_room(database, tmp_path, slack=slack) as room:
        yield room


async def due_in(room: Room, time: timedelta) -> None:
    """Set the date of what is published, which the database lets nobody change."""
    async with room.app.sessions.begin() as session:
        await session.execute(text("ALTER TABLE assignment_revisions DISABLE TRIGGER USER"))
        statement = "UPDATE assignment_revisions SET due_at = :moment WHERE assignment_id = :id"
        await session.execute(text(statement), {"moment": datetime.now(UTC) + time, "id": room.work.id})
        await session.execute(text("ALTER TABLE assignment_revisions ENABLE TRIGGER USER"))


async def hand_in(room: Room, user: str) -> None:
    async with room.app.sessions.begin() as session:
        await submit(session, Actor.person(room.students[user], "test"), room.work.id, body="Mine.")


async def test_each_is_told_once_with_several_clocks_and_a_sender_that_dies(slack: SlackServer, in_slack: Room) -> None:
    users = await slack_class(in_slack, slack, 12)
    await due_in(in_slack, SOON)
    await asyncio.gather(*(remind_of_what_is_due(in_slack.app) for _ in range(3)))
    slack.fail("chat.postMessage", *[Failure(hang=60)] * 4, Failure(status=429))
    async with in_slack.killed_when(lambda: sum(slack_notices(slack).values()) >= 6, slack.until):
        pass
    await remind_of_what_is_due(in_slack.app)
    await in_slack.send_all(notifiers=2)
    await remind_of_what_is_due(in_slack.app)
    assert slack_notices(slack) == {f"D{user[1:]}": 1 for user in users}
    assert await in_slack.states(DUE_SOON) == {"SENT": 12}
    (said,) = slack.workspace.shown("D100")
    assert "“Observe the Moon” in The Night Sky is due" in all_text(said)
    assert "No more reminders" in all_text(said)


async def test_a_date_is_in_the_time_zone_of_who_reads_it(slack: SlackServer, in_slack: Room) -> None:
    await slack_class(in_slack, slack, 1)
    await in_slack.execute("UPDATE app_users SET time_zone = 'Asia/Tokyo' WHERE name = 'Student U100'")
    await due_in(in_slack, SOON)
    (row,) = await in_slack.rows("SELECT due_at FROM published_assignments WHERE id = :id", id=in_slack.work.id)
    await remind_of_what_is_due(in_slack.app)
    await in_slack.send_all()
    expected = f"{row.due_at.astimezone(ZoneInfo('Asia/Tokyo')):%H:%M} JST"
    assert expected in all_text(slack.workspace.shown("D100")[0])


async def test_what_changed_before_it_is_sent_counts(slack: SlackServer, in_slack: Room) -> None:
    await slack_class(in_slack, slack, 3)
    await due_in(in_slack, SOON)
    await remind_of_what_is_due(in_slack.app)
    await hand_in(in_slack, "U100")
    async with in_slack.app.sessions.begin() as session:
        await set_reminders(session, Actor.person(in_slack.students["U101"], "test"), wanted=False)
    await in_slack.send_all()
    assert slack_notices(slack) == {"D102": 1}
    await due_in(in_slack, 2 * SOON)
    await remind_of_what_is_due(in_slack.app)
    await in_slack.send_all()
    assert slack_notices(slack) == {"D102": 2}, "another date is another reminder"


async def test_what_was_sent_too_late_is_not_sent_after_all(slack: SlackServer, in_slack: Room) -> None:
    await slack_class(in_slack, slack, 1)
    await due_in(in_slack, SOON)
    await remind_of_what_is_due(in_slack.app)
    await due_in(in_slack, -SOON)
    await remind_of_what_is_due(in_slack.app)
    await in_slack.send_all()
    assert slack_notices(slack) == {}
    assert await in_slack.states(DUE_SOON) == {}


async def test_who_handed_in_while_a_sender_died_over_it_finds_no_reminder(slack: SlackServer, in_slack: Room) -> None:
    await slack_class(in_slack, slack, 1)
    await due_in(in_slack, SOON)
    await remind_of_what_is_due(in_slack.app)
    slack.fail("chat.postMessage", Failure(hang=60))
    async with in_slack.killed_when(lambda: bool(slack_notices(slack)), slack.until):
        pass
    await hand_in(in_slack, "U100")
    await in_slack.send_all()
    assert slack_notices(slack) == {}


async def test_who_could_not_be_told_sees_it_when_they_come_unless_it_is_too_late(
    slack: SlackServer, in_slack: Room
) -> None:
    await slack_class(in_slack, slack, 2)
    del slack.workspace.people["U100"], slack.workspace.people["U101"]
    await due_in(in_slack, SOON)
    await remind_of_what_is_due(in_slack.app)
    await in_slack.send_all()
    assert await in_slack.states(DUE_SOON) == {"FAILED": 2}
    assert ["is due" in reply.text() for reply in await visit(in_slack, "U100")] == [False, True]
    await due_in(in_slack, -SOON)
    assert ["is due" in reply.text() for reply in await visit(in_slack, "U101")] == [False]


async def test_at_the_terminal_it_waits_for_its_person(slack: SlackServer, in_slack: Room) -> None:
    await slack_class(in_slack, slack, 1)
    await due_in(in_slack, SOON)
    await remind_of_what_is_due(in_slack.app)
    (row,) = await in_slack.rows("SELECT email FROM app_users WHERE name = 'Student U100'")
    first, again = [await visit(in_slack, row.email, Platform.TERMINAL) for _ in range(2)]
    assert ["is due" in reply.text() for reply in first] == [False, True]
    assert ["is due" in reply.text() for reply in again] == [False]
