"""A thing's past and its draft, for teachers alone; and the text that somebody had before them when they saved."""

from __future__ import annotations

from typing import Any

import pytest

from core.audit.record import Actor
from core.classes.models import Class
from core.content.conflict import Seen
from core.content.diff import Diff
from core.content.history import Standing, diff_draft, diff_numbers, read_history, read_newest
from core.content.kinds import LESSON, MATERIAL, MODULE, Kind
from core.content.preview import preview
from core.content.publish import publish, unpublish
from core.content.revert import revert
from core.content.schedule import cancel_schedule
from core.enums import MembershipRole, VisibilityState
from core.errors import Conflict, InvalidInput, NotFound, NotPermitted
from core.materials.link import link_material
from tests import factories as make
from tests.integration.content.desk import Desk, each_indexed, each_kind


@each_kind
async def test_the_history_says_who_did_what_and_what_became_of_it(desk: Desk, kind: Kind) -> None:
    root = await desk.published(kind, "First", "Second")
    await desk.edit(kind, root, "Third")
    await revert(desk.session, desk.teacher, kind, root.id, 1, queue=desk.queue)
    await desk.session.flush()
    history = await read_history(desk.session, desk.teacher, kind, root.id)
    assert [(each.number, each.title, each.standing) for each in history.entries] == [
        (4, "First", Standing.DRAFT),
        (3, "Third", Standing.DISCARDED),
        (2, "Second", Standing.LIVE),
        (1, "First", Standing.EARLIER),
    ]
    assert {each.begun_by for each in history.entries} == {"Teacher"}
    assert [each.published_by for each in history.entries] == [None, None, "Teacher", "Teacher"]
    assert not history.waits


@each_indexed
async def test_what_the_clock_or_a_worker_published_was_published_by_nobody(desk: Desk, kind: Kind) -> None:
    root = await desk.create(kind)
    await publish(desk.session, desk.teacher, kind, root.id)
    history = await read_history(desk.session, desk.teacher, kind, root.id)
    assert (history.waits, history.due_at) == (True, None)
    await desk.ready(kind, root)
    await desk.session.flush()
    (entry,) = (await read_history(desk.session, desk.teacher, kind, root.id)).entries
    assert (entry.published_by, entry.published_at is not None) == (None, True)


@each_kind
async def test_students_and_strangers_see_no_draft(desk: Desk, kind: Kind) -> None:
    root = await desk.create(kind)
    student = await make.person(desk.session, "Student")
    await make.enrol(desk.session, await desk.session.get_one(Class, desk.class_id), student, MembershipRole.STUDENT)
    for actor in (Actor.person(student.id, "test"), Actor.person((await make.person(desk.session)).id, "test")):
        for look in (read_history, preview, diff_draft, read_newest):
            with pytest.raises(NotPermitted):
                await look(desk.session, actor, kind, root.id)
        with pytest.raises(NotPermitted):
            await diff_numbers(desk.session, actor, kind, root.id, 1, 1)


@each_kind
async def test_a_preview_shows_the_draft_and_says_whether_it_is_live(desk: Desk, kind: Kind) -> None:
    root = await desk.published(kind, "First")
    shown = await preview(desk.session, desk.teacher, kind, root.id)
    assert (shown.title, shown.live, shown.draft) == ("First", True, False)
    await desk.edit(kind, root, "Second")
    shown = await preview(desk.session, desk.teacher, kind, root.id)
    assert (shown.title, shown.live, shown.draft, shown.seen) == ("Second", False, True, Seen(2, 1))
    assert await desk.shown(kind, root) == "First"


async def test_a_preview_of_a_lesson_names_what_students_find_in_it_even_in_a_hidden_module(desk: Desk) -> None:
    lesson = await desk.published(LESSON, "Phases")
    live, draft = await desk.published(MATERIAL, "Slides"), await desk.create(MATERIAL, "Secret")
    for material in (live, draft):
        await link_material(desk.session, desk.teacher, lesson.id, material.id)
    await unpublish(desk.session, desk.teacher, MODULE, desk.module_id)
    shown = await preview(desk.session, desk.teacher, LESSON, lesson.id)
    assert (shown.number, shown.text, shown.materials) == ("0.1", "Phases, taught", ("Slides",))


