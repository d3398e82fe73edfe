"""/class and the other commands in Slack: real forms, real files, refusals where nobody else reads them."""

from __future__ import annotations

import pytest

from core.enums import GlobalRole, MembershipRole
from tests.surfaces.on_slack import CHANNEL, ELSEWHERE, SHARED, SlackSchool, all_text

ROSTER = b"name,email,role\nCleo,cleo@school.example,student\nGus,gus@school.example,student\n"
ROWS = "No. | Lesson | Module"


async def a_teacher(school: SlackSchool) -> None:
    await school.join("U9", "Tess", MembershipRole.TEACHER, global_role=GlobalRole.TEACHER)


async def test_a_class_is_made_in_a_form(school: SlackSchool) -> None:
    await a_teacher(school)
    await school.type("U9", "/class create", CHANNEL)
    form = await school.form("U9")
    right = {"code": "BOTANY", "title": "Botany", "language": "english", "time_zone": "Europe/Zurich"}
    wrong = {"code": "not a code!", "language": "klingon", "time_zone": "Mars/Olympus"}
    for field, typed in wrong.items():
        assert await school.send(form, **(right | {field: typed}))
        assert set(form.errors) == {field}
    assert not await school.send(form, **right)
    told = await school.until_told("U9", "“Botany” is made; its code is BOTANY")
    assert told.to == "U9"
    (row,) = await school.rows("SELECT id, time_zone FROM classes WHERE code = 'BOTANY'")
    assert row.time_zone == "Europe/Zurich"
    lives = "SELECT 1 FROM class_workspaces WHERE class_id = :id AND deleted_at IS NULL"
    assert await school.rows(lives, id=row.id)
    assert school.silent()


async def test_a_code_that_is_taken_is_said_at_its_field(school: SlackSchool) -> None:
    await a_teacher(school)
    await school.type("U9", "/class create", CHANNEL)
    form = await school.form("U9")
    assert await school.send(form, code="NIGHTSKY", title="Another")
    assert "code" in form.errors


@pytest.mark.parametrize(
    "typed",
    [
        "/class create SPY title:Spying",
        "/class bind",
        "/class unbind",
        "/class settings title:Mine",
        "/class settings",
    ],
)
async def test_what_students_may_not_do_is_refused_in_private(school: SlackSchool, typed: str) -> None:
    await school.join("U3", "Cleo")
    before = await school.rows("SELECT title FROM classes UNION ALL SELECT channel_id FROM channel_bindings ORDER BY 1")
    await school.type("U3", typed, CHANNEL)
    told = await school.until_told("U3", "")
    assert told.to == "U3"
    after = await school.rows("SELECT title FROM classes UNION ALL SELECT channel_id FROM channel_bindings ORDER BY 1")
    assert before == after
    assert school.silent()


async def test_a_channel_is_bound_after_a_warning_and_unbound(school: SlackSchool) -> None:
    await a_teacher(school)
    await school.join("U3", "Cleo")
    await school.join("U5", "Eve", enrolled=False)
    await school.join("U6", "Finn", linked=False)
    await school.type("U9", "/class bind", ELSEWHERE)
    warned = await school.until_told("U9", "One person who reads here is not in this class")
    assert "not linked" in all_text(warned)
    await school.press("U9", warned, "Leave it")
    await school.until_told("U9", "Left as it is.")
    await school.press("U9", warned, "Bind anyway")
    await school.until_told("U9", "This channel stands for “The Night Sky”")
    await school.ask("U3", channel=ELSEWHERE)
    await school.until_answered(ELSEWHERE)
    await school.type("U9", "/class unbind", ELSEWHERE)
    await school.until_told("U9", "This channel no longer stands for")
    await school.ask("U3", channel=ELSEWHERE)
    await school.until_answered(school.direct("U3"))
    assert len(school.answers(ELSEWHERE)) == 1


async def test_a_shared_channel_is_bound_with_a_warning_and_stays_private(school: SlackSchool) -> None:
    await a_teacher(school)
    await school.type("U9", "/class unbind", SHARED)
    await school.until_told("U9", "This channel no longer stands for")
    await school.type("U9", "/class bind lesson:2.1", SHARED)
    warned = await school.until_told("U9", "This channel is shared with another organisation.")
    await school.press("U9", warned, "Bind anyway")
    await school.until_told("U9", "questions here are answered from that lesson")
    await school.ask("U9", channel=SHARED)
    answer = await school.until_answered(school.direct("U9"))
    assert "From the lesson “Phases of the Moon” only." in all_text(answer)
    assert school.silent()


