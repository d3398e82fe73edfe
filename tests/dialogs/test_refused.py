"""Whoever is refused a change in a class is on the record, once a minute; who only looked, or is nobody, is not."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from uuid import uuid4

import pytest
from sqlalchemy import select

from bot.app import App
from core.audit.models import AuditLog
from core.audit.record import Actor
from core.audit.refused import record_refusal
from core.events import Control
from core.replies import Choice
from tests.dialogs.graded import Course, open_course
from tests.dialogs.test_authoring import id_of
from tests.dialogs.test_class_commands import Member, words


@pytest.fixture
async def course(app: App) -> Course:
    course = await open_course(app)
    await course.tess.type("/module create Rocks")
    await course.tess.type('/lesson create 1 title:Granite body:"Granite is very hard."')
    return course


async def refused(member: Member) -> list[AuditLog]:
    async with member.app.sessions() as session:
        rows = await session.scalars(
            select(AuditLog)
            .where(AuditLog.action == "refused", AuditLog.actor_user_id == member.user.id)
            .order_by(AuditLog.created_at)
        )
        return list(rows)


async def test_a_refused_change_is_on_the_record(course: Course) -> None:
    for member in (course.ada, await course.outsider()):
        lesson = (await id_of(course, "lesson", "Granite")).hex
        assert (await member.send_choice(Choice("", "publish.go", f"lesson:{lesson}:1.1::0"))).failed
        assert (await member.send_choice(Choice("", "write.delete", f"lesson:{lesson}"))).failed
        save = Control(
            key=str(uuid4()), sender=member._sender, place=member.place, action="write.save",
            value=f"lesson:{lesson}:1.1:", fields={"title": "Hacked", "body": "Hacked"},
        )  # fmt: skip
        assert (await member._do(save)).failed
        rows = await refused(member)
        assert [row.details for row in rows] == [
            {"tried": "publish.go"},
            {"tried": "write.delete"},
            {"tried": "write.save"},
        ]
        assert {(row.entity_type, row.entity_id, row.class_id) for row in rows} == {
            ("class", course.class_id, course.class_id)
        }
        assert {row.surface for row in rows} == {"slack"}


async def test_commands_and_forms_are_named_and_nothing_that_was_typed(course: Course) -> None:
    for typed in (
        "/lesson edit Granite", "/lesson create", "/publish Granite", "/lesson delete My secret",
        "/material link My secret", "/material unlink My secret",
    ):  # fmt: skip
        assert "Only a teacher" in words(await course.ada.type(typed))
    tried = [row.details["tried"] for row in await refused(course.ada)]
    assert tried == [
        "lesson edit", "lesson create", "publish", "lesson delete", "material link", "material unlink",
    ]  # fmt: skip


async def test_it_is_noted_once_a_minute_for_each_command(course: Course) -> None:
    choice = Choice("", "write.delete", f"lesson:{(await id_of(course, 'lesson', 'Granite')).hex}")
    await asyncio.gather(*(course.ada.send_choice(choice) for _ in range(10)))
    assert len(await refused(course.ada)) == 1
    assert len(await refused(course.berg)) == 0
    await course.berg.send_choice(choice)
    assert len(await refused(course.berg)) == 1


async def test_looks_and_strangers_are_not_on_the_record(course: Course) -> None:
    lesson = (await id_of(course, "lesson", "Granite")).hex
    for typed in ("/lesson", "/lesson show Granite", "/module history Rocks", "/gradebook"):
        assert (await course.ada.type(typed)).failed
    assert (await course.ada.send_choice(Choice("", "write.preview", f"lesson:{lesson}"))).failed
    assert await refused(course.ada) == []
    async with course.app.sessions() as session:
        before = len((await session.scalars(select(AuditLog.id).where(AuditLog.action == "refused"))).all())
    nobody = replace(course.ada, account="U-nobody")
    assert "Link your account" in words(await nobody.type("/lesson delete Granite"))
    async with course.app.sessions() as session:
        after = len((await session.scalars(select(AuditLog.id).where(AuditLog.action == "refused"))).all())
    assert after == before


async def test_where_there_is_no_such_class_it_is_about_the_person(course: Course) -> None:
    actor = Actor.person(course.ada.user.id, "slack")
    await record_refusal(course.app.sessions, actor, "release.go", uuid4())
    (row,) = await refused(course.ada)
    assert (row.entity_type, row.entity_id, row.class_id) == ("app_user", course.ada.user.id, None)