class TestWhatTheEditorSaw:
    @each_kind
    async def test_the_second_editor_gets_both_texts_and_nothing_is_overwritten(self, desk: Desk, kind: Kind) -> None:
        root = await desk.create(kind)
        seen = Seen.of(await read_newest(desk.session, desk.teacher, kind, root.id))
        await desk.edit(kind, root, "Hers", seen=seen)
        async with desk.nothing_changes():
            with pytest.raises(Conflict) as refused:
                await desk.edit(kind, root, "His", seen=seen)
        data: Any = refused.value.data
        assert (data["theirs"]["title"], data["mine"]["title"]) == ("Hers", "His")
        assert (data["seen"], data["changed_by"]) == (Seen(1, 2), desk.teacher.user_id)
        assert isinstance(data["diff"], Diff)
        assert [piece.text for piece in data["diff"].fields[0].pieces] == ["Hers", "His"]
        assert (await desk.edit(kind, root, "Both", seen=data["seen"])).title == "Both"

    @each_kind
    async def test_a_draft_begun_anew_with_the_same_version_is_another_text(self, desk: Desk, kind: Kind) -> None:
        root = await desk.create(kind)
        seen = Seen.of(await desk.draft(kind, root))
        await desk.publish(kind, root)
        assert (await desk.edit(kind, root, "Hers")).version == 1
        with pytest.raises(Conflict):
            await desk.edit(kind, root, "His", seen=seen)

    @each_kind
    async def test_that_it_was_published_meanwhile_is_no_conflict(self, desk: Desk, kind: Kind) -> None:
        root = await desk.create(kind)
        seen = Seen.of(await desk.draft(kind, root))
        await desk.publish(kind, root)
        assert (await desk.edit(kind, root, "Next", seen=seen)).revision_number == 2

    @each_kind
    async def test_a_form_that_is_sent_twice_meets_no_conflict_with_itself(self, desk: Desk, kind: Kind) -> None:
        root = await desk.create(kind)
        seen = Seen.of(await desk.draft(kind, root))
        await desk.edit(kind, root, "Hers", seen=seen)
        async with desk.nothing_changes():
            assert await desk.edit(kind, root, "Hers", seen=seen) is None

    @each_kind
    async def test_what_was_confirmed_is_what_is_published_or_brought_back(self, desk: Desk, kind: Kind) -> None:
        root = await desk.published(kind, "First")
        await desk.edit(kind, root, "Second")
        seen = Seen.of(await desk.draft(kind, root))
        await desk.edit(kind, root, "Third")
        await desk.ready(kind, root)
        async with desk.nothing_changes():
            with pytest.raises(Conflict):
                await publish(desk.session, desk.teacher, kind, root.id, seen=seen)
            with pytest.raises(Conflict):
                await revert(desk.session, desk.teacher, kind, root.id, 1, queue=desk.queue, seen=seen)
        now = Seen.of(await desk.draft(kind, root))
        await publish(desk.session, desk.teacher, kind, root.id, seen=now)
        assert await desk.shown(kind, root) == "Third"

    @each_indexed
    async def test_what_is_written_into_a_frozen_draft_is_handed_back(self, desk: Desk, kind: Kind) -> None:
        root = await desk.create(kind)
        await publish(desk.session, desk.teacher, kind, root.id)
        with pytest.raises(Conflict) as refused:
            await desk.edit(kind, root, "Mine")
        mine: Any = refused.value.data["mine"]
        assert (mine["title"], refused.value.data["due_at"]) == ("Mine", None)
        await cancel_schedule(desk.session, desk.teacher, kind, root.id)
        assert (await desk.edit(kind, root, "Mine")).title == "Mine"

    def test_it_goes_through_a_form_as_text(self) -> None:
        assert Seen.read(str(Seen(12, 3))) == Seen(12, 3)
        for wrong in ("", "1", "a.b", "1.2.3", "-1.2"):
            with pytest.raises(InvalidInput):
                Seen.read(wrong)


async def test_a_number_that_never_was_is_not_found(desk: Desk) -> None:
    root = await desk.create(LESSON)
    for number in (0, 2, 2**40):
        with pytest.raises(NotFound, match="no revision"):
            await diff_numbers(desk.session, desk.teacher, LESSON, root.id, 1, number)
    assert (await desk.draft(LESSON, root)).visibility_state is VisibilityState.DRAFT
