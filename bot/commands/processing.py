"""The reply to an upload follows what becomes of the file; a notice tells the outcome where it can't."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

import structlog

from bot.commands.registry import Request
from core.content.history import read_newest
from core.content.kinds import MATERIAL
from core.enums import ProcessingStatus
from core.errors import HomeroomError
from core.inbox.live_notices import hold_back, let_go, note_told_live
from core.inbox.notify import PROCESSED, notify
from core.materials.progress import FileAt, Progress, file_at, read_progress
from core.replies import Note, Part, Reply, Text
from core.text import literal_sentence

log = structlog.get_logger(__name__)


async def show_processing(request: Request, material_id: UUID, write: Callable[[Progress], Reply]) -> None:
    """Reply to who uploaded a file, with `write`, now and whenever something is new until it is ready or failed."""
    file, notice, progress = await _begin(request, material_id)
    sessions = request.app.sessions
    try:
        reply = await request.responder.send_live(write(progress))
    except HomeroomError as error:  # the file is there, whether or not that can be said
        log.warning("reply_not_shown", request=str(request.request_id), code=error.code)
        reply = None
    if reply is None:
        await let_go(sessions, [notice])
    elif progress.over:
        await note_told_live(sessions, notice)
    else:
        request.app.following.follow(file, notice, reply, write, progress)


async def _begin(request: Request, material_id: UUID) -> tuple[FileAt, str, Progress]:
    """Put the notice that tells the outcome where nobody follows, and return what there is to follow, and its key."""
    async with request.app.sessions.begin() as session:
        newest = await read_newest(session, request.actor, MATERIAL, material_id)
        root = await session.get_one(MATERIAL.root, material_id)
        notice = f"{PROCESSED}:{newest.id}:{newest.version}"
        await notify(
            session,
            notice,
            PROCESSED,
            class_id=root.class_id,
            app_user_id=request.person.user_id,
            details={"revision": str(newest.id)},
        )
        await hold_back(session, [notice])
        file = file_at(newest)
        return file, notice, (await read_progress(session, [file]))[file]


def say_progress(progress: Progress) -> Part:
    """Return how far a file is, and where it failed, why."""
    if progress.replaced:
        return Note("Another file has taken its place since.")
    match progress.status:
        case ProcessingStatus.PENDING:
            return Note("It waits to be processed, so that it can be searched and cited.")
        case ProcessingStatus.PROCESSING if progress.pages is not None:
            read = "1 page is" if progress.pages == 1 else f"{progress.pages} pages are"
            return Note(f"{read} read and being made searchable.")
        case ProcessingStatus.PROCESSING:
            return Note("It is being read.")
        case ProcessingStatus.READY:
            pages = "" if progress.pages is None else f" {_count(progress.pages, 'page')},"
            passages = _count(progress.passages, "passage")
            return Note(f"It is ready:{pages} {passages} can be searched and cited.")
        case ProcessingStatus.FAILED:
            return Text(literal_sentence(progress.failure or "It could not be read: the file is damaged."))


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
