"""One student's work as a teacher sees it, with the form to grade it."""

from __future__ import annotations

from collections.abc import Mapping

from bot.commands.browsing import show_moment
from bot.commands.registry import Request
from core.enums import GradeStatus
from core.errors import InvalidInput
from core.grading.find import Piece
from core.grading.mark import NO_MARK, Mark, plain, read_mark
from core.replies import Choice, Choices, Field, Form, Note, Part, Reply, Text
from core.text import one_line

WALK, SAVE, FILE = "grade.walk", "grade.save", "grade.file"  # served in grading.py
_SHOWN = 4_000  # characters of what a student wrote


def show_piece(request: Request, piece: Piece, *, left: int | None = None) -> Reply:
    """Return one student's work with the form to grade it; `left` counts what waits in a walk."""
    waits = "" if left is None else f" ({left} waiting)"
    parts: list[Part] = [Text(f"**{piece.student}**, {piece.assignment}{waits}"), *_work(piece, request)]
    choices = [
        Choice(one_line(f"Get {file['filename']}", 70), FILE, f"{piece.submission_id.hex}:{number}")
        for number, file in enumerate(piece.files)
        if piece.submission_id is not None
    ]
    if piece.submission_id is not None:
        if len(piece.body) > _SHOWN:
            choices.append(Choice("Get the whole text", FILE, piece.submission_id.hex))
        if left is not None and left > 1:
            choices.append(Choice("Skip", WALK, f"{piece.assignment_id.hex}:{piece.submission_id.hex}"))
    parts += [Choices(tuple(choices))] if choices else []
    return Reply((*parts, grade_form(piece, piece.mark, piece.feedback, piece.version, walks=left is not None)))


def _work(piece: Piece, request: Request) -> list[Part]:
    if piece.submission_id is None:
        return [Note("Nothing was handed in.")]
    came = show_moment(piece.submitted_at, request.visitor.time_zone)
    files = ", ".join(str(file["filename"]) for file in piece.files)
    said = [f"Attempt {piece.attempt}, {came}{', late' if piece.late else ''}", *([f"files: {files}"] if files else [])]
    cut = f"{piece.body[:_SHOWN].rstrip()}…" if len(piece.body) > _SHOWN else piece.body
    return [Note("; ".join(said)), *([Text(cut)] if cut else [])]


def grade_form(piece: Piece, mark: Mark, feedback: str, version: int, *, walks: bool) -> Form:
    """Return the form to grade a piece of work, filled in; `version` is that of the draft it would replace."""
    submission = piece.submission_id.hex if piece.submission_id else ""
    value = f"{piece.assignment_id.hex}:{piece.student_user_id.hex}:{submission}:{version}:{'w' if walks else ''}"
    status = GradeStatus.GRADED if mark == NO_MARK else mark.status
    score = plain(mark.score) if mark.score is not None else ""
    fields = (
        Field("score", f"Score, out of {plain(piece.points)}", score, required=False),
        Field("status", "What it is", status.value.lower(), options=_STATUSES),
        Field("feedback", "Feedback", feedback, long=True, required=False),
    )
    title = f"{piece.student}: {piece.assignment}{' – save and next' if walks else ''}"
    return Form(title, SAVE, fields, value, about=piece.body)


_STATUSES = tuple(
    each.value.lower() for each in (GradeStatus.GRADED, GradeStatus.EXCUSED, GradeStatus.MISSING, GradeStatus.UNGRADED)
)


def mark_in(fields: Mapping[str, str]) -> Mark:
    """Return the mark that a form holds; a word such as EX in the score's field goes before the status."""
    try:
        typed = read_mark(fields.get("score", ""))
    except InvalidInput as error:
        error.data["field"] = "score"
        raise
    status = GradeStatus(fields.get("status", "").upper() or GradeStatus.GRADED)
    if typed is not None and typed.score is None:
        return typed
    if status is not GradeStatus.GRADED:
        return Mark(status)
    if typed is None:
        raise InvalidInput("Write the score, or choose excused, missing or ungraded.", field="score")
    return typed
