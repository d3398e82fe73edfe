"""One student's work as a teacher sees it, with the form to grade it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from uuid import UUID

from bot.commands.browsing import show_moment
from bot.commands.handed_out import SHOWN, cut_text, file_choices, text_choice
from bot.commands.registry import Request
from bot.commands.which_class import uuid_of
from core.enums import GradeStatus
from core.errors import InvalidInput
from core.grading.find import Piece
from core.grading.mark import NO_MARK, Mark, plain, read_mark
from core.replies import Choice, Choices, Field, Form, Note, Part, Reply, Text, as_shown
from core.text import literal, one_line

WALK, SAVE = "grade.walk", "grade.save"  # served in grading.py
_LONGEST_SECTION = 100  # a form's value has to fit a modal of Discord's


@dataclass(frozen=True, slots=True)
class Walk:
    """A way through an assignment's queue, or one section's of it, which goes on after an attempt."""

    assignment_id: UUID
    section: str = ""
    after: UUID | None = None

    def pack(self) -> str:
        """Return it as what a choice carries; the section, which may hold anything, comes last."""
        after = self.after.hex if self.after else ""
        return f"{self.assignment_id.hex}:{after}:{one_line(self.section, _LONGEST_SECTION)}"


def unpack_walk(packed: str) -> Walk:
    """Return what `Walk.pack` made. Raises `NotFound` for what is none."""
    assignment, after, section = [*packed.split(":", 2), "", ""][:3]
    return Walk(uuid_of(assignment), section, uuid_of(after) if after else None)


def show_piece(request: Request, piece: Piece, walk: Walk | None = None, *, left: int = 0) -> Reply:
    """Return one student's work with the form to grade it; `left` counts what waits in a walk, this included."""
    waits = f" ({left} waiting)" if walk else ""
    parts: list[Part] = [
        Text(f"**{literal(piece.student)}**, {literal(piece.assignment)}{waits}"),
        *_work(piece, request),
    ]
    choices: list[Choice] = []
    if piece.submission_id is not None:
        choices += file_choices(piece.submission_id, piece.files)
        if len(piece.body) > SHOWN:
            choices.append(text_choice(piece.submission_id))
        if walk is not None and left > 1:
            choices.append(Choice("Skip", WALK, replace(walk, after=piece.submission_id).pack()))
    parts += [Choices(tuple(choices))] if choices else []
    return Reply((*parts, grade_form(piece, piece.mark, piece.feedback, piece.version, walk)))


def _work(piece: Piece, request: Request) -> list[Part]:
    if piece.submission_id is None:
        return [Note("Nothing was handed in.")]
    came = show_moment(piece.submitted_at, request.visitor.time_zone)
    files = ", ".join(str(file["filename"]) for file in piece.files)
    said = [f"Attempt {piece.attempt}, {came}{', late' if piece.late else ''}", *([f"files: {files}"] if files else [])]
    return [Note(literal("; ".join(said))), *([Text(cut_text(piece.body))] if piece.body else [])]


def grade_form(piece: Piece, mark: Mark, feedback: str, version: int, walk: Walk | None) -> Form:
    """Return the form to grade a piece of work, filled in; `version` is that of the draft it would replace."""
    submission = piece.submission_id.hex if piece.submission_id else ""
    way = f"w:{one_line(walk.section, _LONGEST_SECTION)}" if walk else ""
    status = GradeStatus.GRADED if mark == NO_MARK else mark.status
    value = f"{piece.assignment_id.hex}:{piece.student_user_id.hex}:{submission}:{version}:{status}:{way}"
    score = plain(mark.score) if mark.score is not None else ""
    fields = (
        Field("score", f"Score, out of {plain(piece.points)}", score, required=False),
        Field("status", "What it is", status.value.lower(), options=_STATUSES),
        Field("feedback", "Feedback", feedback, long=True, required=False),
    )
    title = f"{piece.student}: {piece.assignment}{' – save and next' if walk else ''}"
    return Form(title, SAVE, fields, value, about=piece.body)


_STATUSES = as_shown(
    each.value.lower() for each in (GradeStatus.GRADED, GradeStatus.EXCUSED, GradeStatus.MISSING, GradeStatus.UNGRADED)
)


def mark_in(fields: Mapping[str, str], shown: str) -> Mark:
    """Return the mark that a form holds.

    A word such as EX in the score's field goes before the status, and so does a score while the status is still the one
    that the form had `shown`.
    """
    try:
        typed = read_mark(fields.get("score", ""))
    except InvalidInput as error:
        error.data["field"] = "score"
        raise
    status = GradeStatus(fields.get("status", "").upper() or GradeStatus.GRADED)
    if typed is not None and typed.score is None:
        return typed
    if status is not GradeStatus.GRADED and (typed is None or status != shown):
        return Mark(status)
    if typed is None:
        raise InvalidInput("Write the score, or choose excused, missing or ungraded.", field="score")
    return typed
