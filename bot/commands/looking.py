"""What teachers see of what they write: lists, a draft as students would see it, how it stands, and its history."""

from __future__ import annotations

from bot.commands.browsing import show_moment
from bot.commands.changes import show_diff, show_value, size_of
from bot.commands.editing import CANCEL, EDIT, LEAVE, PREVIEW, PUBLISH, SHOW, draft_against
from bot.commands.naming import carried_thing, number_in, packed, picked, zone_of
from bot.commands.registry import Request, Run
from core.content.conflict import Seen
from core.content.find import Thing, list_things, parent_of
from core.content.history import History, Standing, diff_draft, read_history
from core.content.kinds import LESSON, MATERIAL, Kind
from core.content.preview import Preview
from core.content.preview import preview as preview_draft
from core.content.revert import revert as revert_to
from core.content.schedule import list_scheduled
from core.enums import ActionKind, ProcessingStatus
from core.errors import InvalidInput, NotFound
from core.materials.link import lessons_of, materials_in
from core.replies import Choice, Choices, File, Note, Part, Reply, Table, Text, plain_name, say

HISTORY, COMPARE, REVERT = "write.history", "write.compare", "write.revert"
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
    parts: list[Part] = [Note(what), Text(f"**{shown.number} {shown.title}**".replace("** ", "**"))]
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
        parts.append(Text("\n\n".join(f"> {' '.join(each.split())[:300]}" for each in shown.file.opening)))
    if shown.findings:
        parts.append(Text("\n".join(f"- {each.sentence}" for each in shown.findings)))
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
        scheduled = [each for each in await list_scheduled(session, request.actor, thing.class_id)
                     if each.root_id == thing.id]  # fmt: skip
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


async def history(request: Request, thing: Thing) -> Reply:
    """Serve /… history."""
    async with request.app.sessions() as session:
        found = await read_history(session, request.actor, thing.kind, thing.id)
    zone = request.visitor.time_zone
    rows = tuple(
        (
            str(each.number),
            each.standing.value,
            each.title,
            each.edited_by or each.begun_by or "import",
            show_moment(each.edited_at, zone),
            show_moment(each.published_at, zone) if each.published_at else "–",
        )
        for each in found.entries[:_MOST_ROWS]
    )
    headings = ("No.", "State", "Title", "Written by", "Written", "First published")
    parts: list[Part] = [Table(headings, rows, thing.full_label)]
    choices = _old(thing, found)
    if choices:
        parts += [Note("Look at what bringing one back would change:"), Choices(tuple(choices[:_MOST_CHOICES]))]
    return Reply(tuple(parts))


def _old(thing: Thing, found: History) -> list[Choice]:
    newest = next((each.number for each in found.entries if each.standing is not Standing.DISCARDED), 0)
    return [
        Choice(f"No. {each.number}", COMPARE, packed(thing, str(each.number)))
        for each in found.entries
        if each.number != newest
    ]


async def run_revert(request: Request, thing: Thing) -> Reply:
    """Serve /… revert: what it would change, or the history where no number is given."""
    to = request.options.get("to", "")
    if not to:
        return await history(request, thing)
    if not to.isdecimal():
        raise InvalidInput(f"“{to[:20]}” is no revision's number; `/{thing.kind.name} history` lists them.", field="to")
    return await _compare(request, thing, int(to))


async def compare(request: Request) -> Reply:
    """Serve the choice of an old revision."""
    thing, rest = await carried_thing(request)
    return await _compare(request, thing, number_in("".join(rest[:1])))


async def _compare(request: Request, thing: Thing, number: int) -> Reply:
    async with request.app.sessions() as session:
        seen, diff = await draft_against(session, request, thing, number)
        zone = await zone_of(session, thing.class_id)
    if not diff:
        return say(f"No. {number} says what stands there now; there is nothing to bring back.")
    gives_way = " The draft that stands now stays in the history." if thing.draft else ""
    return Reply(
        (
            Text(f"Bringing back no. {number} of {thing.kind.name} “{thing.title}” would make this of the draft:"),
            Text(show_diff(diff, zone)),
            Note(f"Nothing changes for students until you publish it.{gives_way}"),
            Choices(
                (
                    Choice(f"Bring back no. {number}", REVERT, packed(thing, str(number), str(seen))),
                    Choice("Leave it", LEAVE),
                )
            ),
        )
    )


async def revert(request: Request) -> Reply:
    """Serve “Bring back”."""
    thing, rest = await carried_thing(request)
    number, seen = [*rest, "", ""][:2]
    if not seen:
        raise NotFound("That choice does nothing any more.")
    async with request.app.sessions.begin() as session:
        draft = await revert_to(
            session, request.actor, thing.kind, thing.id, number_in(number),
            queue=request.app.pipeline.queue, seen=Seen.read(seen),
        )  # fmt: skip
        made = draft.revision_number
    choices = (Choice("Preview", PREVIEW, packed(thing)), Choice("Publish…", PUBLISH, packed(thing)))
    return say(f"No. {number} is back, as a draft: no. {made}. Nothing changed for students.", Choices(choices))


CONTROLS: dict[str, Run] = {
    PREVIEW: picked(preview),
    SHOW: picked(show),
    HISTORY: picked(history),
    COMPARE: compare,
    REVERT: revert,
}
