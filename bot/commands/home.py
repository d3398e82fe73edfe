"""What stands on the bot's own pages for a person."""

from __future__ import annotations

from bot.commands.registry import Request
from core.content.browse import list_lessons
from core.replies import Choice, Choices, Reply, say


async def home(request: Request) -> Reply:
    """Return a person's home page."""
    classes = ", ".join(each.title for each in request.encounter.classes)
    return say(f"Hello {request.person.name}. Your classes: {classes or 'none yet'}.")


async def prompts(request: Request) -> Reply:
    """Return questions to begin with: the choices' values."""
    async with request.app.sessions() as session:
        lessons = await list_lessons(session, request.visitor.class_id)
    return Reply((Choices(tuple(Choice(each.title, "ask", f"What is “{each.title}” about?") for each in lessons[:4])),))
