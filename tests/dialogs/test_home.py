"""The bot's own pages, through the whole bot: for a student, a teacher, both, nobody."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from uuid import uuid4

import pytest
from sqlalchemy import func

from bot.app import App
from bot.dispatch import dispatch
from core.assignments.models import Assignment
from core.classes.models import Class
from core.enums import GradeStatus, MembershipRole, Platform
from core.events import Page, Place, Sender, Visit
from core.grading.models import AssignmentGradeRow
from core.identity.models import AppUser
from tests import factories as make
from tests.dialogs.conftest import Talk

BOTH = MembershipRole.STUDENT, MembershipRole.TEACHER


async def visit(talk: Talk, page: Page = Page.HOME, *, platform: Platform = Platform.TERMINAL) -> str:
    start = talk.output.tell()
    event = Visit(key=str(uuid4()), sender=Sender(platform, talk.email, "T1"), place=Place("home"), page=page)
    await dispatch(talk.app, event, talk.responder)
    return talk.output.getvalue()[start:].strip()


@pytest.fixture
async def somebody(app: App) -> tuple[Talk, AppUser]:
    """Return a person who is in no class yet, and reads clocks in Tokyo."""
    async with app.sessions.begin() as session:
        person = await make.person(session, "Kim", email=f"{uuid4().hex}@school.example")
        person.time_zone = "Asia/Tokyo"
    return Talk(app, person.email, class_code=None), person


async def join(app: App, person: AppUser, role: MembershipRole, title: str) -> Class:
    """Make a class with something due, released, unreleased and drafted, and this person in it."""
    async with app.sessions.begin() as session:
        class_ = await make.class_(session, title=title)
        await make.enrol(session, class_, person, role)
        other = await make.person(session, "Other", email=f"{uuid4().hex}@school.example")
        await make.enrol(session, class_, other)
        module = await make.module(session, class_)
        await make.lesson(session, module, f"Roots of {title}")
        await make.revision(session, module, title=f"Draft of {title}")
        work = await make.add(session, Assignment(class_id=class_.id))
        noon = func.date_trunc("day", func.now()) + timedelta(days=3, hours=12)
        await make.revision(session, work, title=f"Essay on {title}", published=True, due_at=noon)
        await make.grade(session, work, person, score=71, released=True)
        late = await make.assignment(session, class_, f"Test on {title}")
        await make.grade(session, late, person, score=4711)
        excused = AssignmentGradeRow(
            assignment_id=work.id, student_user_id=other.id, draft_score=Decimal(9931), draft_status=GradeStatus.EXCUSED
        )
        await make.add(session, excused)
    return class_


async def test_a_student_finds_what_is_due_in_their_own_time_and_released_grades(
    app: App, somebody: tuple[Talk, AppUser]
) -> None:
    talk, person = somebody
    await join(app, person, MembershipRole.STUDENT, "Geology")
    said = await visit(talk)
    assert "Hello Kim." in said
    assert "Essay on Geology" in said
    assert "21:00" in said  # noon in UTC
    assert "71 of 100" in said
    assert "Well observed." in said
    for hidden in ("4711", "9931", "Draft of", "Other", "Waiting", "Test on Geology"):
        assert hidden not in said
    assert talk.responder.choices == ()


async def test_a_teacher_finds_what_waits(app: App, somebody: tuple[Talk, AppUser]) -> None:
    talk, person = somebody
    await join(app, person, MembershipRole.TEACHER, "Geology")
    said = await visit(talk)
    assert "Waiting in Geology" in said
    assert "Draft of Geology" in said
    assert "1 grade" in said  # the other student's: a teacher has none
    assert "Your grades" not in said


async def test_with_several_classes_each_thing_says_which_and_one_is_chosen(
    app: App, somebody: tuple[Talk, AppUser]
) -> None:
    talk, person = somebody
    made = [await join(app, person, role, title) for role, title in zip(BOTH, ("Geology", "Botany"), strict=True)]
    said = await visit(talk)
    assert [line.split()[0] for line in said.splitlines() if "Essay on Geology" in line] == ["Geology"] * 2
    assert {(each.label, each.action, each.value) for each in talk.responder.choices} == {
        (each.title, "class.choose", str(each.id)) for each in made
    }
    assert "Waiting in Botany" in said
    assert "Draft of Geology" not in said
    assert "Nothing is due." not in said


async def test_who_is_in_no_class_or_not_known_is_told_so(somebody: tuple[Talk, AppUser]) -> None:
    talk, _ = somebody
    assert "not in any class" in await visit(talk)
    assert "not in any class" in await visit(talk, Page.MESSAGES)
    assert "own workspace" in await visit(talk, platform=Platform.SLACK)


async def test_questions_to_begin_with_are_about_real_lessons(app: App, somebody: tuple[Talk, AppUser]) -> None:
    talk, person = somebody
    await join(app, person, MembershipRole.STUDENT, "Geology")
    await join(app, person, MembershipRole.TEACHER, "Botany")
    await visit(talk, Page.MESSAGES)
    assert {(each.label, each.action, each.value) for each in talk.responder.choices} == {
        (f"Roots of {title}", "ask", f"What is “Roots of {title}” about?") for title in ("Geology", "Botany")
    }
