"""/publish: what changes for students and what stands in the way, shown before anything happens."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime

from bot.commands.changes import show_diff
from bot.commands.editing import CANCEL, LEAVE, PUBLISH
from bot.commands.naming import (
    carried_thing,
    carry,
    meant,
    name_option,
    number_in,
    packed,
    picked,
    picker,
    zone_of,
)
from bot.commands.registry import NO, YES, Command, Option, OptionKind, Request, Run, Who
from bot.commands.to_come import MOST_ROWS, show_to_come
from bot.commands.unpublishing import AT, moment_meant
from core.content.conflict import Seen
from core.content.find import Thing, find_thing, list_things
from core.content.history import read_newest
from core.content.kinds import MODULE
from core.content.moments import say_moment
from core.content.publish import Publication, publish
from core.content.publish_module import publish_module
from core.content.readiness import Plan, Weight, plan_publication
from core.content.schedule import (
    list_scheduled,
    schedule,
    schedule_module,
)
from core.enums import ActionKind
from core.errors import Ambiguous, Conflict, NotFound, NotReady
from core.replies import Choice, Choices, Note, Part, Reply, Table, Text, say
from core.text import capital, literal, literal_sentence

GO = "publish.go"
_WEIGHTS = {
    Weight.STOPS: "This has to be mended first:",
    Weight.ASKS: "This looks like a mistake:",
    Weight.WAITS: "This has to be done first, by itself:",
    Weight.TELLS: "Good to know:",
}


@dataclass(frozen=True, slots=True)
class _Wish:
    """What is to be published: a module as a whole, and when (0: now). `mark` names the text that was shown.

    `anyway` and `when_ready`: the teacher has read what looks like a mistake, and that it is not ready yet.
    """

    mark: str
    whole: bool
    at: int = 0
    anyway: bool = False
    when_ready: bool = False

    def packed(self, thing: Thing) -> str:
        flags = (("w", self.whole), ("a", self.anyway), ("r", self.when_ready))
        return packed(thing, self.mark, "".join(flag for flag, holds in flags if holds), str(self.at))


async def run_publish(request: Request) -> Reply | None:
    """Serve /publish: what publishing would do; without a name, what there is to publish."""
    options = dict(request.options)
    name = options.get("name", "")
    if name.casefold().endswith(" whole") and not await _is_called(request, name):
        options |= {"name": name[: -len(" whole")].strip(), "whole": YES}
    rest = carry({key: options[key] for key in ("at", "whole") if key in options})
    if not name:
        return await _waiting(request, rest)
    return await meant(
        replace(request, options=options), then=plan, action=PUBLISH, question="Publish what?", rest=rest
    )


async def _is_called(request: Request, name: str) -> bool:
    """Say whether something here goes by a name."""
    async with request.app.sessions() as session:
        try:
            await find_thing(session, request.actor, request.visitor.class_id, name)
        except Ambiguous:
            return True
        except NotFound:
            return False
    return True


async def _waiting(request: Request, rest: str) -> Reply:
    class_id = request.visitor.class_id
    async with request.app.sessions() as session:
        things = await list_things(session, request.actor, class_id)
        scheduled = await list_scheduled(session, request.actor, class_id)
        zone = await zone_of(session, class_id)
    parts = show_to_come(scheduled, things, zone)
    waits = {(each.kind, each.root_id) for each in scheduled if each.act is ActionKind.PUBLISH}
    drafts = [each for each in things if each.draft and (each.kind.name, each.id) not in waits]
    if not drafts:
        return Reply((*parts, Text("There is no draft to publish.")))
    question = "Drafts that are not published. You see what changes before it does."
    shown = picker(drafts, PUBLISH, question, rest, mixed=True)
    return Reply((*parts, *shown.parts))


async def plan(request: Request, thing: Thing) -> Reply:
    """Show what publishing a thing would do: a module by itself, or with all that has a draft in it."""
    options = request.options
    async with request.app.sessions() as session:
        at, note = await moment_meant(session, thing, options.get("at", ""))
    return await _planned(request, thing, whole=options.get("whole") == YES, at=at, note=note)


async def _planned(
    request: Request, thing: Thing, *, whole: bool, at: int = 0, note: str = "", before: str = ""
) -> Reply:
    whole = whole and thing.kind is MODULE
    async with request.app.sessions() as session:
        newest = await read_newest(session, request.actor, thing.kind, thing.id)  # before what is shown of it
        plan = await plan_publication(session, request.actor, thing.kind, thing.id, whole=whole)
        zone = await zone_of(session, thing.class_id)
    parts: list[Part] = [Text(before)] if before else []
    if not plan.parts:
        what = "in it has a draft" if whole else f"is new: {thing.kind.name} “{literal(thing.title)}” has no draft"
        parts.append(Text(f"Nothing {what}, so there is nothing to publish."))
        return Reply((*parts, *_whole_instead(thing, whole=whole, at=at)))
    when = f" on {say_moment(datetime.fromtimestamp(at, zone))}" if at else ""
    called = f"{literal(thing.full_label)}, with all that is in it" if whole else literal(thing.full_label)
    parts.append(Text(f"**{called}**: this is what publishing it{when} would change for students."))
    if whole:
        rows = tuple((each.kind, each.title, "new" if each.diff.new else each.diff.summary) for each in plan.parts)
        parts.append(Table(("", "Title", "What changes"), rows[:MOST_ROWS]))
        parts += [Note(f"… and {len(rows) - MOST_ROWS} more.")] if len(rows) > MOST_ROWS else []
    else:
        parts.append(Text(show_diff(plan.parts[0].diff, zone)))
        parts.append(Note(_summary(plan)))
    parts += [Note(note)] if note else []
    parts += _findings(plan)
    if plan.of(Weight.STOPS):
        return Reply((*parts, _look_again(thing, whole=whole, at=at)))
    mark = plan.fingerprint if whole else str(Seen.of(newest))
    wish = _Wish(mark, whole, at, bool(plan.of(Weight.ASKS)), bool(plan.of(Weight.WAITS)))
    choices = (Choice(_label(plan, at=at), GO, wish.packed(thing)), Choice("Leave it", LEAVE))
    return Reply((*parts, Choices(choices), *_whole_instead(thing, whole=whole, at=at)))


def _look_again(thing: Thing, *, whole: bool, at: int) -> Choices:
    wanted = {"whole": YES} if whole else {}
    if at:
        wanted["at"] = f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M:%SZ}"
    return Choices((Choice("Look again", PUBLISH, packed(thing, carry(wanted))),))


def _summary(plan: Plan) -> str:
    diff = plan.parts[0].diff
    return "Nothing of it is published yet." if diff.new else diff.summary.capitalize() + "."


def _whole_instead(thing: Thing, *, whole: bool, at: int) -> tuple[Part, ...]:
    if whole or thing.kind is not MODULE or at:
        return ()
    return (
        Note("This is the module alone. Lessons, materials and assignments in it can be published with it:"),
        Choices((Choice("Look at the whole module", PUBLISH, packed(thing, carry({"whole": YES}))),)),
    )


def _findings(plan: Plan) -> list[Part]:
    return [
        Text(f"{said}\n\n" + "\n".join(f"- {literal_sentence(each.sentence)}" for each in found[:MOST_ROWS]))
        for weight, said in _WEIGHTS.items()
        if (found := plan.of(weight))
    ]


def _label(plan: Plan, *, at: int) -> str:
    if at:
        return "Schedule it anyway" if plan.of(Weight.ASKS) else "Schedule it"
    if plan.of(Weight.ASKS):
        return "Publish anyway"
    return "Publish when ready" if plan.of(Weight.WAITS) else "Publish"


async def go(request: Request) -> Reply:
    """Serve “Publish” and “Schedule it”: what was shown is done; where it has changed since, it is shown anew."""
    thing, rest = await carried_thing(request)
    mark, flags, at = [*rest, "", "", ""][:3]
    wish = _Wish(mark, "w" in flags, number_in(at), "a" in flags, "r" in flags)
    try:
        return await (_schedule(request, thing, wish) if wish.at else _publish(request, thing, wish))
    except Conflict as error:
        return await _conflicting(request, thing, wish, error)
    except NotReady as error:
        again = _look_again(thing, whole=wish.whole, at=wish.at)
        return Reply((Text(literal_sentence(error.sentence)), again), failed=True)


async def _conflicting(request: Request, thing: Thing, wish: _Wish, error: Conflict) -> Reply:
    """Return the plan anew where another text stands there now; else it waits already, which can be called off."""
    async with request.app.sessions() as session:
        newest = await read_newest(session, request.actor, thing.kind, thing.id)
        plan = await plan_publication(session, request.actor, thing.kind, thing.id, whole=wish.whole)
    if wish.mark != (plan.fingerprint if wish.whole else str(Seen.of(newest))):
        shown = await _planned(request, thing, whole=wish.whole, at=wish.at, before=_SINCE)
        return replace(shown, failed=True)
    choices = (Choice("Cancel that", CANCEL, packed(thing, ActionKind.PUBLISH.value)), Choice("Leave it", LEAVE))
    return Reply((Text(literal_sentence(error.sentence)), Choices(choices)), failed=True)


_SINCE = "It was edited since you looked, so nothing was published. This is what publishing would do now:"


async def _publish(request: Request, thing: Thing, wish: _Wish) -> Reply:
    async with request.app.sessions.begin() as session:
        if wish.whole:
            done = await publish_module(
                session, request.actor, thing.id, seen=wish.mark, anyway=wish.anyway, when_ready=wish.when_ready
            )
            came_to, count = done.came_to, len(done.things)
        else:
            seen = Seen.read(wish.mark)
            came_to, count = await publish(session, request.actor, thing.kind, thing.id, seen=seen), 1
    all_ = f" with all that is in it ({count} published together)" if wish.whole else ""
    if came_to is Publication.QUEUED:
        return say(
            f"{literal(capital(thing.full_label))} is published{all_.replace(' published', '')} as soon as its text is "
            "ready. Its draft can't be edited until then.",
            Choices((Choice("Cancel it", CANCEL, packed(thing, ActionKind.PUBLISH.value)),)),
        )
    return say(f"Published: {literal(thing.full_label)}{all_}.")


async def _schedule(request: Request, thing: Thing, wish: _Wish) -> Reply:
    at = datetime.fromtimestamp(wish.at, UTC)
    count = 1
    async with request.app.sessions.begin() as session:
        if wish.whole:
            parts, _ = await schedule_module(session, request.actor, thing.id, at, seen=wish.mark, anyway=wish.anyway)
            count = len(parts)
        else:
            await schedule(
                session, request.actor, thing.kind, thing.id, ActionKind.PUBLISH, at, seen=Seen.read(wish.mark)
            )
        zone = await zone_of(session, thing.class_id)
    together = f" with all that is in it, {count} together," if wish.whole else ""
    return say(
        f"{literal(capital(thing.full_label))}{together} is published on {say_moment(at.astimezone(zone))}. "
        "Until then students see what they see now, and the draft can't be edited.",
        Choices((Choice("Cancel it", CANCEL, packed(thing, ActionKind.PUBLISH.value)),)),
    )


COMMANDS = (
    Command(
        "publish",
        "Show students a draft, now or at a moment; you see first what changes",
        run_publish,
        (
            name_option(),
            AT,
            Option("whole", "A module with all that is in it", OptionKind.CHOICE, choices=(YES, NO)),
        ),
        Who.TEACHER,
    ),
)
CONTROLS: dict[str, Run] = {PUBLISH: picked(plan), GO: go}
