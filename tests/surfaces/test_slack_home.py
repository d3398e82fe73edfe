"""The bot's own page in Slack: a student's classes, work and grades; what waits for a teacher; nothing for others."""

from __future__ import annotations

from decimal import Decimal

from core.enums import MembershipRole
from tests.surfaces.on_slack import CHANNEL, SlackSchool
from tests.surfaces.slack_posts import all_text_of


async def page(school: SlackSchool, user: str) -> str:
    """Have somebody open the bot's page, and return what it says."""
    published = len(school.slack.called("views.publish"))
    opened = school.slack.people.open_home(user)
    assert opened is not None
    await opened.done()
    await school.slack.until(lambda: len(school.slack.called("views.publish")) > published)
    return all_text_of(school.slack.workspace.homes[user].view)


async def test_a_students_page(school: SlackSchool) -> None:
    await school.join("U3", "Cleo")
    await school.execute("UPDATE app_users SET name = 'Cleo' WHERE email = 'cleo@school.example'")
    shown = await page(school, "U3")
    assert "Hello Cleo." in shown
    assert "The Night Sky" in shown
    assert "Star Count Through a Paper Tube" in shown
    assert "Waiting in" not in shown
    assert school.silent()
    assert school.told("U3") == []


async def test_a_students_page_shows_their_own_released_grades(school: SlackSchool) -> None:
    await school.join("U3", "Cleo")
    await school.join("U4", "Dan")
    grade = """
        INSERT INTO assignment_grade_rows (assignment_id, student_user_id, draft_score, draft_feedback, draft_status,
            released_at, published_score, published_feedback, published_status, published_points, published_weight)
        SELECT r.assignment_id, :student, :score, :said, 'GRADED', CASE WHEN :out THEN now() END,
            CASE WHEN :out THEN CAST(:score AS numeric) END, CASE WHEN :out THEN :said END,
            CASE WHEN :out THEN 'GRADED'::grade_status END, CASE WHEN :out THEN 50 END, CASE WHEN :out THEN 30 END
        FROM assignment_revisions r WHERE r.title = :title
    """
    star_count, phases = "Star Count Through a Paper Tube", "%Moon%"
    await school.execute(
        grade, student=school.people["U3"], score=Decimal(43), said="Neat counts.", out=True, title=star_count
    )
    await school.execute(
        grade.replace("r.title =", "r.title LIKE"),
        student=school.people["U3"],
        score=Decimal(77),
        said="Not yet released.",
        out=False,
        title=phases,
    )
    await school.execute(
        grade, student=school.people["U4"], score=Decimal(11), said="Come and see me.", out=True, title=star_count
    )
    shown = await page(school, "U3")
    assert "43 of 50" in shown
    assert "Neat counts." in shown
    for hidden in ("77", "Not yet released.", "11 of 50", "Come and see me."):
        assert hidden not in shown
    assert school.silent()


async def test_a_teachers_page_and_nothing_of_it_for_a_student(school: SlackSchool) -> None:
    await school.join("U3", "Cleo")
    await school.join("U9", "Tess", MembershipRole.TEACHER)
    school.provider.script("NOT_IN_SOURCES")
    await school.ask("U3", "Why does the Moon have phases and not stripes?")
    await school.until_answered()
    shown = await page(school, "U9")
    assert "Waiting in The Night Sky" in shown
    assert "not stripes" in shown
    assert "not stripes" not in await page(school, "U3")
    assert school.told("U9") == []


async def test_a_teachers_page_says_who_could_not_be_told_of_grades(school: SlackSchool) -> None:
    await school.join("U3", "Cleo")
    await school.join("U9", "Tess", MembershipRole.TEACHER)
    assert "could not be told" not in await page(school, "U9")
    await school.execute(
        "INSERT INTO notifications (dedupe_key, kind, class_id, app_user_id, state)"
        " VALUES ('x', 'grades.released', :class_id, :student, 'FAILED')",
        class_id=school.class_id,
        student=school.people["U3"],
    )
    shown = await page(school, "U9")
    assert "1 student could not be told of grades" in shown
    assert "Cleo" in shown
    assert "could not be told" not in await page(school, "U3")


async def test_a_page_for_who_is_unknown_and_for_who_is_in_no_class(school: SlackSchool) -> None:
    await school.join("U5", "Eve", enrolled=False)
    await school.join("U6", "Finn", linked=False)
    assert "You are not in any class here yet." in await page(school, "U5")
    shown = await page(school, "U6")
    assert "I don't know who you are here yet." in shown
    for text in ("NIGHTSKY", "The Night Sky", "Star Count"):
        assert text not in shown
    assert school.told("U5") == school.told("U6") == []


async def test_who_is_unknown_links_from_their_page(school: SlackSchool) -> None:
    await school.join("U6", "Finn", linked=False)
    await page(school, "U6")
    pressed = school.slack.people.press_in(school.slack.workspace.homes["U6"], "Enter a code")
    await pressed.done()
    form = await school.form("U6")
    await school.send(form, code=await school.code_for("U6"))
    await school.until_told("U6", "You are known here as Finn")
    assert "The Night Sky" in await page(school, "U6")


async def test_a_class_is_chosen_on_the_page(school: SlackSchool) -> None:
    await school.join("U3", "Cleo")
    await school.second_class("U3")
    shown = await page(school, "U3")
    assert "Here you work in" not in shown
    await school.write("U3")
    await school.until_told("U3", "You are in several classes")
    await school.settled()
    pressed = school.slack.people.press_in(school.slack.workspace.homes["U3"], "The Night Sky")
    await pressed.done()
    await school.until_answered(school.direct("U3"))
    assert "Here you work in “The Night Sky”." in await page(school, "U3")
    assert school.silent(CHANNEL)
