"""What a thing said before: its history, what changed between two revisions, and bringing one back as a draft."""

from __future__ import annotations

from bot.commands.browsing import show_moment
from bot.commands.changes import show_diff
from bot.commands.editing import LEAVE, PREVIEW, PUBLISH, draft_against
from bot.commands.looking import HISTORY
from bot.commands.naming import carried_thing, number_in, packed, picked, zone_of
from bot.commands.registry import Look, Request, Run
from core.content.conflict import Seen
from core.content.find import Thing
from core.content.history import History, Standing, diff_numbers, read_history
from core.content.revert import revert as revert_to
from core.errors import InvalidInput, NotFound
from core.replies import Choice, Choices, Note, Part, Reply, Table, Text, say
from core.text import literal

CHANGED, COMPARE, REVERT = "write.changed", "write.compare", "write.revert"
_MOST_ROWS = 100
_MOST_CHOICES = 20


async def history(request: Request, thing: Thing) -> Reply:
    """Serve /… history: all revisions, or what changed from one to another."""
    number, other = (_number(request, option) for option in ("number", "with"))
    async with request.app.sessions() as session:
        found = await read_history(session, request.actor, thing.kind, thing.id)
    if number or other:
        return await _changed(request, thing, number or found.entries[0].number, other)
    zone = request.visitor.time_zone
    rows = tuple(
        (
            str(each.number),
            each.standing.value,
            each.title,
            each.edited_by or each.begun_by or "import",
            show_moment(each.edited_at, zone),
            show_moment(each.published_at, zone) if each.published_at else "–",
        )
        for each in found.entries[:_MOST_ROWS]
    )
    headings = ("No.", "State", "Title", "Written by", "Written", "First published")
    parts: list[Part] = [Table(headings, rows, thing.full_label)]
    newer = [each.number for each in found.entries if each.number > 1]
    if newer:
        parts.append(Note(f"What changed; between any two, `/{thing.kind.name} history NAME number:3 with:1`:"))
        parts.append(Choices(tuple(_changes(thing, number) for number in newer[:_MOST_CHOICES])))
    choices = _old(thing, found)
    if choices:
        parts += [Note("Look at what bringing one back would change:"), Choices(tuple(choices[:_MOST_CHOICES]))]
    return Reply(tuple(parts))


def _old(thing: Thing, found: History) -> list[Choice]:
    newest = next((each.number for each in found.entries if each.standing is not Standing.DISCARDED), 0)
    return [
        Choice(f"No. {each.number}", COMPARE, packed(thing, str(each.number)))
        for each in found.entries
        if each.number != newest
    ]


def _changes(thing: Thing, number: int) -> Choice:
    return Choice(f"Changes of no. {number}", CHANGED, packed(thing, str(number)))


def _number(request: Request, option: str) -> int:
    """Return a revision's number that was typed, 0 for none. Raises `InvalidInput`."""
    typed = request.options.get(option, "")
    if typed and not (typed.isdecimal() and int(typed[:9]) > 0):
        raise InvalidInput(f"“{typed[:20]}” is no revision's number.", field=option)
    return int(typed[:9] or 0)


async def changed(request: Request) -> Reply:
    """Serve “Changes of no. 3”."""
    thing, rest = await carried_thing(request)
    return await _changed(request, thing, number_in("".join(rest[:1])))


async def _changed(request: Request, thing: Thing, number: int, other: int = 0) -> Reply:
    """Show what a revision says other than another one, or than the one before it."""
    before = other or number - 1
    if not before:
        return say(f"No. 1 is the first that {thing.kind.name} “{literal(thing.title)}” said; nothing came before it.")
    async with request.app.sessions() as session:
        diff = await diff_numbers(session, request.actor, thing.kind, thing.id, before, number)
        zone = await zone_of(session, thing.class_id)
    older = [_changes(thing, before)] if before == number - 1 > 1 else []
    return Reply(
        (
            Text(f"{thing.kind.name.capitalize()} “{literal(thing.title)}”, from no. {before} to no. {number}:"),
            Text(show_diff(diff, zone)),
            Choices((*older, Choice("History", HISTORY, packed(thing)))),
        )
    )


async def run_revert(request: Request, thing: Thing) -> Reply:
    """Serve /… revert: what it would change, or the history where no number is given."""
    to = request.options.get("to", "")
    if not to:
        return await history(request, thing)
    if not to.isdecimal():
        raise InvalidInput(f"“{to[:20]}” is no revision's number; `/{thing.kind.name} history` lists them.", field="to")
    return await _compare(request, thing, int(to))


async def compare(request: Request) -> Reply:
    """Serve the choice of an old revision."""
    thing, rest = await carried_thing(request)
    return await _compare(request, thing, number_in("".join(rest[:1])))


async def _compare(request: Request, thing: Thing, number: int) -> Reply:
    async with request.app.sessions() as session:
        seen, diff = await draft_against(session, request, thing, number)
        zone = await zone_of(session, thing.class_id)
    if not diff:
        return say(f"No. {number} says what stands there now; there is nothing to bring back.")
    gives_way = " The draft that stands now stays in the history." if thing.draft else ""
    named = f"{thing.kind.name} “{literal(thing.title)}”"
    return Reply(
        (
            Text(f"Bringing back no. {number} of {named} would make this of the draft:"),
            Text(show_diff(diff, zone)),
            Note(f"Nothing changes for students until you publish it.{gives_way}"),
            Choices(
                (
                    Choice(f"Bring back no. {number}", REVERT, packed(thing, str(number), str(seen))),
                    Choice("Leave it", LEAVE),
                )
            ),
        )
    )


async def revert(request: Request) -> Reply:
    """Serve “Bring back”."""
    thing, rest = await carried_thing(request)
    number, seen = [*rest, "", ""][:2]
    if not seen:
        raise NotFound("That choice does nothing any more.")
    async with request.app.sessions.begin() as session:
        draft = await revert_to(
            session, request.actor, thing.kind, thing.id, number_in(number),
            queue=request.app.pipeline.queue, seen=Seen.read(seen),
        )  # fmt: skip
        made = draft.revision_number
    choices = (Choice("Preview", PREVIEW, packed(thing)), Choice("Publish…", PUBLISH, packed(thing)))
    return say(f"No. {number} is back, as a draft: no. {made}. Nothing changed for students.", Choices(choices))


CONTROLS: dict[str, Run] = {
    HISTORY: Look(picked(history)),
    CHANGED: Look(changed),
    COMPARE: Look(compare),
    REVERT: revert,
}
