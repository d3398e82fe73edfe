"""One-time codes: who may make them, what they open, and that each opens it once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from core.audit.models import AuditLog
from core.audit.record import Actor
from core.db import Sessions, create_engine, create_sessions
from core.enums import ActorKind, GlobalRole, LinkMethod, MembershipRole, Platform
from core.errors import Conflict, HomeroomError, InvalidInput, LimitReached, NotFound, NotPermitted
from core.identity.link import link, not_linked, unlink
from core.identity.link_codes import LONGEST, ON_THE_SPOT, make_code, make_codes, redeem_code
from core.identity.models import AppUser, LinkCode, Workspace, WorkspaceIdentity
from tests import factories as make

OPERATOR = Actor.command_line()
WRONG = "0000-0000-0000"
DAYS = timedelta(days=14)


@pytest.fixture
async def workspace(session: AsyncSession) -> UUID:
    return (await make.add(session, Workspace(platform=Platform.SLACK, external_id="T1"))).id


@pytest.fixture
async def ada(session: AsyncSession) -> AppUser:
    return await make.person(session, "Ada")


async def code_of(session: AsyncSession, person: AppUser) -> str:
    code = (await make_code(session, OPERATOR, person.id)).code
    await session.commit()
    return code


async def identities(session: AsyncSession) -> list[tuple[str, UUID, LinkMethod]]:
    rows = await session.scalars(
        select(WorkspaceIdentity)
        .where(WorkspaceIdentity.deleted_at.is_(None))
        .order_by(WorkspaceIdentity.platform_user_id)
        .execution_options(populate_existing=True)
    )
    return [(row.platform_user_id, row.app_user_id, row.method) for row in rows]


async def actions(session: AsyncSession) -> list[str]:
    await session.flush()
    return sorted(await session.scalars(select(AuditLog.action)))


class TestRedeeming:
    async def test_a_code_ties_an_account_to_a_person_once(
        self, session: AsyncSession, sessions: Sessions, workspace: UUID, ada: AppUser
    ) -> None:
        issued = await make_code(session, OPERATOR, ada.id)
        await session.commit()
        kept = (await session.scalars(select(LinkCode))).one()
        assert issued.code.replace("-", "").encode() not in kept.code_hash
        assert len(issued.code) == 14
        # However it is typed: in small letters, with other dashes or none, O for 0 and l for 1.
        typed = issued.code.lower().replace("-", " – ").replace("0", "o").replace("1", "l")
        assert await redeem_code(sessions, workspace, "U1", typed, surface="slack") == ada.id
        assert await identities(session) == [("U1", ada.id, LinkMethod.CODE)]
        assert await actions(session) == ["identity.link", "link_code.make"]
        row = (await session.scalars(select(AuditLog).where(AuditLog.action == "identity.link"))).one()
        assert (row.actor_kind, row.actor_user_id, row.surface) == (ActorKind.PERSON, ada.id, "slack")
        assert row.details == {"app_user_id": str(ada.id), "workspace_id": str(workspace), "method": "CODE"}
        for user in ("U1", "U2"):
            with pytest.raises(Conflict, match="used before"):
                await redeem_code(sessions, workspace, user, issued.code, surface="slack")
        assert await identities(session) == [("U1", ada.id, LinkMethod.CODE)]

    async def test_one_person_has_accounts_on_several_platforms(
        self, session: AsyncSession, sessions: Sessions, workspace: UUID, ada: AppUser
    ) -> None:
        discord = await make.add(session, Workspace(platform=Platform.DISCORD, external_id="1"))
        assert await not_linked(session, {ada.id}) == {ada.id}
        for place in (workspace, discord.id):
            await redeem_code(sessions, place, "U1", await code_of(session, ada), surface="test")
        assert len(await identities(session)) == 2
        assert await not_linked(session, {ada.id}) == set()

    async def test_a_code_renews_how_a_link_was_proven(
        self, session: AsyncSession, sessions: Sessions, workspace: UUID, ada: AppUser
    ) -> None:
        await link(session, Actor.system(), workspace, "U1", ada.id, LinkMethod.EMAIL)
        await redeem_code(sessions, workspace, "U1", await code_of(session, ada), surface="slack")
        assert await identities(session) == [("U1", ada.id, LinkMethod.CODE)]

    async def test_an_account_that_is_somebody_elses_stays_theirs_until_they_untie_it(
        self, session: AsyncSession, sessions: Sessions, workspace: UUID, ada: AppUser
    ) -> None:
        bo = await make.person(session, "Bo")
        await redeem_code(sessions, workspace, "U1", await code_of(session, bo), surface="slack")
        code = await code_of(session, ada)
        with pytest.raises(Conflict, match="somebody else"):
            await redeem_code(sessions, workspace, "U1", code, surface="slack")
        assert await identities(session) == [("U1", bo.id, LinkMethod.CODE)]
        with pytest.raises(NotPermitted):
            await unlink(session, Actor.person(ada.id, "slack"), workspace, "U1")
        await unlink(session, Actor.person(bo.id, "slack"), workspace, "U1")
        await session.commit()
        assert await identities(session) == []
        assert (await actions(session)).count("identity.unlink") == 1
        with pytest.raises(NotFound):
            await unlink(session, OPERATOR, workspace, "U1")
        # The refused try has not used the code up.
        assert await redeem_code(sessions, workspace, "U1", code, surface="slack") == ada.id

    async def test_the_account_of_a_deleted_person_is_free(
        self, session: AsyncSession, sessions: Sessions, workspace: UUID, ada: AppUser
    ) -> None:
        bo = await make.person(session, "Bo")
        await redeem_code(sessions, workspace, "U1", await code_of(session, bo), surface="slack")
        bo.deleted_at = func.now()
        await redeem_code(sessions, workspace, "U1", await code_of(session, ada), surface="slack")
        assert await identities(session) == [("U1", ada.id, LinkMethod.CODE)]

    async def test_what_is_over_opens_nothing(
        self, session: AsyncSession, sessions: Sessions, workspace: UUID, ada: AppUser
    ) -> None:
        expired = await code_of(session, ada)
        await session.execute(update(LinkCode).values(expires_at=func.now() - timedelta(seconds=1)))
        superseded, newest = await code_of(session, ada), await code_of(session, ada)
        for code in (expired, superseded):
            with pytest.raises(NotFound, match="not valid any more"):
                await redeem_code(sessions, workspace, "U1", code, surface="slack")
        ada.deleted_at = func.now()
        await session.commit()
        with pytest.raises(NotFound, match="person"):
            await redeem_code(sessions, workspace, "U1", newest, surface="slack")
        ada.deleted_at = None
        for change in ({"revoked_at": func.now()}, {"deleted_at": func.now(), "revoked_at": None}):
            await session.execute(update(Workspace).values(change))
            await session.commit()
            with pytest.raises(NotFound, match="workspace"):
                await redeem_code(sessions, workspace, "U2", newest, surface="slack")
        assert await identities(session) == []

    @pytest.mark.parametrize("code", ["", "abc", "U" * 12, "x" * 10_000, "7K3M-9QXC-2VD", "٣" * 12])
    async def test_what_can_not_be_a_code_costs_no_try(
        self, session: AsyncSession, sessions: Sessions, workspace: UUID, code: str
    ) -> None:
        with pytest.raises(InvalidInput):
            await redeem_code(sessions, workspace, "U1", code, surface="slack")
        assert await actions(session) == []

    async def test_after_five_wrong_codes_an_account_has_to_wait(
        self, session: AsyncSession, sessions: Sessions, workspace: UUID, ada: AppUser
    ) -> None:
        code = await code_of(session, ada)
        for _ in range(5):
            with pytest.raises(NotFound):
                await redeem_code(sessions, workspace, "U1", WRONG, surface="slack")
        refused = (await session.scalars(select(AuditLog).where(AuditLog.action == "identity.link_refused"))).all()
        assert len(refused) == 5
        assert refused[0].details == {"platform_user_id": "U1", "reason": "not_found"}
        for _ in range(2):  # not even the right one, and waiting is not lengthened by trying
            with pytest.raises(LimitReached, match="quarter"):
                await redeem_code(sessions, workspace, "U1", code, surface="slack")
        assert len(await actions(session)) == 6
        assert await redeem_code(sessions, workspace, "U2", code, surface="slack") == ada.id  # others need not

    async def test_twenty_wrong_codes_are_enough_for_a_day(
        self, session: AsyncSession, sessions: Sessions, workspace: UUID, ada: AppUser
    ) -> None:
        code = await code_of(session, ada)

        def earlier(hours: int) -> AuditLog:
            return AuditLog(
                actor_kind=ActorKind.SYSTEM,
                surface="slack",
                request_id=uuid4(),
                action="identity.link_refused",
                entity_type="workspace",
                entity_id=workspace,
                details={"platform_user_id": "U1"},
                created_at=func.now() - timedelta(hours=hours),
            )

        session.add_all([earlier(1) for _ in range(19)] + [earlier(25)])
        await session.commit()
        with pytest.raises(NotFound):
            await redeem_code(sessions, workspace, "U1", WRONG, surface="slack")
        with pytest.raises(LimitReached, match="tomorrow"):
            await redeem_code(sessions, workspace, "U1", code, surface="slack")


class TestMaking:
    async def test_a_new_code_ends_the_earlier_and_forgets_the_long_gone(
        self, session: AsyncSession, ada: AppUser
    ) -> None:
        await make.add(
            session, LinkCode(app_user_id=ada.id, code_hash=b"old", expires_at=func.now() - timedelta(days=31))
        )
        await make_code(session, OPERATOR, ada.id, lifetime=DAYS)
        await make_code(session, OPERATOR, ada.id, lifetime=DAYS)
        valid = select(func.count()).select_from(LinkCode).where(LinkCode.expires_at > func.now())
        assert await session.scalar(valid) == 1
        assert await session.scalar(select(func.count()).select_from(LinkCode)) == 2
        assert await actions(session) == ["link_code.make"] * 2

    async def test_who_may_make_whose(self, session: AsyncSession, ada: AppUser) -> None:
        class_, other = await make.class_(session), await make.class_(session)
        people = {
            name: await make.person(session, name, role=role)
            for name, role in (
                ("teacher", GlobalRole.UNASSIGNED),
                ("colleague", GlobalRole.UNASSIGNED),
                ("assistant", GlobalRole.UNASSIGNED),
                ("elsewhere", GlobalRole.UNASSIGNED),
                ("boss", GlobalRole.ADMIN),
                ("left", GlobalRole.UNASSIGNED),
            )
        }
        teaching = MembershipRole.TEACHER
        await make.enrol(session, class_, people["teacher"], teaching)
        await make.enrol(session, class_, people["colleague"], teaching)
        await make.enrol(session, class_, people["assistant"])
        await make.enrol(session, other, people["assistant"], teaching)
        await make.enrol(session, other, people["elsewhere"])
        await make.enrol(session, class_, people["boss"])
        await make.enrol(session, class_, ada)
        (await make.enrol(session, class_, people["left"])).deleted_at = func.now()
        await session.flush()
        actors = {name: Actor.person(person.id, "test") for name, person in people.items()}

        assert set(await make_codes(session, actors["teacher"], [ada.id], lifetime=DAYS)) == {ada.id}
        await make_code(session, actors["boss"], people["teacher"].id, lifetime=DAYS)
        await make_code(session, actors["elsewhere"], people["elsewhere"].id, lifetime=ON_THE_SPOT)
        before = len(await actions(session))
        # A code is a way into an account, so nobody reaches above themselves, or into another class.
        for name in ("colleague", "assistant", "elsewhere", "boss", "left"):
            with pytest.raises(NotPermitted):
                await make_codes(session, actors["teacher"], [ada.id, people[name].id], lifetime=DAYS)
        for actor, lifetime in (("assistant", ON_THE_SPOT), ("elsewhere", ON_THE_SPOT), ("left", ON_THE_SPOT)):
            with pytest.raises(NotPermitted):
                await make_code(session, actors[actor], ada.id, lifetime=lifetime)
        with pytest.raises(NotPermitted):
            await make_code(session, actors["elsewhere"], people["elsewhere"].id, lifetime=DAYS)
        assert len(await actions(session)) == before

    async def test_a_person_gets_ten_codes_an_hour_but_the_operator_is_not_counted(
        self, session: AsyncSession, ada: AppUser
    ) -> None:
        themselves = Actor.person(ada.id, "test")
        for _ in range(10):
            await make_code(session, themselves, ada.id)
        with pytest.raises(LimitReached):
            await make_code(session, themselves, ada.id)
        await make_code(session, OPERATOR, ada.id)

    async def test_what_makes_no_sense_is_refused(self, session: AsyncSession, ada: AppUser) -> None:
        for lifetime in (timedelta(0), timedelta(days=-1), LONGEST + timedelta(seconds=1)):
            with pytest.raises(InvalidInput):
                await make_code(session, OPERATOR, ada.id, lifetime=lifetime)
        ada.deleted_at = func.now()
        await session.flush()
        for nobody in (ada.id, uuid4()):
            with pytest.raises(NotFound):
                await make_code(session, OPERATOR, nobody)
        with pytest.raises(NotFound):
            await make_code(session, Actor.person(ada.id, "test"), ada.id)
        assert await make_codes(session, OPERATOR, [], lifetime=DAYS) == {}
        assert await actions(session) == []


class TestAtOnce:
    async def test_of_many_who_type_one_code_one_is_tied_and_of_many_tries_five_count(
        self, new_database: Callable[..., Awaitable[str]]
    ) -> None:
        engine = create_engine(await new_database(migrated=True))
        try:
            sessions = create_sessions(engine)
            async with sessions.begin() as session:
                person = await make.person(session)
                workspace = await make.add(session, Workspace(platform=Platform.SLACK, external_id="T1"))
                code = (await make_code(session, OPERATOR, person.id)).code

            async def type_in(user: str, typed: str) -> UUID | type[HomeroomError]:
                try:
                    return await redeem_code(sessions, workspace.id, user, typed, surface="slack")
                except HomeroomError as error:
                    return type(error)

            ends = await asyncio.gather(*(type_in(f"U{number}", code) for number in range(6)))
            assert sorted(map(str, ends)) == sorted(map(str, [person.id, *[Conflict] * 5]))
            ends = await asyncio.gather(*(type_in("U9", WRONG) for _ in range(9)))
            assert sorted(map(str, ends)) == sorted(map(str, [*[NotFound] * 5, *[LimitReached] * 4]))
            async with sessions() as session:
                assert len(await identities(session)) == 1
        finally:
            await engine.dispose()

    async def test_two_codes_typed_at_once_into_one_account(self, new_database: Callable[..., Awaitable[str]]) -> None:
        engine = create_engine(await new_database(migrated=True))
        try:
            sessions = create_sessions(engine)
            async with sessions.begin() as session:
                workspace = await make.add(session, Workspace(platform=Platform.SLACK, external_id="T1"))
                codes = [(await make_code(session, OPERATOR, (await make.person(session)).id)).code for _ in range(2)]
            ends = await asyncio.gather(
                *(redeem_code(sessions, workspace.id, "U1", code, surface="slack") for code in codes),
                return_exceptions=True,
            )
            assert [type(end) for end in ends if not isinstance(end, UUID)] == [Conflict]
            async with sessions() as session:
                assert len(await identities(session)) == 1
        finally:
            await engine.dispose()
