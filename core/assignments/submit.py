"""Hand in: every attempt is kept, and what comes after the due date is marked late."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from core.assignments.due import MyAssignment, clock, my_assignments
from core.assignments.models import Assignment, AssignmentSubmission
from core.audit.record import Actor, record
from core.classes.models import ClassMembership
from core.errors import InvalidInput, NotFound, NotPermitted, NotReady
from core.text import clean, one_line

LONGEST_TEXT = 200_000  # characters
MOST_FILES = 20
_OLDEST = timedelta(days=1)  # how far back a platform's word about the moment is taken


@dataclass(frozen=True, slots=True)
class HandedFile:
    """A file that lies in storage already."""

    storage_key: str
    filename: str
    media_type: str
    byte_size: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "filename", one_line(self.filename, 255) or "file")


@dataclass(frozen=True, slots=True)
class Receipt:
    """What was handed in, for the student to keep. Times are aware; `due_at` has the extension in it."""

    submission_id: UUID
    assignment_id: UUID
    title: str
    attempt: int
    submitted_at: datetime
    due_at: datetime | None
    late: bool
    characters: int
    files: tuple[str, ...]


async def submit(
    session: AsyncSession,
    actor: Actor,
    assignment_id: UUID,
    *,
    body: str = "",
    files: Sequence[HandedFile] = (),
    at: datetime | None = None,
) -> Receipt:
    """Hand in an attempt of the acting student's own: text, files, or both.

    `at` is when they did it by the platform's clock, so that nobody is late because the bot was; it counts if it lies
    in the last day. Raises `NotFound` (not published), `NotPermitted` (no student of the class), `NotReady` (not open
    yet, or closed), `InvalidInput`.
    """
    body = clean(body)
    _check(body, files)
    # Held until the end, so that an attempt is never of something that was unpublished or deleted meanwhile.
    found = (
        await session.execute(
            select(Assignment.class_id, Assignment.published_revision_id)
            .where(Assignment.id == assignment_id, Assignment.deleted_at.is_(None))
            .with_for_update(read=True)
        )
    ).one_or_none()
    if found is None or actor.user_id is None:
        raise NotFound("There is no such assignment.")
    user_id, class_id = actor.user_id, found.class_id
    await _take_turn(session, user_id, class_id)
    mine = await my_assignments(session, user_id, class_id, only=assignment_id)
    if not mine:
        raise NotFound("There is no such assignment.")
    work, now = mine[0], await clock(session)
    moment = at if at is not None and now - _OLDEST < at <= now else now
    require_open(work, moment)
    submission = AssignmentSubmission(
        assignment_id=assignment_id,
        assignment_revision_id=found.published_revision_id,
        student_user_id=user_id,
        attempt=await _next_attempt(session, user_id, assignment_id),
        body=body,
        files=[asdict(file) for file in files],
        submitted_at=moment,
        late=work.due_at is not None and moment > work.due_at,
    )
    session.add(submission)
    await session.flush()
    record(
        session, actor, "submission.create", "submission", submission.id, class_id=class_id,
        assignment_id=assignment_id, attempt=submission.attempt, late=submission.late, files=len(files),
    )  # fmt: skip
    return Receipt(
        submission_id=submission.id,
        assignment_id=assignment_id,
        title=work.title,
        attempt=submission.attempt,
        submitted_at=moment,
        due_at=work.due_at,
        late=submission.late,
        characters=len(body),
        files=tuple(file.filename for file in files),
    )


def require_open(work: MyAssignment, moment: datetime) -> None:
    """Raise `NotReady` where a student's assignment takes nothing at a moment: it is not open yet, or closed."""
    if work.opens_at is not None and moment < work.opens_at:
        raise NotReady(f"“{work.title}” is not open yet.", opens_at=work.opens_at)
    if work.closes_at is not None and moment > work.closes_at:
        raise NotReady(f"“{work.title}” is closed; nothing can be handed in any more.", closes_at=work.closes_at)


def _check(body: str, files: Sequence[HandedFile]) -> None:
    if not body and not files:
        raise InvalidInput("There is nothing to hand in: write something, or attach a file.")
    if len(body) > LONGEST_TEXT:
        raise InvalidInput(f"That is more than {LONGEST_TEXT:,} characters; hand it in as a file.")
    if len(files) > MOST_FILES:
        raise InvalidInput(f"At most {MOST_FILES} files can be handed in at once.")


async def _take_turn(session: AsyncSession, user_id: UUID, class_id: UUID) -> None:
    """Let one student's attempts follow one another. Raises `NotPermitted`."""
    of = ClassMembership
    membership = await session.scalar(
        select(of.id)
        .where(of.class_id == class_id, of.app_user_id == user_id, of.deleted_at.is_(None))
        .with_for_update(key_share=True)
    )
    if membership is None:
        raise NotPermitted("You are not a student of this class.", class_id=class_id)


async def _next_attempt(session: AsyncSession, user_id: UUID, assignment_id: UUID) -> int:
    work = AssignmentSubmission
    last = await session.scalar(
        select(func.max(work.attempt)).where(work.assignment_id == assignment_id, work.student_user_id == user_id)
    )
    return int(last or 0) + 1