async def test_a_channel_is_not_bound_from_elsewhere(school: SlackSchool) -> None:
    await a_teacher(school)
    await school.type("U9", "/class bind")
    await school.until_told("U9", "A channel is bound from inside it")


async def test_settings_are_changed_in_a_form_and_errors_stand_at_their_fields(school: SlackSchool) -> None:
    await a_teacher(school)
    await school.type("U9", "/class settings", CHANNEL)
    form = await school.form("U9")
    assert await school.send(form, title="The Night Sky II", time_zone="Mars/Olympus")
    assert set(form.errors) == {"time_zone"}
    assert not await school.send(form, title="The Night Sky II", time_zone="Europe/Zurich")
    await school.until_told("U9", "The Night Sky II")
    rows = await school.rows("SELECT title, time_zone FROM classes")
    assert [tuple(row) for row in rows] == [("The Night Sky II", "Europe/Zurich")]
    assert school.silent()


async def test_settings_that_somebody_else_changed_meanwhile_are_not_overwritten(school: SlackSchool) -> None:
    await a_teacher(school)
    await school.type("U9", "/class settings", CHANNEL)
    form = await school.form("U9")
    await school.execute("UPDATE classes SET title = 'Renamed'")
    await school.send(form, title="Mine")
    await school.settled()
    (row,) = await school.rows("SELECT title FROM classes")
    assert row.title == "Renamed"
    assert form.errors or school.told("U9"), "and the person is told"
    assert school.silent()


async def test_a_roster_is_looked_at_and_then_imported(school: SlackSchool) -> None:
    await a_teacher(school)
    await school.join("U3", "Cleo", enrolled=False)
    await school.type("U9", "/class roster", CHANNEL)
    form = await school.form("U9")
    school.slack.people.attach(form, "file", "roster.csv", ROSTER)
    assert not await school.send(form)
    await school.until_told("U9", "This is what roster.csv would do:")
    preview = await school.until_told("U9", "Nobody is taken out by a roster.")
    assert preview.to == "U9"
    assert len(await school.rows("SELECT 1 FROM class_memberships WHERE deleted_at IS NULL")) == 1
    await school.press("U9", preview, "Import")
    await school.until_told("U9", "The roster is imported.")
    people = await school.rows(
        "SELECT u.email FROM class_memberships m JOIN app_users u ON u.id = m.app_user_id WHERE m.role = 'STUDENT'"
    )
    assert {row.email for row in people} == {"cleo@school.example", "gus@school.example"}
    assert school.silent()
    assert school.told("U3") == []
    await school.ask("U3")
    await school.until_answered()


async def test_a_roster_is_dropped(school: SlackSchool) -> None:
    await a_teacher(school)
    await school.type("U9", "/class roster", CHANNEL)
    form = await school.form("U9")
    school.slack.people.attach(form, "file", "roster.csv", ROSTER)
    await school.send(form)
    await school.until_told("U9", "This is what roster.csv would do:")
    preview = await school.until_told("U9", "Nobody is taken out by a roster.")
    await school.press("U9", preview, "Drop")
    await school.until_told("U9", "The roster is dropped")
    await school.press("U9", preview, "Import")
    await school.settled()
    assert len(await school.rows("SELECT 1 FROM class_memberships WHERE deleted_at IS NULL")) == 1
    assert school.silent()


async def test_a_roster_that_is_none_is_said_in_private(school: SlackSchool) -> None:
    await a_teacher(school)
    await school.type("U9", "/class roster", CHANNEL)
    form = await school.form("U9")
    school.slack.people.attach(form, "file", "roster.csv", b"\x00\x01not a table at all")
    await school.send(form)
    await school.settled()
    assert form.errors or school.told("U9")
    assert school.silent()


async def test_a_student_brings_in_no_roster(school: SlackSchool) -> None:
    await school.join("U3", "Cleo")
    await school.type("U3", "/class roster", CHANNEL)
    await school.slack.until(lambda: school.told("U3") or school.slack.workspace.views)
    if school.slack.workspace.views:
        form = await school.form("U3")
        school.slack.people.attach(form, "file", "roster.csv", ROSTER)
        await school.send(form)
        await school.settled()
        assert form.errors or school.told("U3")
    assert len(await school.rows("SELECT 1 FROM class_memberships")) == 1
    assert school.silent()
