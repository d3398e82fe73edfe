"""Every command and every control, declared once for all surfaces."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import PurePath
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from bot.app import App
from bot.commands import (
    asking,
    assignments,
    authoring,
    browsing,
    classes,
    feedback,
    gradebook,
    grades,
    grading,
    linking,
    publishing,
    releasing,
    reminders,
    submitting,
    unpublishing,
)
from bot.commands.parse import parse_options
from bot.commands.registry import FORM_ACTION, Command, Look, Option, OptionKind, Request, Run, Who
from core.assignments.find import list_work
from core.audit.record import Actor
from core.content.browse import list_lessons
from core.content.find import list_things
from core.content.kinds import KINDS
from core.enums import Platform
from core.errors import ChooseClass, HomeroomError, InvalidInput, NotFound, NotPermitted
from core.events import Attachment, Control, Place
from core.events import Command as Typed
from core.grading.find import list_gradable, list_students
from core.identity.resolve import Encounter, Visitor
from core.replies import Note, Offer, Reply, Table, as_shown, say
from core.text import one_line


async def run_help(request: Request) -> Reply:
    """Serve /help: what this person can do here."""
    rows = tuple((command.usage().removeprefix("Usage: "), command.help) for command in commands_for(request))
    return Reply(
        (
            Table(("Command", "What it does"), rows, f"Homeroom in {request.visitor.class_title}"),
            Note("Or just ask: every answer says which page of the class's material it comes from."),
        )
    )


COMMANDS: dict[str, Command] = {
    command.name: command
    for command in (
        *asking.COMMANDS,
        *browsing.COMMANDS,
        *assignments.COMMANDS,
        *submitting.COMMANDS,
        *grades.COMMANDS,
        *linking.COMMANDS,
        *classes.COMMANDS,
        *authoring.COMMANDS,
        *publishing.COMMANDS,
        *unpublishing.COMMANDS,
        *grading.COMMANDS,
        *releasing.COMMANDS,
        *gradebook.COMMANDS,
        Command("help", "Show what you can do here", Look(run_help)),
    )
}
CONTROLS: dict[str, Run] = {
    **asking.CONTROLS,
    **assignments.CONTROLS,
    **authoring.CONTROLS,
    **classes.CONTROLS,
    **feedback.CONTROLS,
    **gradebook.CONTROLS,
    **grades.CONTROLS,
    **grading.CONTROLS,
    **linking.CONTROLS,
    **publishing.CONTROLS,
    **releasing.CONTROLS,
    **reminders.CONTROLS,
    **submitting.CONTROLS,
    **unpublishing.CONTROLS,
}


def commands_for(request: Request) -> list[Command]:
    """Return the commands that are meant for this person, in the order they are declared."""
    return [command for command in COMMANDS.values() if command.who is not Who.TEACHER or request.visitor.teaches]


def find_command(name: str, words: str) -> tuple[Command, str, str] | None:
    """Return the command or subcommand that is meant, how it is called (“lesson edit”), and the words after that."""
    command = COMMANDS.get(name.lower())
    if command is None:
        return None
    found, rest = command.find(words)
    return found, command.name if found is command else f"{command.name} {found.name}", rest


def find_form(action: str) -> tuple[Command, str, str] | None:
    """Return the same of the command whose form has this action."""
    name, _, sub = action.removeprefix(FORM_ACTION).partition(" ")
    return find_command(name, sub) if action.startswith(FORM_ACTION) else None


async def run_command(request: Request, event: Typed) -> Reply | None:
    """Run a typed command; where something it needs was left out, answer with its form. Raises what it raises."""
    found = find_command(event.name, event.options.get(SUBCOMMAND, "") or event.text)
    if found is None:
        return say(f"There is no command /{one_line(event.name, 40)}. /help lists them.", failed=True)
    command, path, words = found
    typed = {name: value for name, value in event.options.items() if name != SUBCOMMAND}
    return await _run(replace(request, files=event.files), command, path, typed or parse_options(command, words))


async def run_control(request: Request, event: Control) -> Reply | None:
    """Run what a pressed choice or a sent form stands for. Raises `NotFound` for one that is not offered any more."""
    if (found := find_form(event.action)) is not None:
        command, path, _ = found
        return await _run(replace(request, files=event.files), command, path, event.fields)
    control = CONTROLS.get(event.action)
    if control is None:
        raise NotFound("That choice does nothing any more.")
    return await control(replace(request, options=event.fields, files=event.files))


SUBCOMMAND = "subcommand"  # the option in which surfaces with typed options name it


async def _run(request: Request, command: Command, path: str, typed: Mapping[str, str]) -> Reply | None:
    options = command.check(typed)
    options, files = _files(request, command, options)
    request = replace(request, files=files)
    if command.missing(options, request.files):
        _refuse_form(request, command, path)
        offered = await offers(request.app, request.encounter, request.event.place, command)
        return Reply((command.form(path, options, offered),))
    return await command.run(replace(request, options=options))


def _refuse_form(request: Request, command: Command, path: str) -> None:
    """Open no form in vain: raise `NotPermitted`, `NotLinked` for what is for teachers where somebody is none."""
    elsewhere = path.startswith("class ") or any(each.kind is OptionKind.CLASS for each in command.options)
    if command.who is not Who.TEACHER or elsewhere:  # of a class that is named, or is not there yet
        return
    with contextlib.suppress(ChooseClass):  # which is asked when the form is sent
        if not request.visitor.teaches:
            raise NotPermitted("Only a teacher of this class may do that.")


def _files(
    request: Request, command: Command, options: dict[str, str]
) -> tuple[dict[str, str], Mapping[str, Attachment]]:
    """Return the options without the files that were named by their path, which only the terminal can fetch."""
    named = {option.name for option in command.options if option.kind is OptionKind.FILE} & options.keys()
    if not named:
        return options, request.files
    if request.event.sender.platform is not Platform.TERMINAL:
        raise InvalidInput(f"Attach the file; its name does not do. Type /{command.name} alone for a form.")
    files = {name: Attachment(PurePath(options[name]).name, options[name]) for name in named}
    return {name: value for name, value in options.items() if name not in named}, {**request.files, **files}


async def offers(app: App, encounter: Encounter, place: Place, command: Command) -> dict[str, tuple[Offer, ...]]:
    """Return what a command's options offer: lessons and work of the class by number and title, students to a teacher.

    Each is sent as its id, so that no title is too long or like another. Nothing while no class is meant; of classes,
    the person's own.
    """
    offered: dict[str, tuple[Offer, ...]] = {}
    for option in command.options:
        if option.kind is OptionKind.CLASS:
            offered[option.name] = as_shown(each.code for each in encounter.classes)
        elif option.kind in (OptionKind.LESSON, OptionKind.ASSIGNMENT, OptionKind.STUDENT, OptionKind.THING):
            try:
                visitor = encounter.in_class(place)
            except HomeroomError:
                continue  # no class is meant yet, so there is nothing to offer
            async with app.sessions() as session:
                named = await _named(session, visitor, option)
            offered[option.name] = tuple(Offer(label, str(id_)) for label, id_ in named)
    return {name: names for name, names in offered.items() if names}


async def _named(session: AsyncSession, visitor: Visitor, option: Option) -> list[tuple[str, UUID]]:
    actor, kind = Actor.person(visitor.user_id, "offers"), option.kind
    if kind is OptionKind.THING:
        kinds = [KINDS[name] for name in option.of]
        things = await list_things(session, actor, visitor.class_id, *kinds) if visitor.teaches else []
        return [(each.label if len(kinds) == 1 else each.full_label, each.id) for each in things]
    if kind is OptionKind.LESSON:
        return [(f"{each.number} {each.title}", each.id) for each in await list_lessons(session, visitor.class_id)]
    if kind is OptionKind.STUDENT:
        students = await list_students(session, actor, visitor.class_id) if visitor.teaches else []
        return [(student.label, student.user_id) for student in students]
    if visitor.teaches:
        return [(work.label, work.id) for work in await list_gradable(session, actor, visitor.class_id)]
    return [(work.label, work.id) for work in await list_work(session, visitor.class_id)]
