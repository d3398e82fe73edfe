"""/gradebook: all grades at a glance; a Canvas file into drafts, after a look at what it does, and out again."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import suppress
from decimal import Decimal
from uuid import UUID

from adapters.charts import draw_distribution
from adapters.gradebooks.read_canvas import MOST_BYTES, read_canvas
from adapters.gradebooks.write_canvas import write_canvas
from bot.commands.picking import pick
from bot.commands.registry import Command, Look, Option, OptionKind, Request, Run, Who
from bot.commands.telling_apart import told_apart
from bot.commands.which_class import CODE, class_meant, uuid_of, value_of
from core.classes.held_file import HeldFile, Upload, drop_file, held_file, hold_file
from core.db import snapshot
from core.enums import GradeStatus
from core.errors import Ambiguous, Conflict, NotFound, Oversized, StorageUnavailable
from core.grading.aggregate import Totals, draft_totals, published_totals
from core.grading.find import find_student
from core.grading.gradebook import Gradebook, Pupil, Work, gradebook
from core.grading.import_gradebook import GradebookReport, import_gradebook, preview_gradebook
from core.grading.mark import plain
from core.grading.plan_release import Bucket
from core.identity.permissions import require_teacher
from core.replies import Choice, Choices, File, Note, Part, Reply, Table, Text, say
from core.text import literal, literal_sentence, one_line

IMPORT, DROP, PERSON = "gradebook.import", "gradebook.drop", "gradebook.person"
_MOST_ROWS = 60
_MOST_LISTED = 20  # of each kind of what could not be used


async def run_show(request: Request) -> Reply:
    """Serve /gradebook: the work, the students and how their totals are spread; or one student's grades."""
    class_id, named = request.visitor.class_id, request.options.get("person")
    if named is not None:
        async with request.app.sessions() as session:
            try:
                student = await find_student(session, request.actor, class_id, named)
            except Ambiguous as error:
                return pick(error, PERSON, lambda id_: f"{class_id.hex}:{id_.hex}")
        return await _one(request, class_id, student.user_id)
    section = request.options.get("section")
    async with snapshot(request.app.sessions) as session:
        book = await gradebook(session, request.actor, class_id, section=section)
        drafts = await draft_totals(session, request.actor, class_id)
        shown = await published_totals(session, request.actor, class_id)
    if not book.pupils:
        return say("There are no students in that section." if section else "There are no students in this class yet.")
    name = f"{request.visitor.class_title}, section {section}" if section else request.visitor.class_title
    return await _overview(book, drafts, shown, name)


async def show_person(request: Request) -> Reply:
    """Serve the choice of a student."""
    class_id, _, student = value_of(request).partition(":")
    return await _one(request, uuid_of(class_id), uuid_of(student))


async def run_export(request: Request) -> Reply:
    """Serve /gradebook export: the drafts as a file that Canvas takes back."""
    class_id = class_meant(request)
    async with snapshot(request.app.sessions) as session:
        book = await gradebook(session, request.actor, class_id)
    code = next((each.code for each in request.encounter.classes if each.class_id == class_id), "class")
    return Reply(
        (
            Text(f"These are the drafts of {len(book.pupils)} students, as Canvas takes them."),
            File(f"{code}-gradebook.csv", write_canvas(book), "text/csv"),
            Note("Missing and ungraded work is empty in it, as Canvas has no word for them."),
        )
    )


async def run_import(request: Request) -> Reply:
    """Serve /gradebook import: show what the file would do, and keep it until that is confirmed."""
    file, class_id = request.files["file"], class_meant(request)
    async with request.app.sessions() as session:
        await require_teacher(session, request.actor, class_id)
    name = one_line(file.name, 100) or "The file"
    if file.size > MOST_BYTES:
        raise Oversized(f"{name} is larger than {MOST_BYTES // 1024**2} MB. Is this the right file?")
    data = await request.responder.fetch(file)
    book = HeldFile(Upload.GRADEBOOK, class_id, request.person.user_id, name, data)
    sheet = await asyncio.to_thread(read_canvas, book.data, name)
    async with request.app.sessions() as session:
        report = await preview_gradebook(session, request.actor, class_id, sheet)
    if not report.changes and not report.learnt:
        return Reply((Text(f"{literal(name)} would change no draft."), *_report(report, done=False)))
    book_id = await hold_file(request.app.pipeline.storage, book)
    return _previewed(book_id, report, f"This is what {literal(name)} would do to the drafts:")


