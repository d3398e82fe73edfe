"""/assignments: what there is to do, until when in one's own time zone, and how far one is with it."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from bot.commands import handed_out
from bot.commands.browsing import show_moment
from bot.commands.handed_out import SHOWN, cut_text, file_choices, text_choice
from bot.commands.naming import MOST_CHOICES
from bot.commands.picking import pick
from bot.commands.registry import Command, Look, Option, OptionKind, Request, Run
from bot.commands.reminders import ON_AGAIN, switch
from bot.commands.which_class import uuid_of, value_of
from core.assignments.due import MyAssignment, WorkState, attempts_of, clock, my_assignments
from core.assignments.find import WorkCard, find_work, list_work, show_work
from core.assignments.models import AssignmentSubmission
from core.assignments.remind import wants_reminders
from core.content.browse import list_assignments
from core.enums import AiPolicy
from core.errors import Ambiguous
from core.grading.mark import plain
from core.identity.permissions import require_member
from core.replies import Choice, Choices, Note, Part, Reply, Table, Text, say
from core.text import literal

OPEN = "assignment.open"
HAND_IN = "assignment.hand_in"  # served in submitting.py
_SOON = timedelta(days=2)
_POLICY = {
    AiPolicy.OPEN: "I may help with all of it.",
    AiPolicy.HINTS: "I give hints, but not the solution.",
    AiPolicy.OFF: "I don't help with this one; its lessons are open to questions as always.",
}
_CLOSED = (WorkState.NOT_OPEN, WorkState.CLOSED)


async def run_assignments(request: Request) -> Reply:
    """Serve /assignments: all of them, or the one that is named."""
    if "reminders" in request.options:
        return await switch(request, wanted=request.options["reminders"] == "on")
    named = request.options.get("assignment")
    if named is None:
        return await (_taught(request) if request.visitor.teaches else _mine(request))
    async with request.app.sessions() as session:
        await require_member(session, request.actor, request.visitor.class_id)
        try:
            found = await find_work(session, request.visitor.class_id, named)
        except Ambiguous as error:
            return pick(error, OPEN, lambda id_: id_.hex)
    return await _show(request, found.id.hex)


async def open_picked(request: Request) -> Reply:
    """Serve the choice of an assignment."""
    return await _show(request, value_of(request))


async def _mine(request: Request) -> Reply:
    visitor = request.visitor
    async with request.app.sessions() as session:
        works = await my_assignments(session, visitor.user_id, visitor.class_id)
        numbers = {item.id: item for item in await list_work(session, visitor.class_id)}
        now = await clock(session)
        reminded = await wants_reminders(session, visitor.user_id)
    if not works:
        return say("No assignments are published yet.")
    rows = tuple(
        (
            str(numbers[work.id].number) if work.id in numbers else "",
            work.title,
            show_moment(work.due_at, visitor.time_zone) + (" (extended)" if work.extended else ""),
            plain(work.points),
            state_of(work, now),
        )
        for work in works
    )
    headings = ("No.", "Assignment", "Due", "Points", "State")
    notes = (_zone_note(visitor.time_zone), *(() if reminded else (ON_AGAIN,)))
    return Reply((Table(headings, rows, visitor.class_title), *notes, _openers(works)))


async def _taught(request: Request) -> Reply:
    visitor = request.visitor
    async with request.app.sessions() as session:
        await require_member(session, request.actor, visitor.class_id)
        works = await list_assignments(session, visitor.class_id)
        numbers = {item.id: item for item in await list_work(session, visitor.class_id)}
    if not works:
        return say("No assignments are published yet.")
    rows = tuple(
        (
            str(numbers[work.id].number) if work.id in numbers else "",
            work.title,
            work.lesson or "class",
            plain(work.points),
            show_moment(work.due_at, visitor.time_zone),
        )
        for work in works
    )
    headings = ("No.", "Assignment", "Lesson", "Points", "Due")
    hint = Note("`/grade` shows what has been handed in, `/release` what can be shown to students.")
    choices = Choices(tuple(Choice(work.title, OPEN, work.id.hex) for work in works[:MOST_CHOICES]))
    return Reply((Table(headings, rows, visitor.class_title), _zone_note(visitor.time_zone), hint, choices))


async def _show(request: Request, value: str) -> Reply:
    visitor, assignment_id = request.visitor, uuid_of(value)
    async with request.app.sessions() as session:
        await require_member(session, request.actor, visitor.class_id)
        card = await show_work(session, visitor.class_id, assignment_id)
        if visitor.teaches:
            return Reply((*_card(card), *_terms(card, None, visitor.time_zone)))
        mine = await my_assignments(session, visitor.user_id, visitor.class_id, only=assignment_id)
        attempts = await attempts_of(session, visitor.user_id, assignment_id)
        now = await clock(session)
    work = mine[0] if mine else None
    parts: list[Part] = [*_card(card), *_terms(card, work, visitor.time_zone, now)]
    choices: list[Choice] = []
    if work is not None and (work.state not in _CLOSED) and not _over(work, now):
        choices.append(Choice("Hand in again" if attempts else "Hand in", HAND_IN, card.id.hex))
    if attempts:
        parts.append(_attempts(attempts, visitor.time_zone))
        parts += [Text(cut_text(attempts[0].body))] if attempts[0].body else []
        choices += _own(attempts)
    parts += [Choices(tuple(choices[:MOST_CHOICES]))] if choices else []
    return Reply(tuple(parts))


def _own(attempts: list[AssignmentSubmission]) -> list[Choice]:
    """Return the choices to get back what was handed in and is not shown, the newest first."""
    choices: list[Choice] = []
    for work in attempts:
        choices += file_choices(work.id, work.files, f", attempt {work.attempt}" if len(attempts) > 1 else "")
        if work is not attempts[0] and work.body:
            choices.append(text_choice(work.id, f"Get the text of attempt {work.attempt}"))
        elif len(work.body) > SHOWN:
            choices.append(text_choice(work.id))
    return choices


def _card(card: WorkCard) -> list[Part]:
    return [Text(f"**{literal(card.title)}**"), *([Text(card.instructions)] if card.instructions.strip() else [])]


def _terms(card: WorkCard, work: MyAssignment | None, time_zone: str, now: datetime | None = None) -> list[Part]:
    rows = [("Points", plain(card.points)), ("Belongs to", card.place or "the whole class")]
    if work is not None:
        due = show_moment(work.due_at, time_zone) + (" (extended for you)" if work.extended else "")
        rows += [("Opens", show_moment(work.opens_at, time_zone))] if work.opens_at else []
        rows += [("Due", due)]
        rows += [("Closes", show_moment(work.closes_at, time_zone))] if work.closes_at else []
        rows += [("State", state_of(work, now))] if now else []
    rows.append(("My help", _POLICY[card.ai_policy]))
    return [Table(("", "About it"), tuple(rows)), *([_zone_note(time_zone)] if work is not None else [])]


def _attempts(attempts: list[AssignmentSubmission], time_zone: str) -> Table:
    rows = tuple(
        (
            str(each.attempt),
            show_moment(each.submitted_at, time_zone),
            "yes" if each.late else "no",
            f"{len(each.body):,} characters" if each.body else "",
            ", ".join(str(file["filename"]) for file in each.files),
        )
        for each in attempts
    )
    return Table(("Attempt", "Handed in", "Late", "Text", "Files"), rows, "What you handed in")


def _openers(works: list[MyAssignment]) -> Choices:
    return Choices(tuple(Choice(work.title, OPEN, work.id.hex) for work in works[:MOST_CHOICES]))


def _over(work: MyAssignment, now: datetime) -> bool:
    return work.closes_at is not None and now > work.closes_at


def state_of(work: MyAssignment, now: datetime) -> str:
    """Return how far a student is with an assignment, in a word or two."""
    nth = f", attempt {work.attempts}" if work.attempts > 1 else ""
    match work.state:
        case WorkState.TO_DO:
            soon = work.due_at is not None and work.due_at - now <= _SOON
            return "due soon" if soon else "open"
        case WorkState.OVERDUE:
            return "late"
        case WorkState.HANDED_IN | WorkState.HANDED_IN_LATE:
            return f"{work.state.value}{nth}"
        case _:
            return work.state.value


def _zone_note(time_zone: str) -> Note:
    try:
        ZoneInfo(time_zone)
    except (ZoneInfoNotFoundError, ValueError):
        time_zone = "UTC"
    return Note(f"Times are those of {time_zone}.")


COMMANDS = (
    Command(
        "assignments",
        "See your assignments, when they are due, and how far you are",
        Look(run_assignments),
        (
            Option("assignment", "One of them, by number or title", OptionKind.ASSIGNMENT, rest=True, leads=True),
            Option("reminders", "Whether you are reminded before due dates", OptionKind.CHOICE, choices=("on", "off")),
        ),
    ),
)
CONTROLS: dict[str, Run] = {OPEN: Look(open_picked), **handed_out.CONTROLS}
