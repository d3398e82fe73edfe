"""The inbox: stored once, held by a lease, taken up when its process died, put off until somebody is known."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from core.classes.models import ChannelBinding
from core.db import Sessions, create_engine, create_sessions
from core.enums import Platform
from core.events import Attachment, Command, Control, Deletion, Event, Message, Page, Place, Reaction, Sender, Visit
from core.identity.models import Workspace
from core.inbox.data import as_data, from_data
from core.inbox.read_back import LOOK_BACK, Spot, close_gap, last_heard, note_gap, places_to_read
from core.inbox.store import (
    ATTEMPTS,
    drop_waiting,
    finish_event,
    forget_events,
    let_wait,
    release_waiting,
    renew_leases,
    store_event,
    take_events,
)
from core.inbox.tell_apart import key_of_change
from tests import factories as make

ADA = Sender(Platform.SLACK, "U1", "T1")
DAN = Sender(Platform.DISCORD, "11", "7")
PLACE = Place("C1", "1.1", private=False, shared=True)
ROUTE = {"channel": "C1"}
QUESTION = Message(key="k1", sender=ADA, place=PLACE, text="Why?", message_id="1.1")


@pytest.fixture
async def sessions(new_database: Callable[..., Awaitable[str]]) -> AsyncIterator[Sessions]:
    """Yield sessions whose statements commit one by one, as the inbox's do."""
    engine = create_engine(await new_database(migrated=True))
    yield create_sessions(engine)
    await engine.dispose()


async def _change(sessions: Sessions, assignments: str) -> None:
    async with sessions.begin() as session:
        await session.execute(text(f"UPDATE inbox_events SET {assignments}"))


async def _row(sessions: Sessions, event_id: UUID) -> Any:
    async with sessions() as session:
        return (await session.execute(text("SELECT * FROM inbox_events WHERE id = :id"), {"id": event_id})).one()


async def _reacts(sessions: Sessions, *, added: bool) -> str | None:
    key = await key_of_change(sessions, Platform.DISCORD, "reaction:11:51:👎", added=added)
    if key is not None:
        event = Reaction(key=key, sender=DAN, place=PLACE, emoji="👎", added=added, message_id="51")
        stored = await store_event(sessions, event, ROUTE)
        assert stored is not None
        await finish_event(sessions, stored.id)
    return key


async def test_a_reaction_that_is_told_again_is_kept_once_and_every_change_of_it(sessions: Sessions) -> None:
    first, again = await _reacts(sessions, added=True), await _reacts(sessions, added=True)
    off, on = await _reacts(sessions, added=False), await _reacts(sessions, added=True)
    assert again is None
    assert len({first, off, on, None}) == 4
    of_another = await key_of_change(sessions, Platform.DISCORD, "reaction:12:51:👎", added=True)
    assert of_another is not None
    at_once = {await key_of_change(sessions, Platform.DISCORD, "reaction:11:51:👎", added=False) for _ in range(2)}
    assert len(at_once) == 1, "two processes that hear of it at once store one event"


async def test_what_is_reacted_again_long_after_may_follow_what_nobody_heard(sessions: Sessions) -> None:
    first = await _reacts(sessions, added=True)
    await _change(sessions, "created_at = created_at - interval '11 minutes'")
    assert await _reacts(sessions, added=True) not in (None, first)


@pytest.mark.parametrize(
    "event",
    [
        QUESTION,
        Command(key="k", sender=ADA, place=PLACE, name="ask", text="x", options={"a": "b"}),
        Control(key="k", sender=ADA, place=PLACE, action="a", fields={"f": "x"}, files={"f": Attachment("n", "r", 3)}),
        Reaction(
            key="k",
            sender=ADA,
            place=PLACE,
            emoji="+1",
            added=True,
            message_id="1.2",
            at=datetime(2026, 1, 2, tzinfo=UTC),
        ),
        Deletion(key="k", sender=ADA, place=PLACE, message_id="1.2"),
        Visit(key="k", sender=ADA, place=PLACE, page=Page.HOME),
    ],
)
def test_every_kind_of_event_is_read_back_as_it_was(event: Event) -> None:
    assert from_data(as_data(event)) == event


