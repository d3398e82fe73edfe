"""Workspaces: admitted once however many install at once, revoked, trusted, and unreadable in a dump."""

from __future__ import annotations

import asyncio
import os
import sys
from asyncio.subprocess import PIPE
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from adapters.secrets import Secrets
from core.audit.models import AuditLog
from core.audit.record import Actor
from core.db import create_engine, create_sessions
from core.enums import GlobalRole, LinkMethod, Platform
from core.errors import Ambiguous, InvalidInput, NotFound, NotPermitted
from core.identity.link import link
from core.identity.models import Workspace
from core.identity.workspaces import (
    admit_workspace,
    find_workspace,
    get_workspace,
    list_workspaces,
    reencrypt_workspaces,
    revoke_workspace,
    trust_email,
)
from tests import factories as make

OPERATOR = Actor.command_line()
SLACK = Platform.SLACK
OLD, NEW = "the former key and long enough it is", "the present key and long enough it is"


async def admit(session: AsyncSession, external_id: str = "T1", installation: bytes | None = b"sealed") -> Workspace:
    return await admit_workspace(session, OPERATOR, SLACK, external_id, "School", installation)


async def actions(session: AsyncSession) -> list[str]:
    await session.flush()
    return list(await session.scalars(select(AuditLog.action).order_by(AuditLog.created_at)))


async def test_a_workspace_is_admitted_refreshed_revoked_and_comes_back(session: AsyncSession) -> None:
    first = await admit(session)
    assert (first.name, first.installation, first.email_trusted, first.revoked_at) == ("School", b"sealed", False, None)
    assert await actions(session) == ["workspace.admit"]
    await admit_workspace(session, OPERATOR, SLACK, "T1", "Our\nSchool ", b"other")
    assert (first.name, first.installation) == ("Our School", b"other")
    await trust_email(session, OPERATOR, first, trusted=True)
    assert await revoke_workspace(session, OPERATOR, SLACK, "T1")
    assert first.revoked_at is not None
    assert (first.installation, first.email_trusted) == (None, False)
    assert not await revoke_workspace(session, OPERATOR, SLACK, "T1")
    with pytest.raises(NotFound, match="not at home"):
        await trust_email(session, OPERATOR, first, trusted=True)
    back = await admit(session)
    assert back.id == first.id
    assert (back.installation, back.revoked_at, back.email_trusted) == (b"sealed", None, False)
    assert await actions(session) == [
        f"workspace.{what}" for what in ("admit", "refresh", "trust", "revoke", "readmit")
    ]


async def test_nothing_new_is_no_change(session: AsyncSession) -> None:
    workspace = await admit(session)
    await admit(session, installation=None)
    assert workspace.installation == b"sealed"
    await admit_workspace(session, OPERATOR, SLACK, "T1", "", None)
    assert workspace.name == "School"
    await trust_email(session, OPERATOR, workspace, trusted=False)
    assert not await revoke_workspace(session, OPERATOR, SLACK, "T2")
    assert await actions(session) == ["workspace.admit"]


async def test_only_admins_and_the_operator_may(session: AsyncSession) -> None:
    workspace = await admit(session)
    for role in (GlobalRole.TEACHER, GlobalRole.STUDENT, GlobalRole.UNASSIGNED):
        actor = Actor.person((await make.person(session, role=role)).id, "slack")
        for refused in (
            admit_workspace(session, actor, SLACK, "T2", "Other", None),
            revoke_workspace(session, actor, SLACK, "T1"),
            trust_email(session, actor, workspace, trusted=True),
            list_workspaces(session, actor),
            reencrypt_workspaces(session, actor, bytes),
        ):
            with pytest.raises(NotPermitted):
                await refused
    assert await find_workspace(session, SLACK, "T2") is None
    admin = Actor.person((await make.person(session, role=GlobalRole.ADMIN)).id, "slack")
    await trust_email(session, admin, workspace, trusted=True)
    assert workspace.email_trusted
    assert [each.external_id for each in await list_workspaces(session, admin)] == ["T1"]


async def test_a_workspace_is_found_by_its_id(session: AsyncSession) -> None:
    workspace = await admit(session)
    assert await get_workspace(session, " T1 ") is workspace
    assert await find_workspace(session, Platform.DISCORD, "T1") is None
    await admit_workspace(session, OPERATOR, Platform.DISCORD, "T1", "", None)
    with pytest.raises(Ambiguous):
        await get_workspace(session, "T1")
    for unknown in ("T9", "", "\x00"):
        with pytest.raises(NotFound):
            await get_workspace(session, unknown)
    with pytest.raises(InvalidInput):
        await admit(session, " ")


