"""/module, /lesson, /material and /assignment: the same verbs over the four kinds of what teachers write."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace

from bot.commands import arranging, editing, extending, looking, reverting
from bot.commands.creating import UPLOAD, create_command, run_create
from bot.commands.naming import On, carry, meant, name_option, picked
from bot.commands.registry import Command, Look, Option, OptionKind, Request, Run, Who
from core.content.kinds import ASSIGNMENT, LESSON, MATERIAL, MODULE, Kind
from core.replies import Reply

_MOVE_PICKED, _REVERT_PICKED = "write.pick_move", "write.pick_revert"
_LINK_PICKED, _UNLINK_PICKED = "write.pick_link", "write.pick_unlink"


def _verb(
    kind: Kind,
    name: str,
    help_: str,
    then: On,
    action: str,
    *options: Option,
    deleted: bool = False,
    looks: bool = False,
) -> Command:
    """Return a command about one thing, which is named or picked."""

    async def run(request: Request) -> Reply | None:
        rest = carry(
            {option.name: request.options[option.name] for option in options if option.name in request.options}
        )
        question = f"Which {kind.name}?"
        return await meant(request, kind, then=then, action=action, question=question, rest=rest, deleted=deleted)

    named = name_option(kind)
    if deleted:  # suggestions are of what there is
        named = replace(named, kind=OptionKind.TEXT, of=())
    return Command(name, help_.format(kind.name), Look(run) if looks else run, (named, *options), Who.TEACHER)


def _of_kind(run: Callable[[Request, Kind], Awaitable[Reply]], kind: Kind) -> Run:
    async def serve(request: Request) -> Reply:
        return await run(request, kind)

    return serve


def _group(kind: Kind, help_: str) -> Command:
    begin = UPLOAD if kind is MATERIAL else create_command(kind, _of_kind(run_create, kind))
    listing = Look(_of_kind(looking.run_list, kind))
    file = Option("file", f"Its {'new file' if kind is MATERIAL else 'text as a file'}", OptionKind.FILE)
    to = Option("to", "The place it gets, such as 3" + (" or 2.3" if kind is LESSON else ""))
    parents = {LESSON.name: (MODULE.name,), ASSIGNMENT.name: (MODULE.name, LESSON.name)}.get(kind.name)
    into = [Option("in", "What it is to belong to", OptionKind.THING, of=parents)] if parents else []
    lesson = Option("lesson", "Which lesson", OptionKind.THING, of=(LESSON.name,))
    within = (
        [Option("lesson", "Its place in which lesson", OptionKind.THING, of=(LESSON.name,))] if kind is MATERIAL else []
    )
    number = Option("to", "The number of an old revision")
    two = [
        Option("number", "What changed in this revision"),
        Option("with", "Compared with this one, not the one before"),
    ]
    verbs = [
        begin,
        Command("list", f"List every {kind.name}, drafts as well", listing, (), Who.TEACHER),
        _verb(kind, "edit", "Edit the draft of a {}", editing.edit, editing.EDIT, file),
        _verb(kind, "preview", "See a {} as students would", looking.preview, editing.PREVIEW, looks=True),
        _verb(kind, "show", "See how a {} stands", looking.show, editing.SHOW, looks=True),
        _verb(kind, "history", "See what a {} said before", reverting.history, looking.HISTORY, *two, looks=True),
        _verb(kind, "revert", "Bring an old text back as a draft", reverting.run_revert, _REVERT_PICKED, number),
        _verb(kind, "move", "Give a {} another place", arranging.run_move, _MOVE_PICKED, to, *into, *within),
        _verb(kind, "delete", "Delete a {}", arranging.ask_delete, arranging.ASK_DELETE),
        _verb(kind, "restore", "Bring back a deleted {}", arranging.restore, arranging.RESTORE, deleted=True),
    ]
    if kind is MATERIAL:
        verbs += [
            _verb(kind, "link", "Put a {} into a lesson", arranging.run_link, _LINK_PICKED, lesson),
            _verb(kind, "unlink", "Take a {} out of a lesson", arranging.run_unlink, _UNLINK_PICKED, lesson),
        ]
    if kind is ASSIGNMENT:
        help_terms = "Points, weight and dates of an {}"
        verbs += [_verb(kind, "terms", help_terms, editing.edit_terms, editing.EDIT_TERMS), extending.COMMAND]
    return Command(kind.name, help_, listing, (), Who.TEACHER, tuple(verbs))


COMMANDS = (
    _group(MODULE, "Write and arrange modules"),
    _group(LESSON, "Write and arrange lessons"),
    _group(MATERIAL, "Upload and arrange materials"),
    _group(ASSIGNMENT, "Write and arrange assignments"),
)
CONTROLS: dict[str, Run] = {
    _MOVE_PICKED: picked(arranging.run_move),
    _REVERT_PICKED: picked(reverting.run_revert),
    _LINK_PICKED: picked(arranging.run_link),
    _UNLINK_PICKED: picked(arranging.run_unlink),
    **editing.CONTROLS,
    **looking.CONTROLS,
    **reverting.CONTROLS,
    **arranging.CONTROLS,
}
