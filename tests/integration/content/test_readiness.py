"""Publishing a whole module: what stands in the way is said before, all of it happens at once, the class is told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, text

from core.classes.models import ChannelBinding, Class
from core.content.announce import channels_of, read_news
from core.content.browse import list_lessons
from core.content.create import create_assignment, create_lesson
from core.content.edit import edit_draft
from core.content.fields import AssignmentFields, LessonFields
from core.content.kinds import ASSIGNMENT, LESSON, MATERIAL, MODULE, Kind
from core.content.move import move_assignment
from core.content.publish import Publication, publish, unpublish
from core.content.publish_module import publish_module
from core.content.readiness import Plan, Weight, plan_publication
from core.content.revisions import Root
from core.db import Sessions
from core.enums import ChannelPurpose, Platform
from core.errors import Conflict, NotFound, NotPermitted, NotReady
from core.identity.models import Workspace
from core.inbox.models import Notification
from core.inbox.notify import PUBLISHED, ToTell, note_told, take_notifications
from core.materials.link import link_material
from tests import factories as make
from tests.integration.content.desk import Desk
from tests.integration.content.school import School
from tests.integration.content.test_permissions import outsiders


@pytest.fixture
async def module(desk: Desk) -> Root:
    """Return a module that nobody sees yet; what is created from now on is in it."""
    root = await desk.create(MODULE, "Optics")
    desk.module_id = root.id
    return root


async def found(desk: Desk, kind: Kind, root: Root, *, whole: bool = False) -> set[tuple[str, Weight]]:
    plan = await plan_publication(desk.session, desk.teacher, kind, root.id, whole=whole)
    return {(each.code, each.weight) for each in plan.findings}


async def whole(desk: Desk, module: Root) -> Plan:
    return await plan_publication(desk.session, desk.teacher, MODULE, module.id, whole=True)


class TestFindings:
    async def test_a_text_that_is_not_ready_waits_and_one_that_failed_stops_with_its_reason(
        self, desk: Desk, module: Root
    ) -> None:
        lesson, material = await desk.create(LESSON, "Lenses"), await desk.create(MATERIAL, "Slides")
        await link_material(desk.session, desk.teacher, lesson.id, material.id)
        await desk.fail(MATERIAL, material, "This file is protected by a password.")
        plan = await whole(desk, module)
        assert [each.title for each in plan.parts] == ["Optics", "Lenses", "Slides"]
        (stops,) = plan.of(Weight.STOPS)
        assert stops.sentence == "Material “Slides” could not be processed: This file is protected by a password."
        (waits,) = plan.of(Weight.WAITS)
        assert (waits.code, waits.root_id) == ("processing", lesson.id)

    async def test_an_empty_lesson_asks_unless_something_else_is_in_it(self, desk: Desk, module: Root) -> None:
        lesson = await create_lesson(desk.session, desk.teacher, module.id, LessonFields("Empty"), queue=desk.queue)
        assert ("empty", Weight.ASKS) in await found(desk, LESSON, lesson)
        material = await desk.create(MATERIAL)
        await link_material(desk.session, desk.teacher, lesson.id, material.id)
        assert ("empty", Weight.ASKS) not in await found(desk, LESSON, lesson)

    async def test_dates_in_the_wrong_order_ask_and_odd_ones_are_told(self, desk: Desk) -> None:
        now = datetime.now(UTC)
        for fields, codes in (
            (AssignmentFields("A", due_at=now + timedelta(days=2), closes_at=now + timedelta(days=1)), {"dates"}),
            (AssignmentFields("B", opens_at=now + timedelta(days=3), due_at=now + timedelta(days=2)), {"dates"}),
            (AssignmentFields("C"), {"undated"}),
            (AssignmentFields("D", due_at=now - timedelta(days=1)), {"past"}),
            (AssignmentFields("E", due_at=now + timedelta(days=1)), set()),
        ):
            root = await create_assignment(desk.session, desk.teacher, desk.class_id, fields)
            assert {code for code, _ in await found(desk, ASSIGNMENT, root)} == codes

    async def test_what_would_stay_hidden_is_told_unless_what_hides_it_appears_with_it(
        self, desk: Desk, module: Root
    ) -> None:
        lesson, material = await desk.create(LESSON), await desk.create(MATERIAL)
        await link_material(desk.session, desk.teacher, lesson.id, material.id)
        fields = AssignmentFields("Work", due_at=datetime.now(UTC) + timedelta(days=1))
        work = await create_assignment(desk.session, desk.teacher, desk.class_id, fields, lesson_unit_id=lesson.id)
        for kind, root in ((LESSON, lesson), (MATERIAL, material), (ASSIGNMENT, work)):
            assert ("hidden", Weight.TELLS) in await found(desk, kind, root)
        assert "hidden" not in {code for code, _ in await found(desk, MODULE, module, whole=True)}

    async def test_only_teachers_learn_of_it(self, desk: Desk, module: Root) -> None:
        for actor in (await outsiders(desk.session, desk)).values():
            with pytest.raises(NotPermitted):
                await plan_publication(desk.session, actor, MODULE, module.id, whole=True)


class TestPublishingAModule:
    async def test_everything_with_a_draft_appears_with_one_row_each(self, desk: Desk, module: Root) -> None:
        lesson, material = await desk.create(LESSON, "Lenses"), await desk.create(MATERIAL, "Slides")
        await link_material(desk.session, desk.teacher, lesson.id, material.id)
        works = [await desk.create(ASSIGNMENT, words) for words in ("One", "Two")]
        await move_assignment(desk.session, desk.teacher, works[0].id, module_id=module.id)
        await move_assignment(desk.session, desk.teacher, works[1].id, lesson_unit_id=lesson.id)
        elsewhere = await desk.create(ASSIGNMENT, "Of the class")
        for kind, root in ((LESSON, lesson), (MATERIAL, material)):
            await desk.ready(kind, root)
        plan = await whole(desk, module)
        async with desk.records(
            "module.publish", "lesson.publish", "material.publish", "assignment.publish", "assignment.publish"
        ):
            done = await publish_module(desk.session, desk.teacher, module.id, seen=plan.fingerprint)
        assert done.came_to is Publication.PUBLISHED
        for kind, root in ((MODULE, module), (LESSON, lesson), (MATERIAL, material), *((ASSIGNMENT, w) for w in works)):
            assert await desk.shown(kind, root) is not None
        assert await desk.shown(ASSIGNMENT, elsewhere) is None
        async with desk.nothing_changes():
            with pytest.raises(NotFound):
                await publish_module(desk.session, desk.teacher, module.id)

    async def test_what_was_hidden_on_purpose_stays_hidden(self, desk: Desk, module: Root) -> None:
        hidden = await desk.published(LESSON, "Hidden")
        await unpublish(desk.session, desk.teacher, LESSON, hidden.id)
        await publish_module(desk.session, desk.teacher, module.id)
        assert await desk.shown(LESSON, hidden) is None

    async def test_nothing_appears_while_anything_stands_in_the_way(self, desk: Desk, module: Root) -> None:
        ready, broken = await desk.create(LESSON, "Ready"), await desk.create(LESSON, "Broken")
        await desk.ready(LESSON, ready)
        await desk.fail(LESSON, broken, "Damaged.")
        async with desk.nothing_changes():
            with pytest.raises(NotReady, match="“Broken” could not be processed: Damaged") as refused:
                await publish_module(desk.session, desk.teacher, module.id, anyway=True, when_ready=True)
        findings: Any = refused.value.data["findings"]
        assert [each.root_id for each in findings] == [broken.id]

    async def test_what_looks_like_a_mistake_is_published_when_the_teacher_says_so(
        self, desk: Desk, module: Root
    ) -> None:
        empty = await create_lesson(desk.session, desk.teacher, module.id, LessonFields("Empty"), queue=desk.queue)
        await desk.ready(LESSON, empty)
        async with desk.nothing_changes():
            with pytest.raises(NotReady, match="is empty"):
                await publish_module(desk.session, desk.teacher, module.id)
        await publish_module(desk.session, desk.teacher, module.id, anyway=True)
        assert await desk.shown(LESSON, empty) == "Empty"

    async def test_what_was_edited_since_the_plan_was_shown_is_not_published(self, desk: Desk, module: Root) -> None:
        lesson = await desk.create(LESSON, "Shown")
        plan = await whole(desk, module)
        await desk.edit(LESSON, lesson, "Edited")
        await desk.ready(LESSON, lesson)
        async with desk.nothing_changes():
            with pytest.raises(Conflict, match="edited this module meanwhile"):
                await publish_module(desk.session, desk.teacher, module.id, seen=plan.fingerprint)

    async def test_unready_texts_are_refused_or_waited_for(self, desk: Desk, module: Root) -> None:
        await desk.create(LESSON, "Lenses")
        async with desk.nothing_changes():
            with pytest.raises(NotReady, match="still being processed"):
                await publish_module(desk.session, desk.teacher, module.id)
        async with desk.records("module.queue_publication", "lesson.queue_publication"):
            done = await publish_module(desk.session, desk.teacher, module.id, when_ready=True)
        assert done.came_to is Publication.QUEUED
        assert await desk.shown(MODULE, module) is None
        with pytest.raises(Conflict, match="frozen"):
            await desk.edit(MODULE, module, "Other")

    async def test_a_lesson_made_meanwhile_waits_and_is_not_published_with_it(self, school: School) -> None:
        module = await school.do(lambda desk: desk.create(MODULE, "Optics"))

        async def make_lesson(desk: Desk) -> Root:
            desk.module_id = module.id
            return await desk.create(LESSON, "Late")

        late = await school.one_after_the_other(
            lambda desk: publish_module(desk.session, desk.teacher, module.id), make_lesson
        )
        assert await school.do(lambda desk: desk.shown(LESSON, late)) is None

    async def test_two_teachers_publish_it_once(self, school: School) -> None:
        module = await school.do(lambda desk: desk.create(MODULE, "Optics"))
        outcome = await school.one_after_the_other(
            *[lambda desk: publish_module(desk.session, desk.teacher, module.id)] * 2
        )
        assert isinstance(outcome, NotFound)
        assert (await school.actions()).count("module.publish") == 1


@pytest.fixture
async def channel(desk: Desk) -> ChannelBinding:
    place = await make.add(desk.session, Workspace(platform=Platform.SLACK, external_id="T1"))
    return await make.add(desk.session, ChannelBinding(workspace_id=place.id, channel_id="C1", class_id=desk.class_id))


def with_others(taken: list[ToTell]) -> list[ToTell]:
    return [each for told in taken for each in (told, *told.also)]


async def told(desk: Desk, sessions: Sessions) -> list[tuple[str, str, bool]]:
    """Take what is to be told, note it as told, and return its kind, title and whether it is an update."""
    await desk.session.commit()
    taken = await take_notifications(sessions, [PUBLISHED])
    news = await read_news(desk.session, with_others(taken))
    for each in taken:
        await note_told(desk.session, each.id)
    await desk.session.commit()
    return [(each.thing, each.title, each.updated) for each in news]


class TestTheClassIsTold:
    async def test_of_lessons_and_work_once(self, desk: Desk, sessions: Sessions, channel: ChannelBinding) -> None:
        for kind in (MODULE, LESSON, MATERIAL, ASSIGNMENT):
            root = await desk.published(kind, kind.name.capitalize())
            await unpublish(desk.session, desk.teacher, kind, root.id)
            await publish(desk.session, desk.teacher, kind, root.id)
        assert await told(desk, sessions) == [("assignment", "Assignment", False), ("lesson", "Lesson", False)]
        assert await told(desk, sessions) == []
        assert [each.binding_id for each in await channels_of(desk.session, desk.class_id)] == [channel.id]

    async def test_never_where_the_class_has_no_channel_or_does_not_want_it(
        self, desk: Desk, sessions: Sessions
    ) -> None:
        await desk.published(LESSON, "Nowhere")
        place = await make.add(desk.session, Workspace(platform=Platform.SLACK, external_id="T1"))
        binding = ChannelBinding(workspace_id=place.id, channel_id="C1", class_id=desk.class_id)
        binding.purpose = ChannelPurpose.TEACHERS
        await make.add(desk.session, binding)
        await desk.published(LESSON, "For teachers")
        binding.purpose = ChannelPurpose.CLASS
        class_ = await desk.session.get_one(Class, desk.class_id)
        class_.settings = {"announce": False}
        await desk.session.flush()
        await desk.published(LESSON, "Quiet")
        assert await told(desk, sessions) == []
        assert (await desk.session.scalars(select(Notification))).all() == []

    @pytest.mark.usefixtures("channel")
    async def test_not_before_students_see_it(self, desk: Desk, sessions: Sessions, module: Root) -> None:
        lesson = await desk.published(LESSON, "Lenses")
        assert await told(desk, sessions) == []
        await desk.publish(MODULE, module)
        await unpublish(desk.session, desk.teacher, LESSON, lesson.id)
        assert await told(desk, sessions) == []
        await publish(desk.session, desk.teacher, LESSON, lesson.id)
        assert await told(desk, sessions) == [("lesson", "Lenses", False)]

    @pytest.mark.usefixtures("channel")
    async def test_not_of_a_small_correction_within_the_hour_but_of_what_matters(
        self, desk: Desk, sessions: Sessions
    ) -> None:
        body = " ".join(f"word{number}" for number in range(100))
        fields = LessonFields("Lenses", body)
        lesson = await create_lesson(desk.session, desk.teacher, desk.module_id, fields, queue=desk.queue)
        await desk.publish(LESSON, lesson)
        assert len(await told(desk, sessions)) == 1

        async def correct(text: str) -> list[tuple[str, str, bool]]:
            fields = LessonFields("Lenses", text)
            await edit_draft(desk.session, desk.teacher, LESSON, lesson.id, fields, queue=desk.queue)
            await desk.publish(LESSON, lesson)
            return await told(desk, sessions)

        assert await correct(body.replace("word7 ", "seven ")) == []
        assert await correct(body.replace("word1", "one")) == []  # 12 words of 101
        assert await correct(body.replace("word", "term")) == [("lesson", "Lenses", True)]
        await desk.session.execute(text("ALTER TABLE lesson_unit_revisions DISABLE TRIGGER USER"))
        await desk.session.execute(
            text("UPDATE lesson_unit_revisions SET published_at = now() - interval '61 minutes'")
        )
        await desk.session.execute(text("ALTER TABLE lesson_unit_revisions ENABLE TRIGGER USER"))
        assert await correct(body.replace("word", "term").replace("term8 ", "eight ")) == [("lesson", "Lenses", True)]

    @pytest.mark.usefixtures("channel")
    async def test_a_new_date_is_never_small(self, desk: Desk, sessions: Sessions) -> None:
        due = datetime.now(UTC) + timedelta(days=7)
        work = await create_assignment(
            desk.session, desk.teacher, desk.class_id, AssignmentFields("Observe", "Look up. " * 50, due_at=due)
        )
        await desk.publish(ASSIGNMENT, work)
        await told(desk, sessions)
        fields = AssignmentFields("Observe", "Look up. " * 50, due_at=due + timedelta(days=1))
        await edit_draft(desk.session, desk.teacher, ASSIGNMENT, work.id, fields, queue=desk.queue)
        await desk.publish(ASSIGNMENT, work)
        assert await told(desk, sessions) == [("assignment", "Observe", True)]

    @pytest.mark.usefixtures("channel")
    async def test_news_that_nobody_heard_gives_way_to_newer_and_stays_new(
        self, desk: Desk, sessions: Sessions
    ) -> None:
        await desk.published(LESSON, "First", "Second")
        assert await told(desk, sessions) == [("lesson", "Second", False)]

    @pytest.mark.usefixtures("channel")
    async def test_what_was_published_together_is_told_together(
        self, desk: Desk, sessions: Sessions, module: Root
    ) -> None:
        for words in ("One", "Two"):
            await desk.ready(LESSON, await desk.create(LESSON, words))
        await publish_module(desk.session, desk.teacher, module.id)
        await desk.session.commit()
        taken = await take_notifications(sessions, [PUBLISHED])
        assert len(taken) == 1
        news = await read_news(desk.session, with_others(taken))
        assert [(each.title, each.module_title) for each in news] == [("One", "Optics"), ("Two", "Optics")]
        assert [each.number for each in news] == [
            each.number for each in await list_lessons(desk.session, desk.class_id)
        ]
