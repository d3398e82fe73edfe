"""Soft delete and restore: a thing goes and comes back as it was, where its place is still free."""

from __future__ import annotations

from uuid import UUID

import pytest

from core.content.browse import list_lessons, list_materials
from core.content.create import Origin, create_module
from core.content.delete import delete, restore
from core.content.fields import ModuleFields
from core.content.find import list_things, thing_of
from core.content.kinds import LESSON, MATERIAL, MODULE, Kind
from core.content.models import Module
from core.content.publish import publish, unpublish
from core.content.revert import revert
from core.errors import Conflict, NotFound
from core.materials.link import link_material
from tests.integration.content.desk import Desk, each_kind


@each_kind
async def test_a_deleted_thing_is_gone_and_restored_as_it_was(desk: Desk, kind: Kind) -> None:
    root = await desk.published(kind, "First")
    await desk.edit(kind, root, "Second")
    history, place = await desk.history(kind, root), root.position
    async with desk.records(f"{kind.name}.delete"):
        await delete(desk.session, desk.teacher, kind, root.id)
    assert await desk.shown(kind, root) is None
    await desk.session.refresh(root)
    assert (root.deleted_at is not None, root.deleted_by_user_id) == (True, desk.teacher.user_id)
    async with desk.records(f"{kind.name}.restore"):
        await restore(desk.session, desk.teacher, kind, root.id)
    assert await desk.shown(kind, root) == "First"
    assert await desk.history(kind, root) == history
    assert (root.position, root.deleted_at, root.deleted_by_user_id) == (place, None, None)


@each_kind
async def test_nothing_happens_to_a_deleted_thing_but_being_restored_once(desk: Desk, kind: Kind) -> None:
    root = await desk.published(kind, "First")
    await delete(desk.session, desk.teacher, kind, root.id)
    async with desk.nothing_changes():
        for verb in (
            delete(desk.session, desk.teacher, kind, root.id),
            publish(desk.session, desk.teacher, kind, root.id),
            unpublish(desk.session, desk.teacher, kind, root.id),
            revert(desk.session, desk.teacher, kind, root.id, 1, queue=desk.queue),
            desk.edit(kind, root, "Second"),
        ):
            with pytest.raises(NotFound):
                await verb
    await restore(desk.session, desk.teacher, kind, root.id)
    async with desk.nothing_changes():
        with pytest.raises(NotFound, match="not deleted"):
            await restore(desk.session, desk.teacher, kind, root.id)


@each_kind
async def test_a_number_that_was_given_away_is_not_given_twice(desk: Desk, kind: Kind) -> None:
    kept = await desk.create(kind, "Kept")
    gone = await desk.create(kind, "Gone")
    await delete(desk.session, desk.teacher, kind, gone.id)
    successor = await desk.create(kind, "Successor")
    await restore(desk.session, desk.teacher, kind, gone.id)
    assert [kept.position, successor.position, gone.position] == [kept.position + step for step in (0, 1, 2)]


async def test_lessons_of_two_modules_do_not_stand_in_each_others_way(desk: Desk) -> None:
    first = await desk.create(LESSON)
    await delete(desk.session, desk.teacher, LESSON, first.id)
    desk.module_id = (await desk.create(MODULE)).id
    await desk.create(LESSON)
    await restore(desk.session, desk.teacher, LESSON, first.id)
    assert first.position == 1


async def test_what_was_imported_again_meanwhile_is_not_restored(desk: Desk) -> None:
    gone, again = [await _imported(desk, delete_it=delete_it) for delete_it in (True, False)]
    async with desk.nothing_changes():
        with pytest.raises(Conflict, match="imported from the same file"):
            await restore(desk.session, desk.teacher, MODULE, gone)
    await delete(desk.session, desk.teacher, MODULE, again)
    await restore(desk.session, desk.teacher, MODULE, gone)


async def test_a_hidden_module_hides_its_lessons_and_their_materials_until_it_is_back(desk: Desk) -> None:
    lesson, material = await desk.published(LESSON, "Phases"), await desk.published(MATERIAL, "Slides")
    await link_material(desk.session, desk.teacher, lesson.id, material.id)
    for hide, show in ((delete, restore), (unpublish, publish)):
        await hide(desk.session, desk.teacher, MODULE, desk.module_id)
        assert await desk.shown(LESSON, lesson) is await desk.shown(MATERIAL, material) is None
        assert lesson.deleted_at is None  # a delete does not cascade
        await show(desk.session, desk.teacher, MODULE, desk.module_id)
        assert await desk.shown(LESSON, lesson) == "Phases"
        assert await desk.shown(MATERIAL, material) == "Slides"


async def test_a_material_names_its_lessons_in_their_order(desk: Desk) -> None:
    lessons = [await desk.published(LESSON, words) for words in ("One", "Two", "Three")]
    material = await desk.published(MATERIAL, "Slides")
    for lesson in (lessons[2], lessons[0], lessons[1]):
        await link_material(desk.session, desk.teacher, lesson.id, material.id)
    numbers = [lesson.number for lesson in await list_lessons(desk.session, desk.class_id)]
    (listed,) = await list_materials(desk.session, desk.class_id)
    assert list(listed.lessons) == numbers


async def _imported(desk: Desk, *, delete_it: bool) -> UUID:
    origin = Origin("folder:sky", "01/README.md")
    root = await create_module(desk.session, desk.teacher, desk.class_id, ModuleFields("Sky"), origin=origin)
    if delete_it:
        await delete(desk.session, desk.teacher, MODULE, root.id)
    return root.id


async def test_a_lesson_of_a_deleted_module_is_out_of_sight_and_leaves_its_number(desk: Desk) -> None:
    hidden = await desk.published(LESSON, "Granite")
    module = await desk.session.get_one(Module, desk.module_id)
    await delete(desk.session, desk.teacher, MODULE, module.id)
    kept = await list_things(desk.session, desk.teacher, desk.class_id, LESSON)
    assert hidden.id not in [each.id for each in kept]
    with pytest.raises(NotFound):
        await thing_of(desk.session, desk.teacher, LESSON, hidden.id)
    await restore(desk.session, desk.teacher, MODULE, module.id)
    assert (await thing_of(desk.session, desk.teacher, LESSON, hidden.id)).number == f"{module.position}.1"
