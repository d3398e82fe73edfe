"""/publish and /unpublish from end to end: shown first, then confirmed; now, when ready, or at a moment."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from bot.app import App
from core.content.due import run_due
from core.replies import Reply
from tests.dialogs.graded import Course, choices, labels, open_course
from tests.dialogs.test_authoring import acts, process
from tests.dialogs.test_class_commands import words


@pytest.fixture
async def course(app: App) -> Course:
    """Return a class with a draft module of one lesson, whose text is ready."""
    course = await open_course(app)
    await course.tess.type("/module create Rocks")
    await course.tess.type('/lesson create title:Granite module:1 body:"Granite is very hard."')
    await process(course)
    return course


async def seen_by_students(course: Course) -> str:
    return words(await course.ada.type("/lessons"))


async def edited(course: Course, body: str) -> Reply:
    await course.tess.type("/lesson edit 1.1")
    return await course.tess.fill(body=body)


async def published(course: Course, name: str) -> None:
    await course.tess.type(f"/publish {name}")
    assert "Published" in words(await course.tess.press("Publish"))


async def test_a_lesson_is_published_after_its_changes_were_shown(course: Course) -> None:
    tess = course.tess
    await published(course, "module 1")
    shown = await tess.type("/publish 1.1")
    assert "Granite is very hard." in words(shown)
    assert "Granite" not in await seen_by_students(course)
    assert "Left as it is" in words(await tess.press("Leave it"))
    await published(course, "1.1")
    assert "Granite" in await seen_by_students(course)
    await edited(course, "Granite is extremely hard.")
    await process(course)
    assert "Granite is ~~very~~ **extremely** hard" in words(await tess.type("/publish granite"))
    assert "1 word added, 1 removed." in words(await tess.type("/publish granite"))
    await tess.press("Publish")
    assert (await acts(course)).count("lesson.publish") == 2
    assert "has no draft" in words(await tess.type("/publish 1.1"))


async def test_what_was_edited_since_it_was_shown_is_shown_again(course: Course) -> None:
    tess = course.tess
    plan = await tess.type("/publish 1.1")
    await edited(course, "Granite is soft.")
    await process(course)
    again = await tess.send_choice(choices(plan)[0])
    assert again.failed
    assert "edited since you looked" in words(again)
    assert "Granite is soft." in words(again)
    assert "lesson.publish" not in await acts(course)
    assert "Published" in words(await tess.press("Publish"))


async def test_a_whole_module_says_what_stands_in_the_way(course: Course) -> None:
    tess = course.tess
    await tess.type("/lesson create title:Empty module:1")
    await tess.type("/assignment create title:Trip in:1.1")
    shown = await tess.type("/publish 1 whole")
    said = words(shown)
    assert "still being processed" in said
    assert "is empty: no text" in said
    assert "has no due date" in said
    assert labels(shown) == ["Publish anyway", "Leave it"]
    told = await tess.press("Publish anyway")
    assert "as soon as its text is ready" in words(told)
    assert "Granite" not in await seen_by_students(course)
    await process(course)
    assert "Granite" in await seen_by_students(course)
    assert (await acts(course)).count("lesson.publish") == 2


async def test_what_looks_like_a_mistake_since_is_shown_before_it_is_published(course: Course) -> None:
    tess = course.tess
    await tess.type("/lesson create title:Notes module:1")
    await tess.type("/assignment create title:Trip in:1.2")
    await process(course)
    plan = await tess.type("/publish 1 whole")
    assert labels(plan) == ["Publish", "Leave it"]
    await tess.type("/assignment move Trip in:class")
    await tess.press("Move it")
    told = await tess.send_choice(choices(plan)[0])
    assert told.failed
    assert "Granite" not in await seen_by_students(course)
    assert labels(await tess.type("/publish 1 whole")) == ["Publish anyway", "Leave it"]


async def test_a_module_leads_to_all_that_is_in_it_and_is_published_at_once(course: Course) -> None:
    tess = course.tess
    await tess.type("/publish Rocks")
    whole = await tess.press("Look at the whole module")
    assert "lesson | Granite | new" in words(whole)
    stale = choices(whole)[0]
    await edited(course, "Granite is soft.")
    await process(course)
    assert "edited since you looked" in words(await tess.send_choice(stale))
    assert "2 published together" in words(await tess.press("Publish"))
    assert "Granite" in await seen_by_students(course)


async def test_a_name_may_end_with_the_word_whole(course: Course) -> None:
    tess = course.tess
    await tess.type('/lesson create module:1 title:"The Part and the Whole"')
    shown = words(await tess.type("/publish The Part and the Whole"))
    assert "lesson 1.2 The Part and the Whole" in shown
    assert "with all that is in it" not in shown
    assert "module 1 Rocks, with all that is in it" in words(await tess.type("/publish rocks Whole"))


async def test_what_can_not_be_processed_is_not_offered(course: Course) -> None:
    async with course.app.sessions.begin() as session:
        await session.execute(
            text(
                "UPDATE lesson_unit_revisions r SET processing_status = 'FAILED', failure_reason = 'It is damaged.' "
                "FROM lesson_units l WHERE l.id = r.lesson_unit_id AND l.class_id = :class_id"
            ),
            {"class_id": course.class_id},
        )
    shown = await course.tess.type("/publish 1.1")
    assert "could not be processed: It is damaged." in words(shown)
    assert labels(shown) == ["Look again"]
    await course.tess.type("/publish 1 whole at:2030-05-01 08:00")
    async with course.app.sessions.begin() as session:
        await session.execute(
            text(
                "UPDATE lesson_unit_revisions r SET processing_status = 'READY', failure_reason = NULL "
                "FROM lesson_units l WHERE l.id = r.lesson_unit_id AND l.class_id = :class_id"
            ),
            {"class_id": course.class_id},
        )
    again = await course.tess.press("Look again")  # at the same moment, and all of it
    assert "with all that is in it" in words(again)
    assert "on Wed 1 May 2030, 08:00 CEST" in words(again)
    assert labels(again) == ["Schedule it", "Leave it"]


async def test_an_unready_lesson_is_published_when_it_is(course: Course) -> None:
    tess = course.tess
    await published(course, "module 1")
    await edited(course, "Granite is old.")
    shown = await tess.type("/publish 1.1")
    assert labels(shown) == ["Publish when ready", "Leave it"]
    assert "Lesson 1.1 Granite is published as soon as its text is ready" in words(
        await tess.press("Publish when ready")
    )
    refused = await edited(course, "Granite is young.")
    assert "frozen" in words(refused)
    assert labels(refused) == ["Cancel the publication", "Leave it"]
    await process(course)
    assert "Granite" in await seen_by_students(course)


async def test_it_is_scheduled_in_the_class_time_zone_and_called_off(course: Course) -> None:
    tess = course.tess
    shown = await tess.type("/publish 1.1 at:2030-03-31 02:30")
    said = words(shown)
    assert "Sun 31 March 2030, 03:30 CEST" in said
    assert "clocks" in said
    told = await tess.press("Schedule it")
    assert "Lesson 1.1 Granite is published on Sun 31 March 2030, 03:30 CEST" in words(told)
    assert "frozen" in words(await edited(course, "Granite is soft."))
    assert "Waits | to be published" in words(await tess.type("/lesson show 1.1"))
    twice = await tess.type("/publish 1.1 at:2030-04-01 08:00")
    assert "already" in words(twice)
    assert "cancel that first" in words(await tess.press("Schedule it"))
    listed = await tess.type("/publish")
    assert "lesson Granite | published" in words(listed)
    assert labels(listed) == ["Cancel publishing: lesson Granite", "module 1 Rocks"]
    assert "Cancelled" in words(await tess.press("Cancel publishing: lesson Granite"))
    await tess.type("/publish at:2030-05-01 08:00")
    assert "on Wed 1 May 2030, 08:00 CEST" in words(await tess.press("lesson 1.1 Granite"))
    assert "Saved" in words(await edited(course, "Granite is soft."))
    for wrong in ("yesterday", "2001-01-01 08:00", "soon"):
        refused = await tess.type(f"/publish 1.1 at:{wrong}")
        assert set(refused.field_errors) == {"at"}


async def test_a_scheduled_module_comes_as_it_was_shown(course: Course) -> None:
    tess = course.tess
    await tess.type('/publish Rocks whole:yes at:"in 2 days"')
    assert "2 together" in words(await tess.press("Schedule it"))
    async with course.app.sessions.begin() as session:
        await session.execute(
            text("UPDATE scheduled_actions SET due_at = now() - interval '1 minute' WHERE class_id = :class_id"),
            {"class_id": course.class_id},
        )
    await run_due(course.app.sessions)
    assert "Granite" in await seen_by_students(course)


async def test_a_scheduled_module_is_not_scheduled_twice(course: Course) -> None:
    tess = course.tess
    await tess.type("/publish Rocks whole at:in 2 days")
    again = choices(await tess.type("/publish Rocks whole at:in 3 days"))[0]
    await tess.send_choice(again)
    told = await tess.send_choice(again)
    assert "waits to be published already" in words(told)
    assert "Cancelled, with 1 more" in words(await tess.press("Cancel that"))


async def test_what_comes_together_is_cancelled_by_one_choice_and_each_act_by_its_own(course: Course) -> None:
    tess = course.tess
    for title in ("Basalt", "Slate"):
        await tess.type(f'/lesson create module:1 title:{title} body:"It is dark."')
    await process(course)
    await published(course, "module 1")
    await published(course, "1.2")
    await tess.type("/publish 1 whole at:in 3 days")
    await tess.press("Schedule it")
    await tess.type("/lesson edit 1.2")
    await tess.fill(body="Basalt is darker.")
    await process(course)
    for act, days in (("publish", 4), ("unpublish", 5)):
        await tess.type(f"/{act} 1.2 at:in {days} days")
        await tess.press("Schedule it")
    shown = await tess.type("/publish")
    assert labels(shown)[:3] == [
        "Cancel publishing: module 1 Rocks, 2 together",
        "Cancel publishing: lesson Basalt",
        "Cancel unpublishing: lesson Basalt",
    ]
    assert "Cancelled, with 1 more" in words(await tess.press("Cancel publishing: module 1 Rocks, 2 together"))
    assert labels(await tess.type("/publish"))[:2] == [
        "Cancel publishing: lesson Basalt",
        "Cancel unpublishing: lesson Basalt",
    ]
    await tess.press("Cancel unpublishing: lesson Basalt")
    assert labels(await tess.type("/publish"))[0] == "Cancel publishing: lesson Basalt"


async def test_what_is_hidden_is_hidden_at_once_or_later(course: Course) -> None:
    tess = course.tess
    assert "Nothing is published" in words(await tess.type("/unpublish"))
    await tess.type("/publish 1 whole")
    await tess.press("Publish")
    assert labels(await tess.type("/unpublish")) == ["module 1 Rocks", "lesson 1.1 Granite"]
    assert "hidden with it" in words(await tess.press("module 1 Rocks"))
    await tess.type('/unpublish 1.1 at:"in 3 days"')
    assert "Lesson 1.1 Granite is hidden from students on" in words(await tess.press("Schedule it"))
    assert "Cancelled" in words(await tess.press("Cancel it"))
    await tess.type("/unpublish 1.1")
    assert "don't see lesson 1.1 Granite any more" in words(await tess.press("Unpublish"))
    assert "Granite" not in await seen_by_students(course)
    assert "Lesson 1.1 Granite is not published" in words(await tess.type("/unpublish 1.1"))
    await tess.type("/publish 1.1")
    await tess.press("Publish")
    assert "Granite" in await seen_by_students(course)


async def test_at_the_terminal_it_is_the_same(course: Course) -> None:
    talk = course.talk(course.tess)
    await talk.say("/publish module 1")
    assert "Published: module 1 Rocks" in await talk.say("1")
    assert "Granite is very hard." in await talk.say("/publish lesson 1.1")
    assert "Published: lesson 1.1 Granite" in await talk.say("1")
    listed = await talk.say("/publish")
    assert "no draft" in listed
