"""/release: seen first, then done; at a time; taken back; and never what was not looked at."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import func, select, update

from bot.app import App
from bot.clock import release_what_is_due
from bot.commands.notices import write_notice
from core.assignments.models import Assignment
from core.classes.models import ClassMembership
from core.grading.models import AssignmentGradeRow
from core.identity.models import AppUser
from core.inbox.models import Notification, ScheduledAction
from core.inbox.notify import ToTell
from core.replies import Audience, Picture, Reply
from tests import factories as make
from tests.dialogs.graded import Course, choices, labels, open_course
from tests.dialogs.test_class_commands import words


@pytest.fixture
async def course(app: App) -> Course:
    return await open_course(app)


async def released(course: Course) -> dict[str, str]:
    """Return what students see: score by name."""
    async with course.app.sessions() as session:
        rows = await session.scalars(
            select(AssignmentGradeRow).where(
                AssignmentGradeRow.released_at.is_not(None),
                AssignmentGradeRow.student_user_id.in_(
                    [each.user.id for each in (course.ada, course.berg, course.bright)]
                ),
            )
        )
        names = {each.user.id: each.user.name for each in (course.ada, course.berg, course.bright)}
        return {names[row.student_user_id]: str(row.published_score) for row in rows}


async def grade_all(course: Course, work: str = "rocks") -> None:
    for who, score in (("alm", "7"), ("berg", "EX"), ("bright", "missing")):
        await course.tess.type(f"/grade {who} {work} {score}")


def picture(reply: Reply) -> Picture:
    return next(part for part in reply.parts if isinstance(part, Picture))


async def test_a_dry_run_says_who_sees_what_and_changes_nothing(course: Course) -> None:
    await course.assignment("Rocks")
    await course.tess.type("/grade alm rocks 7")
    await course.tess.type("/grade berg rocks EX")
    overview = await course.tess.type("/release")
    assert "Rocks | 2 | 0 | 0 | 1" in words(overview)
    assert labels(overview) == ["Rocks (2)"]
    run = await course.tess.press("Rocks (2)")
    said = words(run)
    assert "Ada Alm | – | 7 / 10" in said
    assert "Bo Berg | – | excused" in said
    assert "Not graded, so nothing is shown: Bo Bright." in said
    assert "Students who are told | 2" in said
    drawn = picture(run)
    assert drawn.png.startswith(b"\x89PNG")
    assert "1 at 70–79 %" in drawn.alt
    assert "Left as it is" in words(await course.tess.press("Leave it"))
    assert await released(course) == {}
    course.tess.desk.seen.append(run)
    assert "Released: 2 grades of 2 students" in words(await course.tess.press("Release"))
    assert await released(course) == {"Ada Alm": "7.00", "Bo Berg": "None"}
    async with course.app.sessions() as session:
        told = await session.scalar(
            select(func.count()).select_from(Notification).where(Notification.class_id == course.class_id)
        )
    assert told == 2
    await course.tess.type("/grade alm rocks 8")
    assert "Ada Alm | 7 / 10 | 8 / 10" in words(await course.tess.type("/release rocks"))
    assert "nothing new" in words(await course.tess.type("/release rocks person:berg"))


async def test_what_changed_since_the_look_is_shown_anew(course: Course) -> None:
    await course.assignment("Rocks")
    await course.tess.type("/grade alm rocks 7")
    run = await course.tess.type("/release rocks")
    await course.tess.type("/grade alm rocks 3")
    course.tess.desk.seen.append(run)
    again = await course.tess.press("Release")
    assert "changed since you looked" in words(again)
    assert "Ada Alm | – | 3 / 10" in words(again)
    assert await released(course) == {}
    assert "Released: 1 grade" in words(await course.tess.press("Release"))
    course.tess.desk.seen.append(again)
    assert "nothing to release any more" in words(await course.tess.press("Release"))  # pressed twice
    assert await released(course) == {"Ada Alm": "3.00"}


async def test_of_a_weight_alone_nobody_is_told(course: Course) -> None:
    rocks = await course.assignment("Rocks", weight=Decimal(1))
    await course.tess.type("/grade alm rocks 8")
    await course.tess.type("/grade berg rocks 6")
    await course.tess.type("/release rocks")
    await course.tess.press("Release")
    async with course.app.sessions.begin() as session:
        root = await session.get_one(Assignment, rocks)
        await make.revision(session, root, title="Rocks", published=True, points=Decimal(10), weight=Decimal(2))
    await course.tess.type("/grade berg rocks 7")
    run = words(await course.tess.type("/release rocks"))
    assert "Ada Alm | 8 / 10 | 8 / 10 (weight 1 → 2)" in run
    assert "Students who are told | 1" in run
    assert "2 grades of 2 students. 1 of them is told once" in words(await course.tess.press("Release"))
    async with course.app.sessions() as session:
        told = await session.scalars(select(Notification.app_user_id).where(Notification.class_id == course.class_id))
        assert Counter(told) == {course.ada.user.id: 1, course.berg.user.id: 2}


async def test_a_section_or_a_person_at_a_time_and_taken_back(course: Course) -> None:
    await course.assignment("Rocks")
    await grade_all(course)
    assert "nobody like that" in words(await course.tess.type("/release rocks section:Z"))
    await course.tess.type("/release rocks section:b")
    assert "2 grades of 2" in words(await course.tess.press("Release"))
    assert set(await released(course)) == {"Bo Berg", "Bo Bright"}
    picked = await course.tess.type("/release rocks person:bo retract:yes")
    assert len(labels(picked)) == 2
    berg = await course.tess.send_choice(choices(picked)[0])
    assert "Bo Berg | Rocks | excused" in words(berg)
    assert "Taken back: 1 grade of 1 student" in words(await course.tess.send_choice(choices(berg)[0]))
    assert set(await released(course)) == {"Bo Bright"}
    assert "Nothing of Rocks, Bo Berg is released" in words(
        await course.tess.type("/release rocks person:berg retract:yes")
    )
    alone = await course.tess.type("/release rocks person:ada")
    assert "Released: 1" in words(await course.tess.send_choice(choices(alone)[0]))
    assert set(await released(course)) == {"Bo Bright", "Ada Alm"}


async def test_no_more_is_taken_back_than_was_shown(course: Course) -> None:
    rocks = await course.assignment("Rocks")
    await course.assignment("Maps")
    for work in ("rocks", "maps"):
        await grade_all(course, work)
        for who in ("alm", "berg"):
            await course.tess.send_choice(choices(await course.tess.type(f"/release {work} person:{who}"))[0])
    async with course.app.sessions.begin() as session:
        await session.execute(update(Assignment).where(Assignment.id == rocks).values(published_revision_id=None))
        gone = ClassMembership.app_user_id == course.berg.user.id
        await session.execute(update(ClassMembership).where(gone).values(deleted_at=func.now()))
    looked = await course.tess.type("/release retract:yes")
    assert labels(looked)[0] == "Take back 4 grades"
    assert "Ada Alm | Rocks | 7 / 10 (not seen now)" in words(looked)
    assert "Ada Alm | Maps | 7 / 10\n" in words(looked)
    assert "3 grades would only show again" in words(looked)
    una = await course.teacher("Una")
    await una.send_choice(choices(await una.type("/release maps person:bright"))[0])
    course.tess.desk.seen.append(looked)
    again = await course.tess.press("Take back 4 grades")
    assert "Other grades are released" in words(again)
    assert "Bo Bright | Maps | missing" in words(again)
    assert len(await released(course)) == 3
    assert "Taken back: 5 grades of 3 students" in words(await course.tess.press("Take back 5 grades"))
    assert await released(course) == {}
    course.tess.desk.seen.append(again)
    assert "nothing to take back" in words(await course.tess.press("Take back 5 grades"))


async def test_grades_of_an_unpublished_assignment_are_taken_back_by_its_name(course: Course) -> None:
    rocks = await course.assignment("Rocks")
    await course.tess.type("/grade alm rocks 7")
    await course.tess.type("/release rocks")
    await course.tess.press("Release")
    async with course.app.sessions.begin() as session:
        await session.execute(update(Assignment).where(Assignment.id == rocks).values(published_revision_id=None))
    await course.tess.type("/release rocks retract:yes")
    assert "Taken back: 1 grade" in words(await course.tess.press("Take back 1 grade"))
    assert await released(course) == {}


async def test_taking_back_says_what_nobody_can_take_back(course: Course) -> None:
    await course.assignment("Rocks")
    await grade_all(course)
    await course.tess.type("/release rocks")
    await course.tess.press("Release")
    talk = course.talk(course.ada)
    assert "Your grades in Geology" in await talk.say("/lessons")  # told at the terminal
    await course.tess.type("/release rocks retract:yes")
    said = words(await course.tess.press(labels(course.tess.desk.seen[-1])[0]))
    assert "1 student read it when they came to me" in said
    assert "`/grades`" in said
    assert "No grades have been released" in await talk.say("/grades")


async def test_taking_back_has_no_moment(course: Course) -> None:
    await course.assignment("Rocks")
    refused = await course.tess.type('/release rocks retract:yes at:"in 2 days"')
    assert "taken back at once" in words(refused)
    assert set(refused.field_errors) == {"at"}


async def test_students_of_one_name_are_told_apart(course: Course) -> None:
    await course.assignment("Rocks")
    async with course.app.sessions.begin() as session:
        bright = AppUser.id == course.bright.user.id
        await session.execute(update(AppUser).where(bright).values(name="Bo Berg"))
    berg, bright_ = (f"Bo Berg ({each.user.email})" for each in (course.berg, course.bright))
    await course.tess.type(f"/grade {course.berg.user.email} rocks 3")
    run = await course.tess.type("/release rocks")
    assert f"{berg} | – | 3 / 10" in words(run)
    assert f"nothing is shown: Ada Alm, {bright_}." in words(run)
    await course.tess.press("Release")
    assert f"{berg} | Rocks | 3 / 10" in words(await course.tess.type("/release rocks retract:yes"))
    book = words(await course.tess.type("/gradebook"))
    assert f"{berg} | B" in book
    assert f"{bright_} | B" in book
    assert "Ada Alm | A" in book
    assert f"**{berg}**" in words(await course.tess.type(f"/grade {course.berg.user.email} rocks"))
    assert "**Ada Alm**" in words(await course.tess.type("/grade alm rocks"))


async def test_it_is_scheduled_shown_and_cancelled(course: Course) -> None:
    await course.assignment("Rocks")
    await grade_all(course)
    assert "is past" in words(await course.tess.type('/release rocks at:"2020-01-01 08:00"'))
    assert (await course.tess.type("/release rocks at:someday")).field_errors
    run = await course.tess.type('/release rocks at:"in 2 days"')
    (label, _) = labels(run)
    assert label.startswith("Schedule for ")
    assert "It will be released on" in words(await course.tess.press(label))
    course.tess.desk.seen.append(run)
    assert "scheduled already" in words(await course.tess.press(label))
    overview = await course.tess.type("/release")
    assert "Scheduled" in words(overview)
    cancel = next(each for each in choices(overview) if each.label.startswith("Cancel Rocks"))
    assert "cancelled" in words(await course.tess.send_choice(cancel))
    assert "Scheduled" not in words(await course.tess.type("/release"))
    assert await released(course) == {}


async def test_the_clock_releases_what_is_due_as_the_drafts_are_then(course: Course) -> None:
    await course.assignment("Rocks")
    await grade_all(course)
    run = await course.tess.type('/release rocks section:A at:"in 2 days"')
    await course.tess.press(labels(run)[0])
    await course.tess.type("/grade alm rocks 9")
    await release_what_is_due(course.app)
    assert await released(course) == {}
    async with course.app.sessions.begin() as session:
        due = ScheduledAction.class_id == course.class_id
        await session.execute(update(ScheduledAction).where(due).values(due_at=func.now()))
    await asyncio.gather(*(release_what_is_due(course.app) for _ in range(2)))
    assert await released(course) == {"Ada Alm": "9.00"}


async def test_what_could_not_be_released_as_scheduled_is_told_and_shown(course: Course) -> None:
    rocks = await course.assignment("Rocks")
    await grade_all(course)
    for which in ("section:A", "person:bright"):
        await course.tess.send_choice(choices(await course.tess.type(f'/release rocks {which} at:"in 2 days"'))[0])
    async with course.app.sessions.begin() as session:
        await session.execute(update(Assignment).where(Assignment.id == rocks).values(published_revision_id=None))
        due = ScheduledAction.class_id == course.class_id
        section = ScheduledAction.details["section"].astext == "A"
        await session.execute(update(ScheduledAction).where(due, section).values(due_at=func.now()))
    await release_what_is_due(course.app)
    overview = await course.tess.type("/release")
    assert "Rocks, section A | tried again until" in words(overview)
    assert "Students can't see that assignment" in words(overview)
    assert "Rocks, Bo Bright | –" in words(overview)
    async with course.app.sessions.begin() as session:
        told = await session.scalar(select(Notification).where(Notification.app_user_id == course.tess.user.id))
        assert told is not None
        unsent = ToTell(
            told.id, told.kind, told.class_id, told.app_user_id, told.details, again=False, created_at=told.created_at
        )
        notice = await write_notice(session, unsent)
        assert notice is not None
        assert "(Rocks, section A) could not be released as scheduled for" in words(notice)
        assert "publish it first. It is tried again until" in words(notice)
        hour = func.now() - timedelta(hours=1)
        await session.execute(update(ScheduledAction).where(due, section).values(due_at=hour, retry_at=None))
    await release_what_is_due(course.app)
    overview = await course.tess.type("/release")
    assert "Rocks, section A | not done: Students can't see that assignment" in words(overview)
    assert len([label for label in labels(overview) if label.startswith("Cancel")]) == 1


async def test_an_unpublished_assignment_is_not_released(course: Course) -> None:
    await course.assignment("Hidden", published=False)
    await course.tess.type("/grade alm hidden 5")
    assert "publish it first" in words(await course.tess.type("/release hidden"))
    assert labels(await course.tess.type("/release")) == []


async def test_nobody_else_releases_looks_or_takes_back(course: Course) -> None:
    await course.assignment("Rocks")
    await grade_all(course)
    run = await course.tess.type("/release rocks")
    later = await course.tess.type('/release rocks at:"in 2 days"')
    for other in (course.berg, await course.outsider()):
        for line in ("/release", "/release rocks", "/release rocks retract:yes", '/release rocks at:"in 2 days"'):
            reply = await other.type(line)
            assert "Ada Alm" not in words(reply)
            assert not [label for label in labels(reply) if "Release" in label]
        for choice in (choices(run)[0], choices(later)[0]):
            assert (await other.send_choice(choice)).failed
    assert await released(course) == {}
    course.tess.desk.seen.append(run)
    await course.tess.press("Release")
    back = await course.tess.type("/release rocks retract:yes")
    for other in (course.berg, await course.outsider()):
        assert (await other.send_choice(choices(back)[0])).failed
    assert len(await released(course)) == 3
    async with course.app.sessions() as session:
        assert not list(
            await session.scalars(select(ScheduledAction.id).where(ScheduledAction.class_id == course.class_id))
        )


async def test_at_the_terminal(course: Course) -> None:
    await course.assignment("Rocks")
    talk = course.talk(course.tess)
    await talk.say("/grade alm rocks 7")
    assert "[picture: " in await talk.say("/release rocks")
    assert "Released: 1 grade of 1 student" in await talk.say("1")


async def test_who_could_not_be_told_is_named_with_the_reason_to_their_teacher_alone(course: Course) -> None:
    await course.assignment("Rocks")
    await course.assignment("Maps")
    await grade_all(course)
    await course.tess.type("/release rocks")
    await course.tess.press("Release")
    # The sender found the doors of two closed.
    async with course.app.sessions.begin() as session:
        await session.execute(
            update(Notification)
            .where(Notification.app_user_id.in_([course.ada.user.id, course.berg.user.id]))
            .values(
                state="FAILED", details=Notification.details.op("||")({"reason": "Closed <doors>.", "waits": "yes"})
            )
        )
    for typed in ("/release", "/release rocks", "/release rocks section:B"):
        reply = await course.tess.type(typed)
        assert reply.audience is Audience.PERSON
        said = words(reply)
        count = "1 student" if "section" in typed else "2 students"
        assert f"{count} could not be told of their grades" in said
        assert ("Ada Alm | Closed <doors>." in said) is ("section" not in typed)
        assert "Bo Berg | Closed <doors>." in said
    assert "could not be told" not in words(await course.tess.type("/release maps"))
    assert "could not be told" not in words(await course.ada.type("/release"))  # who is shown her own grades by it
    assert "1 student could not be told" in words(await course.tess.type("/release"))
    await course.tess.type("/release rocks retract:yes")
    await course.tess.press("Take back 3 grades")
    assert "could not be told" not in words(await course.tess.type("/release"))
