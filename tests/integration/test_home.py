"""Home pages: a student's own, published and released; what waits for a teacher, of their own classes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import event, func
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from core.answering.models import Chat, ChatMessage
from core.assignments.models import Assignment
from core.classes.models import Class, ClassMembership
from core.enums import ActionKind, EscalationState, GenerationStatus, GradeStatus, MembershipRole, Platform, SourceMode
from core.feedback.models import Escalation
from core.grading.models import AssignmentGradeRow
from core.identity.models import AppUser
from core.inbox.models import Notification, ScheduledAction
from core.insights.desk import SHOWN, Desk, teacher_desks
from core.insights.home import StudentHome, student_home, suggest_lessons
from tests import factories as make
from tests.answers import Told, tell

TEACHER = MembershipRole.TEACHER


@dataclass
class School:
    """Two classes, a student in both and a teacher of the first."""

    session: AsyncSession
    first: Class
    second: Class
    student: AppUser
    teacher: AppUser
    chats: dict[str, UUID] = field(default_factory=dict)

    @property
    def class_ids(self) -> list[UUID]:
        return [self.first.id, self.second.id]

    async def home(self, who: AppUser | None = None) -> StudentHome:
        return await student_home(self.session, (who or self.student).id, self.class_ids)

    async def desk(self) -> Desk:
        return (await teacher_desks(self.session, self.teacher.id, self.class_ids)).get(self.first.id, Desk())

    async def set_work(self, title: str, days: float | None, *, of: Class | None = None) -> Assignment:
        """Publish an assignment that is due in so many days."""
        root = await make.add(self.session, Assignment(class_id=(of or self.first).id))
        due_at = None if days is None else func.now() + timedelta(days=days)
        await make.revision(self.session, root, title=title, published=True, due_at=due_at)
        return root

    async def ask(self, question: str, *, thread: str = "", **answer: Any) -> Told:
        """Store a question, in private unless a thread is named, with an answer that has these columns."""
        if thread not in self.chats:
            place = {"platform": Platform.SLACK, "channel_id": "C1", "thread_id": thread} if thread else {}
            chat = Chat(app_user_id=self.student.id, class_id=self.first.id, source_mode=SourceMode.CLASS, **place)
            self.chats[thread] = (await make.add(self.session, chat)).id
        told = await tell(
            self.session, user_id=self.student.id, chat_id=self.chats[thread], question=question, answer="…"
        )
        message = await self.session.get_one(ChatMessage, told.answer_id)
        for name, value in answer.items():
            setattr(message, name, value)
        await self.session.flush()
        return told


@pytest.fixture
async def school(session: AsyncSession) -> School:
    first, second = [await make.class_(session, title=title) for title in ("Astronomy", "Botany")]
    student, teacher = await make.person(session, "Sam"), await make.person(session, "Vega")
    await make.enrol(session, first, student)
    await make.enrol(session, second, student)
    await make.enrol(session, first, teacher, TEACHER)
    return School(session, first, second, student, teacher)


async def test_a_student_sees_what_is_due_soonest_first_over_all_their_classes(school: School) -> None:
    await school.set_work("Past", -0.1)
    await school.set_work("Whenever", None)
    await school.set_work("Later", 15)
    await school.set_work("Next week", 7, of=school.second)
    await school.set_work("Tomorrow", 1)
    await school.set_work("Elsewhere", 1, of=await make.class_(school.session))
    due = (await school.home()).due
    assert [(each.title, each.soon, each.class_id) for each in due] == [
        ("Tomorrow", True, school.first.id),
        ("Next week", True, school.second.id),
        ("Later", False, school.first.id),
    ]


async def test_a_draft_and_what_was_taken_back_is_not_due(school: School) -> None:
    root = await school.set_work("Published", 1)
    await make.revision(school.session, root, title="Edited", due_at=func.now() + timedelta(days=2))
    taken = await school.set_work("Taken back", 1)
    taken.published_revision_id = None
    await make.add(school.session, Assignment(class_id=school.first.id))
    assert [each.title for each in (await school.home()).due] == ["Published"]


async def test_more_time_counts_on_the_home_page(school: School) -> None:
    work = await school.set_work("Past", -1)
    row = AssignmentGradeRow(assignment_id=work.id, student_user_id=school.student.id)
    row.extension_due_at = datetime.now(UTC) + timedelta(days=1)
    await make.add(school.session, row)
    assert [(each.title, each.soon) for each in (await school.home()).due] == [("Past", True)]
    assert (await school.home(school.teacher)).due == ()


async def test_a_student_sees_their_released_grades_as_they_were_released(school: School) -> None:
    work = [await school.set_work(title, -days) for days, title in ((2, "Old"), (1, "New"), (1, "Unreleased"))]
    other = await make.person(school.session, "Olga")
    await make.enrol(school.session, school.first, other)
    for number, root in enumerate(work[:2]):
        row = await make.grade(school.session, root, school.student, score=70 + number, released=True)
        row.released_at = func.now() + timedelta(minutes=number)
        await school.session.flush()
        row.draft_score, row.draft_feedback = Decimal(1), "Changed my mind."
        await make.grade(school.session, root, other, score=99, released=True)
    await make.grade(school.session, work[2], school.student, score=50)
    await school.session.flush()
    grades = (await school.home()).grades
    assert [(each.title, each.score, each.points) for each in grades] == [
        ("New", Decimal(71), Decimal(100)),
        ("Old", Decimal(70), Decimal(100)),
    ]
    assert {(each.status, each.feedback) for each in grades} == {(GradeStatus.GRADED, "Well observed.")}
    assert {each.score for each in (await school.home(other)).grades} == {99}


@pytest.mark.parametrize("case", ["teaches", "left", "the class is over", "the person is gone", "not asked about"])
async def test_who_is_no_student_of_a_class_sees_nothing(session: AsyncSession, school: School, case: str) -> None:
    root = await school.set_work("Tomorrow", 1)
    who = school.teacher if case == "teaches" else await make.person(session, "Olga")
    if case != "teaches":
        membership = await make.enrol(session, school.first, who)
        gone: dict[str, Any] = {"left": membership, "the class is over": school.first, "the person is gone": who}
        if case in gone:
            gone[case].deleted_at = func.now()
    await make.grade(session, root, who, released=True)
    class_ids = [school.second.id] if case == "not asked about" else school.class_ids
    assert await student_home(session, who.id, class_ids) == StudentHome((), ())


async def test_lessons_to_ask_about_are_published_in_ones_own_classes(session: AsyncSession, school: School) -> None:
    for of in (school.first, school.second, await make.class_(session)):
        module = await make.module(session, of)
        await make.lesson(session, module, f"Roots of {of.title}")
        await make.lesson(session, module, "Draft", published=False)
    titles = await suggest_lessons(session, school.student.id, school.class_ids)
    assert sorted(titles) == ["Roots of Astronomy", "Roots of Botany"]
    assert await suggest_lessons(session, school.teacher.id, school.class_ids) == ["Roots of Astronomy"]
    assert len(await suggest_lessons(session, school.student.id, school.class_ids, limit=1)) == 1


# What waits for a teacher.


async def test_drafts_wait_while_students_see_something_else_or_nothing(session: AsyncSession, school: School) -> None:
    module = await make.module(session, school.first, "Live")
    lesson = await make.lesson(session, module, "Was live")
    await make.revision(session, lesson, title="Edited")
    await make.material(session, school.first, "New file", published=False)
    hidden = await make.module(session, school.first, "Gone", published=False)
    for draft in (
        await make.lesson(session, hidden, "In what is gone", published=False),
        await make.assignment(session, school.first, "Of what is gone", in_module=hidden, published=False),
    ):
        assert draft.published_revision_id is None
    hidden.deleted_at = func.now()
    scheduled = await make.assignment(session, school.first, "At eight", published=False)
    action = ScheduledAction(
        kind=ActionKind.PUBLISH, entity_type="assignment", entity_id=scheduled.id, class_id=school.first.id,
        due_at=func.now() + timedelta(hours=8),
    )  # fmt: skip
    await make.add(session, action)
    await make.module(session, school.second, "Of another class", published=False)
    desk = await school.desk()
    found = {(each.kind, each.title, each.new, each.publishes_at is not None) for each in desk.drafts}
    assert found == {
        ("lesson", "Edited", False, False),
        ("material", "New file", True, False),
        ("assignment", "At eight", True, True),
    }
    assert desk.totals == {"drafts": 3}


async def test_questions_that_got_no_answer_wait_for_a_week(session: AsyncSession, school: School) -> None:
    await school.ask("Answered?", grounded=True)
    await school.ask("General?", source_mode=SourceMode.GENERAL)
    await school.ask("Stopped?", status=GenerationStatus.STOPPED)
    await school.ask("Long ago?", grounded=False, created_at=func.now() - timedelta(days=7, minutes=1))
    for question in ("Why  not?", "why  not? "):
        await school.ask(question, grounded=False)
    await school.ask("Broken?", status=GenerationStatus.FAILED)
    await school.ask("Broken, then answered?", status=GenerationStatus.FAILED)
    await school.ask("Broken, then answered?", grounded=True)
    await school.ask("In public?", thread="17.1", grounded=False)
    taken_back = await school.ask("Taken back?", grounded=False)
    (await session.get_one(ChatMessage, taken_back.question_id)).deleted_at = func.now()
    await session.flush()
    desk = await school.desk()
    assert [(each.question, each.asker, each.times, each.status.value) for each in desk.unanswered] == [
        ("In public?", "Sam", 1, "COMPLETED"),
        ("Broken?", "", 1, "FAILED"),
        ("why  not? ", "", 2, "COMPLETED"),
    ]


async def test_escalations_wait_until_they_are_resolved(session: AsyncSession, school: School) -> None:
    async def escalate(question: str, state: EscalationState, **more: Any) -> Escalation:
        told = await school.ask(question, thread=more.pop("thread", ""), grounded=True)
        row = Escalation(
            class_id=school.first.id, chat_message_id=told.answer_id, asked_by_user_id=school.student.id, state=state,
            created_at=func.clock_timestamp(), **more,
        )  # fmt: skip
        return await make.add(session, row)

    first = await escalate("Help?", EscalationState.OPEN)
    await escalate("Help!", EscalationState.OPEN, merged_into_id=first.id)
    await escalate("Done?", EscalationState.RESOLVED)
    await escalate("Public?", EscalationState.CLAIMED, thread="17.1")
    assert [(each.question, each.asker, each.state.value) for each in (await school.desk()).escalations] == [
        ("Public?", "Sam", "CLAIMED"),
        ("Help?", "", "OPEN"),
    ]


async def test_releases_wait_while_students_see_another_grade(session: AsyncSession, school: School) -> None:
    fresh = await school.set_work("Never released", 1)
    changed = await school.set_work("Changed since", 1)
    same = await school.set_work("As released", 1)
    people = [await make.person(session) for _ in range(3)]
    for person in people:
        await make.enrol(session, school.first, person)
        await make.grade(session, fresh, person)
        await make.grade(session, same, person, released=True)
    left = await make.enrol(session, school.first, await make.person(session))
    await make.grade(session, fresh, await session.get_one(AppUser, left.app_user_id))
    left.deleted_at = func.now()
    (await make.grade(session, fresh, school.student)).draft_status = GradeStatus.UNGRADED
    (await make.grade(session, changed, people[0], released=True)).draft_feedback = "Better than I thought."
    emptied = await make.grade(session, changed, people[1], released=True)
    emptied.draft_score, emptied.draft_status = None, GradeStatus.UNGRADED
    await make.grade(session, changed, people[2], released=True)
    await session.flush()
    waiting = {(each.title, each.grades) for each in (await school.desk()).releases}
    assert waiting == {("Never released", 3), ("Changed since", 2)}


async def test_who_could_not_be_told_of_grades_is_counted_once_and_some_are_named(
    session: AsyncSession, school: School
) -> None:
    async def told(person: AppUser, state: str, kind: str = "grades.released", **more: Any) -> None:
        row = Notification(
            dedupe_key=str(uuid4()), kind=kind, class_id=school.first.id, app_user_id=person.id, state=state, **more
        )
        await make.add(session, row)

    assert (await school.desk()).untold is None
    people = [await make.person(session, name) for name in ("Ada", "Bo", "Cy, junior", "Dee", "Eli")]
    for person in people:
        await make.enrol(session, school.first, person)
    for minutes, person in enumerate([*people[:4], people[0]]):
        await told(person, "FAILED", state_changed_at=func.now() - timedelta(minutes=minutes))
    await told(people[4], "SENT")
    await told(people[4], "FAILED", kind="assignment.due_soon")
    await told(people[4], "FAILED", deleted_at=func.now())
    await told(await make.person(session, "Left"), "FAILED")
    untold = (await school.desk()).untold
    assert untold is not None
    assert (untold.students, untold.names) == (4, "Ada, Bo, Cy, junior")


async def test_a_long_desk_shows_its_newest_and_counts_the_rest(session: AsyncSession, school: School) -> None:
    for number in range(SHOWN + 3):
        root = await make.module(session, school.first)
        await make.revision(session, root, title=f"Draft {number}", updated_at=func.clock_timestamp())
    desk = await school.desk()
    assert [each.title for each in desk.drafts] == [f"Draft {number}" for number in range(SHOWN + 2, 2, -1)]
    assert desk.totals["drafts"] == SHOWN + 3


@pytest.mark.parametrize("case", ["a student", "left", "the class is over", "not asked about"])
async def test_who_does_not_teach_a_class_finds_no_desk(session: AsyncSession, school: School, case: str) -> None:
    await make.module(session, school.first, published=False)
    membership: ClassMembership = await make.enrol(session, school.first, await make.person(session), TEACHER)
    user_id = school.student.id if case == "a student" else membership.app_user_id
    if case == "left":
        membership.deleted_at = func.now()
    if case == "the class is over":
        school.first.deleted_at = func.now()
    await session.flush()
    class_ids = [school.second.id] if case == "not asked about" else school.class_ids
    assert await teacher_desks(session, user_id, class_ids) == {}


@contextmanager
def counted(connection: AsyncConnection) -> Iterator[list[str]]:
    said: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        said.append(statement)

    event.listen(connection.sync_connection, "before_cursor_execute", note)
    yield said
    event.remove(connection.sync_connection, "before_cursor_execute", note)


async def test_a_page_takes_one_statement_however_many_classes(
    connection: AsyncConnection, session: AsyncSession, school: School
) -> None:
    await session.flush()
    with counted(connection) as said:
        await school.home()
        await school.desk()
    assert len(said) == 2
