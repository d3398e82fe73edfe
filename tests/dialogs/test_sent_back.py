"""What is edited outside of the chat overwrites nothing that its sender has not seen, and is never lost."""

from __future__ import annotations

from uuid import uuid4

import pytest

from bot.app import App
from core.content.history import read_history
from core.content.kinds import MATERIAL
from core.events import Attachment, Command
from core.replies import File, Reply
from tests.dialogs.graded import Course, actor, file, form, labels, open_course
from tests.dialogs.test_authoring import drafts_of, id_of
from tests.dialogs.test_class_commands import Member, words

LONG = "Granite is hard. " * 700


@pytest.fixture
async def course(app: App) -> Course:
    course = await open_course(app)
    await course.tess.type("/module create Rocks")
    await course.tess.type('/lesson create 1 title:Granite body:"Granite is very hard."')
    return course


async def send_file(member: Member, text: str, name: str, data: bytes) -> Reply:
    member.desk.files = {"F1": data}
    command, _, words_ = text.removeprefix("/").partition(" ")
    return await member._do(
        Command(
            key=str(uuid4()), sender=member._sender, place=member.place, name=command, text=words_,
            files={"file": Attachment(name, "F1", len(data))},
        )
    )  # fmt: skip


async def test_a_text_handed_out_as_a_file_knows_what_it_was(course: Course) -> None:
    tess, una = course.tess, await course.teacher("Una")
    lesson_id = await id_of(course, "lesson", "Granite")
    await send_file(tess, "/lesson edit 1.1", "mine.md", LONG.encode())
    given = file(await tess.type("/lesson edit 1.1"))
    text = given.data.decode()
    assert given.name == "Granite-r1.2.md"
    una_has = file(await una.type("/lesson edit 1.1")).name
    assert "Saved" in words(await send_file(una, "/lesson edit 1.1", una_has, f"{text} Una's hour.".encode()))
    for name in ("Granite-r1.2 (1).md", "Granite-r1.2_1.md"):  # as browsers and Discord name copies
        assert (await send_file(tess, "/lesson edit 1.1", name, f"{text} Tess's.".encode())).failed
    told = await send_file(tess, "/lesson edit 1.1", given.name, f"{text} Tess's.".encode())
    assert told.failed
    assert "Una edited lesson “Granite” meanwhile" in words(told)
    assert await drafts_of(course, lesson_id) == [f"{text} Una's hour."]
    both = [part for part in told.parts if isinstance(part, File)]
    assert [each.data.decode() for each in both] == [f"{text} Tess's.", f"{text} Una's hour."]
    again = await send_file(tess, "/lesson edit 1.1", both[0].name, both[0].data)
    assert "Saved" in words(again)
    assert await drafts_of(course, lesson_id) == [f"{text} Tess's."]


async def test_a_file_of_ones_own_overwrites_no_draft_of_somebody_else(course: Course) -> None:
    tess, una = course.tess, await course.teacher("Una")
    lesson_id = await id_of(course, "lesson", "Granite")
    told = await send_file(una, "/lesson edit 1.1", "x.md", b"Una's words.")
    assert "Tess edited lesson “Granite” meanwhile" in words(told)
    assert await drafts_of(course, lesson_id) == ["Granite is very hard."]
    assert "Saved" in words(await una.fill())  # the form that came with it holds what was in the file
    assert await drafts_of(course, lesson_id) == ["Una's words."]
    assert "Saved" in words(await send_file(una, "/lesson edit 1.1", "y.md", b"More of Una's words."))
    assert (await send_file(tess, "/lesson edit 1.1", "z.md", b"Tess's words.")).failed


async def test_a_material_is_replaced_after_its_other_draft_was_seen(course: Course) -> None:
    tess, una = course.tess, await course.teacher("Una")
    await send_file(tess, "/material upload", "h.md", b"# H\n\none\n")
    material_id = await id_of(course, "material", "H")
    told = await send_file(una, "/material edit H", "h-r1.1.md", b"# H\n\nuna\n")
    assert told.failed
    assert "Tess edited material “H” meanwhile" in words(told)
    assert "Replace theirs…" in labels(told)
    assert [each.name for each in form(await una.press("Replace theirs…")).fields] == ["title", "file"]
    async with course.app.sessions() as session:
        history = await read_history(session, actor(tess), MATERIAL, material_id)
    assert [str(entry.seen) for entry in history.entries] == ["1.1"]
    assert "new file" in words(await send_file(tess, "/material edit H", "h-r9.9.md", b"# H\n\ntwo\n"))


async def test_what_was_written_comes_back_when_the_thing_is_deleted_meanwhile(course: Course) -> None:
    tess, una = course.tess, await course.teacher("Una")
    await tess.type("/lesson edit 1.1")
    await una.type("/lesson delete 1.1")
    await una.press("Delete it")
    told = await tess.fill(body="An hour of work.")
    assert told.failed
    assert "deleted meanwhile" in words(told)
    assert file(told).data == b"An hour of work."
