"""What is to be published or unpublished by itself, as /publish lists it, with a choice to call each off."""

from __future__ import annotations

from collections.abc import Sequence
from zoneinfo import ZoneInfo

from bot.commands.editing import CANCEL
from bot.commands.naming import MOST_CHOICES
from core.content.find import Thing
from core.content.kinds import MODULE
from core.content.moments import say_moment
from core.content.schedule import Scheduled
from core.enums import ActionKind
from core.replies import Choice, Choices, Note, Part, Table
from core.text import literal, literal_sentence

MOST_ROWS = 40
_ACTS = {ActionKind.PUBLISH: "published", ActionKind.UNPUBLISH: "unpublished"}
_CALLS_OFF = {ActionKind.PUBLISH: "Cancel publishing", ActionKind.UNPUBLISH: "Cancel unpublishing"}


def show_to_come(scheduled: Sequence[Scheduled], things: Sequence[Thing], zone: ZoneInfo) -> list[Part]:
    """Return what is to come, the soonest first and else in the order of `things`, those that there are."""
    if not scheduled:
        return []
    order = {each.id: number for number, each in enumerate(things)}
    coming = sorted(scheduled, key=lambda each: (each.at is not None, each.at, order.get(each.root_id, len(order))))
    rows = tuple((_when(each, zone), f"{each.kind} {each.title}", _ACTS[each.act]) for each in coming)
    parts: list[Part] = [Table(("When", "What", "Is"), rows[:MOST_ROWS], "To come")]
    parts += [Note(f"… and {len(rows) - MOST_ROWS} more.")] if len(rows) > MOST_ROWS else []
    choices = _choices(coming, {each.id: each for each in things if each.kind is MODULE})
    parts.append(Choices(choices[:MOST_CHOICES]))
    if len(choices) > MOST_CHOICES:
        parts.append(Note(f"{len(choices) - MOST_CHOICES} more can be cancelled when these are done or cancelled."))
    parts += [
        Note(f"{each.kind} {literal(each.title)} was not done yet: {literal_sentence(each.error)}")
        for each in coming
        if each.error
    ]
    return parts


def _when(each: Scheduled, zone: ZoneInfo) -> str:
    if each.at is None:
        return "as soon as its text is ready"
    return say_moment(each.at.astimezone(zone))


def _choices(coming: Sequence[Scheduled], modules: dict[object, Thing]) -> tuple[Choice, ...]:
    """Return the choices to cancel: of what comes together with a module one, which cancels all of it."""
    together: dict[str, list[Scheduled]] = {}
    for each in coming:
        kind, root_id = (MODULE.name, each.module_id) if each.module_id in modules else (each.kind, each.root_id)
        value = f"{kind}:{root_id.hex if root_id else ''}:{each.act.value}"
        together.setdefault(value, []).append(each)
    return tuple(Choice(_label(acts, modules), CANCEL, value) for value, acts in together.items())


def _label(acts: Sequence[Scheduled], modules: dict[object, Thing]) -> str:
    first = acts[0]
    module = modules.get(first.module_id)
    if module is None:
        return f"{_CALLS_OFF[first.act]}: {first.kind} {first.title}"
    return f"{_CALLS_OFF[first.act]}: {module.full_label}, {len(acts)} together"