async def test_an_event_is_stored_once_and_forgotten_when_it_is_done(sessions: Sessions) -> None:
    stored = await store_event(sessions, QUESTION, ROUTE)
    assert stored is not None
    assert (stored.event, stored.attempts) == (QUESTION, 1)
    assert await store_event(sessions, dataclasses.replace(QUESTION, text="Another delivery"), ROUTE) is None
    elsewhere = dataclasses.replace(QUESTION, sender=Sender(Platform.DISCORD, "U1", "T1"))
    assert await store_event(sessions, elsewhere, ROUTE) is not None
    await finish_event(sessions, stored.id)
    row = await _row(sessions, stored.id)
    assert (row.state, row.event, row.route) == ("DONE", {}, {})
    assert await store_event(sessions, QUESTION, ROUTE) is None


async def test_an_event_whose_holder_died_is_taken_up_a_few_times(sessions: Sessions) -> None:
    stored = await store_event(sessions, QUESTION, ROUTE)
    assert stored is not None
    assert await take_events(sessions, Platform.SLACK) == []
    for attempt in range(2, ATTEMPTS + 1):
        await _change(sessions, "lease_until = now() - interval '1 second'")
        assert await take_events(sessions, Platform.DISCORD) == []
        (taken,) = await take_events(sessions, Platform.SLACK)
        assert (taken.id, taken.event, taken.route, taken.attempts) == (stored.id, QUESTION, ROUTE, attempt)
        assert await take_events(sessions, Platform.SLACK) == []
    await _change(sessions, "lease_until = now() - interval '1 second'")
    (given_up,) = await take_events(sessions, Platform.SLACK)
    assert (given_up.event, given_up.given_up) == (QUESTION, True)
    assert await take_events(sessions, Platform.SLACK) == []
    await finish_event(sessions, stored.id)
    row = await _row(sessions, stored.id)
    assert (row.state, row.event) == ("FAILED", {})


async def test_a_renewed_lease_holds(sessions: Sessions) -> None:
    stored = await store_event(sessions, QUESTION, ROUTE)
    assert stored is not None
    await _change(sessions, "lease_until = now() - interval '1 second'")
    await renew_leases(sessions, [stored.id])
    assert await take_events(sessions, Platform.SLACK) == []


async def test_a_reply_in_a_thread_is_stored_only_where_the_bot_takes_part(sessions: Sessions) -> None:
    overheard = dataclasses.replace(QUESTION, addressed=False)
    assert await store_event(sessions, overheard, ROUTE) is None
    async with sessions.begin() as session:
        await session.execute(
            text(
                """
                WITH person AS (INSERT INTO app_users (email, name) VALUES ('a@b.c', 'A') RETURNING id),
                chat AS (INSERT INTO chats (app_user_id, source_mode) SELECT id, 'CLASS' FROM person RETURNING id),
                said AS (
                    INSERT INTO chat_messages (chat_id, role, source_mode, status)
                    SELECT id, 'ASSISTANT', 'CLASS', 'COMPLETED' FROM chat RETURNING id
                )
                INSERT INTO message_deliveries (chat_message_id, platform, channel_id, thread_id, message_id)
                SELECT id, 'SLACK', 'C1', '1.1', '1.2' FROM said
                """
            )
        )
    assert await store_event(sessions, overheard, ROUTE) is not None
    elsewhere = dataclasses.replace(overheard, key="k2", place=dataclasses.replace(PLACE, thread_id="9.9"))
    assert await store_event(sessions, elsewhere, ROUTE) is None


@pytest.fixture
async def workspace(sessions: Sessions) -> UUID:
    async with sessions.begin() as session:
        return (await make.add(session, Workspace(platform=Platform.SLACK, external_id="T1"))).id


async def test_the_last_question_waits_for_its_sender(sessions: Sessions, workspace: UUID) -> None:
    first = await store_event(sessions, QUESTION, ROUTE)
    second = await store_event(sessions, dataclasses.replace(QUESTION, key="k2", text="And why?"), ROUTE)
    assert first is not None
    assert second is not None
    for stored in (first, second):
        async with sessions.begin() as session:
            await let_wait(session, stored.id, ADA)
    assert await take_events(sessions, Platform.SLACK) == []
    async with sessions.begin() as session:
        await release_waiting(session, workspace, "U2")
    assert await take_events(sessions, Platform.SLACK) == []
    async with sessions.begin() as session:
        await release_waiting(session, workspace, ADA.user_id)
    (taken,) = await take_events(sessions, Platform.SLACK)
    # It is served for the first time, as far as anybody saw.
    assert (taken.id, taken.attempts) == (second.id, 1)
    assert (await _row(sessions, first.id)).state == "DONE"


