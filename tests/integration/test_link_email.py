"""A workspace's word for an address: whom it makes known, whom never, and how long any link is good for."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import func, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from core.audit.models import AuditLog
from core.audit.record import Actor
from core.classes.enrol import create_class, enrol, leave
from core.classes.models import Class, ClassMembership, ClassWorkspace
from core.db import Sessions, create_engine, create_sessions
from core.enums import ActorKind, GlobalRole, LinkMethod, MembershipRole, Platform
from core.identity.link import link, unlink_own
from core.identity.link_email import link_by_email
from core.identity.models import AppUser, Workspace, WorkspaceIdentity
from core.identity.people import change_role
from core.identity.raising import LINK_STANDS
from core.ports import Profile
from tests import factories as make

OPERATOR = Actor.command_line()
EMAIL = "ada@school.test"
Meet = Callable[..., Awaitable[UUID | None]]


class School:
    """A class that lives in a trusted workspace, and a student of it."""

    workspace: Workspace
    home: ClassWorkspace
    class_: Class
    ada: AppUser
    membership: ClassMembership


async def open_school(session: AsyncSession) -> School:
    school = School()
    school.workspace = await make.add(session, Workspace(platform=Platform.SLACK, external_id="T1", email_trusted=True))
    school.class_ = await make.class_(session)
    school.home = await make.add(session, ClassWorkspace(class_id=school.class_.id, workspace_id=school.workspace.id))
    school.ada = await make.person(session, "Ada", email=EMAIL)
    school.membership = await make.enrol(session, school.class_, school.ada)
    return school


@pytest.fixture
async def school(session: AsyncSession) -> School:
    return await open_school(session)


@pytest.fixture
def meet(session: AsyncSession, school: School) -> Meet:
    async def meet(
        user: str = "U1", email: str | None = EMAIL, *, guest: bool = False, stranger: bool = False
    ) -> UUID | None:
        await session.flush()
        profile = Profile(email, guest=guest, stranger=stranger)
        return await link_by_email(session, school.workspace.id, user, profile, surface="slack")

    return meet


async def links(session: AsyncSession) -> list[tuple[str, UUID, LinkMethod]]:
    rows = await session.execute(
        select(WorkspaceIdentity.platform_user_id, WorkspaceIdentity.app_user_id, WorkspaceIdentity.method)
        .where(WorkspaceIdentity.deleted_at.is_(None))
        .order_by(WorkspaceIdentity.platform_user_id)
    )
    return [(user, person, method) for user, person, method in rows]


async def stands(session: AsyncSession, user: str = "U1") -> bool:
    await session.flush()
    asked = text(
        f"SELECT {LINK_STANDS} FROM workspace_identities i JOIN app_users u ON u.id = i.app_user_id "
        "WHERE i.platform_user_id = :user AND i.deleted_at IS NULL"
    )
    return bool((await session.scalars(asked, {"user": user})).one())


async def link_earlier(session: AsyncSession, school: School, method: LinkMethod = LinkMethod.CODE) -> None:
    """Tie the account of the student an hour ago: in one transaction all else happens at one moment."""
    await link(session, Actor.system(), school.workspace.id, "U1", school.ada.id, method)
    await session.flush()
    await session.execute(update(WorkspaceIdentity).values(linked_at=func.now() - timedelta(hours=1)))


class TestWhoIsKnownByTheirAddress:
    async def test_a_student_on_a_roster_once_and_however_it_is_written(
        self, session: AsyncSession, school: School, meet: Meet
    ) -> None:
        for _ in range(2):
            assert await meet(email=" ADA@School.test") == school.ada.id
        assert await links(session) == [("U1", school.ada.id, LinkMethod.EMAIL)]
        row = (await session.scalars(select(AuditLog))).one()
        assert (row.action, row.actor_kind, row.actor_user_id, row.surface) == (
            "identity.link", ActorKind.PERSON, school.ada.id, "slack",
        )  # fmt: skip
        assert row.details["method"] == "EMAIL"
        assert await stands(session)

    @pytest.mark.parametrize(
        ("email", "profile"),
        [
            (EMAIL, {"guest": True}),
            (EMAIL, {"stranger": True}),
            (None, {}),
            ("", {}),
            ("ben@school.test", {}),
            ("ada", {}),
            (f"{EMAIL}\0", {}),
            ("ada@school.test,ben@school.test", {}),
        ],
    )
    async def test_no_guest_no_stranger_and_nobody_else(
        self, session: AsyncSession, meet: Meet, email: str | None, profile: dict[str, bool]
    ) -> None:
        assert await meet(email=email, **profile) is None
        assert await links(session) == []

    @pytest.mark.parametrize(
        ("part", "change"),
        [
            ("workspace", {"email_trusted": False}),
            ("workspace", {"revoked_at": func.now()}),
            ("workspace", {"deleted_at": func.now()}),
            ("home", {"deleted_at": func.now()}),
            ("class_", {"deleted_at": func.now()}),
            ("membership", {"deleted_at": func.now()}),
            ("membership", {"role": MembershipRole.TEACHER}),
            ("ada", {"deleted_at": func.now()}),
            ("ada", {"global_role": GlobalRole.TEACHER}),
            ("ada", {"global_role": GlobalRole.ADMIN}),
        ],
    )
    async def test_nobody_where_one_condition_fails(
        self, session: AsyncSession, school: School, meet: Meet, part: str, change: dict[str, object]
    ) -> None:
        for name, value in change.items():
            setattr(getattr(school, part), name, value)
        assert await meet() is None
        assert await links(session) == []

    async def test_nobody_who_teaches_another_class_anywhere(
        self, session: AsyncSession, school: School, meet: Meet
    ) -> None:
        other = await make.class_(session)
        taught = await make.enrol(session, other, school.ada, MembershipRole.TEACHER)
        other.deleted_at = func.now()  # even one that is gone, for it may come back
        assert await meet() is None
        taught.deleted_at = func.now()
        assert await meet() == school.ada.id

    async def test_a_class_that_lives_elsewhere_makes_nobody_known_here(
        self, session: AsyncSession, school: School, meet: Meet
    ) -> None:
        elsewhere = Workspace(platform=Platform.SLACK, external_id="T2", email_trusted=True)
        school.home.workspace_id = (await make.add(session, elsewhere)).id
        assert await meet() is None

    async def test_an_account_that_is_tied_stays_as_it_is(
        self, session: AsyncSession, school: School, meet: Meet
    ) -> None:
        ben = await make.person(session, "Ben")
        await link(session, Actor.system(), school.workspace.id, "U1", ben.id, LinkMethod.CODE)
        await link(session, Actor.system(), school.workspace.id, "U2", school.ada.id, LinkMethod.CODE)
        assert await meet("U1") == ben.id
        assert await meet("U2") == school.ada.id
        assert await links(session) == [("U1", ben.id, LinkMethod.CODE), ("U2", school.ada.id, LinkMethod.CODE)]

    async def test_who_untied_an_account_is_not_tied_to_it_again_by_the_address(
        self, session: AsyncSession, school: School, meet: Meet
    ) -> None:
        # Else a code of somebody else's could never be typed in from there.
        await meet()
        await unlink_own(session, school.workspace.id, "U1", surface="slack")
        assert await meet() is None
        assert await meet("U2") == school.ada.id

    async def test_two_deliveries_at_once_tie_once(self, new_database: Callable[..., Awaitable[str]]) -> None:
        engine = create_engine(await new_database(migrated=True))
        try:
            sessions = create_sessions(engine)
            async with sessions.begin() as session:
                school = await open_school(session)

            async def meet() -> UUID | None:
                async with sessions.begin() as session:
                    return await link_by_email(session, school.workspace.id, "U1", Profile(EMAIL), surface="slack")

            assert await asyncio.gather(*(meet() for _ in range(5))) == [school.ada.id] * 5
            async with sessions() as session:
                assert len(await links(session)) == 1
                assert await session.scalar(select(func.count()).select_from(AuditLog)) == 1
        finally:
            await engine.dispose()

    async def test_who_is_made_a_teacher_in_this_very_moment_is_one(
        self, new_database: Callable[..., Awaitable[str]]
    ) -> None:
        engine = create_engine(await new_database(migrated=True))
        try:
            sessions = create_sessions(engine)
            async with sessions.begin() as session:
                school = await open_school(session)
                other = await make.class_(session)

            async def meet() -> UUID | None:
                async with sessions.begin() as session:
                    return await link_by_email(session, school.workspace.id, "U1", Profile(EMAIL), surface="slack")

            async with sessions.begin() as session:
                await enrol(session, OPERATOR, other.id, school.ada.id, MembershipRole.TEACHER)
                await session.flush()
                meeting = asyncio.create_task(meet())
                await somebody_waits(sessions)
            assert await meeting is None
        finally:
            await engine.dispose()


async def somebody_waits(sessions: Sessions) -> None:
    """Return once a statement of this database waits for a lock."""
    waiting = text(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    async with asyncio.timeout(10), sessions() as session:
        while not await session.scalar(waiting):
            await session.rollback()


class TestRaising:
    async def test_a_new_role_ends_what_was_tied_before_until_it_is_tied_again(
        self, session: AsyncSession, school: School, meet: Meet
    ) -> None:
        await link_earlier(session, school)
        assert await stands(session)
        await change_role(session, OPERATOR, school.ada.id, GlobalRole.STUDENT)
        assert await stands(session)
        for role in (GlobalRole.TEACHER, GlobalRole.ADMIN):
            await link_earlier(session, school)
            await session.execute(update(AppUser).values(raised_at=None))
            await change_role(session, OPERATOR, school.ada.id, role)
            assert not await stands(session)
            assert await meet() is None  # and the address does not mend it
            await link(session, OPERATOR, school.workspace.id, "U1", school.ada.id, LinkMethod.OPERATOR)
            assert await stands(session)
        # Who falls keeps what was tied; nobody has more by it.
        await session.execute(update(AppUser).values(raised_at=func.now() - timedelta(hours=2)))
        await link_earlier(session, school)
        for role in (GlobalRole.TEACHER, GlobalRole.STUDENT):
            await change_role(session, OPERATOR, school.ada.id, role)
            assert await stands(session)

    async def test_the_first_class_somebody_teaches_does_the_same_and_the_second_does_not(
        self, session: AsyncSession, school: School
    ) -> None:
        await link_earlier(session, school)
        teaching = MembershipRole.TEACHER
        await enrol(session, OPERATOR, school.class_.id, school.ada.id, teaching)
        assert not await stands(session)
        raised = select(AuditLog).where(AuditLog.action == "person.raise")
        assert [row.entity_id for row in await session.scalars(raised)] == [school.ada.id]
        await session.execute(update(AppUser).values(raised_at=None))
        second = await create_class(session, OPERATOR, "SECOND", title="")
        await enrol(session, OPERATOR, second.id, school.ada.id, teaching)
        assert await stands(session)
        # Back among the students and up again is a new rise.
        for class_ in (school.class_, second):
            await leave(session, OPERATOR, class_.id, school.ada.id)
        await enrol(session, OPERATOR, school.class_.id, school.ada.id, MembershipRole.STUDENT)
        assert await stands(session)
        await enrol(session, OPERATOR, school.class_.id, school.ada.id, teaching)
        assert not await stands(session)

    async def test_who_is_a_teacher_of_the_school_does_not_rise_by_a_class(
        self, session: AsyncSession, school: School
    ) -> None:
        school.ada.global_role = GlobalRole.TEACHER
        await link_earlier(session, school)
        await create_class(session, Actor.person(school.ada.id, "test"), "MINE", title="")
        assert await stands(session)

    @pytest.mark.parametrize("method", list(LinkMethod))
    async def test_by_an_address_nobody_is_more_than_a_student(
        self, session: AsyncSession, school: School, method: LinkMethod
    ) -> None:
        await link_earlier(session, school, method)
        assert await stands(session)
        school.membership.role = MembershipRole.TEACHER
        assert await stands(session) is (method is not LinkMethod.EMAIL)
        school.membership.role, school.ada.global_role = MembershipRole.STUDENT, GlobalRole.ADMIN
        assert await stands(session) is (method is not LinkMethod.EMAIL)