async def import_held(request: Request) -> Reply:
    """Serve “Import”: what was shown is done; where the grades have changed meanwhile, it is shown anew instead."""
    id_, _, shown = value_of(request).partition(":")
    book_id, storage = uuid_of(id_), request.app.pipeline.storage
    book = await held_file(storage, Upload.GRADEBOOK, request.person.user_id, book_id)
    sheet = await asyncio.to_thread(read_canvas, book.data, book.filename)
    try:
        async with request.app.sessions.begin() as session:
            report = await import_gradebook(session, request.actor, book.class_id, sheet, fingerprint=shown)
    except Conflict:
        async with request.app.sessions() as session:
            report = await preview_gradebook(session, request.actor, book.class_id, sheet)
        opening = "The grades have changed since you looked, so nothing was imported. This is what it would do now:"
        return _previewed(book_id, report, opening)
    with suppress(StorageUnavailable, NotFound):  # the clock forgets it later
        await drop_file(storage, Upload.GRADEBOOK, request.person.user_id, book_id)
    return Reply(
        (
            Text("The file is imported into the drafts. Students see nothing of it until you `/release`."),
            *_report(report, done=True),
        )
    )


async def drop_held(request: Request) -> Reply:
    """Serve “Drop”."""
    await drop_file(request.app.pipeline.storage, Upload.GRADEBOOK, request.person.user_id, uuid_of(value_of(request)))
    return say("The file is dropped; nothing was changed.")


async def _overview(book: Gradebook, drafts: Totals, shown: Totals, name: str) -> Reply:
    works = tuple(_work_row(work, book.pupils) for work in book.works)
    names = told_apart((pupil.user_id, pupil.name, pupil.email) for pupil in book.pupils)
    people = tuple(
        (names[pupil.user_id], pupil.section or "–", *(_percent(_total(each, book, pupil)) for each in (drafts, shown)))
        for pupil in book.pupils[:_MOST_ROWS]
    )
    parts: list[Part] = []
    if works:
        headings = ("Assignment", "Points", "Graded", "Missing", "Excused", "Mean", "Released")
        parts.append(Table(headings, works, name))
    parts.append(Table(("Student", "Section", "Total of the drafts", "As they see it"), people, "Students"))
    if len(book.pupils) > _MOST_ROWS:
        parts.append(Note(f"… and {len(book.pupils) - _MOST_ROWS} more; `section:` or `person:` shows fewer."))
    totals = [total for pupil in book.pupils if (total := _total(drafts, book, pupil)) is not None]
    if totals:
        title = one_line(f"Totals of the drafts, {name}", 70)
        parts.append(await asyncio.to_thread(draw_distribution, _buckets(totals), title))
    parts.append(Note("`/gradebook export` makes a file for Canvas, `/gradebook import` brings one in."))
    return Reply(tuple(parts))


def _work_row(work: Work, pupils: Sequence[Pupil]) -> tuple[str, ...]:
    cells = [pupil.cell(work) for pupil in pupils]
    status = Counter(cell.draft.status for cell in cells)
    scores = [cell.draft.score for cell in cells if cell.draft.score is not None]
    mean = plain((sum(scores, Decimal(0)) / len(scores)).quantize(Decimal("0.01"))) if scores else "–"
    released = sum(cell.shown is not None for cell in cells)
    return (
        work.title if work.published else f"{work.title} (not published)",
        plain(work.points),
        f"{status[GradeStatus.GRADED]} of {len(pupils)}",
        str(status[GradeStatus.MISSING]),
        str(status[GradeStatus.EXCUSED]),
        mean,
        f"{released} of {len(pupils)}",
    )


