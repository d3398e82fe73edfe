"""No form is opened for somebody whom its command would refuse, and what is written in vain is given back."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.app import App
from core.replies import Form, Reply
from tests.dialogs.graded import Everywhere, file, form, open_course
from tests.dialogs.test_authoring import acts
from tests.dialogs.test_class_commands import words

FORMS = ("/module create", "/lesson create", "/material upload", "/assignment create")


@pytest.mark.parametrize("typed", FORMS)
async def test_forms_for_teachers_are_opened_for_teachers_alone(app: App, typed: str) -> None:
    course = await open_course(app)
    assert form(await course.tess.type(typed)).fields
    nobody = replace(course.ada, account="U-nobody", desk=Everywhere())
    said = {"Only a teacher of this class may do that.": course.ada, "Link your account": nobody}
    for why, member in said.items():
        told = await member.type(typed)
        assert why in words(told)
        assert not any(isinstance(part, Form) for part in told.parts)


async def test_a_lesson_whose_module_was_deleted_meanwhile_is_not_said_to_be_gone_and_saved(app: App) -> None:
    course = await open_course(app)
    tess = course.tess
    await tess.type("/module create Rocks")
    await tess.type('/lesson create 1 title:Granite body:"Granite is hard."')
    shown = form(await tess.type("/lesson edit Granite"))
    await tess.type("/module delete Rocks")
    await tess.press("Delete it")
    tess.desk.seen.append(Reply((shown,)))
    told = await tess.fill(body="Granite is soft.")
    assert told.failed
    assert b"Granite is soft." in file(told).data
    assert "lesson.edit" not in await acts(course)
