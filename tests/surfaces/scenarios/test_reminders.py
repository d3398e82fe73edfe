"""Somebody is reminded of what is due, ends that by the button under it, and has it again, on every surface."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

from bot.clock import remind_of_what_is_due
from bot.messengers import open_messengers
from bot.notifying import Notifier
from core.assignments.models import Assignment
from core.classes.models import Class
from tests import factories as make
from tests.surfaces.school import School

OPEN = "SELECT 1 FROM notifications WHERE state IN ('PENDING', 'INTENDED') AND deleted_at IS NULL"


async def due_soon(school: School, title: str) -> None:
    """Publish an assignment that is due in some hours."""
    async with school.app.sessions.begin() as session:
        class_ = await session.get_one(Class, school.class_id)
        root = await make.add(session, Assignment(class_id=class_.id))
        due_at = datetime.now(UTC) + timedelta(hours=3)
        await make.revision(session, root, title=title, published=True, due_at=due_at)


async def tick(school: School, user: str) -> None:
    """Let the clock look, and what is to be told be sent; at the terminal people are told when they come."""
    await remind_of_what_is_due(school.app)
    stop = asyncio.Event()
    async with open_messengers(school.app) as messengers:
        sending = asyncio.create_task(Notifier(school.app.sessions, messengers).run(stop))
        try:
            async with asyncio.timeout(10):
                while await school.rows(OPEN):  # noqa: ASYNC110  (the database tells nobody)
                    await asyncio.sleep(0.02)
        finally:
            stop.set()
            await sending
    if not school.workspace:
        await school.type(user, "/help")
        await school.settled()


async def reminded(school: School) -> bool:
    rows = await school.rows("SELECT wants_reminders FROM app_users WHERE name = 'Cleo'")
    return bool(rows[0].wants_reminders)


async def test_a_reminder_can_be_the_last_one_or_not(school: School) -> None:
    cleo = await school.newcomer("Cleo")
    await due_soon(school, "Moon diary")
    await tick(school, cleo)
    told = await school.until_told(cleo, "“Moon diary” in")
    await school.press(cleo, told, "No more reminders")
    await school.until_told(cleo, "You get no more reminders")
    assert not await reminded(school)

    await due_soon(school, "Star map")
    await tick(school, cleo)
    await school.type(cleo, "/assignments")
    listed = await school.until_told(cleo, "Star map")  # and nothing told of it before
    assert "/assignments reminders:on" in school.everything(listed)

    await school.type(cleo, "/assignments reminders:on")
    await school.until_told(cleo, "You are reminded before something is due")
    assert await reminded(school)
    await tick(school, cleo)
    await school.until_told(cleo, "“Star map” in")
    await school.settled()
    assert len([post for post in school.told(cleo) if "“Moon diary” in" in school.everything(post)]) == 1
    assert school.silent()


async def test_the_button_below_turns_them_on_again(school: School) -> None:
    cleo = await school.newcomer("Cleo")
    await school.type(cleo, "/assignments reminders:off")
    told = await school.until_told(cleo, "You get no more reminders")
    await school.press(cleo, told, "Remind me again")
    await school.until_told(cleo, "You are reminded before something is due")
    assert await reminded(school)
    assert school.silent()
