"""Which class a command is about, and what a choice or form carries from the reply that offered it."""

from __future__ import annotations

from uuid import UUID

from bot.commands.registry import Option, OptionKind, Request
from core.errors import NotFound
from core.events import Control

CODE = Option("code", "The class's code", OptionKind.CLASS, positional=True)


def class_meant(request: Request) -> UUID:
    """Return the class of the person's that a command names, or that is meant here.

    Only those that live here: in any other workspace they are nobody. Raises `NotFound`, and what `Request.visitor`
    raises.
    """
    code = request.options.get(CODE.name)
    return class_of_code(request, code) if code else request.visitor.class_id


def class_of_code(request: Request, code: str) -> UUID:
    """Return the class of that code that the person is in, here. Raises `NotFound`, `NotLinked`, `NotPermitted`."""
    request.person  # noqa: B018  (who is nobody here is told so first)
    for each in request.encounter.classes:
        if each.code.casefold() == code.strip().casefold():
            return each.class_id
    raise NotFound("You are in no class of that code here. A teacher brings one here with `/class bind`.")


def value_of(request: Request) -> str:
    """Return what a choice or form carries."""
    return request.event.value if isinstance(request.event, Control) else ""


def uuid_of(value: str) -> UUID:
    """Return an id that a choice carries. Raises `NotFound` for what is none."""
    try:
        return UUID(value)
    except ValueError as error:
        raise NotFound("That choice does nothing any more.") from error
