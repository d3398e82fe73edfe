"""Every command and every control, declared once for all surfaces."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from bot.app import App
from bot.commands import asking, browsing, classes, feedback, linking
from bot.commands.parse import parse_options
from bot.commands.registry import FORM_ACTION, Command, OptionKind, Request, Run, Who
from core.content.browse import list_lessons
from core.errors import HomeroomError, NotFound
from core.events import Command as Typed
from core.events import Control, Place
from core.identity.resolve import Encounter
from core.replies import Note, Reply, Table, say
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
        *linking.COMMANDS,
        *classes.COMMANDS,
        Command("help", "Show what you can do here", run_help),
    )
}
CONTROLS: dict[str, Run] = {**asking.CONTROLS, **feedback.CONTROLS, **linking.CONTROLS, **classes.CONTROLS}


def commands_for(request: Request) -> list[Command]:
    """Return the commands that are meant for this person, in the order they are declared."""
    return [command for command in COMMANDS.values() if command.who is not Who.TEACHER or request.visitor.teaches]


async def run_command(request: Request, event: Typed) -> Reply | None:
    """Run a typed command; where something it needs was left out, answer with its form. Raises what it raises."""
    command = COMMANDS.get(event.name.lower())
    if command is None:
        return say(f"There is no command /{one_line(event.name, 40)}. /help lists them.", failed=True)
    found, words = command.find(event.options.get(SUBCOMMAND, "") or event.text)
    path = command.name if found is command else f"{command.name} {found.name}"
    typed = {name: value for name, value in event.options.items() if name != SUBCOMMAND}
    return await _run(replace(request, files=event.files), found, path, typed or parse_options(found, words))


async def run_control(request: Request, event: Control) -> Reply | None:
    """Run what a pressed choice or a sent form stands for. Raises `NotFound` for one that is not offered any more."""
    if event.action.startswith(FORM_ACTION):
        path = event.action.removeprefix(FORM_ACTION)
        name, _, sub = path.partition(" ")
        command = COMMANDS.get(name)
        if command is not None:
            found, _ = command.find(sub)
            return await _run(replace(request, files=event.files), found, path, event.fields)
    control = CONTROLS.get(event.action)
    if control is None:
        raise NotFound("That choice does nothing any more.")
    return await control(replace(request, options=event.fields, files=event.files))


SUBCOMMAND = "subcommand"  # the option in which surfaces with typed options name it


async def _run(request: Request, command: Command, path: str, typed: Mapping[str, str]) -> Reply | None:
    options = command.check(typed)
    if command.missing(options, request.files):
        offered = await offers(request.app, request.encounter, request.event.place, command)
        return Reply((command.form(path, options, offered),))
    return await command.run(replace(request, options=options))


async def offers(app: App, encounter: Encounter, place: Place, command: Command) -> dict[str, tuple[str, ...]]:
    """Return what a command's options offer: published lessons by number and title, the person's classes."""
    offered: dict[str, tuple[str, ...]] = {}
    for option in command.options:
        if option.kind is OptionKind.LESSON:
            try:
                class_id = encounter.in_class(place).class_id
            except HomeroomError:
                continue  # no class is meant yet, so there is nothing to offer
            async with app.sessions() as session:
                lessons = await list_lessons(session, class_id)
            offered[option.name] = tuple(f"{lesson.number} {lesson.title}" for lesson in lessons)
        elif option.kind is OptionKind.CLASS:
            offered[option.name] = tuple(each.code for each in encounter.classes)
    return offered
