"""No form is opened for somebody whom its command would refuse: what they write in it would be lost."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.app import App
from core.replies import Form
from tests.dialogs.graded import Everywhere, form, open_course
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