async def test_a_waiting_question_that_is_taken_back_is_dropped(sessions: Sessions, workspace: UUID) -> None:
    stored = await store_event(sessions, QUESTION, ROUTE)
    assert stored is not None
    async with sessions.begin() as session:
        await let_wait(session, stored.id, ADA)
        await drop_waiting(session, Platform.SLACK, "C1", "9.9")
    assert (await _row(sessions, stored.id)).state == "RECEIVED"
    async with sessions.begin() as session:
        await drop_waiting(session, Platform.SLACK, "C1", "1.1")
        await release_waiting(session, workspace, ADA.user_id)
    assert await take_events(sessions, Platform.SLACK) == []


async def test_what_is_old_goes(sessions: Sessions) -> None:
    done = await store_event(sessions, QUESTION, ROUTE)
    working = await store_event(sessions, dataclasses.replace(QUESTION, key="k2"), ROUTE)
    waiting = await store_event(sessions, dataclasses.replace(QUESTION, key="k3"), ROUTE)
    assert done is not None
    assert working is not None
    assert waiting is not None
    await finish_event(sessions, done.id)
    async with sessions.begin() as session:
        await let_wait(session, waiting.id, ADA)
        await forget_events(session)
    assert (await _row(sessions, done.id)).state == "DONE"
    await _change(sessions, "created_at = now() - interval '3 days', waits_until = waits_until - interval '2 days'")
    async with sessions.begin() as session:
        await forget_events(session)
        left = list(await session.scalars(text("SELECT id FROM inbox_events")))
    assert left == [working.id]


async def test_channels_of_classes_are_read_back_before_the_latest_of_many_threads(
    sessions: Sessions, workspace: UUID
) -> None:
    async with sessions.begin() as session:
        physics = await make.class_(session)
        bound = ("C7", "C8", "C9")
        for channel in bound:
            await make.add(session, ChannelBinding(workspace_id=workspace, channel_id=channel, class_id=physics.id))
        await session.execute(
            text(
                """
                WITH person AS (INSERT INTO app_users (email, name) VALUES ('a@b.c', 'A') RETURNING id),
                chat AS (INSERT INTO chats (app_user_id, source_mode) SELECT id, 'CLASS' FROM person RETURNING id),
                said AS (
                    INSERT INTO chat_messages (chat_id, role, source_mode, status)
                    SELECT id, 'ASSISTANT', 'CLASS', 'COMPLETED' FROM chat RETURNING id
                )
                INSERT INTO message_deliveries
                    (chat_message_id, platform, workspace_id, channel_id, thread_id, part, created_at)
                SELECT id, 'SLACK', :workspace, 'C7', t::text, t, now() - t % 10 * interval '1 day' - t * interval '1s'
                FROM said, generate_series(1, 40) t
                """
            ),
            {"workspace": workspace},
        )
    async with sessions() as session:
        spots = await places_to_read(session, Platform.SLACK, most=5)
        assert await places_to_read(session, Platform.DISCORD) == []
    assert {spot.channel_id for spot in spots if spot.bound} == set(bound)
    assert spots[3:] == [Spot("T1", "C7", thread, bound=False) for thread in ("10", "20", "30", "40", "1")]


async def test_a_gap_is_looked_for_since_the_last_event_or_one_that_was_not_read_back(sessions: Sessions) -> None:
    async def heard() -> timedelta:
        async with sessions() as session:
            return datetime.now(UTC) - await last_heard(session, Platform.SLACK)

    async def ago(hours: int) -> None:
        async with sessions.begin() as session:
            await note_gap(session, Platform.SLACK, datetime.now(UTC) - timedelta(hours=hours))

    minute = timedelta(minutes=1)
    assert abs(await heard() - LOOK_BACK) < minute, "nothing was ever heard, or all of it is forgotten"
    await store_event(sessions, QUESTION, ROUTE)
    assert await heard() < minute
    await _change(sessions, "created_at = now() - interval '2 hours'")
    assert abs(await heard() - timedelta(hours=2)) < minute
    await _change(sessions, "created_at = now() - interval '7 hours'")
    assert abs(await heard() - LOOK_BACK) < minute, "a silence longer than is worth looking back to"
    await store_event(sessions, dataclasses.replace(QUESTION, key="k2"), ROUTE)
    await ago(3)
    await ago(1)
    assert abs(await heard() - timedelta(hours=3)) < minute, "of two gaps the longer one"
    assert await take_events(sessions, Platform.SLACK) == [], "a gap is served by nobody"
    await ago(9)
    assert abs(await heard() - LOOK_BACK) < minute
    async with sessions.begin() as session:
        await close_gap(session, Platform.SLACK)
    assert await heard() < minute
