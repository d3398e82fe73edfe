"""Releases: what the dry run says is what happens, once, in one transaction, and can be taken back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, select, update

from core.audit.record import Actor
from core.classes.models import ClassMembership
from core.content.delete import delete
from core.content.kinds import ASSIGNMENT
from core.content.publish import unpublish
from core.enums import ActionState, NotificationState
from core.errors import Conflict, InvalidInput, NotFound, NotPermitted, NotReady
from core.grading.plan_release import LineFate, Selection, plan_release
from core.grading.release import release
from core.grading.retract import HOME_CHANGED
from core.grading.schedule_release import (
    RELEASE_FAILED,
    cancel_release,
    run_due_release,
    schedule_release,
    scheduled_releases,
)
from core.models import Notification, ScheduledAction
from tests import factories as make
from tests.integration.grading.room import Room


async def test_the_dry_run_names_what_changes_and_touches_nothing(room: Room) -> None:
    essay = await room.assignment(points=10)
    await room.save(essay, room.ada, "7")
    await room.save(essay, room.bo, "MI")
    await room.release(essay)
    await room.save(essay, room.ada, "9.5", feedback="Now it is good.")
    plan = await plan_release(room.session, room.teacher, room.selection(essay))
    assert [(line.student, line.fate, str(line.old), str(line.new), line.feedback_changes) for line in plan.lines] == [
        ("Ada", LineFate.CHANGED, "7 / 10", "9.5 / 10", True),
        ("Bo", LineFate.UNCHANGED, "missing", "missing", False),
        ("Cy", LineFate.UNGRADED, "None", "ungraded", False),
    ]
    assert (plan.missing, plan.excused, plan.students) == ((), (), (room.ada.id,))
    assert [(each.low, each.count) for each in plan.distribution if each.count] == [(90, 1)]
    assert await room.shown(room.ada) == {"Essay": "7.00 / 10.00"}


async def test_a_release_copies_audits_and_tells_everybody_once(room: Room) -> None:
    essay, quiz = await room.assignment("Essay"), await room.assignment("Quiz", points=4, weight=3)
    for work in (essay, quiz):
        await room.save(work, room.ada, "3")
    await room.save(quiz, room.bo, "EX", feedback="You were ill.")
    done = await room.release()
    assert (done.released, done.students) == (3, (room.ada.id, room.bo.id))
    assert await room.shown(room.ada) == {"Essay": "3.00 / 10.00", "Quiz": "3.00 / 4.00"}
    assert (await room.seen(room.bo)).grades[0].feedback == "You were ill."
    logged = await room.audit("grade.release")
    assert {row.entity_id for row in logged} == {line.row_id for line in done.plan.changes}
    assert len(logged) == 3
    assert {(row.actor_user_id, row.class_id, row.request_id) for row in logged} == {
        (room.teacher.user_id, room.id, room.teacher.request_id)
    }
    assert {row.details["after"]["weight"] for row in logged} == {1, 3}
    told = {each.app_user_id: each for each in await room.told()}
    assert told.keys() == {room.ada.id, room.bo.id}
    assert len(told[room.ada.id].details["grades"]) == 2
    assert "ill" not in str(told[room.bo.id].details)
    again = await room.release()
    assert (again.released, len(await room.told()), len(await room.audit("grade.release"))) == (0, 2, 3)


async def test_a_plan_that_has_changed_is_not_carried_out(room: Room) -> None:
    essay = await room.assignment()
    await room.save(essay, room.ada, "7")
    chosen = room.selection(essay)
    plan = await plan_release(room.session, room.teacher, chosen)
    await room.save(essay, room.ada, "8", by=room.second)
    with pytest.raises(Conflict) as refused:
        await release(room.session, room.teacher, chosen, fingerprint=plan.fingerprint)
    fresh: Any = refused.value.data["plan"]
    assert [str(line.new.mark) for line in fresh.changes] == ["8"]
    assert await room.shown(room.ada) == {}
    await release(room.session, room.teacher, chosen, fingerprint=fresh.fingerprint)
    # Nor is one of which points, feedback or what is live have changed.
    await make.revision(room.session, essay, title="Essay", published=True, points=Decimal(20))
    more = await plan_release(room.session, room.teacher, chosen)
    assert [f"{line.old} → {line.new}" for line in more.changes] == ["8 / 10 → 8 / 20"]
    await room.save(essay, room.ada, feedback="Well.")
    with pytest.raises(Conflict):
        await release(room.session, room.teacher, chosen, fingerprint=more.fingerprint)


async def test_by_section_and_by_person(room: Room) -> None:
    essay = await room.assignment()
    for student in (room.ada, room.bo, room.cy):
        await room.save(essay, student, "5")
    await room.release(essay, section="b")
    assert [len(await room.shown(each)) for each in (room.ada, room.bo, room.cy)] == [0, 1, 1]
    await room.retract(essay, student=room.cy)
    await room.release(essay, student=room.ada)
    assert [len(await room.shown(each)) for each in (room.ada, room.bo, room.cy)] == [1, 1, 0]
    with pytest.raises(NotFound):
        await plan_release(room.session, room.teacher, room.selection(essay, section="C"))


async def test_republishing_moves_no_released_number(room: Room) -> None:
    essay = await room.assignment(points=10, weight=1)
    quiz = await room.assignment("Quiz", points=10)
    await room.save(essay, room.ada, "5")
    await room.save(quiz, room.ada, "10")
    await room.release()
    before = await room.seen(room.ada)
    await make.revision(room.session, essay, title="Essay", published=True, points=Decimal(100), weight=Decimal(9))
    assert await room.seen(room.ada) == before
    assert before.overall is not None
    assert before.overall.percent == 75


async def test_retracting_hides_everything_and_keeps_the_draft(room: Room) -> None:
    essay, quiz = await room.assignment("Essay"), await room.assignment("Quiz")
    for work in (essay, quiz):
        await room.save(work, room.ada, "5", feedback="Secret again.")
        await room.release(work)
    first, _ = sorted(await room.told(), key=lambda each: each.created_at)
    shown = next(each for each in await room.told() if str(each.details["grades"]) != str(first.details["grades"]))
    done = await room.retract(essay)
    assert (done.retracted, done.students) == (1, (room.ada.id,))
    assert await room.shown(room.ada) == {"Quiz": "5.00 / 10.00"}
    assert len(await room.audit("grade.retract")) == 1
    assert [each.id for each in await room.told()] == [shown.id]  # nobody is told of the essay any more
    draft = await room.save(essay, room.ada, "5")
    assert (draft.feedback, draft.version) == ("Secret again.", 1)
    assert (await room.retract(essay)).retracted == 0
    await room.release(essay)  # and she is told again
    assert len(await room.told()) == 2


async def test_what_was_told_already_is_to_be_taken_away(room: Room) -> None:
    essay = await room.assignment()
    await room.save(essay, room.ada, "5")
    await room.release(essay)
    sent = (await room.told())[0]
    await room.session.execute(update(Notification).values(state=NotificationState.SENT))
    await room.retract(essay)
    kinds = {each.kind: each for each in await room.told()}
    assert kinds.keys() == {"grades.released", "grades.retracted"}
    assert kinds["grades.retracted"].details == {"notification_id": str(sent.id)}


async def test_it_says_what_can_be_removed_and_has_everybodys_page_shown_anew(room: Room) -> None:
    essay = await room.assignment()
    for student in (room.ada, room.bo, room.cy):
        await room.save(essay, student, "5")
    await room.release(essay)
    by_message, on_a_visit, _ = await room.told()
    by_message.state, by_message.message_id = NotificationState.SENT, "1.2"
    on_a_visit.state = NotificationState.SENT
    await room.session.flush()
    done = await room.retract(essay)
    assert (done.retracted, done.messages, done.read) == (3, 1, 1)
    pages = await room.session.scalars(select(Notification.app_user_id).where(Notification.kind == HOME_CHANGED))
    assert set(pages) == {room.ada.id, room.bo.id, room.cy.id}


async def test_a_released_grade_that_is_blanked_is_released_as_blank(room: Room) -> None:
    essay = await room.assignment()
    await room.save(essay, room.ada, "5")
    await room.release(essay)
    await room.save(essay, room.ada, "ungraded")
    assert await room.overall(room.ada) == 50
    await room.release(essay)
    assert (await room.shown(room.ada), await room.overall(room.ada)) == ({"Essay": "UNGRADED"}, None)


async def test_only_teachers_release_and_only_what_can_be_seen(room: Room) -> None:
    essay, hidden = await room.assignment(), await room.assignment("Hidden", published=False)
    await room.save(hidden, room.ada, "5")
    for verb in (plan_release, release):
        with pytest.raises(NotPermitted):
            await verb(room.session, Actor.person(room.ada.id, "test"), room.selection(essay))
        with pytest.raises(NotReady, match="publish it first"):
            await verb(room.session, room.teacher, room.selection(hidden))
    elsewhere = await make.assignment(room.session, await make.class_(room.session))
    with pytest.raises(NotReady):
        await plan_release(room.session, room.teacher, room.selection(elsewhere))
    assert (await room.release()).released == 0  # the class's release leaves the hidden one out


async def test_what_is_unpublished_or_deleted_leaves_what_students_see(room: Room) -> None:
    works = [await room.assignment(title) for title in ("One", "Two", "Three")]
    for work, score in zip(works, ("2", "4", "9"), strict=True):
        await room.save(work, room.ada, score)
    await room.release()
    assert await room.overall(room.ada) == 50
    await unpublish(room.session, room.teacher, ASSIGNMENT, works[0].id)
    assert await room.overall(room.ada) == 65
    await delete(room.session, room.teacher, ASSIGNMENT, works[1].id)
    assert await room.overall(room.ada) == 90
    assert await room.shown(room.ada) == {"Three": "9.00 / 10.00"}


class TestSchedules:
    async def test_a_release_happens_at_its_moment_with_the_drafts_of_then(self, room: Room) -> None:
        essay = await room.assignment()
        await room.save(essay, room.ada, "5")
        action = await schedule_release(room.session, room.teacher, room.selection(essay), soon())
        assert await run_due_release(room.session) is None
        await room.save(essay, room.ada, "6")
        await let_it_be_due(room, action)
        done = await run_due_release(room.session)
        assert done is not None
        assert done.release is not None
        assert done.release.released == 1
        assert await room.shown(room.ada) == {"Essay": "6.00 / 10.00"}
        assert await run_due_release(room.session) is None
        assert await scheduled_releases(room.session, room.teacher, room.id) == []
        assert [row.actor_kind for row in await room.audit("grade.release")] == ["SYSTEM"]

    async def test_one_that_can_not_be_done_is_tried_again(self, room: Room) -> None:
        essay = await room.assignment()
        await room.save(essay, room.ada, "5")
        action = await schedule_release(room.session, room.teacher, room.selection(essay), soon())
        await unpublish(room.session, room.teacher, ASSIGNMENT, essay.id)
        await let_it_be_due(room, action)
        done = await run_due_release(room.session)
        assert done is not None
        assert "publish it first" in done.error
        assert await run_due_release(room.session) is None  # not before its wait is over
        held = await room.session.get_one(ScheduledAction, action, populate_existing=True)
        assert (held.state, held.attempts) == (ActionState.PENDING, 1)
        assert held.retry_at is not None
        await make.revision(room.session, essay, published=True)
        await let_it_be_due(room, action)
        assert await run_due_release(room.session) is not None
        assert len(await room.shown(room.ada)) == 1

    async def test_one_that_can_not_be_done_for_an_hour_is_given_up(self, room: Room) -> None:
        essay = await room.assignment()
        await room.save(essay, room.ada, "5")
        action = await schedule_release(room.session, room.teacher, room.selection(essay), soon())
        await unpublish(room.session, room.teacher, ASSIGNMENT, essay.id)
        await let_it_be_due(room, action)
        await run_due_release(room.session)
        (waiting,) = await scheduled_releases(room.session, room.second, room.id)
        assert ("publish it first" in waiting.error, waiting.given_up) == (True, False)
        await make.revision(room.session, essay, published=True)
        await let_it_be_due(room, action, timedelta(minutes=61))
        done = await run_due_release(room.session)
        assert done is not None
        assert done.release is None
        assert await room.shown(room.ada) == {}
        assert await run_due_release(room.session) is None
        (given_up,) = await scheduled_releases(room.session, room.second, room.id)
        assert ("publish it first" in given_up.error, given_up.given_up) == (True, True)
        told = [each for each in await room.told() if each.kind == RELEASE_FAILED]
        assert {each.app_user_id for each in told} == {room.teacher.user_id, room.second.user_id}
        assert len(told) == 2
        await schedule_release(room.session, room.teacher, room.selection(essay), soon())  # anew

    async def test_what_no_clock_was_there_for_is_caught_up_on(self, room: Room) -> None:
        essay = await room.assignment()
        await room.save(essay, room.ada, "5")
        action = await schedule_release(room.session, room.teacher, room.selection(essay), soon())
        await let_it_be_due(room, action, timedelta(hours=9))
        await run_due_release(room.session)
        assert len(await room.shown(room.ada)) == 1

    async def test_it_is_not_done_for_somebody_who_teaches_no_more(self, room: Room) -> None:
        essay = await room.assignment()
        await room.save(essay, room.ada, "5")
        action = await schedule_release(room.session, room.teacher, room.selection(essay), soon())
        await room.session.execute(
            update(ClassMembership)
            .where(ClassMembership.app_user_id == room.teacher.user_id)
            .values(deleted_at=func.now())
        )
        await let_it_be_due(room, action)
        done = await run_due_release(room.session)
        assert done is not None
        assert "does not teach this class any more" in done.error
        assert await room.shown(room.ada) == {}
        (told,) = [each for each in await room.told() if each.kind == RELEASE_FAILED]
        assert told.app_user_id == room.second.user_id

    async def test_each_selection_has_its_own_moment(self, room: Room) -> None:
        essay, quiz = await room.assignment("Essay"), await room.assignment("Quiz")
        chosen = [
            room.selection(essay, section="A"),
            room.selection(quiz, section="B"),
            room.selection(section="B"),
            room.selection(quiz, student=room.bo),
            room.selection(),
        ]
        for each in chosen:
            await schedule_release(room.session, room.teacher, each, soon())
        for again in (*chosen[:-2], room.selection(essay, section="a")):
            with pytest.raises(Conflict):
                await schedule_release(room.session, room.teacher, again, soon())
        assert len(await scheduled_releases(room.session, room.teacher, room.id)) == len(chosen)

    async def test_one_moment_each_and_it_can_be_called_off(self, room: Room) -> None:
        essay = await room.assignment()
        chosen = room.selection(essay)
        action = await schedule_release(room.session, room.teacher, chosen, soon())
        with pytest.raises(Conflict):
            await schedule_release(room.session, room.teacher, chosen, soon())
        whole = Selection(room.id, section="B")
        await schedule_release(room.session, room.teacher, whole, soon())
        planned = await scheduled_releases(room.session, room.teacher, room.id)
        assert [each.selection for each in planned] == [chosen, whole]
        with pytest.raises(NotPermitted):
            await cancel_release(room.session, Actor.person(room.ada.id, "test"), action)
        await cancel_release(room.session, room.second, action)
        with pytest.raises(NotFound):
            await cancel_release(room.session, room.second, action)
        await let_it_be_due(room, action)
        assert await run_due_release(room.session) is None
        with pytest.raises(InvalidInput):
            await schedule_release(room.session, room.teacher, chosen, datetime.now(UTC) - timedelta(hours=1))


def soon() -> datetime:
    return datetime.now(UTC) + timedelta(hours=1)


async def let_it_be_due(room: Room, action: UUID, ago: timedelta = timedelta(minutes=1)) -> None:
    assert await room.session.scalar(select(ScheduledAction.id).where(ScheduledAction.id == action))
    past = datetime.now(UTC) - ago
    await room.session.execute(
        update(ScheduledAction).where(ScheduledAction.id == action).values(due_at=past, retry_at=None)
    )
