"""/grade: one grade by name, or a walk through what was handed in; what is saved is a draft until it is released."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from bot.commands.browsing import show_moment
from bot.commands.grade_form import SAVE, WALK, Walk, grade_form, mark_in, show_piece, unpack_walk
from bot.commands.naming import MOST_CHOICES
from bot.commands.picking import pack_options, pick, unpack_options
from bot.commands.registry import Command, Option, OptionKind, Request, Run, Who
from bot.commands.which_class import uuid_of, value_of
from core.assignments.queue import next_to_grade, queue_counts
from core.errors import Ambiguous, Conflict, InvalidInput, NotFound
from core.grading.find import Piece, class_of_work, find_gradable, find_student, list_gradable, piece_of
from core.grading.grade import GradeConflict, GradeEdit, save_grade
from core.grading.mark import NO_MARK, plain, read_mark
from core.identity.permissions import require_teacher
from core.replies import Choice, Choices, Note, Part, Reply, Table, Text, say
from core.text import literal, literal_sentence, one_line

AGAIN = "grade.again"
_NAMES = ("person", "assignment", "section", "score", "feedback")
_DRAFT = Note("This is a draft: students see it once you `/release` it.")


async def run_grade(request: Request) -> Reply:
    """Serve /grade: without anything the queue, with a person and an assignment their form, with a score a grade."""
    options = request.options
    if not options.keys() - {"section"}:
        return await _queue(request, options.get("section"))
    async with request.app.sessions() as session:
        try:
            found = await _meant(session, request)
        except Ambiguous as error:
            option = str(error.data["option"])
            return pick(error, AGAIN, lambda id_: pack_options(_NAMES, {**options, option: id_.hex}))
    if isinstance(found, Reply):
        return found
    if "score" in options:
        return await _save_typed(request, found)
    return show_piece(request, replace(found, feedback=options.get("feedback", found.feedback)))


async def _meant(session: AsyncSession, request: Request) -> Piece | Reply:
    """Return the piece of work that a typed /grade names, or what there is to choose where it names less."""
    options, actor, class_id = request.options, request.actor, request.visitor.class_id
    await require_teacher(session, actor, class_id)
    work = None
    if "assignment" in options:
        with _option("assignment"):
            work = await find_gradable(session, actor, class_id, options["assignment"])
    if "person" not in options:
        if work is None:
            raise InvalidInput("Say who and for what: `/grade PERSON ASSIGNMENT SCORE`.", field="person")
        return await _next(session, request, Walk(work.id, options.get("section", "")))
    with _option("person"):
        try:
            student = await find_student(session, actor, class_id, options["person"])
        except NotFound as error:
            walked = await _only_work(session, request, class_id)
            if walked is None:
                raise error from None
            return await _next(session, request, Walk(walked, options.get("section", "")))
    if work is not None:
        return await piece_of(session, actor, work.id, student.user_id)
    works = await list_gradable(session, actor, class_id)
    chosen = [
        Choice(
            each.label,
            AGAIN,
            pack_options(_NAMES, {**options, "person": student.user_id.hex, "assignment": each.id.hex}),
        )
        for each in works[:MOST_CHOICES]
    ]
    return say(f"Which work of {literal(student.name)}’s?", Choices(tuple(chosen)))


async def _only_work(session: AsyncSession, request: Request, class_id: UUID) -> UUID | None:
    """Return the assignment that the one word names which was given where a person is expected."""
    if request.options.keys() - {"person", "section"}:
        return None
    try:
        return (await find_gradable(session, request.actor, class_id, request.options["person"])).id
    except (NotFound, Ambiguous):
        return None


@contextmanager
def _option(name: str) -> Iterator[None]:
    """Note of a name that does not do by itself which option it stood in."""
    try:
        yield
    except (Ambiguous, NotFound) as error:
        error.data |= {"option": name, "field": name}
        raise


async def grade_again(request: Request) -> Reply:
    """Serve a choice among what a typed /grade could mean."""
    return await run_grade(replace(request, options=unpack_options(_NAMES, value_of(request))))


async def walk(request: Request) -> Reply:
    """Serve the choice of an assignment's queue, and going on in it from an attempt."""
    async with request.app.sessions() as session:
        return await _next(session, request, unpack_walk(value_of(request)))


async def save(request: Request) -> Reply:
    """Serve the form: save, and in a walk show the next piece; what somebody else saved meanwhile is shown instead."""
    assignment, student, submission, version, shown, walks, section = (value_of(request).split(":", 6) + [""] * 6)[:7]
    if not version.isdecimal():
        raise NotFound("That choice does nothing any more.")
    edit = GradeEdit(
        uuid_of(assignment),
        uuid_of(student),
        mark_in(request.options, shown),
        request.options.get("feedback", ""),
        uuid_of(submission) if submission else None,
        expected_version=int(version),
    )
    way = Walk(edit.assignment_id, section, edit.submission_id) if walks else None
    try:
        saved = await _save(request, edit)
    except Conflict as error:
        return await _conflicting(request, error, way)
    if way is None:
        return saved
    async with request.app.sessions() as session:
        following = await _next(session, request, way)
    return Reply((*saved.parts[:1], *following.parts))


