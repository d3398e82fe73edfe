"""Where a class meets: workspaces, channels, and who reads there; each by whom it may be decided."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from uuid import UUID, uuid4

import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from core.audit.models import AuditLog
from core.audit.record import Actor
from core.classes.bind import Strangers, bind_channel, not_in_class, unbind_channel
from core.classes.choose import choose_class
from core.classes.live import live_in, move_out
from core.classes.models import ChannelBinding, Class, ClassWorkspace
from core.db import create_engine, create_sessions
from core.enums import ActorKind, ChannelPurpose, GlobalRole, LinkMethod, MembershipRole, Platform
from core.errors import InvalidInput, NotFound, NotLinked, NotPermitted
from core.events import Message, Place, Sender
from core.identity.link import link
from core.identity.models import AppUser, Workspace, WorkspaceIdentity
from core.identity.resolve import meet
from tests import factories as make

OPERATOR = Actor.command_line()
STUDENT, TEACHER = MembershipRole.STUDENT, MembershipRole.TEACHER
TEACHERS = ChannelPurpose.TEACHERS


def by(person: AppUser) -> Actor:
    return Actor.person(person.id, "test")


@dataclass
class School:
    """Two classes in one workspace's reach, each with a teacher; `sky` has a student."""

    workspace: UUID
    sky: Class
    sea: Class
    teacher: AppUser
    other: AppUser
    student: AppUser
    admin: AppUser


async def open_school(session: AsyncSession) -> School:
    workspace = await make.add(session, Workspace(platform=Platform.SLACK, external_id="T1"))
    sky, sea = await make.class_(session, "SKY", title="The sky"), await make.class_(session, "SEA", title="The sea")
    teacher, other, student = [await make.person(session, name) for name in ("Vega", "Marin", "Sam")]
    await make.enrol(session, sky, teacher, TEACHER)
    await make.enrol(session, sea, other, TEACHER)
    await make.enrol(session, sky, student)
    admin = await make.person(session, "Ada", role=GlobalRole.ADMIN)
    return School(workspace.id, sky, sea, teacher, other, student, admin)


@pytest.fixture
async def school(session: AsyncSession) -> School:
    return await open_school(session)


@asynccontextmanager
async def records(session: AsyncSession, *actions: str) -> AsyncIterator[None]:
    """Expect exactly these audit rows, and no others."""
    await session.flush()
    seen = set(await session.scalars(select(AuditLog.id)))
    yield
    await session.flush()
    rows = [
        row.action
        for row in await session.scalars(select(AuditLog).order_by(AuditLog.created_at))
        if row.id not in seen
    ]
    assert sorted(rows) == sorted(actions)


async def standing(session: AsyncSession) -> dict[str, tuple[UUID, UUID | None, ChannelPurpose]]:
    await session.flush()
    rows = await session.scalars(
        select(ChannelBinding).where(ChannelBinding.deleted_at.is_(None)).execution_options(populate_existing=True)
    )
    return {row.channel_id: (row.class_id, row.lesson_unit_id, row.purpose) for row in rows}


async def homes(session: AsyncSession) -> int | None:
    return await session.scalar(
        select(func.count()).select_from(ClassWorkspace).where(ClassWorkspace.deleted_at.is_(None))
    )


class TestLiving:
    async def test_a_class_comes_to_live_in_a_workspace_once(self, session: AsyncSession, school: School) -> None:
        async with records(session, "class.live_in"):
            assert await live_in(session, by(school.teacher), school.sky.id, school.workspace)
            assert not await live_in(session, by(school.admin), school.sky.id, school.workspace)
        assert await homes(session) == 1

    async def test_moving_out_ends_its_channels_there_and_no_others(
        self, session: AsyncSession, school: School
    ) -> None:
        await bind_channel(session, by(school.teacher), school.workspace, "C1", school.sky.id)
        await bind_channel(session, by(school.other), school.workspace, "C2", school.sea.id)
        async with records(session, "channel.unbind", "class.move_out"):
            await move_out(session, by(school.teacher), school.sky.id, school.workspace)
        assert list(await standing(session)) == ["C2"]
        with pytest.raises(NotFound):
            await move_out(session, by(school.teacher), school.sky.id, school.workspace)
        assert await live_in(session, by(school.teacher), school.sky.id, school.workspace)

    async def test_others_decide_neither(self, session: AsyncSession, school: School) -> None:
        await live_in(session, OPERATOR, school.sky.id, school.workspace)
        async with records(session):
            for actor in (by(school.student), by(school.other), Actor(ActorKind.PERSON, "test")):
                for verb in (live_in, move_out):
                    with pytest.raises(NotPermitted):
                        await verb(session, actor, school.sky.id, school.workspace)

    async def test_only_where_homeroom_is_at_home(self, session: AsyncSession, school: School) -> None:
        workspace = await session.get_one(Workspace, school.workspace)
        workspace.revoked_at = func.now()
        await session.flush()
        async with records(session):
            for nowhere in (school.workspace, uuid4()):
                with pytest.raises(NotFound):
                    await live_in(session, OPERATOR, school.sky.id, nowhere)
                with pytest.raises(NotFound):
                    await bind_channel(session, OPERATOR, nowhere, "C1", school.sky.id)


