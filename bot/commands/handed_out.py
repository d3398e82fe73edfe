"""What was handed in, given back: to who handed it in and to their teachers, and to nobody else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from bot.commands.registry import Look, Request, Run
from bot.commands.which_class import uuid_of, value_of
from bot.web.submission_files import submission_link
from core.assignments.find import submission_for
from core.errors import NotFound
from core.replies import Choice, File, Note, Reply
from core.text import one_line

FILE = "submission.file"
SHOWN = 4_000  # characters of a text in a chat
_TEXT_NAME = "text.txt"


def file_choices(submission_id: UUID, files: Sequence[Mapping[str, Any]], which: str = "") -> list[Choice]:
    """Return the choices to get an attempt's files; `which` names the attempt among several."""
    return [
        Choice(one_line(f"Get {file['filename']}", 70 - len(which)) + which, FILE, f"{submission_id.hex}:{number}")
        for number, file in enumerate(files)
    ]


def text_choice(submission_id: UUID, label: str = "Get the whole text") -> Choice:
    """Return the choice to get an attempt's text as a file."""
    return Choice(label, FILE, submission_id.hex)


def cut_text(body: str) -> str:
    """Return as much of a text as is shown in a chat."""
    return f"{body[:SHOWN].rstrip()}…" if len(body) > SHOWN else body


async def hand_out(request: Request) -> Reply:
    """Serve the choice of a file that was handed in, or of a text that was too long to show."""
    id_, _, place = value_of(request).partition(":")
    async with request.app.sessions() as session:
        work = await submission_for(session, request.actor, uuid_of(id_))
    if not place:
        return Reply((File(_TEXT_NAME, work.body.encode(), "text/plain"),))
    if not place.isdecimal() or int(place) >= len(work.files):
        raise NotFound("There is no such file.")
    file = work.files[int(place)]
    data = await request.app.pipeline.storage.get(str(file["storage_key"]))
    url = submission_link(request.app.settings, request.app.secrets, work.id, int(place), request.person.user_id)
    return Reply((File(str(file["filename"]), data, str(file["media_type"]), url), Note("Only you can see this.")))


CONTROLS: dict[str, Run] = {FILE: Look(hand_out)}
