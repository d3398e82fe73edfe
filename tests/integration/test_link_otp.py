"""Linking by a code in a mail: what it proves, how often it may be tried, and that it tells nobody who is here."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from uuid import UUID, uuid4

import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from adapters.supabase import SupabaseAuth
from core.audit.models import AuditLog
from core.audit.record import Actor
from core.db import Sessions, create_engine, create_sessions
from core.enums import ActorKind, LinkMethod, Platform
from core.errors import Conflict, HomeroomError, InvalidInput, LimitReached, LinkingUnavailable, NotFound, Unavailable
from core.identity.link import link
from core.identity.link_codes import redeem_code
from core.identity.link_otp import begin_otp, redeem_otp, send_otp
from core.identity.models import AppUser, Workspace, WorkspaceIdentity
from migrations.upgrade import upgrade
from tests import factories as make
from tests.fakes.supabase_server import OFTEN, SupabaseServer, refusal, supabase_server

EMAIL = "ada@school.test"
WRONG = "not-a-number-and-never-sent"


@pytest.fixture
async def supabase() -> AsyncIterator[SupabaseServer]:
    async with supabase_server() as supabase:
        yield supabase


@pytest.fixture
async def otp(supabase: SupabaseServer) -> AsyncIterator[SupabaseAuth]:
    auth = SupabaseAuth(supabase.url, supabase.key)
    yield auth
    await auth.aclose()


@pytest.fixture
async def workspace(session: AsyncSession) -> UUID:
    return (await make.add(session, Workspace(platform=Platform.SLACK, external_id="T1"))).id


@pytest.fixture
async def ada(session: AsyncSession) -> AppUser:
    return await make.person(session, "Ada", email=EMAIL)


class Account:
    """A workspace's user who types."""

    def __init__(self, sessions: Sessions, otp: SupabaseAuth, workspace: UUID, user: str = "U1") -> None:
        self._sessions, self._otp, self._at = sessions, otp, (workspace, user)

    async def ask(self, email: str = EMAIL) -> bool:
        known = await begin_otp(self._sessions, self._otp, *self._at, email, surface="slack")
        if known:
            await send_otp(self._otp, email)
        return known

    async def type_in(self, code: str, email: str = EMAIL) -> UUID:
        return await redeem_otp(self._sessions, self._otp, *self._at, email, code, surface="slack")


@pytest.fixture
def account(session: AsyncSession, sessions: Sessions, otp: SupabaseAuth, workspace: UUID, ada: AppUser) -> Account:
    return Account(sessions, otp, workspace)


def other_code(code: str) -> str:
    """Return another code than this one."""
    return str(10**6 - 1 - int(code)).zfill(6)


async def identity(session: AsyncSession) -> tuple[UUID, LinkMethod] | None:
    row = (
        await session.execute(
            select(WorkspaceIdentity.app_user_id, WorkspaceIdentity.method).where(
                WorkspaceIdentity.deleted_at.is_(None)
            )
        )
    ).one_or_none()
    return (row[0], row[1]) if row else None


async def actions(session: AsyncSession) -> list[str]:
    return sorted(await session.scalars(select(AuditLog.action)))


async def test_who_reads_the_mail_is_who_they_are(
    session: AsyncSession, supabase: SupabaseServer, account: Account, ada: AppUser
) -> None:
    await account.ask("Ada@School.test")
    code = supabase.code(EMAIL)
    assert await account.type_in(f" {code[:3]} {code[3:]} ") == ada.id
    assert await identity(session) == (ada.id, LinkMethod.OTP)
    await session.refresh(ada)
    assert ada.auth_user_id == supabase.accounts[EMAIL]
    rows = (await session.scalars(select(AuditLog).where(AuditLog.actor_kind == ActorKind.PERSON))).all()
    assert {(row.action, row.entity_type, row.actor_user_id) for row in rows} == {
        ("identity.link", "workspace_identity", ada.id),
        ("person.authenticate", "app_user", ada.id),
    }
    assert len({row.request_id for row in rows}) == 1
    # Once more, from another account of hers: nothing about the person changes.
    await account.ask()
    await account.type_in(supabase.code(EMAIL))
    assert (await actions(session)).count("person.authenticate") == 1


async def test_it_tells_nobody_who_is_here(session: AsyncSession, supabase: SupabaseServer, account: Account) -> None:
    assert not await account.ask("stranger@school.test")
    assert supabase.mails == []
    asked = (await session.scalars(select(AuditLog))).one()
    assert (asked.action, asked.details) == ("identity.otp_ask", {"platform_user_id": "U1"})
    for answer in (refusal(*OFTEN), refusal(500, "unexpected_failure", "Error sending mail")):
        supabase.answers.append(answer)
        assert await account.ask()
    with pytest.raises(InvalidInput, match="wrong, or too old"):
        await account.type_in("123456", "stranger@school.test")
    # A service that is down says so whoever is asked for.
    for email in (EMAIL, "stranger@school.test"):
        supabase.by_mail = False
        with pytest.raises(Unavailable):
            await account.ask(email)


