"""Edit a draft in a form that holds what it says now; of two who edit it at once, the second is shown both texts."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncSession

from bot.commands.browsing import show_moment
from bot.commands.changes import name_of, show_diff
from bot.commands.naming import carried, packed, picked, zone_of
from bot.commands.processing import say_progress, show_processing
from bot.commands.registry import Request, Run
from bot.commands.writing import (
    LONGEST_IN_FORM,
    TERMS,
    TEXT_COLUMN,
    form_fields,
    read_fields,
    read_text_file,
    written,
)
from core.content.conflict import Seen, seen_by
from core.content.diff import Diff
from core.content.edit import edit_draft
from core.content.find import Thing, thing_of
from core.content.history import content_of, diff_numbers, read_history, read_newest
from core.content.kinds import ASSIGNMENT, MATERIAL, Kind
from core.enums import ProcessingStatus
from core.errors import Conflict, InvalidInput, NotFound
from core.materials.files import LARGEST_FILE
from core.materials.progress import Progress
from core.materials.upload import replace_file
from core.replies import Choice, Choices, File, Form, Note, Part, Reply, Table, Text, plain_name, say
from core.text import literal, literal_sentence, one_line

EDIT, EDIT_TERMS, SAVE, LEAVE = "write.edit", "write.terms", "write.save", "write.leave"
PREVIEW, SHOW, PUBLISH, CANCEL = "write.preview", "write.show", "publish.plan", "publish.cancel"  # served elsewhere
_SIDE_BY_SIDE = 300  # characters of a text that a table may hold


async def edit(request: Request, thing: Thing) -> Reply | None:
    """Serve /… edit: the form, or at once what came as a file."""
    file = request.files.get("file")
    if file is None:
        return await _open(request, thing)
    async with request.app.sessions() as session:
        newest = await read_newest(session, request.actor, thing.kind, thing.id)
    handed_out = Seen.of_name(file.name) if thing.kind is not MATERIAL else None
    seen = handed_out or seen_by(request.person.user_id, newest)
    return await _save(request, thing.kind, thing.id, seen, {"title": newest.title}, "")


async def edit_terms(request: Request, thing: Thing) -> Reply:
    """Serve “Points and dates”, of an assignment."""
    return await _open(request, thing, TERMS)


async def save(request: Request) -> Reply | None:
    """Serve the form: save the draft, unless another text stands there by now."""
    kind, root_id, rest = carried(request)
    seen, part = [*rest, "", ""][:2]
    return await _save(request, kind, root_id, Seen.read(seen), dict(request.options), part)


async def leave(_: Request) -> Reply:
    """Serve “Leave it”."""
    return say("Left as it is; nothing was changed.")


async def _open(request: Request, thing: Thing, part: str = "") -> Reply:
    async with request.app.sessions() as session:
        newest = await read_newest(session, request.actor, thing.kind, thing.id)
        zone = await zone_of(session, thing.class_id)
    content, seen = content_of(newest), Seen.of(newest)
    column = TEXT_COLUMN.get(thing.kind.name, "")
    text = str(content.get(column, ""))
    if not part and too_long(text):
        return _as_file(thing, text, seen)
    return Reply((_form(thing, content, zone, seen, part),))


def too_long(text: str) -> bool:
    """Say whether a text is longer than a form holds on every surface."""
    return len(text.encode()) > LONGEST_IN_FORM


def _as_file(thing: Thing, text: str, seen: Seen) -> Reply:
    return say(
        f"“{literal(thing.title)}” is too long for a form, so here it is as a file. Edit it, and send it back "
        f"under its name with `{_edit(thing)}` and the file attached.",
        _markdown_file(thing.title, text, seen),
    )


def _edit(thing: Thing) -> str:
    return f"/{thing.kind.name} edit {thing.number or thing.title.replace('`', 'ˋ')}"


def _markdown_file(name: str, text: str, seen: Seen) -> File:
    return File(plain_name(seen.in_name(one_line(name, 100), ".md")), text.encode(), "text/markdown")


def _form(thing: Thing, content: Mapping[str, object], zone: ZoneInfo, seen: Seen, part: str) -> Form:
    return Form(
        one_line(f"Edit {thing.full_label}", 60),
        SAVE,
        form_fields(thing.kind, content, zone, part),
        packed(thing, str(seen), part),
    )


async def _save(
    request: Request, kind: Kind, root_id: UUID, seen: Seen, typed: dict[str, str], part: str
) -> Reply | None:
    file = request.files.get("file")
    try:
        if file is not None and kind is MATERIAL:
            return await _replace(request, root_id, seen, typed.get("title", ""))
        if file is not None and kind.name in TEXT_COLUMN:
            typed[TEXT_COLUMN[kind.name]] = await read_text_file(request, file)
        async with request.app.sessions.begin() as session:
            newest = await read_newest(session, request.actor, kind, root_id)
            root = await session.get_one(kind.root, root_id)
            fields = read_fields(kind, content_of(newest), typed, await zone_of(session, root.class_id))
            draft = await edit_draft(
                session, request.actor, kind, root_id, fields, queue=request.app.pipeline.queue, seen=seen
            )
            thing = await thing_of(session, request.actor, kind, root_id)  # with its module gone, nothing is saved
    except Conflict as error:
        return await _conflicting(request, kind, root_id, error, part)
    except NotFound:
        return _gone(kind, typed)
    if draft is None:
        return say("That is what it says already; nothing was changed.")
    return saved(thing, f"Saved: the draft of {thing.kind.name} “{literal(thing.title)}”.")


async def _replace(request: Request, root_id: UUID, seen: Seen, title: str) -> Reply | None:
    file = request.files["file"]
    if file.size > LARGEST_FILE:
        raise InvalidInput(f"{one_line(file.name, 100)} is larger than {LARGEST_FILE // 2**20} MB.", field="file")
    app = request.app
    async with app.sessions() as session:  # nothing is fetched for who may not
        await read_newest(session, request.actor, MATERIAL, root_id)
    data = await request.responder.fetch(file)
    draft = await replace_file(
        app.sessions, app.pipeline.storage, app.pipeline.queue, request.actor, root_id,
        data=data, filename=file.name, title=title, seen=seen,
    )  # fmt: skip
    if draft is None:
        return say("That is the same file; nothing was changed.")
    async with app.sessions() as session:
        thing = await thing_of(session, request.actor, MATERIAL, root_id)
    sentence = f"“{literal(thing.title)}” has a new file, {literal(one_line(file.name, 100))}, as a draft."
    await show_processing(request, root_id, partial(saved, thing, sentence))
    return None


def saved(thing: Thing, sentence: str, progress: Progress | None = None) -> Reply:
    """Return what is said of a draft that was written, and what can come next; of a file also how far it is."""
    still = "Students still see what was published last." if thing.live else "Students don't see it yet."
    if progress is not None and progress.published:
        still = "It was published."
    choices = [Choice("Preview", PREVIEW, packed(thing)), Choice("Publish…", PUBLISH, packed(thing))]
    if thing.kind is ASSIGNMENT:
        choices.append(Choice("Points and dates…", EDIT_TERMS, packed(thing)))
    parts: list[Part] = [Text(f"{sentence} {still}")]
    if progress is not None:
        parts.append(say_progress(progress))
        if progress.status is ProcessingStatus.FAILED:
            choices[-1] = Choice("Another file…", EDIT, packed(thing))
    elif thing.kind.indexed:
        parts.append(Note("Its text is being processed, so that it can be searched and cited."))
    if thing.kind.indexed and not (progress is not None and progress.over):
        choices.append(Choice("How far is it?", SHOW, packed(thing)))
    return Reply((*parts, Choices(tuple(choices))))


async def _conflicting(request: Request, kind: Kind, root_id: UUID, error: Conflict, part: str) -> Reply:
    """Return what both have written, and a way to save one's own over the other's. Nothing is lost."""
    mine, theirs, diff = error.data.get("mine"), error.data.get("theirs"), error.data.get("diff")
    async with request.app.sessions() as session:
        thing = await thing_of(session, request.actor, kind, root_id)
        zone = await zone_of(session, thing.class_id)
        history = await read_history(session, request.actor, kind, root_id)
    mine = mine if isinstance(mine, Mapping) else {}
    seen = error.data.get("seen")
    if not isinstance(theirs, Mapping) or not isinstance(seen, Seen):
        return _frozen(thing, error, mine)
    newest = history.entries[0]
    who = newest.edited_by or "An import"
    when = show_moment(newest.edited_at, zone.key)
    named = f"{kind.name} “{literal(newest.title)}”"
    parts: list[Part] = [Text(f"{literal(who)} edited {named} meanwhile, {when}. Nothing was overwritten.")]
    if isinstance(diff, Diff):
        parts.append(Text(f"From theirs to yours:\n\n{show_diff(diff, zone)}"))
        parts += _both(mine, theirs, diff, zone, who, seen)
    file_differs = kind is MATERIAL and mine.get("sha256") != theirs.get("sha256")
    theirs_next = "Replace theirs…" if file_differs else "Edit theirs…"
    choices = [Choice("Keep theirs", LEAVE), Choice(theirs_next, EDIT_TERMS if part else EDIT, packed(thing))]
    parts.append(Choices(tuple(choices)))
    if file_differs:
        parts.append(Note(f"Your file was not taken. If it is to replace theirs, send it by “{theirs_next}”."))
    elif too_long(str(mine.get(TEXT_COLUMN.get(kind.name, ""), ""))):
        parts.append(
            Note(f"To save yours over theirs, send the file “yours” back under its name with `{_edit(thing)}`.")
        )
    else:
        parts.append(Note("Send this form as it is, or edited further, and it takes the place of theirs."))
        parts.append(_form(thing, mine, zone, seen, part))
    return Reply(tuple(parts), failed=True)


def _both(
    mine: Mapping[str, object], theirs: Mapping[str, object], diff: Diff, zone: ZoneInfo, who: str, seen: Seen
) -> list[Part]:
    """Return both texts whole: in a table where they are short, else as files, either of which may be sent back."""
    rows: list[tuple[str, str, str]] = []
    files: list[Part] = []
    for field in diff.fields:
        yours, others = (written(text.get(field.name), zone) for text in (mine, theirs))
        if max(len(yours), len(others)) <= _SIDE_BY_SIDE:
            rows.append((name_of(field.name), yours or "–", others or "–"))
        else:
            files += [_markdown_file("yours", yours, seen), _markdown_file("theirs", others, seen)]
    return [*([Table(("", "Yours", one_line(who, 60)), tuple(rows))] if rows else []), *files]


def _gone(kind: Kind, typed: Mapping[str, str]) -> Reply:
    """Return what was written for something that was deleted meanwhile. Raises `NotFound` where that is nothing."""
    text = typed.get(TEXT_COLUMN.get(kind.name, ""), "")
    if not text.strip():
        raise NotFound(f"There is no such {kind.name} any more.")
    return Reply(
        (
            Text(
                f"This {kind.name} was deleted meanwhile, so nothing was saved. `/{kind.name} restore` brings it back."
            ),
            Note("What you wrote:"),
            File("yours.md", text.encode(), "text/markdown"),
        ),
        failed=True,
    )


def _frozen(thing: Thing, error: Conflict, mine: Mapping[str, object]) -> Reply:
    """Return why a draft can't be edited now, with what was written for it."""
    parts: list[Part] = [Text(literal_sentence(error.sentence))]
    text = str(mine.get(TEXT_COLUMN.get(thing.kind.name, ""), ""))
    if text:
        parts += [Note("What you wrote:"), File("yours.md", text.encode(), "text/markdown")]
    parts.append(
        Choices((Choice("Cancel the publication", CANCEL, packed(thing, "PUBLISH")), Choice("Leave it", LEAVE)))
    )
    return Reply(tuple(parts), failed=True)


async def draft_against(session: AsyncSession, request: Request, thing: Thing, number: int) -> tuple[Seen, Diff]:
    """Return the newest text that stands, and what bringing back a revision would change of it."""
    newest = await read_newest(session, request.actor, thing.kind, thing.id)
    diff = await diff_numbers(session, request.actor, thing.kind, thing.id, newest.revision_number, number)
    return Seen.of(newest), diff


CONTROLS: dict[str, Run] = {EDIT: picked(edit), EDIT_TERMS: picked(edit_terms), SAVE: save, LEAVE: leave}
