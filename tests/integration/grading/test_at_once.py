"""Two people at the same time, on two real connections: one follows the other, and nothing is lost or told twice."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from core.assignments.models import Assignment
from core.assignments.submit import submit
from core.audit.models import AuditLog
from core.audit.record import Actor
from core.db import Sessions, create_engine, create_sessions, snapshot
from core.errors import Conflict
from core.grading.grade import GradeEdit, save_grades
from core.grading.gradebook_sheet import GradebookSheet, SheetColumn, SheetRow
from core.grading.import_gradebook import import_gradebook
from core.grading.mark import graded
from core.grading.my_grades import MyGrades, my_grades
from core.grading.plan_release import plan_release
from core.grading.release import release
from core.grading.schedule_release import run_due_release, schedule_release
from core.models import Notification
from tests.integration.grading.room import Room, open_room

Verb = Callable[[Room], Awaitable[Any]]


@dataclass
class School:
    """A database with real transactions, a room and an assignment in it."""

    engine: AsyncEngine
    sessions: Sessions
    room: Room
    essay: Assignment

    async def do(self, verb: Verb) -> Any:
        async with self.sessions.begin() as session:
            return await verb(self._in(session))

    async def one_after_the_other(self, first: Verb, second: Verb) -> Any:
        """Run the second while the first's transaction is open; it waits, and goes on when that is committed."""
        async with self.sessions() as session:
            await first(self._in(session))
            other = asyncio.create_task(self.do(second))
            await self.until_somebody_waits()
            await session.commit()
        return (await asyncio.gather(other, return_exceptions=True))[0]

    def _in(self, session: AsyncSession) -> Room:
        return replace(self.room, session=session)

    async def until_somebody_waits(self) -> None:
        waiting = text(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        async with asyncio.timeout(10), self.engine.connect() as watcher:
            while not await watcher.scalar(waiting):
                await watcher.rollback()

    async def count(self, table: type[Any], **where: Any) -> int:
        async with self.sessions() as session:
            return int(await session.scalar(select(func.count()).select_from(table).filter_by(**where)) or 0)


@pytest.fixture
async def school(new_database: Callable[..., Awaitable[str]]) -> AsyncIterator[School]:
    engine = create_engine(await new_database(migrated=True), pool_size=4)
    sessions = create_sessions(engine)
    async with sessions.begin() as session:
        room = await open_room(session)
        essay = await room.assignment()
    yield School(engine, sessions, room, essay)
    await engine.dispose()


def save(school: School, score: str, **more: Any) -> Verb:
    return lambda room: room.save(school.essay, room.ada, score, **more)


async def test_two_first_grades_keep_the_first_and_refuse_the_second(school: School) -> None:
    outcome = await school.one_after_the_other(
        save(school, "8", expected_version=0), save(school, "9", expected_version=0, by=school.room.second)
    )
    assert isinstance(outcome, Conflict)
    assert outcome.sentence == "Hedy saved 8 for Ada meanwhile, so your 9 was not saved."
    assert await school.count(AuditLog, action="grade.save") == 1


async def test_a_save_during_a_release_is_the_next_draft_and_shows_nothing(school: School) -> None:
    await school.do(save(school, "8"))
    await school.one_after_the_other(lambda room: room.release(school.essay), save(school, "9"))
    assert await school.do(lambda room: room.shown(room.ada)) == {"Essay": "8.00 / 10.00"}


async def test_a_release_waits_for_a_save_and_then_sees_that_it_was_agreed_to_something_else(school: School) -> None:
    await school.do(save(school, "8"))
    chosen = school.room.selection(school.essay)
    plan = await school.do(lambda room: plan_release(room.session, room.teacher, chosen))
    outcome = await school.one_after_the_other(
        save(school, "9"),
        lambda room: release(room.session, room.teacher, chosen, fingerprint=plan.fingerprint),
    )
    assert isinstance(outcome, Conflict)
    assert await school.do(lambda room: room.shown(room.ada)) == {}


async def test_two_releases_of_one_plan_happen_once(school: School) -> None:
    await school.do(save(school, "8"))
    chosen = school.room.selection(school.essay)
    plan = await school.do(lambda room: plan_release(room.session, room.teacher, chosen))

    async def agreed(room: Room) -> Any:
        return await release(room.session, room.teacher, chosen, fingerprint=plan.fingerprint)

    assert (await school.one_after_the_other(agreed, agreed)).released == 0
    assert await school.count(Notification) == 1
    assert await school.count(AuditLog, action="grade.release") == 1


async def test_a_row_that_is_made_after_a_release_has_locked_is_left_for_the_next(
    school: School, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To lock it too, out of order, could wait for somebody who waits for us."""
    await school.do(save(school, "8"))

    async def after_another_save(*given: Any, **more: Any) -> Any:
        await school.do(lambda room: room.save(school.essay, room.bo, "9"))
        return await plan_release(*given, **more)

    monkeypatch.setattr("core.grading.release.plan_release", after_another_save)
    done = await school.do(lambda room: release(room.session, room.teacher, room.selection(school.essay)))
    assert done.released == 1
    assert await school.do(lambda room: room.shown(room.bo)) == {}


async def test_two_clocks_release_once(school: School) -> None:
    await school.do(save(school, "8"))
    chosen = school.room.selection(school.essay)

    async def schedule(room: Room) -> None:
        soon = text("SELECT clock_timestamp() + interval '1 hour'")
        await schedule_release(room.session, room.teacher, chosen, (await room.session.execute(soon)).scalar_one())
        await room.session.execute(text("UPDATE scheduled_actions SET due_at = now() - interval '1 minute'"))

    await school.do(schedule)
    async with school.sessions.begin() as first, school.sessions.begin() as second:
        done = await run_due_release(first)
        assert done is not None
        assert done.release is not None
        assert await run_due_release(second) is None
    assert await school.do(lambda room: run_due_release(room.session)) is None
    assert await school.count(Notification) == 1


async def test_two_bulk_saves_of_the_same_new_rows_do_not_lock_each_other_out(school: School) -> None:
    students = [school.room.ada, school.room.bo, school.room.cy]

    async def bulk(room: Room, order: list[Any], score: str) -> Any:
        edits = [GradeEdit(school.essay.id, each.id, graded(score)) for each in order]
        return await save_grades(room.session, room.teacher, room.id, edits)

    for round_ in range(5):
        await asyncio.gather(
            school.do(lambda room: bulk(room, students, str(round_))),  # noqa: B023  (awaited in this round)
            school.do(lambda room: bulk(room, students[::-1], str(round_ + 1))),  # noqa: B023  (the same)
        )


async def test_two_attempts_of_one_student_have_two_numbers(school: School) -> None:
    actor = Actor.person(school.room.ada.id, "test")
    second = await school.one_after_the_other(
        lambda room: submit(room.session, actor, school.essay.id, body="One."),
        lambda room: submit(room.session, actor, school.essay.id, body="Two."),
    )
    assert second.attempt == 2


async def test_an_import_that_learns_an_id_holds_no_grade_while_it_waits_for_a_release(school: School) -> None:
    await school.do(save(school, "5"))
    file = GradebookSheet(
        (SheetColumn("Essay (77)", "Essay", "77"),), (SheetRow("line 2", ("8",), email=school.room.ada.email),)
    )
    async with school.sessions() as session:
        first = replace(school.room, session=session)
        await session.scalar(select(Assignment.id).with_for_update(read=True))  # as a release begins
        other = asyncio.create_task(school.do(lambda room: import_gradebook(room.session, room.second, room.id, file)))
        await school.until_somebody_waits()
        await first.release(school.essay)
        await session.commit()
    assert len((await other).changes) == 1
    assert await school.do(lambda room: room.shown(room.ada)) == {"Essay": "5.00 / 10.00"}


async def test_a_snapshot_shows_one_state_whatever_is_released_meanwhile(school: School) -> None:
    async def before() -> MyGrades:
        async with snapshot(school.sessions) as session:
            assert (await my_grades(session, school.room.ada.id, school.room.id)).grades == ()
            await school.do(release_all)
            return await my_grades(session, school.room.ada.id, school.room.id)

    async def release_all(room: Room) -> None:
        await room.save(school.essay, room.ada, "5")
        await room.release(school.essay)

    mine = await before()
    assert (mine.grades, mine.overall) == ((), None)
    async with school.sessions() as session:  # which another one borrows as it was
        assert await session.scalar(text("SHOW transaction_isolation")) == "read committed"
        assert len((await my_grades(session, school.room.ada.id, school.room.id)).grades) == 1


async def test_audit_rows_are_in_the_order_in_which_things_were_done(school: School) -> None:
    """The second transaction begins first, and waits."""
    async with school.sessions() as early:
        await early.execute(text("SELECT now()"))
        await school.do(save(school, "8"))
        await replace(school.room, session=early).save(school.essay, school.room.ada, "9")
        await early.commit()
    async with school.sessions() as session:
        rows = await session.scalars(
            select(AuditLog.details).where(AuditLog.action == "grade.save").order_by(AuditLog.created_at)
        )
        assert [each["after"] for each in rows] == ["8", "9"]