async def test_five_mails_an_hour_whomever_they_are_for(supabase: SupabaseServer, account: Account) -> None:
    for email in (EMAIL, "stranger@school.test") * 2:
        await account.ask(email)
    await account.ask()
    for email in (EMAIL, "stranger@school.test"):
        with pytest.raises(LimitReached, match="an hour"):
            await account.ask(email)
    assert len(supabase.mails) == 3
    with pytest.raises(InvalidInput):
        await account.ask("ada")


async def test_wrong_codes_of_both_kinds_count_together(
    session: AsyncSession, sessions: Sessions, supabase: SupabaseServer, account: Account, workspace: UUID, ada: AppUser
) -> None:
    await account.ask()
    code = supabase.code(EMAIL)
    for typed in ("", "12345", WRONG, "1" * 11, "٣" * 6):
        with pytest.raises(InvalidInput, match="number in the mail"):
            await account.type_in(typed)  # what can't be a code costs no try
    for _ in range(3):
        with pytest.raises(InvalidInput, match="wrong, or too old"):
            await account.type_in(other_code(code))
    for _ in range(2):
        with pytest.raises(NotFound):
            await redeem_code(sessions, workspace, "U1", "0000-0000-0000", surface="slack")
    for attempt in (account.type_in(code), account.ask()):
        with pytest.raises(LimitReached, match="quarter"):
            await attempt
    with pytest.raises(LimitReached):
        await redeem_code(sessions, workspace, "U1", "0000-0000-0000", surface="slack")
    assert len([path for path, _ in supabase.requests if path.endswith("verify")]) == 3
    assert await identity(session) is None


async def test_whose_account_is_somebody_elses(
    session: AsyncSession, supabase: SupabaseServer, account: Account, workspace: UUID, ada: AppUser
) -> None:
    ben = await make.person(session, "Ben")

    async def type_in() -> UUID:
        await account.ask()
        return await account.type_in(supabase.code(EMAIL))

    await account.ask()
    ben.auth_user_id = supabase.accounts[EMAIL]
    await session.commit()
    with pytest.raises(Conflict, match="another person's"):
        await account.type_in(supabase.code(EMAIL))
    ben.auth_user_id, ada.auth_user_id = None, uuid4()
    await session.commit()
    with pytest.raises(Conflict, match="another account"):
        await type_in()
    ada.auth_user_id = None
    await link(session, Actor.system(), workspace, "U1", ben.id, LinkMethod.CODE)
    await session.commit()
    with pytest.raises(Conflict, match="tied to somebody else"):
        await type_in()
    await session.refresh(ada)
    assert ada.auth_user_id is None  # all of it, or nothing
    assert await identity(session) == (ben.id, LinkMethod.CODE)


async def test_who_left_between_mail_and_code(
    session: AsyncSession, supabase: SupabaseServer, account: Account, ada: AppUser
) -> None:
    await account.ask()
    ada.deleted_at = func.now()
    await session.commit()
    with pytest.raises(NotFound):
        await account.type_in(supabase.code(EMAIL))


@pytest.fixture
async def engine_url(new_database: Callable[..., Awaitable[str]]) -> str:
    return await new_database(migrated=True)


async def test_tries_at_once_are_counted_and_no_connection_waits_for_the_server(
    engine_url: str, supabase: SupabaseServer, otp: SupabaseAuth
) -> None:
    engine = create_engine(engine_url)
    try:
        sessions = create_sessions(engine)
        async with sessions.begin() as session:
            workspace = await make.add(session, Workspace(platform=Platform.SLACK, external_id="T1"))
            ada = await make.person(session, "Ada", email=EMAIL)
        account = Account(sessions, otp, workspace.id)
        await account.ask()
        code = supabase.code(EMAIL)
        supabase.release = asyncio.Event()
        typing = asyncio.create_task(account.type_in(code))
        await supabase.held.wait()
        assert engine.pool.checkedout() == 0  # type: ignore[attr-defined]
        supabase.release.set()
        assert await typing == ada.id

        async def type_in() -> type[HomeroomError]:
            with pytest.raises(HomeroomError) as raised:
                await account.type_in(other_code(code))
            return type(raised.value)

        ends = await asyncio.gather(*(type_in() for _ in range(9)))
        assert sorted(map(str, ends)) == sorted(map(str, [*[InvalidInput] * 4, *[LimitReached] * 5]))
    finally:
        await engine.dispose()


async def test_a_project_that_is_not_the_databases_own(
    new_database: Callable[..., Awaitable[str]], supabase: SupabaseServer, otp: SupabaseAuth
) -> None:
    url = await new_database()
    engine = create_engine(url)
    try:
        async with engine.begin() as connection:
            await connection.exec_driver_sql("CREATE SCHEMA auth")
            await connection.exec_driver_sql("CREATE TABLE auth.users (id uuid PRIMARY KEY)")
        await engine.dispose()
        await upgrade(url)
        sessions = create_sessions(engine)
        async with sessions.begin() as session:
            workspace = await make.add(session, Workspace(platform=Platform.SLACK, external_id="T1"))
            await make.person(session, "Ada", email=EMAIL)
        account = Account(sessions, otp, workspace.id)
        await account.ask()
        with pytest.raises(LinkingUnavailable):
            await account.type_in(supabase.code(EMAIL))
    finally:
        await engine.dispose()