class TestBinding:
    async def test_binding_a_channel_brings_the_class_along(self, session: AsyncSession, school: School) -> None:
        lesson = await make.lesson(session, await make.module(session, school.sky))
        async with records(session, "class.live_in", "channel.bind"):
            done = await bind_channel(session, by(school.teacher), school.workspace, "C1", school.sky.id, lesson.id)
        assert done.settled
        async with records(session):  # it stands for that already
            again = await bind_channel(session, by(school.teacher), school.workspace, "C1", school.sky.id, lesson.id)
        assert (again.id, again.settled) == (done.id, False)
        assert await standing(session) == {"C1": (school.sky.id, lesson.id, ChannelPurpose.CLASS)}

    async def test_what_it_stood_for_ends_with_a_row_of_its_own(self, session: AsyncSession, school: School) -> None:
        lesson = await make.lesson(session, await make.module(session, school.sky))
        await bind_channel(session, by(school.teacher), school.workspace, "C1", school.sky.id)
        async with records(session, "channel.unbind", "channel.bind"):
            await bind_channel(session, by(school.teacher), school.workspace, "C1", school.sky.id, lesson.id)
        assert await standing(session) == {"C1": (school.sky.id, lesson.id, ChannelPurpose.CLASS)}

    async def test_only_its_own_teachers_and_admins_take_a_channel_from_a_class(
        self, session: AsyncSession, school: School
    ) -> None:
        await bind_channel(session, by(school.teacher), school.workspace, "C1", school.sky.id)
        await live_in(session, OPERATOR, school.sea.id, school.workspace)
        async with records(session):
            with pytest.raises(NotPermitted, match="belongs to “The sky”"):
                await bind_channel(session, by(school.other), school.workspace, "C1", school.sea.id)
            for actor in (school.other, school.student):
                with pytest.raises(NotPermitted):
                    await unbind_channel(session, by(actor), school.workspace, "C1")
        async with records(session, "channel.unbind", "channel.bind"):
            await bind_channel(session, by(school.admin), school.workspace, "C1", school.sea.id)
        async with records(session, "channel.unbind"):
            assert await unbind_channel(session, by(school.other), school.workspace, "C1") == school.sea.id
        with pytest.raises(NotFound):
            await unbind_channel(session, by(school.other), school.workspace, "C1")

    async def test_nobody_binds_to_a_class_they_do_not_teach(self, session: AsyncSession, school: School) -> None:
        async with records(session):
            for actor in (by(school.student), by(school.other), Actor(ActorKind.PERSON, "test")):
                with pytest.raises(NotPermitted):
                    await bind_channel(session, actor, school.workspace, "C1", school.sky.id)
        assert await standing(session) == {}

    async def test_a_channel_of_a_class_that_is_gone_is_free_to_bind_but_not_for_students(
        self, session: AsyncSession, school: School
    ) -> None:
        await bind_channel(session, by(school.other), school.workspace, "C1", school.sea.id)
        school.sea.deleted_at = func.now()
        await session.flush()
        with pytest.raises(NotPermitted):
            await unbind_channel(session, by(school.student), school.workspace, "C1")
        await bind_channel(session, by(school.teacher), school.workspace, "C1", school.sky.id)
        assert (await standing(session))["C1"][0] == school.sky.id

    async def test_a_lesson_has_to_be_one_of_the_class(self, session: AsyncSession, school: School) -> None:
        foreign = await make.lesson(session, await make.module(session, school.sea))
        gone = await make.lesson(session, await make.module(session, school.sky))
        gone.deleted_at = func.now()
        draft = await make.lesson(session, await make.module(session, school.sky), published=False)
        for lesson in (foreign.id, gone.id, uuid4()):
            with pytest.raises(NotFound):
                await bind_channel(session, by(school.teacher), school.workspace, "C1", school.sky.id, lesson)
        await bind_channel(session, by(school.teacher), school.workspace, "C1", school.sky.id, draft.id)

    async def test_the_teachers_meet_in_one_channel(self, session: AsyncSession, school: School) -> None:
        lesson = await make.lesson(session, await make.module(session, school.sky))
        actor, place = by(school.teacher), school.workspace
        with pytest.raises(InvalidInput):
            await bind_channel(session, actor, place, "C1", school.sky.id, lesson.id, TEACHERS)
        await bind_channel(session, by(school.other), place, "C3", school.sea.id, purpose=TEACHERS)
        await bind_channel(session, actor, place, "C1", school.sky.id, purpose=TEACHERS)
        async with records(session, "channel.unbind", "channel.bind"):
            done = await bind_channel(session, actor, place, "C2", school.sky.id, purpose=TEACHERS)
        assert done.instead_of == "C1"
        assert await standing(session) == {
            "C2": (school.sky.id, None, TEACHERS),
            "C3": (school.sea.id, None, TEACHERS),
        }

    async def test_who_reads_and_does_not_belong_is_counted(self, session: AsyncSession, school: School) -> None:
        elsewhere = await make.add(session, Workspace(platform=Platform.SLACK, external_id="T2"))
        for number, person in enumerate((school.teacher, school.student, school.other, school.admin)):
            await link(session, OPERATOR, school.workspace, f"U{number}", person.id, LinkMethod.CODE)
        await link(session, OPERATOR, elsewhere.id, "U9", school.student.id, LinkMethod.CODE)
        readers = frozenset({"U0", "U1", "U2", "U8", "U9"})  # U9 is linked in the other workspace only
        assert await not_in_class(session, school.workspace, readers, school.sky.id) == Strangers(2, 1)
        belonging = await not_in_class(session, school.workspace, readers, school.sky.id, purpose=TEACHERS)
        assert belonging == Strangers(2, 2)
        assert await not_in_class(session, school.workspace, [], school.sky.id) == (0, 0)

    async def test_two_teachers_binding_one_channel_at_once(self, new_database: Callable[..., Awaitable[str]]) -> None:
        engine = create_engine(await new_database(migrated=True))
        sessions = create_sessions(engine)
        try:
            async with sessions.begin() as session:
                school = await open_school(session)

            async def bind(actor: AppUser, channel: str, class_: Class, purpose: ChannelPurpose) -> object:
                try:
                    async with sessions.begin() as session:
                        place = school.workspace
                        return await bind_channel(session, by(actor), place, channel, class_.id, purpose=purpose)
                except NotPermitted:
                    return NotPermitted

            ends = await asyncio.gather(
                *(bind(school.teacher, "C1", school.sky, ChannelPurpose.CLASS) for _ in range(3)),
                *(bind(school.other, "C1", school.sea, ChannelPurpose.CLASS) for _ in range(3)),
            )
            assert ends.count(NotPermitted) == 3  # all of one of them, whoever came second
            await asyncio.gather(*(bind(school.teacher, f"C{n}", school.sky, TEACHERS) for n in range(2, 6)))
            async with sessions() as session:
                bound = await standing(session)
                assert len(bound) == 2
                assert [purpose for _, _, purpose in bound.values()].count(TEACHERS) == 1
                logged = await session.scalars(select(AuditLog.action).where(AuditLog.action == "channel.bind"))
                assert len(list(logged)) == 5
        finally:
            await engine.dispose()


