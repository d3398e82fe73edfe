"""/lessons, /materials and /history: what there is, published only, private to who asked."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sqlalchemy.ext.asyncio import AsyncSession

from bot.commands.registry import Command, Look, Option, OptionKind, Request
from core.answering.history import list_history
from core.content.browse import list_lessons, list_materials
from core.enums import GenerationStatus
from core.identity.permissions import require_member
from core.replies import Note, Reply, Table, say
from core.text import one_line

_SHORT = 70


@asynccontextmanager
async def _reading(request: Request) -> AsyncIterator[AsyncSession]:
    """Open a session to read a class in, for somebody who is in it. Raises `NotPermitted`."""
    async with request.app.sessions() as session:
        await require_member(session, request.actor, request.visitor.class_id)
        yield session


async def run_lessons(request: Request) -> Reply:
    """Serve /lessons."""
    async with _reading(request) as session:
        lessons = await list_lessons(session, request.visitor.class_id)
    wanted = request.options.get("find", "").casefold()
    lessons = [item for item in lessons if wanted in f"{item.title} {item.module_title}".casefold()]
    if not lessons:
        return say("No lesson fits that." if wanted else "No lessons are published yet.")
    rows = tuple((item.number, item.title, item.module_title) for item in lessons)
    return Reply((Table(("No.", "Lesson", "Module"), rows, request.visitor.class_title),))


async def run_materials(request: Request) -> Reply:
    """Serve /materials."""
    async with _reading(request) as session:
        materials = await list_materials(session, request.visitor.class_id)
    wanted = request.options.get("find", "").casefold()
    materials = [item for item in materials if wanted in f"{item.title} {item.filename}".casefold()]
    if not materials:
        return say("No material fits that." if wanted else "No materials are published yet.")
    rows = tuple(
        (item.title, ", ".join(item.lessons) or "whole class", item.filename, str(item.page_count or ""))
        for item in materials
    )
    return Reply((Table(("Material", "Lesson", "File", "Pages"), rows, request.visitor.class_title),))


async def run_history(request: Request) -> Reply:
    """Serve /history."""
    async with _reading(request) as session:
        past = await list_history(session, request.visitor.user_id, request.visitor.class_id)
    if not past:
        return say("You have not asked anything in this class yet.")
    rows = tuple(
        (
            show_moment(item.asked_at, request.visitor.time_zone),
            one_line(item.question, _SHORT),
            one_line(item.answer, _SHORT)
            if item.status is GenerationStatus.COMPLETED
            else f"({item.status.value.lower()}) {one_line(item.answer, _SHORT)}".strip(),
        )
        for item in past
    )
    return Reply((Table(("Asked", "Question", "Answer"), rows, "Your last questions"), Note("Only you can see this.")))


def show_moment(moment: datetime | None, time_zone: str) -> str:
    """Return a moment as a person in that time zone reads it: `Tue 3 Mar 2026, 17:00`."""
    if moment is None:
        return "no date"
    try:
        zone = ZoneInfo(time_zone)
    except (ZoneInfoNotFoundError, ValueError):
        zone = ZoneInfo("UTC")
    local = moment.astimezone(zone)
    return f"{local:%a} {local.day} {local:%b %Y, %H:%M}"


_FIND = Option("find", "Show only what has this in its name", OptionKind.TEXT, rest=True)

COMMANDS = (
    Command("lessons", "List the lessons of your class", Look(run_lessons), (_FIND,)),
    Command("materials", "List the materials of your class", Look(run_materials), (_FIND,)),
    Command("history", "Show your last questions and their answers", Look(run_history)),
)
