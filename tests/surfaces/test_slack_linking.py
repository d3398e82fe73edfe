"""Who is who in Slack: how people become known, what they asked before, and in which of their classes they work."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from core.enums import GlobalRole, LinkMethod, MembershipRole
from core.identity.raising import raise_new_teachers
from tests.fakes.openai_server import OpenAIServer
from tests.fakes.slack_server import SlackServer
from tests.fakes.supabase_server import SupabaseServer, supabase_server
from tests.surfaces.on_slack import CHANNEL, ELSEWHERE, SHARED, SlackSchool, open_school
from tests.surfaces.school import OPERATOR

UNKNOWN = "I don't know who you are here yet."


@pytest.fixture
async def supabase() -> AsyncIterator[SupabaseServer]:
    async with supabase_server() as server:
        yield server


@pytest.fixture(params=[False, True], ids=["socket", "http"])
async def mailing(
    request: pytest.FixtureRequest,
    slack: SlackServer,
    provider: OpenAIServer,
    supabase: SupabaseServer,
    database: str,
    tmp_path: Path,
) -> AsyncIterator[SlackSchool]:
    """Yield a school that mails codes."""
    slack.workspace.add_channel(ELSEWHERE)
    slack.workspace.add_channel(SHARED, shared=True)
    more: dict[str, Any] = {"supabase_url": supabase.url, "supabase_service_role_key": SecretStr(supabase.key)}
    async with open_school(slack, provider, database, tmp_path, http=request.param, **more) as school:
        yield school


async def methods(school: SlackSchool) -> list[LinkMethod]:
    rows = await school.rows("SELECT method FROM workspace_identities WHERE deleted_at IS NULL")
    return [LinkMethod(row.method) for row in rows]


async def test_a_trusted_address_links_without_a_word(school: SlackSchool) -> None:
    await school.trust_addresses()
    await school.join("U3", "Cleo", linked=False)
    await school.ask("U3")
    await school.until_answered()
    assert school.told("U3") == []
    assert await methods(school) == [LinkMethod.EMAIL]


@pytest.mark.parametrize("why", ["not trusted", "guest", "stranger", "teacher", "not on a roster", "admin"])
async def test_an_address_alone_does_not_link(school: SlackSchool, why: str) -> None:
    if why != "not trusted":
        await school.trust_addresses()
    about = {"guest": {"guest": True}, "stranger": {"stranger": True}}.get(why, {})
    await school.join(
        "U3",
        "Cleo",
        MembershipRole.TEACHER if why == "teacher" else MembershipRole.STUDENT,
        linked=False,
        enrolled=why != "not on a roster",
        global_role=GlobalRole.ADMIN if why == "admin" else GlobalRole.UNASSIGNED,
        **about,
    )
    await school.ask("U3")
    await school.until_told("U3", UNKNOWN)
    await school.settled()
    assert school.silent()
    assert await methods(school) == []


async def test_a_code_by_mail_links_through_its_forms(mailing: SlackSchool, supabase: SupabaseServer) -> None:
    school = mailing
    await school.join("U3", "Cleo", linked=False)
    asked = await school.ask("U3")
    explained = await school.until_told("U3", UNKNOWN)
    await school.press("U3", explained, "Use my email address")
    form = await school.form("U3")
    await school.send(form, email="no address")
    assert "email" in form.errors
    assert await school.send(form, email="Cleo@school.example"), "it asks for the code next"
    await school.settled()
    await school.send(form, code="000000" if supabase.code("cleo@school.example") != "000000" else "000001")
    assert "code" in form.errors
    assert not await school.send(form, code=supabase.code("cleo@school.example"))
    answer = await school.until_answered()
    assert answer.thread_ts == asked.ts
    await school.until_told("U3", "You are known here as Cleo")
    assert await methods(school) == [LinkMethod.OTP]
    (row,) = await school.rows("SELECT auth_user_id FROM app_users WHERE email = 'cleo@school.example'")
    assert row.auth_user_id == supabase.accounts["cleo@school.example"]


async def test_an_address_that_nobody_has_reads_the_same(mailing: SlackSchool, supabase: SupabaseServer) -> None:
    school = mailing
    await school.join("U3", "Cleo", linked=False)
    for address in ("cleo@school.example", "nobody@school.example"):
        await school.type("U3", f"/link {address}", CHANNEL)
        form = await school.form("U3")
        school.slack.people.close(form)
        await school.until_told("U3", f"If {address} is on a class list here")
    await school.settled()
    assert [mail.to for mail in supabase.mails] == ["cleo@school.example"]
    assert school.silent()


async def test_a_mailed_code_makes_a_teacher(mailing: SlackSchool, supabase: SupabaseServer) -> None:
    school = mailing
    await school.trust_addresses()
    await school.join("U9", "Tess", MembershipRole.TEACHER, linked=False)
    await school.type("U9", "/link tess@school.example", CHANNEL)
    form = await school.form("U9")
    await school.settled()
    await school.send(form, code=supabase.code("tess@school.example"))
    await school.until_told("U9", "You are known here as Tess")
    assert await methods(school) == [LinkMethod.OTP]


async def test_who_comes_to_teach_links_again(school: SlackSchool) -> None:
    await school.trust_addresses()
    await school.join("U3", "Cleo", linked=False)
    await school.ask("U3")
    await school.until_answered()
    async with school.app.sessions.begin() as session:
        await raise_new_teachers(session, OPERATOR, [school.people["U3"]])
    await school.execute(
        "UPDATE class_memberships SET role = 'TEACHER' WHERE app_user_id = :person", person=school.people["U3"]
    )
    await school.ask("U3")
    await school.until_told("U3", "You teach here now")
    await school.settled()
    assert len(school.answers()) == 1
    await school.type("U3", f"/link {await school.code_for('U3')}", CHANNEL)
    await school.until_answered(count=2)
