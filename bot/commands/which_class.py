"""Which class a command is about, and what a choice or form carries from the reply that offered it."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from bot.commands.registry import Option, OptionKind, Request
from core.classes.enrol import get_class
from core.errors import NotFound
from core.events import Control

CODE = Option("code", "The class's code", OptionKind.CLASS, positional=True)


async def class_meant(session: AsyncSession, request: Request) -> UUID:
    """Return the class that a command names, or that is meant here. Whether the person may is for core to say."""
    code = request.options.get(CODE.name)
    return (await get_class(session, code)).id if code else request.visitor.class_id


def value_of(request: Request) -> str:
    """Return what a choice or form carries."""
    return request.event.value if isinstance(request.event, Control) else ""


def uuid_of(value: str) -> UUID:
    """Return an id that a choice carries. Raises `NotFound` for what is none."""
    try:
        return UUID(value)
    except ValueError as error:
        raise NotFound("That choice does nothing any more.") from error