async def _one(request: Request, class_id: UUID, student_id: UUID) -> Reply:
    async with snapshot(request.app.sessions) as session:
        book = await gradebook(session, request.actor, class_id)
        drafts = await draft_totals(session, request.actor, class_id)
        shown = await published_totals(session, request.actor, class_id)
    names = told_apart((each.user_id, each.name, each.email) for each in book.pupils)
    pupil = next((each for each in book.pupils if each.user_id == student_id), None)
    if pupil is None:
        raise NotFound("There is no such student in this class.")
    rows = [
        (work.title, f"{cell.draft}", str(cell.shown) if cell.shown and work.published else "–", plain(work.points))
        for work in book.works
        for cell in (pupil.cell(work),)
    ]
    rows.append(("Total", _percent(_total(drafts, book, pupil)), _percent(_total(shown, book, pupil)), ""))
    return Reply((Table(("Assignment", "Draft", "As they see it", "Points"), tuple(rows), names[pupil.user_id]),))


def _total(totals: Totals, book: Gradebook, pupil: Pupil) -> Decimal | None:
    found = totals.get(pupil.user_id, {}).get(book.class_id)
    return found.percent if found is not None else None


def _percent(total: Decimal | None) -> str:
    return f"{plain(total)} %" if total is not None else "–"


def _buckets(totals: Iterable[Decimal]) -> tuple[Bucket, ...]:
    counts = Counter(min(int(total / 10), 10) for total in totals)
    return tuple(Bucket(10 * at, counts[at]) for at in range(11))


def _previewed(book_id: UUID, report: GradebookReport, opening: str) -> Reply:
    choices = Choices(
        (Choice("Import", IMPORT, f"{book_id.hex}:{report.fingerprint}"), Choice("Drop", DROP, book_id.hex))
    )
    note = Note("Empty cells change nothing, and students see nothing of it before a release. Only you can see this.")
    return Reply((Text(opening), *_report(report, done=False), note, choices))


def _report(report: GradebookReport, *, done: bool) -> list[Part]:
    counts = (
        ("Changed" if done else "Would change", str(len(report.changes))),
        ("The same already", str(report.unchanged)),
        ("Empty, left as it is", str(report.empty)),
        ("Read-only columns, not looked at", str(len(report.read_only))),
        ("Assignments whose Canvas id is kept", str(len(report.learnt))),
    )
    parts: list[Part] = [Table(("Cells", "Number"), counts)]
    if report.changes and not done:
        rows = tuple((each.student, each.assignment, str(each.old), str(each.new)) for each in report.changes)
        parts.append(Table(("Who", "Assignment", "Draft now", "Would be"), rows[:_MOST_ROWS]))
        parts += [Note(f"… and {len(rows) - _MOST_ROWS} more.")] if len(rows) > _MOST_ROWS else []
    unused = [
        *((each.where, each.what, each.reason) for each in report.unknown_columns),
        *((row.where, row.who, row.reason) for row in report.unknown_rows),
        *((each.where, each.what, each.reason) for each in report.unusable_cells),
    ]
    if unused:
        parts.append(Table(("Where", "What", "Why it is not used"), tuple(unused[:_MOST_LISTED]), "Not used"))
        parts += [Note(f"… and {len(unused) - _MOST_LISTED} more.")] if len(unused) > _MOST_LISTED else []
    return [*parts, *(Note(literal_sentence(note)) for note in report.notes)]


_SHOW = (
    Option("person", "Only this student’s grades", OptionKind.STUDENT, positional=True),
    Option("section", "Only the students of this section"),
)
COMMANDS = (
    Command(
        "gradebook",
        "See all grades of your class; bring them in from Canvas, or out for it",
        Look(run_show),
        _SHOW,
        Who.TEACHER,
        subcommands=(
            Command("show", "Show all grades, drafts and released side by side", Look(run_show), _SHOW, Who.TEACHER),
            Command(
                "import",
                "Bring grades in from a Canvas gradebook, as drafts",
                run_import,
                (Option("file", "A CSV file that Canvas exported", OptionKind.FILE, required=True), CODE),
                Who.TEACHER,
            ),
            Command("export", "Get the drafts as a file that Canvas imports", Look(run_export), (CODE,), Who.TEACHER),
        ),
    ),
)
CONTROLS: dict[str, Run] = {IMPORT: import_held, DROP: drop_held, PERSON: Look(show_person)}
