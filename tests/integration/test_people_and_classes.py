"""People, classes and enrolments: who may make them, what they leave in the log, and how people come and go."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from core.audit.models import AuditLog
from core.audit.record import Actor
from core.classes.enrol import classes_of, create_class, enrol, get_class, leave
from core.classes.models import Class
from core.enums import ActorKind, GlobalRole, MembershipRole, Platform
from core.errors import Ambiguous, Conflict, InvalidInput, NotFound, NotPermitted
from core.events import Message, Place, Sender
from core.identity.models import AppUser
from core.identity.people import add_person, change_role, get_person
from core.identity.permissions import membership_role, require_member
from core.identity.resolve import Visitor, meet
from tests import factories as make

OPERATOR = Actor.command_line()
STUDENT, TEACHER = MembershipRole.STUDENT, MembershipRole.TEACHER


@asynccontextmanager
async def records(session: AsyncSession, *actions: str) -> AsyncIterator[None]:
    """Expect exactly these audit rows, and no others."""
    seen = set(await session.scalars(select(AuditLog.id)))
    yield
    await session.flush()
    assert [
        row.action
        for row in await session.scalars(select(AuditLog).order_by(AuditLog.created_at))
        if row.id not in seen
    ] == list(actions)


async def acting(session: AsyncSession, role: GlobalRole) -> Actor:
    return Actor.person((await make.person(session, role=role)).id, "test")


class TestPeople:
    async def test_an_admin_adds_a_person(self, session: AsyncSession) -> None:
        admin = await acting(session, GlobalRole.ADMIN)
        async with records(session, "person.add"):
            added = await add_person(session, admin, " Ada@Example.org ", role=GlobalRole.TEACHER)
        assert (added.email, added.name, added.global_role) == ("Ada@Example.org", "Ada", GlobalRole.TEACHER)
        assert await get_person(session, "ada@example.ORG") is added

    async def test_an_address_is_taken_once_but_free_again_after_deletion(self, session: AsyncSession) -> None:
        added = await add_person(session, OPERATOR, "ada@example.org")
        async with records(session):
            with pytest.raises(Conflict):
                await add_person(session, OPERATOR, "ADA@example.org")
        added.deleted_at = func.now()
        await session.flush()
        with pytest.raises(NotFound):
            await get_person(session, "ada@example.org")
        assert (await add_person(session, OPERATOR, "ada@example.org")).id != added.id

    @pytest.mark.parametrize(
        "address", ["", "ada", "ada@", "@b", "a b@c", "a@b@c", "a\x00b@c.d", "a\ud800@c.d", "x" * 251 + "@b.c"]
    )
    async def test_what_is_no_address_is_refused(self, session: AsyncSession, address: str) -> None:
        async with records(session):
            with pytest.raises(InvalidInput):
                await add_person(session, OPERATOR, address)
            with pytest.raises(InvalidInput):
                await _visit(session, address, None)

    async def test_an_admin_changes_a_role_and_the_log_says_from_what_to_what(self, session: AsyncSession) -> None:
        admin, person = await acting(session, GlobalRole.ADMIN), await make.person(session)
        async with records(session, "person.role"):
            await change_role(session, admin, person.id, GlobalRole.TEACHER)
        row = await session.scalar(select(AuditLog).where(AuditLog.action == "person.role"))
        assert row is not None
        assert (row.details, row.entity_id) == ({"before": "UNASSIGNED", "after": "TEACHER"}, person.id)
        async with records(session):  # it is one already
            await change_role(session, admin, person.id, GlobalRole.TEACHER)

    async def test_only_an_admin_does_either(self, session: AsyncSession) -> None:
        person = await make.person(session)
        gone = await make.person(session, role=GlobalRole.ADMIN)
        gone.deleted_at = func.now()
        await session.flush()
        actors = [await acting(session, role) for role in GlobalRole if role is not GlobalRole.ADMIN]
        actors += [Actor.person(gone.id, "test"), Actor(ActorKind.PERSON, "test")]
        async with records(session):
            for actor in actors:
                with pytest.raises(NotPermitted):
                    await add_person(session, actor, "eve@example.org")
                with pytest.raises(NotPermitted):
                    await change_role(session, actor, person.id, GlobalRole.ADMIN)
        assert person.global_role is GlobalRole.UNASSIGNED

    async def test_nobody_has_no_role(self, session: AsyncSession) -> None:
        for nobody in (uuid4(), (await _deleted_person(session)).id):
            with pytest.raises(NotFound):
                await change_role(session, OPERATOR, nobody, GlobalRole.ADMIN)


class TestClasses:
    async def test_who_makes_a_class_teaches_it(self, session: AsyncSession) -> None:
        teacher = await acting(session, GlobalRole.TEACHER)
        async with records(session, "class.create", "class.enrol"):
            made = await create_class(session, teacher, " SKY-1 ", title=" The\nsky ", time_zone="Europe/Zurich")
        assert (made.code, made.title, made.created_by_user_id) == ("SKY-1", "The sky", teacher.user_id)
        assert teacher.user_id is not None
        assert await membership_role(session, teacher.user_id, made.id) is TEACHER
        assert await get_class(session, "sky-1") is made

    @pytest.mark.parametrize("role", [GlobalRole.UNASSIGNED, GlobalRole.STUDENT])
    async def test_others_make_none(self, session: AsyncSession, role: GlobalRole) -> None:
        actor = await acting(session, role)
        async with records(session):
            with pytest.raises(NotPermitted):
                await create_class(session, actor, "SKY", title="The sky")

    async def test_a_code_is_taken_once(self, session: AsyncSession) -> None:
        await create_class(session, OPERATOR, "SKY", title="The sky")
        async with records(session):
            with pytest.raises(Conflict):
                await create_class(session, OPERATOR, "sky", title="Another")

    @pytest.mark.parametrize(
        ("code", "more"),
        [
            ("", {}),
            ("two words", {}),
            ("x" * 64, {}),
            ("nul\x00", {}),
            ("SKY", {"language": "klingon"}),
            ("SKY", {"language": "eng\x00lish?"}),
            ("SKY", {"time_zone": "Mars/Olympus"}),
            ("SKY", {"time_zone": "../../etc"}),
        ],
    )
    async def test_what_makes_no_sense_is_refused(self, session: AsyncSession, code: str, more: dict[str, str]) -> None:
        async with records(session):
            with pytest.raises(InvalidInput):
                await create_class(session, OPERATOR, code, title="The sky", **more)

    async def test_a_description_is_clean_text(self, session: AsyncSession) -> None:
        made = await create_class(session, OPERATOR, "SKY", title="The sky", description="Look\x00 up.\r\n")
        assert made.description == "Look up."


class TestEnrolment:
    @pytest.fixture
    async def class_(self, session: AsyncSession) -> Class:
        return await make.class_(session, "SKY")

    @pytest.fixture
    async def teacher(self, session: AsyncSession, class_: Class) -> Actor:
        person = await make.person(session, "Teacher")
        await make.enrol(session, class_, person, TEACHER)
        return Actor.person(person.id, "test")

    async def test_enrolling_twice_is_once(self, session: AsyncSession, class_: Class, teacher: Actor) -> None:
        person = await make.person(session)
        async with records(session, "class.enrol"):
            first = await enrol(session, teacher, class_.id, person.id, STUDENT, section="A")
            assert await enrol(session, teacher, class_.id, person.id, STUDENT) is first
        assert first.section == "A"
        async with records(session, "person.raise", "class.enrol", "class.enrol"):
            assert (await enrol(session, teacher, class_.id, person.id, TEACHER)).id == first.id
            await enrol(session, teacher, class_.id, person.id, TEACHER, section="B")
        assert (first.role, first.section) == (TEACHER, "B")

    async def test_who_comes_back_finds_their_grades(
        self, session: AsyncSession, class_: Class, teacher: Actor
    ) -> None:
        person = await make.person(session)
        first = await enrol(session, teacher, class_.id, person.id, STUDENT, section="A")
        await make.grade(session, await make.assignment(session, class_), person, released=True)
        grades = text("SELECT count(*) FROM published_grades")
        async with records(session, "class.leave"):
            await leave(session, teacher, class_.id, person.id)
        assert await session.scalar(grades) == 0
        assert await classes_of(session, person.id) == []
        async with records(session, "class.enrol"):
            again = await enrol(session, teacher, class_.id, person.id, STUDENT)
        assert (again.id, again.section, again.deleted_at) == (first.id, "A", None)
        assert await session.scalar(grades) == 1
        assert await classes_of(session, person.id) == [(class_, STUDENT)]

    async def test_who_is_not_there_does_not_leave(self, session: AsyncSession, class_: Class, teacher: Actor) -> None:
        person = await make.person(session)
        await enrol(session, teacher, class_.id, person.id, STUDENT)
        await leave(session, teacher, class_.id, person.id)
        async with records(session):
            for nobody in (person.id, uuid4()):
                with pytest.raises(NotFound):
                    await leave(session, teacher, class_.id, nobody)

    async def test_nobody_is_enrolled_and_nowhere(self, session: AsyncSession, class_: Class, teacher: Actor) -> None:
        person = await make.person(session)
        async with records(session):
            for nobody in (uuid4(), (await _deleted_person(session)).id):
                with pytest.raises(NotFound, match="person"):
                    await enrol(session, teacher, class_.id, nobody, STUDENT)
            with pytest.raises(NotFound, match="class"):
                await enrol(session, OPERATOR, uuid4(), person.id, STUDENT)
            class_.deleted_at = func.now()
            await session.flush()
            with pytest.raises(NotFound, match="class"):
                await enrol(session, OPERATOR, class_.id, person.id, STUDENT)

    async def test_only_a_teacher_of_the_class_does_either(
        self, session: AsyncSession, class_: Class, teacher: Actor
    ) -> None:
        student = await make.person(session, "Student", role=GlobalRole.ADMIN)
        await make.enrol(session, class_, student)
        elsewhere = await make.person(session, "Elsewhere", role=GlobalRole.TEACHER)
        await make.enrol(session, await make.class_(session), elsewhere, TEACHER)
        left = await make.person(session, "Left")
        await enrol(session, teacher, class_.id, left.id, TEACHER)
        await leave(session, teacher, class_.id, left.id)
        async with records(session):
            for person in (student, elsewhere, left, await make.person(session)):
                actor = Actor.person(person.id, "test")
                with pytest.raises(NotPermitted):
                    await enrol(session, actor, class_.id, person.id, TEACHER)
                with pytest.raises(NotPermitted):
                    await leave(session, actor, class_.id, student.id)
        assert await require_member(session, Actor.person(student.id, "test"), class_.id) is STUDENT


class TestFindingTheClass:
    async def test_a_person_is_in_the_class_they_name_or_in_their_only_one(self, session: AsyncSession) -> None:
        person = await make.person(session, email="ada@example.org")
        with pytest.raises(NotPermitted, match="not in any class"):
            await _visit(session, "ada@example.org", None)
        sky, sea = await make.class_(session, "SKY"), await make.class_(session, "SEA")
        await make.enrol(session, sky, person, TEACHER)
        visitor = await _visit(session, "ADA@example.org", None)
        assert (visitor.user_id, visitor.class_id, visitor.teaches) == (person.id, sky.id, True)
        with pytest.raises(NotPermitted, match="SEA"):
            await _visit(session, "ada@example.org", "SEA")
        await make.enrol(session, sea, person)
        with pytest.raises(Ambiguous) as several:
            await _visit(session, "ada@example.org", None)
        assert several.value.candidates == ("SEA", "SKY")
        assert (await _visit(session, "ada@example.org", " sea ")).class_id == sea.id

    @pytest.mark.parametrize("code", ["NOWHERE", "", "nul\x00", "\ud800"])
    async def test_there_is_no_such_class(self, session: AsyncSession, code: str) -> None:
        await make.person(session, email="ada@example.org")
        with pytest.raises(NotFound, match="no class"):
            await _visit(session, "ada@example.org", code)

    async def test_what_is_deleted_is_not_found(self, session: AsyncSession) -> None:
        person, class_ = await make.person(session, email="ada@example.org"), await make.class_(session, "SKY")
        membership = await make.enrol(session, class_, person)
        for gone, error in ((membership, NotPermitted), (class_, NotFound), (person, NotFound)):
            gone.deleted_at = func.now()
            await session.flush()
            with pytest.raises(error):
                await _visit(session, "ada@example.org", "SKY")
            gone.deleted_at = None
            await session.flush()
        assert (await _visit(session, "ada@example.org", "SKY")).role is STUDENT


async def _visit(session: AsyncSession, email: str, class_code: str | None) -> Visitor:
    place = Place("terminal", class_code=class_code)
    event = Message(key="", sender=Sender(Platform.TERMINAL, email), place=place, text="")
    return (await meet(session, event)).in_class(place)


async def _deleted_person(session: AsyncSession) -> AppUser:
    person = await make.person(session)
    person.deleted_at = func.now()
    await session.flush()
    return person