async def _queue(request: Request, section: str | None) -> Reply:
    class_id = request.visitor.class_id
    async with request.app.sessions() as session:
        counts = await queue_counts(session, request.actor, class_id, section=section)
    waiting: dict[UUID, int] = {}
    for each in counts:
        waiting[each.assignment_id] = waiting.get(each.assignment_id, 0) + each.waiting
    titles = {each.assignment_id: each.assignment for each in counts}
    if not any(waiting.values()):
        hint = "`/grade PERSON ASSIGNMENT SCORE` gives a grade all the same."
        where = f" in section {literal(one_line(section, 60))}" if section else ""
        return say(f"Nothing that was handed in{where} waits for a grade. {hint}")
    rows = tuple((each.assignment, each.section or "–", str(each.waiting), str(each.handed_in)) for each in counts)
    chosen = tuple(
        Choice(f"{titles[id_]} ({count})", WALK, Walk(id_, section or "").pack())
        for id_, count in waiting.items()
        if count
    )
    return Reply(
        (
            Table(("Assignment", "Section", "Waiting", "Handed in"), rows, "What waits for a grade"),
            Text("Which one do you want to go through?"),
            Choices(chosen[:MOST_CHOICES]),
        )
    )


async def _next(session: AsyncSession, request: Request, walk: Walk) -> Reply:
    class_id = await class_of_work(session, walk.assignment_id)
    found = await next_to_grade(
        session,
        request.actor,
        class_id,
        assignment_id=walk.assignment_id,
        section=walk.section or None,
        after=walk.after,
    )
    if found is None:
        where = f" in section {literal(one_line(walk.section, 60))}" if walk.section else ""
        return say(f"Nothing of it{where} waits for a grade any more. `/release` shows what can be shown to students.")
    piece = await piece_of(session, request.actor, walk.assignment_id, found.student_user_id)
    return show_piece(request, piece, walk, left=found.left)


async def _save_typed(request: Request, piece: Piece) -> Reply:
    try:
        mark = read_mark(request.options["score"])
    except InvalidInput as error:
        error.data["field"] = "score"
        raise
    # A typed command has looked at nothing: what a colleague saved is shown before it is replaced.
    own = piece.by_user_id in (None, request.person.user_id)
    edit = GradeEdit(
        piece.assignment_id,
        piece.student_user_id,
        NO_MARK if mark is None else mark,
        request.options.get("feedback"),
        piece.submission_id,
        expected_version=piece.version if own else 0,
    )
    try:
        return await _save(request, edit)
    except Conflict as error:
        return await _conflicting(request, error, None)


async def _save(request: Request, edit: GradeEdit) -> Reply:
    try:
        async with request.app.sessions.begin() as session:
            class_id = await class_of_work(session, edit.assignment_id)
            saved = await save_grade(session, request.actor, class_id, edit)
            piece = await piece_of(session, request.actor, edit.assignment_id, edit.student_user_id)
    except InvalidInput as error:
        error.data.setdefault("field", "score")
        raise
    of = f" / {plain(piece.points)}" if saved.mark.score is not None else ""
    feedback = ", with feedback" if saved.feedback else ""
    whose = f"**{literal(piece.student)}**, {literal(piece.assignment)}"
    return Reply((Text(f"Saved: {whose}: {saved.mark}{of}{feedback}."), _DRAFT))


async def _conflicting(request: Request, error: Conflict, walk: Walk | None) -> Reply:
    """Return what both have saved, and a form that saves one's own in place of the other's."""
    conflicts = error.data.get("conflicts")
    found = conflicts[0] if isinstance(conflicts, tuple) and conflicts else None
    if not isinstance(found, GradeConflict):
        raise error
    mine, theirs = found.mine, found.theirs
    async with request.app.sessions() as session:
        piece = await piece_of(session, request.actor, mine.assignment_id, mine.student_user_id)
    mark = mine.mark if mine.mark is not None else theirs.mark
    feedback = mine.feedback if mine.feedback is not None else theirs.feedback
    when = show_moment(found.at, request.visitor.time_zone)
    rows = (("Grade", str(mark), str(theirs.mark)), ("Feedback", feedback or "–", theirs.feedback or "–"))
    parts: list[Part] = [
        Text(literal_sentence(error.sentence)),
        Table(("", "Yours", f"{found.by}, {when}"), rows, f"{found.student}, {piece.assignment}"),
        Note(f"Leave it, and {literal(found.by)}’s stays; or send the form, and yours takes its place."),
    ]
    if walk is not None:
        parts.append(Choices((Choice("Keep theirs, next", WALK, walk.pack()),)))
    return Reply((*parts, grade_form(piece, mark, feedback, theirs.version, walk)), failed=True)


COMMANDS = (
    Command(
        "grade",
        "Grade: one person’s work by name, or go through what was handed in",
        run_grade,
        (
            Option("person", "Whom: name, a beginning of it, or email address", OptionKind.STUDENT, positional=True),
            Option("assignment", "For what: number or title", OptionKind.ASSIGNMENT, positional=True),
            Option("section", "Only what was handed in by this section’s students"),
            Option("score", "Points, EX for excused, or missing", positional=True),
            Option("feedback", "What the student should read with it", OptionKind.LONG, rest=True),
        ),
        Who.TEACHER,
    ),
)
CONTROLS: dict[str, Run] = {AGAIN: grade_again, WALK: walk, SAVE: save}
