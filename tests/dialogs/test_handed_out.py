"""What was handed in comes back to who handed it in and to their teachers: in the chat, or by a link of their own."""

from __future__ import annotations

from dataclasses import replace

import pytest
from aiohttp.test_utils import TestClient, TestServer
from pydantic import SecretStr

from adapters.secrets import Secrets
from bot.app import App
from bot.web.app import make_web
from core.classes.enrol import leave
from core.replies import Choice
from tests.dialogs.graded import Course, actor, choices, file, labels, open_course
from tests.dialogs.test_class_commands import words

ADDRESS = "https://homeroom.test"


@pytest.fixture
async def course(app: App) -> Course:
    settings = app.settings.model_copy(update={"public_url": ADDRESS, "secret_key": SecretStr("k" * 40)})
    return await open_course(replace(app, settings=settings, secrets=Secrets(lambda: "k" * 40)))


async def test_a_student_sees_each_attempt_and_gets_all_of_it_back(course: Course) -> None:
    await course.assignment("Rocks")
    await course.ada.type("/submit rocks Granite first.", file=b"one", file2=b"two")
    only = await course.ada.type("/assignments rocks")
    assert labels(only) == ["Hand in again", "Get file.csv", "Get file2.csv"]
    long = f"Basalt {'x' * 5_000} END"
    await course.ada.type(f"/submit rocks {long}", file=b"three")
    shown = await course.ada.type("/assignments rocks")
    said = words(shown)
    assert "Basalt" in said
    assert "END" not in said
    assert "1 | " in said
    assert "Granite" not in said
    assert labels(shown) == [
        "Hand in again",
        "Get file.csv, attempt 2",
        "Get the whole text",
        "Get file.csv, attempt 1",
        "Get file2.csv, attempt 1",
        "Get the text of attempt 1",
    ]
    for label, name, data in (
        ("Get file.csv, attempt 2", "file.csv", b"three"),
        ("Get the whole text", "text.txt", long.encode()),
        ("Get file2.csv, attempt 1", "file2.csv", b"two"),
        ("Get the text of attempt 1", "text.txt", b"Granite first."),
    ):
        course.ada.desk.seen.append(shown)
        got = file(await course.ada.press(label))
        assert (got.name, got.data) == (name, data)


async def test_nobody_else_gets_it_but_teachers_of_the_class(course: Course) -> None:
    await course.assignment("Rocks")
    await course.ada.type("/submit rocks Granite.", file=b"stone")
    for other in (course.berg, course.tess):
        assert "file.csv" not in words(await other.type("/assignments rocks"))
        assert not [label for label in labels(other.desk.seen[-1]) if label.startswith("Get")]
    get = next(each for each in choices(await course.ada.type("/assignments rocks")) if each.label == "Get file.csv")
    whole = Choice("", get.action, get.value.partition(":")[0])
    for other in (course.berg, await course.outsider()):
        for choice in (get, whole):
            refused = await other.send_choice(choice)
            assert refused.failed
            assert "stone" not in repr(refused)
            assert "Granite" not in repr(refused)
    assert file(await course.tess.send_choice(get)).data == b"stone"
    for broken in (f"{whole.value}:7", f"{whole.value}:x", "nonsense", ""):
        assert (await course.ada.send_choice(Choice("", get.action, broken))).failed
    async with course.app.sessions.begin() as session:
        await leave(session, actor(course.tess), course.class_id, course.ada.user.id)
    assert (await course.ada.send_choice(get)).failed


async def test_a_link_gives_the_file_to_its_own_person_while_they_may_see_it(course: Course) -> None:
    await course.assignment("Rocks")
    await course.ada.type("/submit rocks Granite.", file=b"<script>stone</script>")
    shown = await course.ada.type("/assignments rocks")
    get = next(each for each in choices(shown) if each.label == "Get file.csv")
    links = [file(await each.send_choice(get)).url for each in (course.ada, course.tess)]
    assert links[0] != links[1]
    async with TestClient(TestServer(make_web(course.app))) as browser:
        for link in links:
            assert link is not None
            response = await browser.get(link.removeprefix(ADDRESS))
            assert (response.status, await response.read()) == (200, b"<script>stone</script>")
            assert response.headers["Content-Disposition"].startswith("attachment")
            assert "sandbox" in response.headers["Content-Security-Policy"]
            assert "no-store" in response.headers["Cache-Control"]
        assert (await browser.get("/submission/x.y.z")).status == 404
        async with course.app.sessions.begin() as session:
            await leave(session, actor(course.tess), course.class_id, course.ada.user.id)
        assert links[0] is not None
        assert (await browser.get(links[0].removeprefix(ADDRESS))).status == 404
