"""/submit: hand in text and files; the receipt says which attempt it is, when it came, and whether that was late."""

from __future__ import annotations

import mimetypes
from collections.abc import Sequence
from contextlib import suppress
from uuid import UUID, uuid4

from sqlalchemy.ext.asyncio import AsyncSession

from bot.commands.assignments import HAND_IN
from bot.commands.browsing import show_moment
from bot.commands.picking import pick
from bot.commands.registry import Command, Option, OptionKind, Request, Run
from bot.commands.which_class import uuid_of, value_of
from core.assignments.due import MyAssignment, WorkState, attempts_of, clock, my_assignments
from core.assignments.find import find_work
from core.assignments.models import AssignmentSubmission
from core.assignments.submit import HandedFile, Receipt, require_open, submit
from core.errors import Ambiguous, InvalidInput, NotFound, Oversized, StorageUnavailable
from core.events import Attachment
from core.inbox.received import received_at
from core.replies import Form, Note, Part, Reply, Text
from core.text import literal, one_line

SEND = "assignment.send"
LARGEST_FILE = 20_000_000  # bytes, as every surface has it
_TEXT = Option("text", "What you hand in", OptionKind.LONG, rest=True)
_FILES = (
    Option("file", "A file", OptionKind.FILE),
    Option("file2", "A second file", OptionKind.FILE),
    Option("file3", "A third file", OptionKind.FILE),
)


async def run_submit(request: Request) -> Reply:
    """Serve /submit; with nothing but the assignment it answers with a form."""
    text = request.options.get("text", "")
    async with request.app.sessions() as session:
        try:
            found = await find_work(session, request.visitor.class_id, request.options["assignment"])
        except Ambiguous as error:
            if text or request.files:
                raise  # what was written stays in the message that was typed
            return pick(error, HAND_IN, lambda id_: id_.hex)
        if not text and not request.files:
            return await _form(session, request, found.id)
    return await _hand_in(request, found.id)


async def open_form(request: Request) -> Reply:
    """Serve “Hand in”."""
    async with request.app.sessions() as session:
        return await _form(session, request, uuid_of(value_of(request)))


async def send(request: Request) -> Reply:
    """Serve the form of one assignment."""
    return await _hand_in(request, uuid_of(value_of(request)))


async def _form(session: AsyncSession, request: Request, assignment_id: UUID) -> Reply:
    work = await _mine(session, request, assignment_id)
    require_open(work, await clock(session))  # or else what is written could not be handed in
    parts: list[Part] = []
    if work.state is WorkState.OVERDUE:
        parts.append(Note(f"It was due {show_moment(work.due_at, request.visitor.time_zone)}: this will be late."))
    fields = (_TEXT.field(), *(each.field() for each in _FILES))
    return Reply((*parts, Form(f"Hand in: {work.title}", SEND, fields, assignment_id.hex)))


async def _mine(session: AsyncSession, request: Request, assignment_id: UUID) -> MyAssignment:
    mine = await my_assignments(session, request.visitor.user_id, request.visitor.class_id, only=assignment_id)
    if not mine:
        raise NotFound("There is no such assignment here. /assignments lists them.")
    return mine[0]


async def _hand_in(request: Request, assignment_id: UUID) -> Reply:
    visitor, text = request.visitor, request.options.get("text", "")
    if not text.strip() and not request.files:
        raise InvalidInput("There is nothing to hand in: write something, or attach a file.", field="text")
    async with request.app.sessions() as session:
        work = await _mine(session, request, assignment_id)  # before anything is fetched
        at = await received_at(session, request.inbox_event_id)
        attempts = await attempts_of(session, visitor.user_id, assignment_id) if at else []
    done = next((each for each in attempts if each.submitted_at == at), None)
    if done is not None:  # the process that served this event before died after it had been handed in
        return _received(_receipt_of(done, work), visitor.time_zone)
    files: list[HandedFile] = []
    handed_in = False
    try:
        await _store(request, files)
        async with request.app.sessions.begin() as session:
            receipt = await submit(session, request.actor, assignment_id, body=text, files=files, at=at)
            handed_in = True  # if the commit fails, it may have been done all the same
    finally:
        if not handed_in:
            await _forget(request, files)
    return _received(receipt, visitor.time_zone)


async def _store(request: Request, handed: list[HandedFile]) -> None:
    """Fetch what came along and keep it, noting in `handed` what is kept.

    Raises `Oversized`, `InvalidInput` (empty), and what fetching raises.
    """
    for name, attachment in request.files.items():
        data = await _fetch(request, name, attachment)
        key = f"submissions/{uuid4()}"
        await request.app.pipeline.storage.put(key, data)
        media_type = mimetypes.guess_type(attachment.name)[0] or "application/octet-stream"
        handed.append(HandedFile(key, attachment.name, media_type, len(data)))


async def _fetch(request: Request, field: str, attachment: Attachment) -> bytes:
    called = one_line(attachment.name, 100) or "The file"
    if attachment.size > LARGEST_FILE:
        raise Oversized(f"{called} is larger than {LARGEST_FILE // 10**6} MB.", field=field)
    data = await request.responder.fetch(attachment)
    if not data:
        raise InvalidInput(f"{called} is empty, so nothing was handed in.", field=field)
    return data


async def _forget(request: Request, files: Sequence[HandedFile]) -> None:
    for file in files:
        with suppress(StorageUnavailable):
            await request.app.pipeline.storage.delete(file.storage_key)


def _receipt_of(attempt: AssignmentSubmission, work: MyAssignment) -> Receipt:
    return Receipt(
        submission_id=attempt.id,
        assignment_id=work.id,
        title=work.title,
        attempt=attempt.attempt,
        submitted_at=attempt.submitted_at,
        due_at=work.due_at,
        late=attempt.late,
        characters=len(attempt.body),
        files=tuple(str(file["filename"]) for file in attempt.files),
    )


def _received(receipt: Receipt, time_zone: str) -> Reply:
    came = show_moment(receipt.submitted_at, time_zone)
    due = show_moment(receipt.due_at, time_zone)
    if receipt.late:
        timing = f"That is **late**: it was due {due}."
    else:
        timing = f"That is in time: it is due {due}." if receipt.due_at else "It has no due date."
    said = [f"{receipt.characters:,} characters of text"] if receipt.characters else []
    what = ", ".join([*said, *receipt.files])
    return Reply(
        (
            Text(f"**{literal(receipt.title)}** is handed in: attempt {receipt.attempt}, {came}. {timing}"),
            Text(f"What came: {literal(what)}."),
            Note(f"Earlier attempts are kept. Receipt {receipt.submission_id}. Only you and your teachers see this."),
        )
    )


COMMANDS = (
    Command(
        "submit",
        "Hand in an assignment: text, files, or both",
        run_submit,
        (
            Option(
                "assignment", "Which one, by number or title", OptionKind.ASSIGNMENT, required=True, positional=True
            ),
            _TEXT,
            *_FILES,
        ),
    ),
)
CONTROLS: dict[str, Run] = {HAND_IN: open_form, SEND: send}
