"""/release: what releasing would show to whom, then the release itself, now or at a moment; and taking it back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sqlalchemy.ext.asyncio import AsyncSession

from bot.commands import retracting
from bot.commands.browsing import show_moment
from bot.commands.naming import MOST_CHOICES
from bot.commands.picking import pack_options, pick, unpack_options
from bot.commands.registry import NO, YES, Command, Option, OptionKind, Request, Run, Who
from bot.commands.release_plan import FATES, GO, LATER, LEAVE, count_of, dry_run
from bot.commands.release_selection import called, chosen_by, name_of, pack, unpack
from bot.commands.unreached import unreached_of
from bot.commands.which_class import uuid_of, value_of
from core.assignments.due import clock
from core.content.moments import read_moment
from core.errors import Ambiguous, Conflict, InvalidInput, NotFound
from core.grading.find import list_gradable, list_students
from core.grading.plan_release import LineFate, ReleasePlan, Selection, plan_release
from core.grading.release import release
from core.grading.schedule_release import (
    PATIENCE,
    ScheduledRelease,
    cancel_release,
    schedule_release,
    scheduled_releases,
)
from core.replies import Choice, Choices, Note, Part, Reply, Table, Text, say
from core.text import literal_sentence

AGAIN, PLAN = "release.again", "release.plan"
_NAMES = ("assignment", "section", "person", "retract", "at")
CANCEL = "release.cancel"


async def run_release(request: Request) -> Reply:
    """Serve /release: a dry run of what is named; without anything, what there is to release."""
    options = request.options
    if not options:
        return await _overview(request)
    async with request.app.sessions() as session:
        try:
            chosen = await chosen_by(session, request)
        except Ambiguous as error:
            option = str(error.data["option"])
            return pick(error, AGAIN, lambda id_: pack_options(_NAMES, {**options, option: id_.hex}))
        if options.get("retract") == YES:
            if "at" in options:
                raise InvalidInput("Grades are taken back at once; leave out when.", field="at")
            return await retracting.plan(session, request, chosen)
        at = await _moment(session, request, options["at"]) if "at" in options else None
        plan = await plan_release(session, request.actor, chosen.selection)
        untold = await unreached_of(session, request.actor, plan)
    return await dry_run(plan, chosen.name, _time_zone(request), at=at, untold=untold)


async def release_again(request: Request) -> Reply:
    """Serve a choice among what a typed /release could mean."""
    return await run_release(replace(request, options=unpack_options(_NAMES, value_of(request))))


async def plan_picked(request: Request) -> Reply:
    """Serve the choice of an assignment, or of everything."""
    selection = unpack(value_of(request))
    async with request.app.sessions() as session:
        plan = await plan_release(session, request.actor, selection)
        name = await name_of(session, request, selection)
        untold = await unreached_of(session, request.actor, plan)
    return await dry_run(plan, name, _time_zone(request), untold=untold)


async def go(request: Request) -> Reply:
    """Serve “Release”: what was shown is done; where the grades have changed meanwhile, it is shown anew instead."""
    fingerprint, _, packed = value_of(request).partition(":")
    selection = unpack(packed)
    try:
        async with request.app.sessions.begin() as session:
            done = await release(session, request.actor, selection, fingerprint=fingerprint)
    except Conflict as error:
        plan = error.data.get("plan")
        if not isinstance(plan, ReleasePlan):
            raise
        async with request.app.sessions() as session:
            name = await name_of(session, request, selection)
        shown = await dry_run(plan, name, _time_zone(request))
        return Reply((Text(literal_sentence(error.sentence)), *shown.parts))
    if not done.released:
        return say("There was nothing to release any more.")
    whose = {line.student_user_id for line in done.plan.changes}
    grades, people = count_of(done.released, "grade"), count_of(len(whose), "student")
    told = "Each of them" if len(done.students) == len(whose) else f"{len(done.students)} of them"
    is_told = f"{told} is told once, privately." if done.students else "Nobody is told: what they see is the same."
    return say(
        f"Released: {grades} of {people}. {is_told}",
        Note("`/release retract:yes` with the same names takes it back."),
    )


async def later(request: Request) -> Reply:
    """Serve “Schedule”."""
    seconds, _, packed = value_of(request).partition(":")
    if not seconds.isdecimal():
        raise NotFound("That choice does nothing any more.")
    at = datetime.fromtimestamp(int(seconds), UTC)
    async with request.app.sessions.begin() as session:
        action_id = await schedule_release(session, request.actor, unpack(packed), at)
    return say(
        f"It will be released on {show_moment(at, _time_zone(request))}, as the drafts are then.",
        Choices((Choice("Cancel it", CANCEL, action_id.hex),)),
    )


async def cancel(request: Request) -> Reply:
    """Serve “Cancel”, of a scheduled release."""
    async with request.app.sessions.begin() as session:
        await cancel_release(session, request.actor, uuid_of(value_of(request)))
    return say("That release is cancelled; the drafts stay drafts.")


async def leave(_: Request) -> Reply:
    """Serve “Leave it”."""
    return say("Left as it is; nothing was changed.")


async def _overview(request: Request) -> Reply:
    class_id = request.visitor.class_id
    async with request.app.sessions() as session:
        plan = await plan_release(session, request.actor, Selection(class_id))
        untold = await unreached_of(session, request.actor, plan)
        waiting = await scheduled_releases(session, request.actor, class_id)
        titles = {item.id: item.title for item in await list_gradable(session, request.actor, class_id)}
        students = {each.user_id: each.name for each in await list_students(session, request.actor, class_id)}
    fates: dict[UUID, Counter[LineFate]] = {}
    for line in plan.lines:
        fates.setdefault(line.assignment_id, Counter())[line.fate] += 1
    rows = tuple((titles.get(id_, ""), *(str(count[fate]) for fate in FATES)) for id_, count in fates.items())
    parts: list[Part] = [Table(("Assignment", *(FATES.values())), rows, "Grades and what students see of them")]
    parts += untold
    chosen = [
        Choice(f"{titles.get(id_, '')} ({number})", PLAN, pack(Selection(class_id, (id_,))))
        for id_, count in fates.items()
        if (number := count[LineFate.NEW] + count[LineFate.CHANGED])
    ]
    if len(chosen) > 1:
        chosen.insert(0, Choice(f"Everything ({len(plan.changes)})", PLAN, pack(Selection(class_id))))
    if chosen:
        parts += [Text("What do you want to release? You see what it does before it is done.")]
        parts += [Choices(tuple(chosen[:MOST_CHOICES]))]
    else:
        parts.append(Text("There is nothing new to release."))
    if waiting:
        parts += _scheduled(waiting, {each.id: called(each.selection, titles, students) for each in waiting}, request)
    return Reply(tuple(parts))


def _scheduled(waiting: Sequence[ScheduledRelease], names: Mapping[UUID, str], request: Request) -> list[Part]:
    zone = _time_zone(request)
    rows = []
    for each in waiting:
        state = f"tried again until {show_moment(each.at + PATIENCE, zone)}: {each.error}" if each.error else ""
        rows.append(
            (show_moment(each.at, zone), names[each.id], f"not done: {each.error}" if each.given_up else state or "–")
        )
    choices = tuple(
        Choice(f"Cancel {names[each.id]}, {show_moment(each.at, zone)}", CANCEL, each.id.hex)
        for each in waiting
        if not each.given_up
    )
    parts: list[Part] = [Table(("When", "What", "State"), tuple(rows), "Scheduled")]
    return [*parts, Choices(choices[:MOST_CHOICES])] if choices else parts


async def _moment(session: AsyncSession, request: Request, said: str) -> datetime:
    try:
        zone = ZoneInfo(_time_zone(request))
    except (ZoneInfoNotFoundError, ValueError):
        zone = ZoneInfo("UTC")
    try:
        return read_moment(said, zone, await clock(session)).at
    except InvalidInput as error:
        error.data["field"] = "at"
        raise


def _time_zone(request: Request) -> str:
    """Return the time zone of the person here; that of their account where no one class is meant."""
    try:
        return request.visitor.time_zone
    except Ambiguous:
        return request.person.time_zone


COMMANDS = (
    Command(
        "release",
        "Show grades to students: see first what it does, then do it, now or at a time",
        run_release,
        (
            Option("assignment", "Which one: number or title; all without it", OptionKind.ASSIGNMENT, positional=True),
            Option("section", "Only the students of this section"),
            Option("person", "Only this student", OptionKind.STUDENT),
            Option("at", "When: “tomorrow 08:00”, “2026-12-01 08:00”; at once without it"),
            Option("retract", "Take back what was released", OptionKind.CHOICE, choices=(YES, NO)),
        ),
        Who.TEACHER,
    ),
)
CONTROLS: dict[str, Run] = {
    AGAIN: release_again,
    PLAN: plan_picked,
    GO: go,
    LATER: later,
    LEAVE: leave,
    CANCEL: cancel,
    **retracting.CONTROLS,
}
