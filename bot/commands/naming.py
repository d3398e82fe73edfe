"""How commands for teachers name a thing: by number, title or id, or picked from a list; and what a choice carries."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.commands.registry import Option, OptionKind, Request
from bot.commands.which_class import uuid_of, value_of
from core.classes.models import Class
from core.content.find import Thing, find_thing, list_things, thing_of
from core.content.import_times import zone_named
from core.content.kinds import KINDS, Kind
from core.errors import Ambiguous, InvalidInput, NotFound
from core.replies import Choice, Choices, Note, Part, Reply, say
from core.text import literal_sentence

MOST_CHOICES = 25  # of one menu on Discord
On = Callable[[Request, Thing], Awaitable[Reply | None]]


def name_option(*kinds: Kind) -> Option:
    """Return the option that names a thing of these kinds, or of any."""
    what = kinds[0].name if len(kinds) == 1 else "thing"
    return Option(
        "name",
        f"Which {what}: number or title",
        OptionKind.THING,
        rest=True,
        leads=True,
        of=tuple(kind.name for kind in kinds),
    )


async def meant(
    request: Request, *kinds: Kind, then: On, action: str, question: str, rest: str = "", deleted: bool = False
) -> Reply | None:
    """Do something with the thing that a command names; where it names none, or several, let it be picked.

    A choice has `action`, and carries the thing and `rest`.
    """
    named = request.options.get("name", "")
    class_id = request.visitor.class_id
    async with request.app.sessions() as session:
        if not named:
            _refuse_with_files(request)
            things = await list_things(session, request.actor, class_id, *kinds, deleted=deleted)
            return picker(things, action, question, rest, mixed=len(kinds) != 1)
        try:
            thing = await find_thing(session, request.actor, class_id, named, *kinds, deleted=deleted)
        except Ambiguous as error:
            if request.files:
                raise  # what is picked comes back without the file
            found = error.data.get("things")
            things = [each for each in found if isinstance(each, Thing)] if isinstance(found, tuple) else []
            return picker(things, action, literal_sentence(error.sentence), rest, mixed=len(kinds) != 1)
    return await then(request, thing)


def _refuse_with_files(request: Request) -> None:
    if request.files:
        raise InvalidInput("Say which one with the file, by number or title.", field="name")


def picker(things: Sequence[Thing], action: str, question: str, rest: str = "", *, mixed: bool = False) -> Reply:
    """Return things as choices."""
    if not things:
        return say("There is nothing of that kind here.")
    choices = tuple(
        Choice(each.full_label if mixed else each.label, action, packed(each, rest)) for each in things[:MOST_CHOICES]
    )
    more = len(things) - len(choices)
    parts: list[Part] = [Choices(choices)]
    if more > 0:
        parts.insert(0, Note(f"… and {more} more: name it with the command, by number or title."))
    return say(question, *parts)


def packed(thing: Thing, *rest: str) -> str:
    """Return what a choice about a thing carries."""
    return ":".join((thing.kind.name, thing.id.hex, *rest))


def carried(request: Request) -> tuple[Kind, UUID, list[str]]:
    """Return the kind and id that a choice carries, and what else. Raises `NotFound`."""
    name, _, rest = value_of(request).partition(":")
    id_, *more = rest.split(":")
    if name not in KINDS:
        raise NotFound("That choice does nothing any more.")
    return KINDS[name], uuid_of(id_), more


async def carried_thing(request: Request) -> tuple[Thing, list[str]]:
    """Return the thing that a choice carries, and what else. Raises `NotFound`, `NotPermitted`."""
    kind, id_, rest = carried(request)
    async with request.app.sessions() as session:
        return await thing_of(session, request.actor, kind, id_), rest


def picked(then: On) -> Callable[[Request], Awaitable[Reply | None]]:
    """Return what serves the choice of a thing: the same as where it was named."""

    async def run(request: Request) -> Reply | None:
        thing, rest = await carried_thing(request)
        return await then(replace(request, options={**request.options, **_options_in(rest)}), thing)

    return run


def carry(options: dict[str, str]) -> str:
    """Return short options as what a choice carries besides its thing, for `picked` to read."""
    return ":".join(f"{name}={value.translate(_CARRIED)}" for name, value in options.items())


def _options_in(rest: Sequence[str]) -> dict[str, str]:
    named = (each.partition("=") for each in rest if "=" in each)
    return {name: _read_carried(value) for name, _, value in named}


# A colon parts what a choice carries, so that it goes as a semicolon.
_CARRIED = str.maketrans({":": ";", ";": "%3B", "%": "%25"})


def _read_carried(value: str) -> str:
    return value.replace(";", ":").replace("%3B", ";").replace("%25", "%")


def number_in(text: str) -> int:
    """Return a number that a choice carries. Raises `NotFound`."""
    if not text.isdecimal() or len(text) > len("9999999999"):
        raise NotFound("That choice does nothing any more.")
    return int(text)


async def zone_of(session: AsyncSession, class_id: UUID) -> ZoneInfo:
    """Return the time zone of a class."""
    return zone_named(await session.scalar(select(Class.time_zone).where(Class.id == class_id)) or "UTC")
