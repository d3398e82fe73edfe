"""/module, /lesson, /material and /assignment from end to end: what teachers write, and who may not."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import func, select

from bot.app import App
from core.assignments.models import AssignmentRevision
from core.audit.models import AuditLog
from core.content.find import list_things
from core.content.kinds import KINDS, LESSON
from core.content.models import LessonUnitRevision
from core.events import Attachment, Command
from core.inbox.models import Notification
from core.inbox.notify import PROCESSED
from core.materials.models import LessonUnitMaterial
from core.materials.process import process_lesson, process_material
from core.replies import Choice, File, Reply
from tests.dialogs.graded import Course, actor, choices, file, form, labels, open_course
from tests.dialogs.test_class_commands import Member, words


@pytest.fixture
async def course(app: App) -> Course:
    return await open_course(app)


@pytest.fixture
async def lesson(course: Course) -> Course:
    """Return a class with a module and a lesson, both drafts."""
    await course.tess.type("/module create Rocks")
    await course.tess.type('/lesson create 1 title:Granite body:"Granite is very hard."')
    return course


async def titles(course: Course, kind: str, *, deleted: bool = False) -> list[str]:
    async with course.app.sessions() as session:
        things = await list_things(session, actor(course.tess), course.class_id, KINDS[kind], deleted=deleted)
        return [each.label for each in things]


async def id_of(course: Course, kind: str, title: str) -> UUID:
    async with course.app.sessions() as session:
        things = await list_things(session, actor(course.tess), course.class_id, KINDS[kind])
        return next(each.id for each in things if each.title == title)


async def process(course: Course) -> None:
    """Do what the workers would."""
    async with course.app.sessions() as session:
        for name, run in (("lesson", process_lesson), ("material", process_material)):
            kind = KINDS[name]
            revision: Any = kind.revision
            ids = await session.scalars(
                select(revision.id)
                .join(kind.root, kind.root_column() == kind.root.id)
                .where(kind.root.class_id == course.class_id, revision.processing_status == "PENDING")
            )
            for id_ in ids.all():
                await run(course.app.pipeline, id_)


async def acts(course: Course) -> list[str]:
    async with course.app.sessions() as session:
        rows = await session.scalars(
            select(AuditLog.action).where(AuditLog.class_id == course.class_id).order_by(AuditLog.created_at)
        )
        return [row for row in rows if not row.startswith(("class.", "membership."))]


async def drafts_of(course: Course, lesson_id: UUID) -> list[str]:
    async with course.app.sessions() as session:
        rows = await session.scalars(
            select(LessonUnitRevision.body)
            .where(LessonUnitRevision.lesson_unit_id == lesson_id)
            .order_by(LessonUnitRevision.revision_number)
        )
        return list(rows)


class TestWriting:
    async def test_a_module_and_its_lessons_are_begun_and_listed(self, course: Course) -> None:
        tess = course.tess
        assert "no module yet" in words(await tess.type("/module"))
        assert "as 1, as a draft" in words(await tess.type("/module create The solid Earth"))
        made = await tess.type("/lesson create module:1 title:Granite")
        assert "“Granite” is made as 1.1" in words(made)
        assert "Students don't see it yet" in words(made)
        assert labels(made) == ["Preview", "Publish…", "How far is it?"]
        assert form(await tess.type("/assignment create")).title == "Begin an assignment, as a draft"
        asked = form(await tess.type("/lesson create"))
        assert [each.label for each in asked.fields[0].options] == ["1 The solid Earth"]
        await tess.fill(module="1 The solid Earth", title="Basalt")
        assert "1.2 | Basalt | draft" in words(await tess.type("/lesson list"))
        assert "Granite" not in words(await course.ada.type("/lessons"))
        assert await acts(course) == ["module.create", "lesson.create", "lesson.create"]

    async def test_what_was_typed_reaches_what_is_picked_as_it_was(self, lesson: Course) -> None:
        tess = lesson.tess
        await tess.type('/lesson create 1 title:"Week 1: A; B 100%3B"')
        for title in ("Essay one", "Essay two"):
            await tess.type(f'/assignment create title:"{title}" points:1')
        await tess.type('/assignment move Essay in:"Week 1: A; B 100%3B"')
        asked = await tess.press("Essay two")
        assert "to lesson 1.2 Week 1: A; B 100%3B?" in words(asked)

    async def test_a_form_holds_what_is_there_and_saves_it_once(self, lesson: Course) -> None:
        tess = lesson.tess
        shown = form(await tess.type("/lesson edit gran"))
        assert {each.name: each.value for each in shown.fields} == {"title": "Granite", "body": "Granite is very hard."}
        assert "Saved" in words(await tess.fill(body="Granite is hard and old."))
        await tess.type("/lesson edit 1.1")
        assert "already" in words(await tess.fill())
        await tess.type("/lesson edit 1.1")
        refused = await tess.fill(title=" ")
        assert set(refused.field_errors) == {"title"}
        assert "Granite is hard and old." in words(await tess.type("/lesson preview Granite"))
        assert (await acts(lesson)).count("lesson.edit") == 1

    async def test_of_two_editors_the_second_sees_both_texts(self, lesson: Course) -> None:
        tess, una = lesson.tess, await lesson.teacher("Una")
        await tess.type("/lesson edit 1.1")
        await una.type("/lesson edit 1.1")
        await una.fill(body="Granite is very old.")
        told = await tess.fill(body="Granite is extremely hard.")
        assert told.failed
        said = words(told)
        assert "Una edited lesson “Granite” meanwhile" in said
        assert "Granite is ~~very old~~ **extremely hard**." in said.replace("~~ **", "~~ **")
        assert "Granite is extremely hard. | Granite is very old." in said
        id_ = await id_of(lesson, "lesson", "Granite")
        assert await drafts_of(lesson, id_) == ["Granite is very old."]
        assert "Saved" in words(await tess.fill(body="Granite is extremely hard, and very old."))
        assert await drafts_of(lesson, id_) == ["Granite is extremely hard, and very old."]

    async def test_long_texts_go_by_file_and_come_back_in_a_conflict(self, lesson: Course) -> None:
        tess, una = lesson.tess, await lesson.teacher("Una")
        long = "Granite. " * 2_000
        assert "Saved" in words(await tess.type("/lesson edit 1.1", file=long.encode()))
        sent = await tess.type("/lesson edit 1.1")
        assert file(sent).data.decode().strip() == long.strip()
        assert "too long for a form" in words(sent)
        assert "plain text" in words(await tess.type("/lesson edit 1.1", file=b"\xff\xfe\x00"))
        await tess.type("/lesson edit 1.1", file=b"Short again.")
        await tess.type("/lesson edit 1.1")
        await una.type("/lesson edit 1.1")
        await una.fill(body="Short, by Una.")
        told = await tess.fill(body="Mine. " * 500)
        mine = [part for part in told.parts if isinstance(part, File)]
        assert [part.name for part in mine] == ["yours-r1.4.md", "theirs-r1.4.md"]
        assert mine[0].data.decode() == ("Mine. " * 500).strip()

    async def test_an_assignment_has_its_dates_in_the_class_time_zone(self, lesson: Course) -> None:
        tess = lesson.tess
        made = await tess.type("/assignment create Field trip due:2030-07-01 23:59 in:1.1 points:12,5")
        assert "“Field trip” is made" in words(made)
        shown = form(await tess.press("Points and dates…"))
        assert {each.name: each.value for each in shown.fields} == {
            "points": "12.5",
            "weight": "1",
            "opens_at": "",
            "due_at": "2030-07-01 23:59",
            "closes_at": "",
        }
        wrong = await tess.fill(due_at="some day")
        assert set(wrong.field_errors) == {"due_at"}
        await tess.type("/assignment terms field trip")
        await tess.fill(closes_at="2030-07-02 08:00", points="10")
        async with lesson.app.sessions() as session:
            work = (await session.scalars(
                select(AssignmentRevision).where(AssignmentRevision.title == "Field trip")
                .order_by(AssignmentRevision.updated_at.desc())
            )).first()  # fmt: skip
        assert work is not None
        assert (work.due_at.isoformat() if work.due_at else "")[:16] == "2030-07-01T21:59"
        assert work.points == 10
        text = form(await tess.type("/assignment edit Field trip"))
        assert [each.name for each in text.fields] == ["title", "instructions", "ai_policy"]
        assert "Saved" in words(await tess.fill(ai_policy="OFF", instructions="Bring a hammer."))
        assert "Saved" in words(await tess.type("/assignment edit Field trip", file=b"Bring boots."))
        assert "Bring boots." in words(await tess.type("/assignment preview Field trip"))
        assert "Belongs to | lesson 1.1" in words(await tess.type("/assignment show field"))

    async def test_an_old_text_comes_back_as_a_draft(self, lesson: Course) -> None:
        tess = lesson.tess
        await process(lesson)
        await tess.type("/publish 1.1")
        assert "Published" in words(await tess.press("Publish"))
        await tess.type("/lesson edit 1.1")
        await tess.fill(body="Granite is soft.")
        shown = await tess.type("/lesson history 1.1")
        assert "2 | draft" in words(shown)
        assert "1 | live" in words(shown)
        assert "Granite is ~~soft~~ **very hard**" in words(await tess.press("No. 1"))
        assert "no. 3" in words(await tess.press("Bring back no. 1"))
        assert "2 | discarded" in words(await tess.type("/lesson history 1.1"))
        assert "nothing to bring back" in words(await tess.type("/lesson revert 1.1 to:1"))
        assert (await acts(lesson)).count("lesson.revert") == 1

    async def test_any_two_revisions_are_compared(self, lesson: Course) -> None:
        tess = lesson.tess
        for body in ("Granite is hard and old.", "Granite is old."):
            await process(lesson)
            await tess.type("/publish 1.1")
            await tess.press("Publish")
            await tess.type("/lesson edit 1.1")
            await tess.fill(body=body)
        shown = await tess.type("/lesson history 1.1")
        assert labels(shown)[:2] == ["Changes of no. 3", "Changes of no. 2"]
        told = words(await tess.press("Changes of no. 3"))
        assert "from no. 2 to no. 3" in told
        assert "Granite is ~~hard and~~ old" in told
        assert "~~very hard~~ **hard and old**" in words(await tess.press("Changes of no. 2"))
        told = words(await tess.type("/lesson history 1.1 number:3 with:1"))
        assert "Granite is ~~very hard~~ **old**" in told
        assert told == words(await tess.type("/lesson history 1.1 with:1"))  # the newest, where none is named
        assert "Nothing is different" in words(await tess.type("/lesson history 1.1 number:2 with:2"))
        assert "nothing came before" in words(await tess.type("/lesson history 1.1 number:1"))
        for wrong in ("number:0", "with:two", "number:9"):
            assert (await tess.type(f"/lesson history 1.1 {wrong}")).failed


class TestArranging:
    async def test_lessons_move_after_it_is_confirmed(self, lesson: Course) -> None:
        tess = lesson.tess
        await tess.type("/module create Water")
        await tess.type("/lesson create 1 title:Basalt")
        asked = await tess.type("/lesson move Basalt to:1")
        assert "Move lesson “Basalt” to place 1" in words(asked)
        assert await titles(lesson, "lesson") == ["1.1 Granite", "1.2 Basalt"]
        await tess.press("Move it")
        assert await titles(lesson, "lesson") == ["1.1 Basalt", "1.2 Granite"]
        await tess.type("/lesson move Granite to:2.1")
        assert "it is lesson 2.1 Granite now" in words(await tess.press("Move it"))
        await tess.type("/lesson move 2.1 in:Rocks")
        await tess.press("Move it")
        assert await titles(lesson, "lesson") == ["1.1 Basalt", "1.2 Granite"]
        await tess.type("/module move Water to:1")
        await tess.press("Move it")
        assert await titles(lesson, "module") == ["1 Water", "2 Rocks"]
        assert "no place" in words(await tess.type("/module move Water to:0"))
        await tess.type("/assignment create title:Essay")
        await tess.type("/assignment move Essay in:2.2")
        await tess.press("Move it")
        assert "lesson 2.2" in words(await tess.type("/assignment show Essay"))
        assert (await acts(lesson)).count("lesson.move") == 3

    async def test_an_assignment_gets_the_number_people_see_and_a_place_with_it(self, lesson: Course) -> None:
        tess = lesson.tess
        for title, published in (("Abstract", False), ("Essay", True), ("Report", True)):
            await lesson.assignment(title, published=published)
        await tess.type("/assignment move Report to:1")
        assert "it is assignment 1 Report now" in words(await tess.press("Move it"))
        assert "as number 2 of the class" in words(await tess.type('/assignment move Report in:"lesson 1.1" to:2'))
        assert "it is assignment Report now" in words(await tess.press("Move it"))  # its lesson is a draft
        await tess.type("/assignment move Report in:class to:2")
        assert "it is assignment 2 Report now" in words(await tess.press("Move it"))
        assert (await acts(lesson)).count("assignment.move") == 3

    async def test_a_term_may_be_past_and_what_is_wrong_is_said_at_its_field(self, lesson: Course) -> None:
        tess = lesson.tess
        await tess.type("/assignment create title:Essay")
        begun = f"{datetime.now(UTC) - timedelta(days=30):%Y-%m-%d} 08:00"
        await tess.type("/assignment terms Essay")
        refused = await tess.fill(opens_at=begun, points="-1")
        assert list(refused.field_errors) == ["points"]
        await tess.type("/assignment terms Essay")
        assert "Saved" in words(await tess.fill(opens_at=begun, points="5"))
        await tess.type("/assignment terms Essay")
        assert form(tess.desk.seen[-1]).fields[2].value == begun

    async def test_what_is_deleted_comes_back(self, lesson: Course) -> None:
        tess = lesson.tess
        assert "Delete lesson “Granite”?" in words(await tess.type("/lesson delete 1.1"))
        assert "Left as it is" in words(await tess.press("Leave it"))
        await tess.type("/lesson delete 1.1")
        await tess.press("Delete it")
        assert await titles(lesson, "lesson") == []
        assert labels(await tess.type("/lesson restore")) == ["1.1 Granite"]
        assert "is back" in words(await tess.type("/lesson restore Granite"))
        assert await titles(lesson, "lesson") == ["1.1 Granite"]

    async def test_a_name_left_out_or_unclear_is_picked(self, lesson: Course) -> None:
        tess = lesson.tess
        await tess.type("/lesson create 1 title:Gravel")
        assert labels(await tess.type("/lesson preview")) == ["1.1 Granite", "1.2 Gravel"]
        assert "Granite is very hard." in words(await tess.press("1.1 Granite"))
        unclear = await tess.type("/lesson move Gra to:2")
        assert labels(unclear) == ["1.1 Granite", "1.2 Gravel"]
        assert "to place 2" in words(await tess.press("1.1 Granite"))
        assert "no lesson “Moon”" in words(await tess.type("/lesson preview Moon"))


class TestMaterials:
    async def test_the_outcome_is_told_to_who_uploaded_it(self, lesson: Course) -> None:
        tess = lesson.tess
        tess.desk.files = {"F1": b"# Hardness\n\nGranite scratches glass.\n"}
        typed = Command(
            key=str(uuid4()), sender=tess._sender, place=tess.place, name="material",
            text="upload", files={"file": Attachment("hardness.md", "F1", 40)},
        )  # fmt: skip
        for _ in range(2):
            assert "is uploaded" in words(await tess._do(replace(typed, key=str(uuid4()))))
        async with lesson.app.sessions() as session:
            put = await session.execute(
                select(Notification.app_user_id, Notification.details).where(
                    Notification.kind == PROCESSED, Notification.class_id == lesson.class_id
                )
            )
            rows = put.all()
        assert [row.app_user_id for row in rows] == [tess.user.id, tess.user.id]
        assert len({row.details["revision"] for row in rows}) == 2
        picked = await tess._do(replace(typed, key=str(uuid4()), text="edit"))
        assert "Say which one with the file" in words(picked)

    async def test_a_file_is_uploaded_processed_replaced_and_linked(self, lesson: Course) -> None:
        tess = lesson.tess
        made = await tess.type("/material upload lesson:1.1 title:Notes", file=b"name,hardness\n")
        assert "can't be read" in words(made)  # .csv is nothing to read
        assert set(made.field_errors) == {"file"}
        talk = lesson.talk(tess)
        path = lesson.app.settings.homeroom_home / "hardness.md"
        path.write_text("# Hardness\n\nGranite scratches glass.\n")
        assert "is uploaded as material “Hardness”" in await talk.say(f"/material upload file:{path} lesson:1.1")
        assert "waits to be processed" in words(await tess.type("/material show Hardness"))
        await process(lesson)
        await lesson.app.following.look()
        await talk.until("It is ready: 1 passage")  # printed below what was said of the upload
        shown = words(await tess.type("/material show Hardness"))
        assert "Its text | ready" in shown
        assert "Lessons | 1.1 Granite" in shown
        path.write_text("# Hardness\n\nGranite scratches steel.\n")
        assert "has a new file" in await talk.say(f"/material edit Hardness file:{path}")
        assert "same file" in await talk.say(f"/material edit Hardness file:{path}")
        await tess.type("/material unlink Hardness lesson:1.1")
        assert "no longer in" in words(await tess.press("Take it out"))
        await tess.type("/material link Hardness")
        assert "is in lesson 1.1" in words(await tess.press("1.1 Granite"))
        async with lesson.app.sessions() as session:
            id_ = await id_of(lesson, "material", "Hardness")
            links = await session.scalar(
                select(func.count()).where(
                    LessonUnitMaterial.material_id == id_, LessonUnitMaterial.deleted_at.is_(None)
                )
            )
        assert links == 1

    async def test_materials_get_another_place_in_their_lesson(self, lesson: Course) -> None:
        tess = lesson.tess
        talk = lesson.talk(tess)
        for name in ("hardness", "colour", "age"):
            path = lesson.app.settings.homeroom_home / f"{name}.md"
            path.write_text(f"# {name.capitalize()}\n\nGranite has it.\n")
            await talk.say(f"/material upload file:{path} lesson:1.1")
        await process(lesson)
        assert "Materials | Hardness, Colour, Age" in words(await tess.type("/lesson show 1.1"))
        asked = words(await tess.type("/material move Age lesson:1.1 to:1"))
        assert "Move material “Age” to place 1 of lesson 1.1 Granite?" in asked
        assert "Students" not in asked  # who see nothing of it yet
        assert "Materials | Hardness, Colour, Age" in words(await tess.type("/lesson show 1.1"))
        await tess.type("/material move Age lesson:1.1 to:1")
        assert "another place in its lesson" in words(await tess.press("Move it"))
        assert "Materials | Age, Hardness, Colour" in words(await tess.type("/lesson show 1.1"))
        await tess.type("/publish module 1 whole")
        await tess.press("Publish")
        for title in ("Age", "Colour", "Hardness"):
            await tess.type(f"/publish {title}")
        assert re.findall("Age|Hardness|Colour", words(await lesson.ada.type("/materials"))) == [
            "Age",
            "Hardness",
            "Colour",
        ]
        assert "lesson 1.1 Granite its place stays" in words(await tess.type("/material move Age to:3"))
        assert "Say which place" in words(await tess.type("/material move Age lesson:1.1"))
        await tess.type("/lesson create 1 title:Basalt")
        assert "not in lesson 1.2" in words(await tess.type("/material move Age lesson:1.2 to:1"))
        assert (await acts(lesson)).count("material.move") == 1
        assert (await lesson.ada.type("/material move Age lesson:1.1 to:2")).failed


class TestWhoMayNot:
    LINES = (
        "/module",
        "/module create Mine",
        "/lesson create 1 title:Mine",
        "/lesson edit 1.1",
        "/lesson preview 1.1",
        "/lesson show 1.1",
        "/lesson history 1.1",
        "/lesson revert 1.1 to:1",
        "/lesson move 1.1 to:1",
        "/lesson delete 1.1",
        "/lesson restore",
        "/assignment terms Essay",
        "/material link Notes",
        "/publish",
        "/publish 1.1",
        "/unpublish",
    )

    @pytest.mark.parametrize("line", LINES)
    async def test_students_are_refused(self, lesson: Course, line: str) -> None:
        refused = await lesson.ada.type(line)
        assert refused.failed
        assert "Only a teacher of this class" in words(refused)
        assert "Granite" not in words(refused)

    async def test_forged_choices_do_nothing(self, lesson: Course) -> None:
        tess, olaf = lesson.tess, await lesson.outsider()
        kept = [
            *choices(await tess.type("/lesson delete 1.1")),
            *choices(await tess.type("/lesson preview 1.1")),
            *choices(await tess.type("/publish 1.1")),
            *choices(await tess.type("/lesson move 1.1 to:1")),
        ]
        edit = form(await tess.type("/lesson edit 1.1"))
        before = await acts(lesson)
        for member in (lesson.ada, olaf):
            for choice in [*kept, Choice("", edit.action, edit.value)]:
                if choice.label != "Leave it":
                    refused = await member.send_choice(choice)
                    assert refused.failed, choice
                    assert "hard" not in words(refused)
        assert set((await acts(lesson))[len(before) :]) == {"refused"}
        for broken in ("", "lesson", "lesson:1", "star:" + "0" * 32, f"lesson:{'0' * 32}"):
            for action in {choice.action for choice in kept} | {edit.action}:
                if action != "write.leave":
                    assert (await tess.send_choice(Choice("", action, broken))).failed

    async def test_another_class_and_nobody_see_nothing(self, lesson: Course) -> None:
        olaf = await lesson.outsider()
        assert "no lesson yet" in words(await olaf.type("/lesson"))
        id_ = await id_of(lesson, LESSON.name, "Granite")
        assert (await olaf.type(f"/lesson preview {id_}")).failed
        nobody = Member(lesson.app, lesson.tess.workspace, lesson.tess.workspace_id, lesson.tess.user, "UNOBODY")
        told: Reply = await nobody.type("/lesson preview 1.1")
        assert "don't know who you are" in words(told)
