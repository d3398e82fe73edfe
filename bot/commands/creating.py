"""Create modules, lessons and assignments, and upload materials: each as a draft that students don't see."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from bot.commands.editing import saved
from bot.commands.naming import zone_of
from bot.commands.processing import show_processing
from bot.commands.registry import Command, Option, OptionKind, Request, Run, Who
from bot.commands.writing import read_fields, read_text_file
from core.content.create import create_assignment, create_lesson, create_module
from core.content.fields import AssignmentFields, LessonFields, ModuleFields
from core.content.find import Thing, find_thing, thing_of
from core.content.kinds import ASSIGNMENT, LESSON, MATERIAL, MODULE, Kind
from core.content.revisions import Root
from core.errors import Ambiguous, HomeroomError, InvalidInput, NotFound
from core.identity.permissions import require_teacher
from core.materials.files import LARGEST_FILE
from core.materials.upload import upload_material
from core.replies import Reply
from core.text import literal, one_line

_WHOLE_CLASS = ("class", "none", "the whole class")


async def run_create(request: Request, kind: Kind) -> Reply:
    """Serve /module, /lesson and /assignment create."""
    class_id, typed = request.visitor.class_id, dict(request.options)
    async with request.app.sessions() as session:  # nothing is fetched for who may not
        await require_teacher(session, request.actor, class_id)
    if "file" in request.files:
        typed["body"] = await read_text_file(request, request.files["file"])
    async with request.app.sessions.begin() as session:
        root = await _create(session, request, kind, class_id, typed)
        thing = await thing_of(session, request.actor, kind, root.id)
    number = f" as {thing.number}" if thing.number else ""
    return saved(thing, f"{kind.name.capitalize()} “{literal(thing.title)}” is made{number}, as a draft.")


async def _create(
    session: AsyncSession, request: Request, kind: Kind, class_id: UUID, typed: Mapping[str, str]
) -> Root:
    values = {"due_at" if name == "due" else name: value for name, value in typed.items()}
    try:
        fields = read_fields(kind, {}, values, await zone_of(session, class_id))
    except InvalidInput as error:
        if error.data.get("field") == "due_at":
            error.data["field"] = "due"
        raise
    actor = request.actor
    match fields:
        case ModuleFields():
            return await create_module(session, actor, class_id, fields)
        case LessonFields():
            module = await parent_named(session, request, typed["module"], "module", MODULE)
            queue = request.app.pipeline.queue
            return await create_lesson(session, actor, module.id, fields, queue=queue)
        case AssignmentFields():
            above = await above_named(session, request, typed.get("in", ""))
            module_id = above.id if above and above.kind is MODULE else None
            lesson_id = above.id if above and above.kind is LESSON else None
            return await create_assignment(
                session, actor, class_id, fields, module_id=module_id, lesson_unit_id=lesson_id
            )
        case _:
            raise InvalidInput


async def run_upload(request: Request) -> None:
    """Serve /material upload, with a reply that follows what becomes of the file."""
    file, options, app = request.files["file"], request.options, request.app
    class_id, name = request.visitor.class_id, one_line(request.files["file"].name, 100) or "The file"
    lessons: tuple[UUID, ...] = ()
    async with app.sessions() as session:
        await require_teacher(session, request.actor, class_id)
        if "lesson" in options:
            lessons = ((await parent_named(session, request, options["lesson"], "lesson", LESSON)).id,)
    if file.size > LARGEST_FILE:
        raise InvalidInput(f"{name} is larger than {LARGEST_FILE // 2**20} MB.", field="file")
    data = await request.responder.fetch(file)
    try:
        material = await upload_material(
            app.sessions, app.pipeline.storage, app.pipeline.queue, request.actor, class_id,
            data=data, filename=file.name, title=options.get("title", ""), lesson_unit_ids=lessons,
        )  # fmt: skip
    except HomeroomError as error:
        error.data.setdefault("field", "file")
        raise
    async with app.sessions() as session:
        thing = await thing_of(session, request.actor, MATERIAL, material.id)
    sentence = f"{literal(name)} is uploaded as material “{literal(thing.title)}”, a draft."
    await show_processing(request, material.id, partial(saved, thing, sentence))


async def parent_named(session: AsyncSession, request: Request, named: str, option: str, *kinds: Kind) -> Thing:
    """Return what an option names that something is to belong to. Raises as `find_thing`, at the option's field."""
    try:
        return await find_thing(session, request.actor, request.visitor.class_id, named, *kinds)
    except (NotFound, Ambiguous, InvalidInput) as error:
        error.data["field"] = option
        raise


async def above_named(session: AsyncSession, request: Request, named: str) -> Thing | None:
    """Return what an assignment is to belong to, or None for the class itself."""
    if not named or named.strip().casefold() in _WHOLE_CLASS:
        return None
    return await parent_named(session, request, named, "in", MODULE, LESSON)


def create_command(kind: Kind, run: Run) -> Command:
    """Return a kind's `create`."""
    article = "an" if kind is ASSIGNMENT else "a"
    return Command("create", f"Begin {article} {kind.name}, as a draft", run, _OPTIONS[kind.name], Who.TEACHER)


_TITLE = Option("title", "Its title", required=True, rest=True, leads=True)
_OPTIONS = {
    MODULE.name: (_TITLE, Option("description", "What it is about", OptionKind.LONG)),
    LESSON.name: (
        Option("module", "The module it is in", OptionKind.THING, required=True, positional=True, of=(MODULE.name,)),
        _TITLE,
        Option("body", "Its text, in Markdown", OptionKind.LONG),
        Option("file", "Or its text as a file", OptionKind.FILE),
    ),
    ASSIGNMENT.name: (
        _TITLE,
        Option("instructions", "What is to be done, in Markdown", OptionKind.LONG),
        Option("in", "The lesson or module it belongs to", OptionKind.THING, of=(MODULE.name, LESSON.name)),
        Option("points", "Points, 100 unless you say so"),
        Option("due", "When it is due, such as 2026-12-01 23:59"),
    ),
}
UPLOAD = Command(
    "upload",
    "Upload a file as a material, as a draft",
    run_upload,
    (
        Option("file", "PDF, PPTX, DOCX, Markdown, HTML, text or a notebook", OptionKind.FILE, required=True),
        Option("title", "Its title, if the file's name does not do", rest=True, leads=True),
        Option("lesson", "The lesson it belongs to", OptionKind.THING, of=(LESSON.name,)),
    ),
    Who.TEACHER,
)
