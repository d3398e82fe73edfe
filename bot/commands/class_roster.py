"""/class roster: a file into a class, with a look at what it would do before it does."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncSession

from adapters.rosters.read import MOST_BYTES, read_roster
from bot.commands.naming import MOST_CHOICES
from bot.commands.registry import Command, Option, OptionKind, Request, Run, Who
from bot.commands.which_class import CODE, class_meant, uuid_of, value_of
from core.classes.enrol import lock_class
from core.classes.held_file import HeldFile, Upload, drop_file, held_file, hold_file
from core.classes.import_roster import import_roster, preview_roster
from core.classes.models import Class
from core.classes.roster_plan import RosterPlan
from core.classes.roster_report import changes_nothing, fingerprint, report_parts
from core.errors import Ambiguous, NotFound, Oversized, StorageUnavailable
from core.identity.permissions import require_teacher
from core.replies import Choice, Choices, Note, Part, Reply, Text, say
from core.text import literal, literal_sentence, one_line

IMPORT, DROP, PICK = "class.roster.import", "class.roster.drop", "class.roster.pick"


async def run_roster(request: Request) -> Reply:
    """Serve /class roster: show what the file would do, and keep it until that is confirmed."""
    file, options = request.files["file"], request.options
    class_id = class_meant(request)
    async with request.app.sessions() as session:
        await require_teacher(session, request.actor, class_id)
    name = one_line(file.name, 100) or "The file"
    if file.size > MOST_BYTES:
        raise Oversized(f"{name} is larger than {MOST_BYTES // 1024**2} MB. Is this the right file?")
    told = {option: options[option] for option in ("from_class", "email_domain") if option in options}
    data = await request.responder.fetch(file)
    roster = HeldFile(Upload.ROSTER, class_id, request.person.user_id, name, data, told)
    return await _preview(request, roster)


async def pick_class(request: Request) -> Reply:
    """Serve the choice of a class inside a OneRoster file."""
    id_, _, from_class = value_of(request).partition(":")
    roster_id = uuid_of(id_)
    roster = await held_file(request.app.pipeline.storage, Upload.ROSTER, request.person.user_id, roster_id)
    return await _preview(request, replace(roster, options={**roster.options, "from_class": from_class}), roster_id)


async def import_held(request: Request) -> Reply:
    """Serve “Import”: what was shown is done; where the class has changed meanwhile, it is shown anew instead."""
    id_, _, shown = value_of(request).partition(":")
    roster_id = uuid_of(id_)
    storage = request.app.pipeline.storage
    roster = await held_file(storage, Upload.ROSTER, request.person.user_id, roster_id)
    async with request.app.sessions.begin() as session:
        await require_teacher(session, request.actor, roster.class_id)
        plan = await _plan(session, roster)
        await lock_class(session, roster.class_id)  # so that nothing changes between this look and the import
        report = await preview_roster(session, request.actor, roster.class_id, plan)
        stale = fingerprint(report) != shown
        if not stale:
            report = await import_roster(session, request.actor, roster.class_id, plan)
    if stale and not changes_nothing(report):
        return _previewed(roster_id, report_parts(report, dry_run=True), fingerprint(report), _CHANGED)
    await _forget(request, roster_id)
    done = "The class is as the roster says already." if stale else "The roster is imported."
    return Reply((Text(done), *report_parts(report)))


async def drop_held(request: Request) -> Reply:
    """Serve “Drop”."""
    await drop_file(request.app.pipeline.storage, Upload.ROSTER, request.person.user_id, uuid_of(value_of(request)))
    return say("The roster is dropped; nothing was changed.")


_CHANGED = "The class has changed since you looked, so nothing was imported. This is what the roster would do now:"


async def _preview(request: Request, roster: HeldFile, roster_id: UUID | None = None) -> Reply:
    storage = request.app.pipeline.storage
    try:
        async with request.app.sessions() as session:
            await require_teacher(session, request.actor, roster.class_id)
            plan = await _plan(session, roster)
            report = await preview_roster(session, request.actor, roster.class_id, plan)
    except Ambiguous as error:
        return _classes(await hold_file(storage, roster, roster_id), error)
    parts = report_parts(report, dry_run=True)
    if changes_nothing(report):
        if roster_id is not None:
            await _forget(request, roster_id)
        return Reply((Text(f"{literal(roster.filename)} would change nobody in the class."), *parts))
    roster_id = await hold_file(storage, roster, roster_id)
    return _previewed(roster_id, parts, fingerprint(report), f"This is what {literal(roster.filename)} would do:")


def _previewed(roster_id: UUID, parts: tuple[Part, ...], shown: str, opening: str) -> Reply:
    choices = Choices(
        (Choice("Import", IMPORT, f"{roster_id.hex}:{shown}"), Choice("Drop", DROP, roster_id.hex)),
    )
    return Reply((Text(opening), *parts, Note("Nobody is taken out by a roster. Only you can see this."), choices))


def _classes(roster_id: UUID, error: Ambiguous) -> Reply:
    ids = error.data.get("ids")
    named = list(zip(error.candidates, ids if isinstance(ids, tuple) else (), strict=False))
    choices = tuple(Choice(name, PICK, f"{roster_id.hex}:{id_}") for name, id_ in named[:MOST_CHOICES])
    more = [Note(f"… and {len(named) - len(choices)} more; name one of them: `/class roster from_class:CODE`")]
    return Reply(
        (Text(literal_sentence(error.sentence)), *(more if len(named) > len(choices) else []), Choices(choices))
    )


async def _plan(session: AsyncSession, roster: HeldFile) -> RosterPlan:
    """Return what a file says, read on another thread: it may be long."""
    class_ = await session.get(Class, roster.class_id)
    if class_ is None or class_.deleted_at is not None:
        raise NotFound("There is no such class.")
    return await asyncio.to_thread(
        read_roster,
        roster.data,
        roster.filename,
        today=datetime.now(UTC).astimezone(ZoneInfo(class_.time_zone)).date(),
        from_class=roster.options.get("from_class"),
        known_as=(class_.code, class_.title),
        email_domain=roster.options.get("email_domain"),
    )


async def _forget(request: Request, roster_id: UUID) -> None:
    """Delete a file that is done with; the clock does it later where the store does not answer."""
    with suppress(StorageUnavailable, NotFound):
        await drop_file(request.app.pipeline.storage, Upload.ROSTER, request.person.user_id, roster_id)


ROSTER = Command(
    "roster",
    "Bring a class's people in from a file",
    run_roster,
    (
        Option("file", "A CSV file, a Canvas gradebook CSV or a OneRoster zip", OptionKind.FILE, required=True),
        CODE,
        Option("from_class", "The class inside a OneRoster zip"),
        Option("email_domain", "Makes addresses of bare logins, such as school.example"),
    ),
    Who.TEACHER,
)
CONTROLS: dict[str, Run] = {IMPORT: import_held, DROP: drop_held, PICK: pick_class}
