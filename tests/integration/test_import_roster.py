"""Rosters on a real database: what is previewed is what happens, and nobody is lost, renamed or raised by a file."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from core.audit.models import AuditLog
from core.audit.record import Actor
from core.classes.enrol import LmsIds, enrol, leave
from core.classes.import_roster import RosterFate, RosterReport, import_roster, preview_roster
from core.classes.models import Class, ClassMembership
from core.classes.roster_plan import RosterPlan, RosterRow, UnusableRow
from core.enums import GlobalRole, MembershipRole
from core.errors import NotPermitted
from core.identity.models import AppUser
from core.identity.people import Newcomer, admit_all, get_person
from tests import factories as make

OPERATOR = Actor.command_line()
STUDENT, TEACHER = MembershipRole.STUDENT, MembershipRole.TEACHER


@pytest.fixture
async def class_(session: AsyncSession) -> Class:
    return await make.class_(session, "SKY")


@pytest.fixture
async def teacher(session: AsyncSession, class_: Class) -> Actor:
    person = await make.person(session, "Teacher", email="teacher@example.org")
    await make.enrol(session, class_, person, TEACHER)
    return Actor.person(person.id, "test")


def plan(*rows: RosterRow, whole: bool = True) -> RosterPlan:
    return RosterPlan(rows=tuple(replace(row, where=f"line {at}") for at, row in enumerate(rows, 2)), whole=whole)


def row(email: str | None, name: str = "", section: str = "", role: MembershipRole = STUDENT, **ids: str) -> RosterRow:
    return RosterRow("", email, name, section, role, LmsIds(**ids))


def fates(report: RosterReport) -> dict[str, str]:
    return {entry.email: entry.fate.value for entry in report.entries}


def reasons(report: RosterReport) -> list[tuple[str, str]]:
    return [(each.where, each.reason) for each in report.unusable]


async def membership(session: AsyncSession, class_: Class, email: str) -> ClassMembership:
    person = await get_person(session, email)
    found = await session.scalar(
        select(ClassMembership)
        .where(ClassMembership.class_id == class_.id, ClassMembership.app_user_id == person.id)
        .execution_options(populate_existing=True)
    )
    assert found is not None
    return found


async def actions(session: AsyncSession) -> list[str]:
    await session.flush()
    return sorted(await session.scalars(select(AuditLog.action)))


async def test_a_preview_tells_and_an_import_does(session: AsyncSession, class_: Class, teacher: Actor) -> None:
    for name, section in (("there", "A"), ("moves", "A"), ("gone", "A"), ("unnamed", "A")):
        person = await make.person(session, name, email=f"{name}@example.org")
        await enrol(session, teacher, class_.id, person.id, STUDENT, section=section)
    await make.person(session, "Known", email="known@example.org")
    gone = await get_person(session, "gone@example.org")
    await leave(session, teacher, class_.id, gone.id)
    roster = plan(
        row("new@example.org", "New Person", "B", sis_user_id="s1", login_id="new"),
        row("KNOWN@example.org", "Renamed"),
        row("gone@example.org", section="B"),
        row("moves@example.org", section="B", lms_user_id="11"),
        row("there@example.org", section="A"),
    )
    roster = replace(roster, unusable=(UnusableRow("line 9", "x", "no"),), notes=("A note.",))
    before = await actions(session)

    preview = await preview_roster(session, teacher, class_.id, roster)
    assert fates(preview) == {
        "new@example.org": "added",
        "known@example.org": "enrolled",
        "gone@example.org": "enrolled",
        "moves@example.org": "changed",
        "there@example.org": "unchanged",
    }
    assert preview.of(RosterFate.CHANGED)[0].changes == ("section A → B", "LMS id none → 11")
    assert [member.email for member in preview.absent] == ["teacher@example.org", "unnamed@example.org"]
    assert (reasons(preview), preview.notes) == ([("line 9", "no")], ("A note.",))
    assert await actions(session) == before

    done = await import_roster(session, teacher, class_.id, roster)
    assert (fates(done), done.absent, done.unusable) == (fates(preview), preview.absent, preview.unusable)
    assert await actions(session) == sorted([*before, "person.add", *["class.enrol"] * 4])
    new = await get_person(session, "new@example.org")
    assert (new.name, new.global_role) == ("New Person", GlobalRole.STUDENT)
    assert done.entries[0].user_id == new.id
    enrolled = await membership(session, class_, "new@example.org")
    assert (enrolled.section, enrolled.sis_user_id, enrolled.login_id, enrolled.role) == ("B", "s1", "new", STUDENT)
    assert (await membership(session, class_, "gone@example.org")).deleted_at is None
    assert (await get_person(session, "known@example.org")).name == "Known"
    assert (await membership(session, class_, "unnamed@example.org")).deleted_at is None

    again = await import_roster(session, teacher, class_.id, roster)
    assert {entry.fate for entry in again.entries} == {RosterFate.UNCHANGED}
    assert len(await actions(session)) == len(before) + 5


async def test_people_are_matched_by_address_then_by_ids_of_this_class(
    session: AsyncSession, class_: Class, teacher: Actor
) -> None:
    first = plan(
        row("ada@example.org", sis_user_id="s1", login_id="ada", lms_user_id="11"),
        row("bo@example.org", sis_user_id="s2", login_id="bo"),
    )
    await import_roster(session, teacher, class_.id, first)
    elsewhere = await make.class_(session)
    await import_roster(session, OPERATOR, elsewhere.id, plan(row("cy@example.org", sis_user_id="s3")))
    report = await import_roster(
        session,
        teacher,
        class_.id,
        plan(
            row("new-address@example.org", section="B", sis_user_id="s1"),
            row(None, section="B", sis_user_id="unheard-of", login_id="bo"),
            row(None, lms_user_id="11"),
            row(None, sis_user_id="s3"),
            row("dee@example.org", sis_user_id="s4"),
            row("eve@example.org", sis_user_id="s4"),
            row("DEE@example.org"),
        ),
    )
    assert [(entry.email, entry.fate.value, entry.notes) for entry in report.entries] == [
        ("ada@example.org", "changed", ("is known by this address, not by new-address@example.org",)),
        ("bo@example.org", "changed", ()),
        ("dee@example.org", "added", ()),
    ]
    assert reasons(report) == [
        ("line 4", "it names the same person as line 2"),
        ("line 5", "it has no address, and nobody in this class has its ids"),
        ("line 7", "its SIS id s4 is on line 6 too"),
        ("line 8", "it names the same person as line 6"),
    ]
    assert (await membership(session, class_, "bo@example.org")).sis_user_id == "unheard-of"


async def test_an_id_does_not_pass_from_one_to_another(session: AsyncSession, class_: Class, teacher: Actor) -> None:
    await import_roster(
        session, teacher, class_.id, plan(row("ada@example.org", sis_user_id="s1"), row("bo@example.org"))
    )
    taken = plan(row("bo@example.org", sis_user_id="s1"))
    report = await import_roster(session, teacher, class_.id, taken)
    assert reasons(report) == [("line 2", "its SIS id s1 is ada@example.org's here")]
    # Bo is on the roster, though the row can't be used.
    assert [member.email for member in report.absent] == ["ada@example.org", "teacher@example.org"]
    assert (await membership(session, class_, "bo@example.org")).sis_user_id is None
    ada = await get_person(session, "ada@example.org")
    await leave(session, teacher, class_.id, ada.id)
    await session.flush()
    assert fates(await import_roster(session, teacher, class_.id, taken)) == {"bo@example.org": "changed"}


async def test_only_the_operators_roster_makes_teachers_and_none_unmakes_them(
    session: AsyncSession, class_: Class, teacher: Actor
) -> None:
    await make.person(session, "Known", email="known@example.org", role=GlobalRole.STUDENT)
    roster = plan(
        row("new@example.org", role=TEACHER),
        row("known@example.org", role=TEACHER),
        row("teacher@example.org", section="A"),
    )
    report = await import_roster(session, teacher, class_.id, roster)
    reason = "a roster makes no teachers; let them in as a teacher by name"
    assert reasons(report) == [("line 2", reason), ("line 3", reason)]
    assert report.entries[0].notes == ("teaches here, and goes on teaching",)
    assert (await membership(session, class_, "teacher@example.org")).role is TEACHER
    assert report.absent == ()

    await import_roster(session, OPERATOR, class_.id, roster)
    for email, outside in (("new@example.org", GlobalRole.TEACHER), ("known@example.org", GlobalRole.STUDENT)):
        assert (await membership(session, class_, email)).role is TEACHER
        assert (await get_person(session, email)).global_role is outside  # nobody's role outside classes is raised
    with pytest.raises(NotPermitted):
        await admit_all(session, teacher, class_.id, [Newcomer("x@example.org", role=GlobalRole.TEACHER)])


async def test_who_does_not_teach_the_class_sees_and_does_nothing(session: AsyncSession, class_: Class) -> None:
    student = await make.person(session, role=GlobalRole.TEACHER)
    await make.enrol(session, class_, student)
    before = await session.scalar(select(func.count()).select_from(AppUser))
    for verb in (preview_roster, import_roster):
        with pytest.raises(NotPermitted):
            await verb(session, Actor.person(student.id, "test"), class_.id, plan(row("new@example.org")))
    assert await session.scalar(select(func.count()).select_from(AppUser)) == before


async def test_a_part_of_a_class_says_nothing_about_the_rest(
    session: AsyncSession, class_: Class, teacher: Actor
) -> None:
    report = await preview_roster(session, teacher, class_.id, plan(row("new@example.org"), whole=False))
    assert (report.absent, fates(report)) == ((), {"new@example.org": "added"})


async def test_the_deleted_are_strangers(session: AsyncSession, class_: Class, teacher: Actor) -> None:
    await import_roster(session, teacher, class_.id, plan(row("ada@example.org", sis_user_id="s1")))
    ada = await get_person(session, "ada@example.org")
    ada.deleted_at = func.now()
    await session.flush()
    report = await import_roster(session, teacher, class_.id, plan(row("ada@example.org", sis_user_id="s1")))
    assert fates(report) == {"ada@example.org": "added"}
    assert report.entries[0].user_id != ada.id
    assert [member.email for member in report.absent] == ["teacher@example.org"]
