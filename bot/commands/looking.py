"""What teachers see of what they write: lists, a draft as students would see it, and how it stands."""

from __future__ import annotations

from bot.commands.browsing import show_moment
from bot.commands.changes import show_value, size_of
from bot.commands.editing import CANCEL, EDIT, PREVIEW, PUBLISH, SHOW
from bot.commands.naming import packed, picked, zone_of
from bot.commands.registry import Look, Request, Run
from core.content.find import Thing, list_things, parent_of
from core.content.history import Standing, diff_draft, read_history
from core.content.kinds import LESSON, MATERIAL, Kind
from core.content.preview import Preview
from core.content.preview import preview as preview_draft
from core.content.schedule import list_scheduled
from core.enums import ActionKind, ProcessingStatus
from core.materials.link import lessons_of, materials_in
from core.replies import Choice, Choices, File, Note, Part, Reply, Table, Text, plain_name, say
from core.text import literal, literal_sentence

HISTORY = "write.history"  # served elsewhere
_LONGEST = 5_000  # characters of a preview: a message has an end
_MOST_ROWS = 100
_MOST_CHOICES = 20
_STATUS = {
    ProcessingStatus.PENDING: "waits to be processed",
    ProcessingStatus.PROCESSING: "is being processed",
    ProcessingStatus.READY: "ready",
    ProcessingStatus.FAILED: "could not be processed",
}


async def run_list(request: Request, kind: Kind) -> Reply:
    """Serve a group without anything: what there is of a kind, drafts included."""
    visitor = request.visitor
    async with request.app.sessions() as session:
        things = await list_things(session, request.actor, visitor.class_id, kind)
    how = f"`/{kind.name} {'upload' if kind is MATERIAL else 'create'}`"
    if not things:
        return say(f"There is no {kind.name} yet. {how} begins one.")
    rows = tuple((each.number or "–", each.title, state_of(each)) for each in things[:_MOST_ROWS])
    more = f" Not shown: {len(things) - _MOST_ROWS} more." if len(things) > _MOST_ROWS else ""
    note = f"{how} begins one; `/{kind.name} edit`, `preview`, `history`, `move` and `delete` take a number or title."
    return Reply((Table(("No.", kind.name.capitalize(), "State"), rows, visitor.class_title), Note(note + more)))


def state_of(thing: Thing) -> str:
    """Return how a thing stands, in a word or two."""
    if thing.live:
        return "published, with a newer draft" if thing.draft else "published"
    return "draft" if thing.draft else "unpublished"


async def preview(request: Request, thing: Thing) -> Reply:
    """Serve /… preview."""
    async with request.app.sessions() as session:
        shown = await preview_draft(session, request.actor, thing.kind, thing.id)
        zone = await zone_of(session, thing.class_id)
    what = "This is what students see." if shown.live else "This is what students would see; they don't yet."
    parts: list[Part] = [Note(what), Text(f"**{literal(f'{shown.number} {shown.title}'.strip())}**")]
    text = shown.text.strip()
    if len(text) > _LONGEST:
        parts += [Text(f"{text[:_LONGEST].rstrip()} …"), File(plain_name(f"{shown.title}.md"), text.encode())]
    elif text:
        parts.append(Text(text))
    rows = [(name, show_value(value, zone)) for name, value in _terms(shown)]
    rows += [("Materials", ", ".join(shown.materials))] if shown.materials else []
    rows += [("Assignments", ", ".join(shown.assignments))] if shown.assignments else []
    parts += [Table(("", "About it"), tuple(rows))] if rows else []
    if shown.file is not None and shown.file.opening:
        parts.append(Text("\n\n".join(f"> {literal(each.strip()[:300])}" for each in shown.file.opening)))
    if shown.findings:
        parts.append(Text("\n".join(f"- {literal_sentence(each.sentence)}" for each in shown.findings)))
    choices = [Choice("Edit…", EDIT, packed(thing)), Choice("History", HISTORY, packed(thing))]
    if not shown.live:
        choices.append(Choice("Publish…", PUBLISH, packed(thing)))
    return Reply((*parts, Choices(tuple(choices))))


def _terms(shown: Preview) -> list[tuple[str, object]]:
    if shown.work is not None:
        work = shown.work
        return [
            ("Points", work.points),
            ("Opens", work.opens_at),
            ("Due", work.due_at),
            ("Closes", work.closes_at),
            ("Help of the bot", work.ai_policy.value),
        ]
    if shown.file is not None:
        file = shown.file
        pages = [("Pages", str(file.page_count))] if file.page_count else []
        return [("File", f"{file.filename} ({size_of(file.byte_size)})"), *pages]
    return []


async def show(request: Request, thing: Thing) -> Reply:
    """Serve /… show: how a thing stands, what waits, and how far its text is."""
    async with request.app.sessions() as session:
        history = await read_history(session, request.actor, thing.kind, thing.id)
        changed = (await diff_draft(session, request.actor, thing.kind, thing.id)).summary if thing.draft else ""
        rows = [("State", state_of(thing))]
        if parent := await parent_of(session, thing):
            rows.append(("Belongs to", parent))
        if thing.kind is MATERIAL:
            lessons = await lessons_of(session, thing.id)
            named = [each.label for each in await list_things(session, request.actor, thing.class_id)
                     if each.id in lessons]  # fmt: skip
            rows.append(("Lessons", ", ".join(named) or "the whole class"))
        if thing.kind is LESSON and (inside := await materials_in(session, thing.id)):
            titles = {
                each.id: each.title for each in await list_things(session, request.actor, thing.class_id, MATERIAL)
            }
            rows.append(("Materials", ", ".join(titles[each] for each in inside if each in titles)))
        scheduled = await list_scheduled(session, request.actor, thing.class_id, thing.id)
    zone = request.visitor.time_zone
    newest = history.entries[0]
    live = next((each for each in history.entries if each.standing is Standing.LIVE), None)
    if live is not None:
        by = f" by {live.published_by}" if live.published_by else ""
        rows.append(("Published", f"No. {live.number}, {show_moment(live.published_at, zone)}{by}"))
    if thing.draft:
        by = f" by {newest.edited_by}" if newest.edited_by else ""
        rows.append(("Draft", f"No. {newest.number}, {show_moment(newest.edited_at, zone)}{by}"))
        rows.append(("Differs", changed if thing.live else "nothing is published yet"))
    if newest.status is not None:
        rows.append(("Its text", newest.failure or _STATUS[newest.status]))
    for each in scheduled:
        when = show_moment(each.at, zone) if each.at else "as soon as its text is ready"
        rows.append(
            ("Waits", f"to be {_DONE[each.act]}, {when}" + (f"; not done yet: {each.error}" if each.error else ""))
        )
    choices = [Choice("Preview", PREVIEW, packed(thing)), Choice("History", HISTORY, packed(thing))]
    choices += [Choice("Cancel what it waits for", CANCEL, packed(thing, each.act.value)) for each in scheduled[:1]]
    if newest.status in (ProcessingStatus.PENDING, ProcessingStatus.PROCESSING):
        choices.append(Choice("Look again", SHOW, packed(thing)))
    return Reply((Table(("", thing.full_label), tuple(rows)), Choices(tuple(choices))))


_DONE = {ActionKind.PUBLISH: "published", ActionKind.UNPUBLISH: "unpublished"}


CONTROLS: dict[str, Run] = {PREVIEW: Look(picked(preview)), SHOW: Look(picked(show))}
