"""Handing in: attempts, lateness, extensions, and the queue of what is to be graded."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from core.assignments.due import MyAssignment, WorkState, attempts_of, extend, my_assignments
from core.assignments.models import Assignment
from core.assignments.queue import next_to_grade, queue_counts
from core.assignments.submit import HandedFile, Receipt, submit
from core.audit.record import Actor
from core.errors import InvalidInput, NotFound, NotPermitted, NotReady
from core.identity.models import AppUser
from tests import factories as make
from tests.integration.grading.room import Room, hide

NOW = datetime.now(UTC)
HOUR = timedelta(hours=1)


async def hand_in(
    room: Room, work: Assignment, who: AppUser, body: str = "My work.", *, at: datetime | None = None
) -> Receipt:
    return await submit(room.session, Actor.person(who.id, "test"), work.id, body=body, at=at)


async def mine(room: Room, who: AppUser) -> list[MyAssignment]:
    return await my_assignments(room.session, who.id, room.id)


async def test_attempts_are_kept_and_the_receipt_says_what_was_handed_in(room: Room) -> None:
    essay = await room.assignment(due_at=NOW + HOUR)
    first = await hand_in(room, essay, room.ada)
    file = HandedFile("submissions/1", "two\nlines.pdf", "application/pdf", 5)
    second = await submit(room.session, Actor.person(room.ada.id, "test"), essay.id, files=[file])
    assert (first.attempt, first.late, first.characters, first.title) == (1, False, 8, "Essay")
    assert (second.attempt, second.files, second.due_at) == (2, ("two lines.pdf",), NOW + HOUR)
    assert (await hand_in(room, essay, room.bo)).attempt == 1
    kept = await attempts_of(room.session, room.ada.id, essay.id)
    assert [(each.attempt, each.body) for each in kept] == [(2, ""), (1, "My work.")]
    assert kept[0].files[0]["storage_key"] == "submissions/1"
    logged = await room.audit("submission.create")
    assert len(logged) == 3
    assert "My work" not in str([row.details for row in logged])


async def test_what_comes_after_the_due_date_is_late_by_the_platforms_clock(room: Room) -> None:
    essay = await room.assignment(due_at=NOW - HOUR)
    assert (await hand_in(room, essay, room.ada)).late
    assert not (await hand_in(room, essay, room.ada, at=NOW - 2 * HOUR)).late  # the bot was slow
    assert (await hand_in(room, essay, room.ada, at=NOW - timedelta(days=3))).late  # nobody's word for days
    assert (await hand_in(room, essay, room.ada, at=NOW + timedelta(days=3))).late


async def test_an_extension_is_one_persons_and_counts_for_what_was_handed_in(room: Room) -> None:
    essay = await room.assignment(due_at=NOW - HOUR, closes_at=NOW - HOUR / 2)
    early = await hand_in(room, essay, room.ada, at=NOW - HOUR * 3 / 4)
    assert early.late
    with pytest.raises(NotReady, match="closed"):
        await hand_in(room, essay, room.ada)
    assert await extend(room.session, room.teacher, room.id, essay.id, [room.ada.id], NOW + HOUR) == 1
    assert await extend(room.session, room.teacher, room.id, essay.id, [room.ada.id], NOW + HOUR) == 0
    again = await hand_in(room, essay, room.ada)
    assert (again.attempt, again.late, again.due_at) == (2, False, NOW + HOUR)
    kept = await attempts_of(room.session, room.ada.id, essay.id)
    for each in kept:
        await room.session.refresh(each)
    assert [each.late for each in kept] == [False, False]
    with pytest.raises(NotReady):
        await hand_in(room, essay, room.bo)
    assert [(each.extended, each.state) for each in await mine(room, room.ada)] == [(True, WorkState.HANDED_IN)]
    assert [(each.extended, each.state) for each in await mine(room, room.bo)] == [(False, WorkState.CLOSED)]
    assert (await room.save(essay, room.ada, "5", expected_version=0)).version == 1  # no grade was saved by it
    await extend(room.session, room.teacher, room.id, essay.id, [room.ada.id], None)
    for each in kept:
        await room.session.refresh(each)
    assert [each.late for each in kept] == [True, True]
    assert len(await room.audit("grade.extend")) == 2
    with pytest.raises(NotPermitted):
        await extend(room.session, Actor.person(room.ada.id, "test"), room.id, essay.id, [room.ada.id], NOW)


async def test_what_can_not_be_handed_in(room: Room) -> None:
    essay = await room.assignment()
    hidden, later = await room.assignment("Hidden", published=False), await room.assignment(opens_at=NOW + HOUR)
    with pytest.raises(NotFound):
        await hand_in(room, hidden, room.ada)
    with pytest.raises(NotReady, match="not open yet"):
        await hand_in(room, later, room.ada)
    with pytest.raises(InvalidInput):
        await hand_in(room, essay, room.ada, " \n ")
    stranger = await make.person(room.session)
    for actor in (Actor.person(stranger.id, "test"), room.teacher):
        with pytest.raises(NotPermitted):
            await submit(room.session, actor, essay.id, body="Mine.")
    with pytest.raises(NotFound):
        await submit(room.session, Actor.system(), essay.id, body="Mine.")
    await hide(room.session, essay)
    with pytest.raises(NotFound):
        await hand_in(room, essay, room.ada)


async def test_states_follow_the_clock_and_what_was_released(room: Room) -> None:
    works = {
        "later": await room.assignment("later", opens_at=NOW + HOUR),
        "to do": await room.assignment("to do", due_at=NOW + HOUR),
        "overdue": await room.assignment("overdue", due_at=NOW - HOUR),
        "closed": await room.assignment("closed", closes_at=NOW - HOUR),
        "late": await room.assignment("late", due_at=NOW - 2 * HOUR),
        "graded": await room.assignment("graded"),
    }
    await hand_in(room, works["late"], room.ada)
    await room.save(works["graded"], room.ada, "5")
    assert {each.title: each.state.value for each in await mine(room, room.ada)}["graded"] == "to do"
    await room.release(works["graded"])
    assert {each.title: each.state.value for each in await mine(room, room.ada)} == {
        "later": "not open yet",
        "to do": "to do",
        "overdue": "overdue",
        "closed": "closed",
        "late": "handed in late",
        "graded": "graded",
    }
    assert [each.title for each in await mine(room, room.ada)][:3] == ["late", "overdue", "to do"]
    with pytest.raises(NotPermitted):
        await my_assignments(room.session, (await make.person(room.session)).id, room.id)


async def test_the_queue_walks_from_the_oldest_attempt_to_the_newest(room: Room) -> None:
    essay, quiz = await room.assignment("Essay"), await room.assignment("Quiz")
    bos = await hand_in(room, essay, room.bo, at=NOW - 3 * HOUR)
    await hand_in(room, essay, room.ada, "First try.", at=NOW - 4 * HOUR)
    adas = await hand_in(room, essay, room.ada, "Second try.", at=NOW - 2 * HOUR)
    cys = await hand_in(room, quiz, room.cy, at=NOW - HOUR)

    async def order(**which: object) -> list[str]:
        skip: list[object] = []
        while found := await next_to_grade(room.session, room.teacher, room.id, skip=skip, **which):  # type: ignore[arg-type]
            if found.submission_id in skip:
                break
            skip.append(found.submission_id)
        return [str(each) for each in skip]

    expected = [str(each.submission_id) for each in (bos, adas, cys)]
    assert await order() == expected
    assert await order(section="b") == [expected[0], expected[2]]
    assert await order(assignment_id=quiz.id) == [expected[2]]
    first = await next_to_grade(room.session, room.teacher, room.id, assignment_id=essay.id, section="A")
    assert first is not None
    assert (first.student, first.attempt, first.body, first.version, str(first.mark), first.left) == (
        "Ada", 2, "Second try.", 0, "ungraded", 1,
    )  # fmt: skip
    await room.save(essay, room.ada, "5", submission_id=adas.submission_id, expected_version=first.version)
    await room.save(essay, room.bo, "EX")
    assert await order() == [expected[2]]
    counts = {(each.assignment, each.section): (each.waiting, each.handed_in)
              for each in await queue_counts(room.session, room.teacher, room.id)}  # fmt: skip
    assert counts == {("Essay", "A"): (0, 1), ("Essay", "B"): (0, 1), ("Quiz", "B"): (1, 1)}
    third = await hand_in(room, essay, room.ada, "Third try.")  # graded, and handed in again
    assert await order(assignment_id=essay.id) == [str(third.submission_id)]
    with pytest.raises(NotPermitted):
        await next_to_grade(room.session, Actor.person(room.ada.id, "test"), room.id)
