"""/class and the other commands: what students look up, what teachers set, refusals that nobody else reads."""

from __future__ import annotations

import pytest

from core.enums import GlobalRole, MembershipRole
from tests.surfaces.scenarios.where import Trait, needs
from tests.surfaces.school import QUESTION, School

UNKNOWN = "I don't know who you are here yet."


async def a_teacher(school: School) -> str:
    return await school.newcomer("Tess", MembershipRole.TEACHER, global_role=GlobalRole.TEACHER)


@pytest.mark.parametrize(
    "typed", ["/class create SPY title:Spying", "/class bind", "/class unbind", "/class settings title:Mine"]
)
@needs(Trait.CHANNELS)
async def test_what_students_may_not_do_is_refused_in_private(school: School, typed: str) -> None:
    cleo = await school.newcomer("Cleo")
    state = "SELECT title FROM classes UNION ALL SELECT channel_id FROM channel_bindings ORDER BY 1"
    before = await school.rows(state)
    await school.type(cleo, typed, school.channel)
    await school.until_told(cleo, "")
    assert await school.rows(state) == before
    assert school.silent()


@pytest.mark.parametrize("typed", ["/class show", "/lessons", "/history", "/help", "/assignments"])
@needs(Trait.ACCOUNTS)
async def test_who_is_unknown_learns_nothing(school: School, typed: str) -> None:
    finn = await school.newcomer("Finn", linked=False)
    await school.type(finn, typed, school.channel)
    told = await school.until_told(finn, UNKNOWN)
    assert "Moon" not in school.everything(told)
    assert "NIGHTSKY" not in school.everything(told)
    assert school.silent()


async def test_what_people_look_up_is_theirs_alone(school: School) -> None:
    cleo, tess = await school.newcomer("Cleo"), await a_teacher(school)
    place = school.channel or None
    for number, typed in enumerate(("/lessons", "/materials", "/assignments", "/help", "/class show", "/history"), 1):
        await school.type(cleo, typed, place)
        await school.until(lambda number=number: len(school.told(cleo)) >= number)  # type: ignore[misc]
    everything = "\n".join(school.everything(post) for post in school.told(cleo))
    assert "Phases of the Moon" in everything
    assert "Tess" in everything
    assert "Students" not in everything, "how many there are is for those who teach"
    assert school.silent()
    assert not school.told(tess)
    await school.type(tess, "/class show", place)
    assert "Students" in school.everything(await school.until_told(tess, "NIGHTSKY"))


async def test_a_class_is_made_and_what_is_wrong_with_it_is_said(school: School) -> None:
    tess = await a_teacher(school)
    place = school.channel or None
    for typed in ("BOTANY title:Botany language:klingon", "BOTANY title:Botany time_zone:Mars/Olympus"):
        before = len(school.told(tess))
        await school.type(tess, f"/class create {typed}", place)
        await school.until(lambda before=before: len(school.told(tess)) > before)  # type: ignore[misc]
        assert not await school.rows("SELECT 1 FROM classes WHERE code = 'BOTANY'")
    await school.type(tess, "/class create BOTANY title:Botany time_zone:Europe/Zurich", place)
    await school.until_told(tess, "“Botany” is made; its code is BOTANY")
    (row,) = await school.rows("SELECT time_zone FROM classes WHERE code = 'BOTANY'")
    assert row.time_zone == "Europe/Zurich"
    assert school.silent()


async def test_settings_are_changed_by_typing(school: School) -> None:
    tess = await a_teacher(school)
    place = school.channel or None
    await school.type(tess, "/class settings time_zone:Mars/Olympus", place)
    await school.until_told(tess, "Mars/Olympus")
    await school.type(tess, '/class settings title:"The Night Sky II" time_zone:Europe/Zurich', place)
    await school.until_told(tess, "The Night Sky II")
    rows = await school.rows("SELECT title, time_zone FROM classes")
    assert [tuple(row) for row in rows] == [("The Night Sky II", "Europe/Zurich")]
    assert school.silent()


@needs(Trait.CHANNELS)
async def test_settings_are_changed_in_a_form(school: School) -> None:
    tess = await a_teacher(school)
    await school.type(tess, "/class settings", school.channel)
    form = await school.form(tess)
    assert await school.fill(tess, form, title="The Night Sky II", time_zone="Mars/Olympus")
    assert not await school.fill(tess, form, title="The Night Sky II", time_zone="Europe/Zurich")
    await school.until_told(tess, "The Night Sky II")
    rows = await school.rows("SELECT title, time_zone FROM classes")
    assert [tuple(row) for row in rows] == [("The Night Sky II", "Europe/Zurich")]
    assert school.silent()


@needs(Trait.CHANNELS)
async def test_a_channel_is_bound_and_unbound(school: School) -> None:
    tess, cleo = await a_teacher(school), await school.newcomer("Cleo")
    await school.type(tess, "/class bind", school.elsewhere)
    await school.until(lambda: school.told(tess))
    warned = school.told(tess)[-1]
    if "Bind anyway" in school.everything(warned):  # where who reads there can't be known
        await school.press(tess, warned, "Bind anyway")
    await school.until_told(tess, "This channel stands for “The Night Sky”")
    await school.ask(cleo, channel=school.elsewhere)
    await school.until_answered(school.elsewhere)
    await school.type(tess, "/class unbind", school.elsewhere)
    await school.until_told(tess, "This channel no longer stands for")
    await school.ask(cleo, channel=school.elsewhere)
    await school.until_answered(school.direct(cleo))
    assert len(school.answers(school.elsewhere)) == 1


@needs(Trait.CHANNELS)
async def test_a_roster_is_looked_at_and_then_imported(school: School) -> None:
    tess, cleo = await a_teacher(school), await school.newcomer("Cleo", enrolled=False)
    roster = b"name,email,role\nCleo,cleo@school.example,student\nGus,gus@school.example,student\n"
    await school.attach(tess, "/class roster", "file", ("roster.csv", roster))
    preview = await school.until_told(tess, "Nobody is taken out by a roster.")
    assert len(await school.rows("SELECT 1 FROM class_memberships WHERE deleted_at IS NULL")) == 1
    await school.press(tess, preview, "Import")
    await school.until_told(tess, "The roster is imported.")
    assert school.silent()
    assert not school.told(cleo)
    await school.ask(cleo)
    await school.until_answered()


@needs(Trait.FREE_WORDS)
async def test_what_is_no_option_is_said(school: School) -> None:
    cleo = await school.newcomer("Cleo")
    await school.type(cleo, "/class nonsense")
    await school.until_told(cleo, "/class takes no “nonsense”")
    await school.type(cleo, f"/ask --colour red {QUESTION}")
    await school.until_told(cleo, "has no option “colour”")
    assert school.silent()
