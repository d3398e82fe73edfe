"""Reminders: who is told of what before it is due, once, and who is not any more when it is sent."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, select, text

from core.assignments.due import extend
from core.assignments.models import Assignment
from core.assignments.remind import remind, set_reminders, still_due, wants_reminders
from core.assignments.submit import submit
from core.audit.record import Actor
from core.db import create_engine, create_sessions
from core.enums import NotificationState
from core.errors import NotPermitted
from core.identity.models import AppUser
from core.models import Notification
from tests import factories as make
from tests.integration.grading.room import Room, open_room

NOW = datetime.now(UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
Deed = Callable[[Room, Assignment], Awaitable[object]]


async def reminded(room: Room) -> set[str]:
    """Look at the clock, and return who is to be told, by name."""
    await remind(room.session)
    names = {room.ada.id: "Ada", room.bo.id: "Bo", room.cy.id: "Cy"}
    return {
        names[row.app_user_id] for row in await room.told() if row.app_user_id and row.kind == "assignment.due_soon"
    }


async def is_still_due(room: Room, work: Assignment, who: AppUser, due_at: datetime) -> bool:
    return await still_due(room.session, who.id, work.id, due_at) is not None


def sql(statement: str) -> Deed:
    async def do(room: Room, work: Assignment) -> None:
        values = {"work": work.id, "ada": room.ada.id, "class": room.id}
        used = {name: value for name, value in values.items() if f":{name}" in statement}
        await room.session.execute(text(statement), used)

    return do


async def move(room: Room, work: Assignment, **dates: Any) -> None:
    """Publish a revision with other dates."""
    revision = await make.revision(room.session, work, title="Essay", published=True, **dates)
    work.published_revision_id = revision.id
    await room.session.flush()


async def mark(room: Room, work: Assignment, said: str, *, release: bool) -> None:
    await room.save(work, room.ada, said)
    if release:
        await room.release(work)


async def hand_in(room: Room, work: Assignment) -> None:
    await submit(room.session, Actor.person(room.ada.id, "test"), work.id, body="Mine.")


async def in_hidden_module(room: Room, work: Assignment) -> None:
    work.module_id = (await make.module(room.session, room.class_, published=False)).id
    await room.session.flush()


# What keeps Ada from being reminded of an essay that is due within a day.
NOT_ANY_MORE: dict[str, Deed] = {
    "handed in": hand_in,
    "graded": lambda room, work: mark(room, work, "8", release=True),
    "excused": lambda room, work: mark(room, work, "EX", release=True),
    "unpublished": sql("UPDATE assignments SET published_revision_id = NULL WHERE id = :work"),
    "deleted": sql("UPDATE assignments SET deleted_at = now() WHERE id = :work"),
    "hidden with its module": in_hidden_module,
    "the class is over": sql("UPDATE classes SET deleted_at = now() WHERE id = :class"),
    "she left": sql("UPDATE class_memberships SET deleted_at = now() WHERE app_user_id = :ada"),
    "she teaches now": sql("UPDATE class_memberships SET role = 'TEACHER' WHERE app_user_id = :ada"),
    "she is gone": sql("UPDATE app_users SET deleted_at = now() WHERE id = :ada"),
    "she wants none": lambda room, _: set_reminders(room.session, Actor.person(room.ada.id, "test"), wanted=False),
    "the class wants none": lambda room, _: room.set(reminder_hours=0),
    "the class is told later": lambda room, _: room.set(reminder_hours=2),
    "due later": lambda room, work: move(room, work, due_at=NOW + 3 * DAY),
    "not due any more": lambda room, work: move(room, work, due_at=None),
    "past": lambda room, work: move(room, work, due_at=NOW - HOUR),
    "not open yet": lambda room, work: move(room, work, due_at=NOW + 3 * HOUR, opens_at=NOW + HOUR),
    "more time for her": lambda room, work: extend(
        room.session, room.teacher, room.id, work.id, [room.ada.id], NOW + 9 * DAY
    ),
}


@pytest.mark.parametrize("deed", NOT_ANY_MORE.values(), ids=NOT_ANY_MORE)
async def test_who_need_not_be_reminded_is_not_also_when_it_changes_before_it_is_sent(room: Room, deed: Deed) -> None:
    due_at = NOW + 3 * HOUR
    essay = await room.assignment(due_at=due_at)
    assert await is_still_due(room, essay, room.ada, due_at)
    await deed(room, essay)
    assert not await is_still_due(room, essay, room.ada, due_at)
    assert "Ada" not in await reminded(room)


async def test_each_is_told_once_of_what_is_due_within_a_day(room: Room) -> None:
    essay = await room.assignment(due_at=NOW + 23 * HOUR)
    await room.assignment("Later", due_at=NOW + 25 * HOUR)
    await room.assignment("Whenever")
    await hand_in(room, essay)
    assert await remind(room.session) == 2
    assert await remind(room.session) == 0
    assert await reminded(room) == {"Bo", "Cy"}
    for row in await room.told():
        due_at = datetime.fromisoformat(row.details["due_at"])
        assert (UUID(row.details["assignment"]), due_at, row.class_id) == (essay.id, NOW + 23 * HOUR, room.id)
        row.state = NotificationState.SENT
    await room.set(reminder_hours=26)
    assert await remind(room.session) == 3, "what is told is told again, or what is due later is not"


async def test_what_is_saved_in_a_draft_shows_in_no_reminder(room: Room) -> None:
    essay = await room.assignment(due_at=NOW + HOUR)
    await mark(room, essay, "EX", release=False)
    assert await reminded(room) == {"Ada", "Bo", "Cy"}


async def test_more_time_for_one_is_a_date_of_their_own(room: Room) -> None:
    essay = await room.assignment(due_at=NOW - HOUR, closes_at=NOW - HOUR)
    assert await reminded(room) == set()
    await extend(room.session, room.teacher, room.id, essay.id, [room.bo.id], NOW + 30 * HOUR)
    assert await reminded(room) == set()
    await extend(room.session, room.teacher, room.id, essay.id, [room.bo.id], NOW + 20 * HOUR)
    assert await reminded(room) == {"Bo"}
    work = await still_due(room.session, room.bo.id, essay.id, NOW + 20 * HOUR)
    assert work is not None
    assert (work.title, work.due_at, work.extended) == ("Essay", NOW + 20 * HOUR, True)


async def test_another_date_is_another_reminder_and_the_first_does_not_go_out_any_more(room: Room) -> None:
    essay = await room.assignment(due_at=NOW + 2 * HOUR)
    assert await remind(room.session) == 3
    await move(room, essay, due_at=NOW + 5 * HOUR)
    assert await remind(room.session) == 3
    assert not await is_still_due(room, essay, room.ada, NOW + 2 * HOUR)
    assert await is_still_due(room, essay, room.ada, NOW + 5 * HOUR)
    await move(room, essay, due_at=NOW + 2 * HOUR)
    assert await remind(room.session) == 0


async def test_who_turns_them_on_again_is_told_what_was_not_told(room: Room) -> None:
    ada = Actor.person(room.ada.id, "test")
    await room.assignment(due_at=NOW + 2 * HOUR)
    assert await set_reminders(room.session, ada, wanted=False)
    assert not await set_reminders(room.session, ada, wanted=False)
    assert not await wants_reminders(room.session, room.ada.id)
    assert await reminded(room) == {"Bo", "Cy"}
    assert await set_reminders(room.session, ada, wanted=True)
    assert await reminded(room) == {"Ada", "Bo", "Cy"}
    off, on = sorted(await room.audit("person.reminders"), key=lambda row: bool(row.details["after"]))
    assert (off.entity_id, off.details) == (room.ada.id, {"before": True, "after": False})
    assert (on.entity_id, on.actor_user_id, on.details) == (room.ada.id, room.ada.id, {"before": False, "after": True})


async def test_nobody_turns_them_off_for_nobody(room: Room) -> None:
    with pytest.raises(NotPermitted):
        await set_reminders(room.session, Actor.command_line(), wanted=False)


async def test_any_number_of_clocks_tell_each_once(new_database: Callable[..., Awaitable[str]]) -> None:
    engine = create_engine(await new_database(migrated=True), pool_size=4)
    sessions = create_sessions(engine)
    async with sessions.begin() as session:
        room = await open_room(session)
        for number in range(5):
            await room.assignment(f"Essay {number}", due_at=NOW + HOUR)

    async def tick() -> int:
        async with sessions.begin() as session:
            return await remind(session)

    counts = await asyncio.gather(*(tick() for _ in range(4)))
    async with sessions() as session:
        told = await session.scalar(select(func.count()).select_from(Notification))
        assert await reminded(replace(room, session=session)) == {"Ada", "Bo", "Cy"}
    assert (sum(counts), told) == (15, 15)
    await engine.dispose()