async def test_two_installs_at_once_make_one_workspace(new_database: Callable[..., Awaitable[str]]) -> None:
    engine = create_engine(await new_database(migrated=True))
    sessions = create_sessions(engine)

    async def install(number: int) -> Workspace:
        async with sessions.begin() as session:
            return await admit(session, installation=b"%d" % number)

    try:
        # The first is held open until the second waits for it in the database.
        async with sessions() as session:
            first = await admit(session, installation=b"first")
            await session.flush()
            second = asyncio.create_task(install(2))
            waiting = text(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
            )
            async with asyncio.timeout(10), engine.connect() as watcher:
                while not await watcher.scalar(waiting):
                    await watcher.rollback()
            await session.commit()
        assert (await second).id == first.id
        assert {each.id for each in await asyncio.gather(*map(install, range(3, 9)))} == {first.id}
        async with sessions() as session:
            assert await session.scalar(select(func.count()).select_from(Workspace)) == 1
            assert len(await actions(session)) == 8
    finally:
        await engine.dispose()


async def test_people_are_linked_while_a_token_is_renewed(new_database: Callable[..., Awaitable[str]]) -> None:
    """A renewal holds the workspace while Slack is asked; what only refers to the workspace must not wait for it."""
    engine = create_engine(await new_database(migrated=True))
    sessions = create_sessions(engine)
    try:
        async with sessions.begin() as session:
            workspace = await admit(session)
            person = await make.person(session)
        async with sessions.begin() as renewing:
            assert await find_workspace(renewing, SLACK, workspace.external_id, lock=True)
            async with asyncio.timeout(5), sessions.begin() as session:
                await link(session, OPERATOR, workspace.id, "U1", person.id, LinkMethod.OPERATOR)
    finally:
        await engine.dispose()


async def test_a_new_key_takes_over_the_database_row_by_row_or_not_at_all(session: AsyncSession) -> None:
    former, both = Secrets(lambda: OLD), Secrets(lambda: f"{NEW},{OLD}")
    for team in ("T1", "T2"):
        await admit(session, team, former.encrypt(f"xoxb-{team}".encode()))
    await admit(session, "T3", None)
    assert await reencrypt_workspaces(session, OPERATOR, both.reencrypt) == 2
    await session.flush()
    kept = [each.installation for each in await list_workspaces(session, OPERATOR)]
    alone = Secrets(lambda: NEW)
    assert [each and alone.decrypt(each) for each in kept] == [b"xoxb-T1", b"xoxb-T2", None]
    with pytest.raises(InvalidInput, match="SECRET_KEY does not fit"):
        await reencrypt_workspaces(session, OPERATOR, former.reencrypt)
    assert (await actions(session)).count("workspace.reencrypt") == 2


async def test_the_operator_sees_trusts_and_removes_workspaces(
    new_database: Callable[..., Awaitable[str]], tmp_path: Path
) -> None:
    url = await new_database(migrated=True)
    environment = {"PATH": os.environ.get("PATH", ""), "PYTHONPATH": str(Path(__file__).parents[2])}
    environment |= {"DATABASE_URL": url, "HOMEROOM_HOME": str(tmp_path), "SECRET_KEY": f"{NEW},{OLD}"}

    async def homeroom(*words: str) -> tuple[int, str, str]:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", "from bot.cli import main; main()", "workspace", *words,
            stdout=PIPE, stderr=PIPE, cwd=tmp_path, env=environment,
        )  # fmt: skip
        out, err = await asyncio.wait_for(process.communicate(), 60)
        return process.returncode or 0, out.decode(), err.decode()

    engine = create_engine(url)
    try:
        async with create_sessions(engine).begin() as session:
            await admit(session, installation=Secrets(lambda: OLD).encrypt(b"xoxb-1"))
        assert await homeroom("trust", "T1") == (0, "Email addresses in School are trusted now.\n", "")
        assert await homeroom("list") == (0, "SLACK\tT1\ttrusted\tSchool\n", "")
        assert await homeroom("reencrypt") == (0, "Encrypted the tokens of 1 workspace anew.\n", "")
        async with create_sessions(engine)() as session:
            kept = (await get_workspace(session, "T1")).installation
        assert kept is not None
        assert Secrets(lambda: NEW).decrypt(kept) == b"xoxb-1"
        assert (await homeroom("remove", "T1"))[:2] == (0, "School is removed. Now remove the app there, too.\n")
        assert (await homeroom("distrust", "T1"))[::2] == (3, "homeroom: Homeroom is not at home in this workspace.\n")
    finally:
        await engine.dispose()
