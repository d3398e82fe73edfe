"""Things of one name can be told apart where they are listed, and named by what tells them apart."""

from __future__ import annotations

import pytest

from core.content.create import create_material
from core.content.delete import delete
from core.content.fields import FileFields
from core.content.find import find_thing, list_things
from core.content.kinds import ASSIGNMENT, LESSON, MATERIAL, MODULE, Kind
from core.content.move import move_assignment
from core.content.revisions import Root
from core.errors import Ambiguous
from core.materials.link import link_material
from tests.integration.content.desk import Desk


async def upload(desk: Desk, filename: str) -> Root:
    file = FileFields("Notes", f"files/{filename}", filename, "text/markdown", 5, filename.encode())
    return await create_material(desk.session, desk.teacher, desk.class_id, file, queue=desk.queue)


async def labels(desk: Desk, *kinds: Kind) -> list[str]:
    return [each.label for each in await list_things(desk.session, desk.teacher, desk.class_id, *kinds)]


async def test_materials_by_their_files(desk: Desk) -> None:
    first, second = [await upload(desk, name) for name in ("a.md", "b.md")]
    await desk.create(MATERIAL, "Other")
    assert await labels(desk, MATERIAL) == ["Notes (a.md)", "Notes (b.md)", "Other"]
    with pytest.raises(Ambiguous) as unclear:
        await find_thing(desk.session, desk.teacher, desk.class_id, "notes", MATERIAL)
    assert unclear.value.candidates == ("Notes (a.md)", "Notes (b.md)")
    assert unclear.value.data["ids"] == (first.id, second.id)
    found = await find_thing(desk.session, desk.teacher, desk.class_id, "material Notes (B.md)")
    assert found.id == second.id


async def test_by_their_lessons_and_else_by_a_count(desk: Desk) -> None:
    lesson = await desk.create(LESSON, "Phases")
    _, second = [await upload(desk, "a.md") for _ in range(2)]
    assert await labels(desk, MATERIAL) == ["Notes (no. 1 of that name)", "Notes (no. 2 of that name)"]
    await link_material(desk.session, desk.teacher, lesson.id, second.id)
    assert await labels(desk, MATERIAL) == ["Notes (the whole class)", "Notes (lesson 0.1)"]
    works = [await desk.create(ASSIGNMENT, "Essay") for _ in range(3)]
    await move_assignment(desk.session, desk.teacher, works[0].id, lesson_unit_id=lesson.id)
    await move_assignment(desk.session, desk.teacher, works[2].id, module_id=desk.module_id)
    assert await labels(desk, ASSIGNMENT) == ["Essay (lesson 0.1)", "Essay (the whole class)", "Essay (module 0)"]
    await desk.publish(ASSIGNMENT, works[1])  # its number tells it apart
    assert await labels(desk, ASSIGNMENT) == ["Essay (lesson 0.1)", "1 Essay", "Essay (module 0)"]


async def test_what_is_deleted_too(desk: Desk) -> None:
    for _ in range(2):
        await delete(desk.session, desk.teacher, MODULE, (await desk.create(MODULE, "Rocks")).id)
    things = await list_things(desk.session, desk.teacher, desk.class_id, MODULE, deleted=True)
    assert len({each.label for each in things}) == len(things)