class TestChoosing:
    @pytest.fixture
    async def both(self, session: AsyncSession, school: School) -> School:
        """Let Sam be in both classes, which both live here, linked as U1."""
        await make.enrol(session, school.sea, school.student)
        for class_ in (school.sky, school.sea):
            await live_in(session, OPERATOR, class_.id, school.workspace)
        await link(session, OPERATOR, school.workspace, "U1", school.student.id, LinkMethod.CODE)
        return school

    async def test_a_choice_sticks(self, session: AsyncSession, both: School) -> None:
        actor, place = by(both.student), both.workspace
        async with records(session, "class.choose", "class.choose"):
            await choose_class(session, actor, place, "U1", both.sea.id)
            await choose_class(session, actor, place, "U1", both.sky.id)
            await choose_class(session, actor, place, "U1", both.sky.id)
        await session.flush()
        asked = Message(key="1", sender=Sender(Platform.SLACK, "U1", "T1"), place=Place("D1"), text="?")
        assert (await meet(session, asked)).in_class(asked.place).class_code == "SKY"

    async def test_only_ones_own_account_and_a_class_of_ones_own_that_lives_here(
        self, session: AsyncSession, both: School
    ) -> None:
        place, far = both.workspace, await make.class_(session, "FAR")
        await make.enrol(session, far, both.student)
        async with records(session):
            with pytest.raises(NotLinked):
                await choose_class(session, by(both.student), place, "U7", both.sky.id)
            with pytest.raises(NotPermitted):
                await choose_class(session, by(both.teacher), place, "U1", both.sky.id)
            for class_id in (far.id, uuid4()):
                with pytest.raises(NotPermitted):
                    await choose_class(session, by(both.student), place, "U1", class_id)
        assert (await session.scalars(select(WorkspaceIdentity.class_id))).all() == [None]
