"""/grade: by name, and in a walk from submission to submission; two teachers at once; who may not."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from adapters.slack.forms import form_view
from bot.app import App
from core.grading.models import AssignmentGradeRow
from tests.dialogs.graded import Course, choices, file, form, labels, open_course
from tests.dialogs.test_class_commands import Member, words


@pytest.fixture
async def course(app: App) -> Course:
    return await open_course(app)


async def draft(course: Course, of: Member) -> tuple[str, str]:
    async with course.app.sessions() as session:
        row = await session.scalar(select(AssignmentGradeRow).where(AssignmentGradeRow.student_user_id == of.user.id))
        assert row is not None
        assert row.released_at is None
        return (str(row.draft_score) if row.draft_score is not None else row.draft_status.value), row.draft_feedback


async def test_a_grade_is_typed_by_name_and_is_a_draft(course: Course) -> None:
    await course.assignment("Rocks")
    for named in ("alm", "ada", '"Ada Alm"', str(course.ada.user.email), course.ada.user.id.hex):
        said = words(await course.tess.type(f"/grade {named} rocks 8,5 Well: argued"))
        assert "8.5 / 10, with feedback" in said
        assert "draft" in said
    assert await draft(course, course.ada) == ("8.50", "Well: argued")
    await course.tess.type("/grade alm rocks EX")
    assert await draft(course, course.ada) == ("EXCUSED", "Well: argued")


async def test_mistakes_are_said_at_the_score(course: Course) -> None:
    await course.assignment("Rocks")
    for score, says in (("many", "not a score"), ("-3", "negative"), ("99", "too much"), ("1,250", "two ways")):
        reply = await course.tess.type(f'/grade alm rocks "{score}"')
        assert says in words(reply)
        assert set(reply.field_errors) == {"score"}
    assert "no student “moon”" in words(await course.tess.type("/grade moon rocks 8"))
    assert "no assignment “moon”" in words(await course.tess.type("/grade alm moon 8"))


async def test_an_ambiguous_name_is_picked_with_all_that_was_typed(course: Course) -> None:
    await course.assignment("Rocks")
    await course.assignment("Rivers")
    picked = await course.tess.type("/grade bo r 7 Good\nwork")
    assert labels(picked) == ["1 Rocks", "2 Rivers"]
    people = await course.tess.press("1 Rocks")
    assert [label.partition(" (")[0] for label in labels(people)] == ["Bo Berg", "Bo Bright"]
    assert "**Bo Berg**, Rocks: 7 / 10" in words(await course.tess.press(labels(people)[0]))
    assert await draft(course, course.berg) == ("7.00", "Good\nwork")
    works = await course.tess.type("/grade berg")
    assert labels(works) == ["1 Rocks", "2 Rivers"]
    assert form(await course.tess.press("1 Rocks")).fields[0].value == "7"


async def test_a_walk_goes_from_submission_to_submission(course: Course) -> None:
    await course.assignment("Rocks")
    await course.ada.type("/submit rocks Granite.", file=b"stone")
    await course.berg.type("/submit rocks Basalt.")
    await course.bright.type("/submit rocks Chalk.")
    queue = await course.tess.type("/grade")
    assert labels(queue) == ["Rocks (3)"]
    first = await course.tess.press("Rocks (3)")
    assert "**Ada Alm**, Rocks (3 waiting)" in words(first)
    assert "Granite." in words(first)
    got = await course.tess.press("Get file.csv")
    assert (file(got).name, file(got).data) == ("file.csv", b"stone")
    course.tess.desk.seen.append(first)
    second = await course.tess.press("Skip")
    assert "Basalt." in words(second)
    third = await course.tess.fill(score="9", feedback="Dark.")
    assert "Saved: **Bo Berg**, Rocks: 9 / 10" in words(third)
    assert "Chalk." in words(third)
    round_again = await course.tess.fill(status="missing")  # a status needs no score
    assert "Saved: **Bo Bright**, Rocks: missing" in words(round_again)
    assert "Granite." in words(round_again)
    wrong = await course.tess.fill()
    assert set(wrong.field_errors) == {"score"}
    course.tess.desk.seen.append(round_again)
    done = await course.tess.fill(score="EX")
    assert "Nothing of it waits" in words(done)
    assert "Nothing that was handed in waits" in words(await course.tess.type("/grade"))
    assert await draft(course, course.berg) == ("9.00", "Dark.")
    await course.ada.type("/submit rocks Gneiss.")  # excused stays excused
    assert labels(await course.tess.type("/grade")) == []


async def test_a_score_typed_over_missing_or_excused_counts(course: Course) -> None:
    await course.assignment("Rocks")
    for status in ("missing", "EX"):
        await course.tess.type(f"/grade alm rocks {status}")
        opened = await course.tess.type("/grade alm rocks")
        assert "Rocks: 8 / 10" in words(await course.tess.fill(score="8"))
        course.tess.desk.seen.append(await course.tess.type("/grade alm rocks"))
        assert "Rocks: excused" in words(await course.tess.fill(status="excused"))  # with the score still there
        await course.tess.type(f"/grade alm rocks {status}")
        course.tess.desk.seen.append(opened)  # of a draft that is another one now
        conflict = await course.tess.fill(score="7")
        assert "Grade | 7 |" in words(conflict)


async def test_two_teachers_see_each_others_grades_before_they_replace_them(course: Course) -> None:
    await course.assignment("Rocks")
    await course.ada.type("/submit rocks Granite.")
    una = await course.teacher("Una")
    await course.tess.type("/grade rocks")
    opened = await una.type("/grade rocks")
    assert "Saved" in words(await course.tess.fill(score="8", feedback="Mine"))
    una.desk.seen.append(opened)
    conflict = await una.fill(score="5", feedback="Hers")
    assert conflict.failed
    said = words(conflict)
    assert "Tess saved 8 for Ada Alm meanwhile" in said
    assert "Grade | 5 | 8" in said
    assert "Feedback | Hers | Mine" in said
    assert await draft(course, course.ada) == ("8.00", "Mine")
    assert "Nothing of it waits" in words(await una.press("Keep theirs, next"))
    una.desk.seen.append(conflict)
    assert "Saved" in words(await una.fill())  # the form holds her own values, and replaces what she has seen
    assert await draft(course, course.ada) == ("5.00", "Hers")
    typed = await course.tess.type("/grade alm rocks 6")
    assert "Una saved 5" in words(typed)
    assert await draft(course, course.ada) == ("5.00", "Hers")
    assert "Saved" in words(await una.type("/grade alm rocks 4"))  # her own
    assert await draft(course, course.ada) == ("4.00", "Hers")


async def test_nobody_else_grades_or_looks(course: Course) -> None:
    await course.assignment("Rocks")
    await course.ada.type("/submit rocks Granite.", file=b"stone")
    await course.tess.type("/grade")
    walk = choices(course.tess.desk.seen[-1])[0]
    piece = await course.tess.press("Rocks (1)")
    get = choices(piece)[0]
    for other in (course.berg, await course.outsider()):
        for line in ("/grade", "/grade alm rocks 9", "/grade rocks", "/grade ada"):
            reply = await other.type(line)
            assert "Granite" not in words(reply)
            assert "Ada Alm" not in words(reply)
            assert not labels(reply)
        for choice in (walk, get):
            assert (await other.send_choice(choice)).failed
        other.desk.seen.append(piece)
        assert (await other.fill(score="10")).failed
    async with course.app.sessions() as session:
        rows = await session.scalars(
            select(AssignmentGradeRow).where(AssignmentGradeRow.student_user_id == course.ada.user.id)
        )
        assert list(rows) == []


async def test_at_the_terminal_a_walk_is_a_form(course: Course) -> None:
    await course.assignment("Rocks")
    await course.ada.type("/submit rocks Granite.")
    talk = course.talk(course.tess)
    assert "Rocks (1)" in await talk.say("/grade")
    assert "Score, out of 10" in await talk.say("1")
    talk.responder.filling = None
    assert "Saved: Ada Alm, Rocks: 8 / 10" in (await talk.say("/grade alm rocks 8")).replace("**", "")


async def test_a_form_holds_what_was_handed_in_however_long_it_is(course: Course) -> None:
    await course.assignment("Rocks")
    essay = "\n\n".join(f"Paragraph {number} about granite and gneiss." for number in range(400))
    await course.ada.type(f"/submit rocks {essay}")
    piece = await course.tess.type("/grade alm rocks")
    view = form_view(form(piece))
    assert view["blocks"][0]["text"]["text"].startswith("Paragraph 0 about")
    assert "Paragraph 399" not in words(piece)
    assert file(await course.tess.press("Get the whole text")).data.decode() == essay


async def test_a_walk_through_one_section_stays_in_it(course: Course) -> None:
    await course.assignment("Rocks")
    await course.assignment("Rivers")
    await course.ada.type("/submit rocks Granite.")  # section A
    await course.berg.type("/submit rocks Basalt.")
    await course.bright.type("/submit rocks Chalk.")
    await course.bright.type("/submit rivers Rhine.")
    queue = await course.tess.type("/grade section:b")
    assert "Granite" not in words(queue)
    assert "| A |" not in words(queue)
    assert labels(queue) == ["Rocks (2)", "Rivers (1)"]
    first = await course.tess.press("Rocks (2)")
    assert "**Bo Berg**, Rocks (2 waiting)" in words(first)
    assert "Basalt." in words(await course.tess.type("/grade rocks section:B"))
    assert "Basalt." in words(await course.tess.type("/grade assignment:rocks section:B"))
    second = await course.tess.fill(score="9")
    assert "Chalk." in words(second)
    una = await course.teacher("Una")
    await una.type("/grade bright rocks 3")
    conflict = await course.tess.fill(score="8")
    assert "Una saved 3" in words(conflict)
    assert "in section B" in words(await course.tess.press("Keep theirs, next"))
    course.tess.desk.seen.append(conflict)
    done = await course.tess.fill()
    assert "Nothing of it in section B waits" in words(done)
    assert labels(await course.tess.type("/grade")) == ["Rivers (1)", "Rocks (1)"]  # Ada’s is left
    assert "in section C waits" in words(await course.tess.type("/grade section:C"))
