"""/class: make a class, look at it, set it, choose it; its channels and its roster are in files of their own."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from bot.commands import class_channels, class_roster
from bot.commands.registry import NO, YES, Command, Look, Option, OptionKind, Request, Run, Who
from bot.commands.which_class import CODE, class_meant, class_of_code, uuid_of, value_of
from core.classes.choose import choose_class
from core.classes.enrol import create_class
from core.classes.live import live_in
from core.classes.settings import (
    CLASS_SETTINGS,
    COLUMNS,
    Value,
    change_settings,
    fingerprint,
    language_stays,
    languages,
)
from core.classes.show import BoundChannel, ClassCard, show_class
from core.enums import ChannelPurpose
from core.errors import InvalidInput
from core.identity.permissions import require_teacher
from core.replies import Choice, Choices, Form, Part, Reply, Table, Text, as_shown, say
from core.text import literal

CHOOSE = "class.choose"  # what a person with several classes is offered, wherever one is needed
SETTINGS = "class.settings"


async def run_create(request: Request) -> Reply:
    """Serve /class create: the class then lives in the workspace where it was made."""
    options, workspace_id = request.options, request.encounter.workspace_id
    async with request.app.sessions.begin() as session:
        made = await create_class(
            session,
            request.actor,
            options["code"],
            title=options["title"],
            description=options.get("description", ""),
            language=options.get("language", "english"),
            time_zone=options.get("time_zone", request.person.time_zone),
        )
        if workspace_id is not None:
            await live_in(session, request.actor, made.id, workspace_id)
    return say(
        f"“{literal(made.title)}” is made; its code is {made.code}, and you teach it.\n\n"
        "Next: `/class roster` brings your students in, and `/class bind`, typed in a channel, "
        "lets that channel stand for the class."
    )


async def run_show(request: Request) -> Reply:
    """Serve /class show: what this person may see of the class that is meant here."""
    class_id = class_meant(request)
    async with request.app.sessions() as session:
        card = await show_class(session, request.actor, class_id, request.encounter.workspace_id)
    rows = [("Code", card.code), ("Taught by", ", ".join(card.teachers) or "nobody yet")]
    here = request.event.place.channel_id
    rows += [("Channel", _channel(channel, here)) for channel in card.channels]
    if card.behind is not None:
        rows += _behind(card, in_workspace=request.encounter.workspace_id is not None)
    parts: list[Part] = [Text(card.description)] if card.description else []
    return Reply((*parts, Table(("Class", card.title), tuple(rows))))


def _channel(channel: BoundChannel, here: str) -> str:
    name = "this channel" if channel.channel_id == here else channel.channel_id
    about = "where the teachers meet" if channel.purpose is ChannelPurpose.TEACHERS else channel.lesson
    return f"{name} ({about})" if about else name


def _behind(card: ClassCard, *, in_workspace: bool) -> list[tuple[str, str]]:
    behind = card.behind
    if behind is None:
        return []
    everybody = behind.students + len(card.teachers)
    linked = "With an account here" if in_workspace else "With a chat account"
    settings = [
        (name, show_value(value)) for name, value in behind.settings.items() if name not in ("title", "description")
    ]
    return [("Students", str(behind.students)), (linked, f"{behind.linked} of {everybody}"), *settings]


async def run_settings(request: Request) -> Reply:
    """Serve /class settings: change what was given; without anything, a form with the present values."""
    changes: dict[str, Value] = {name: value for name, value in request.options.items() if name != CODE.name}
    if changes:
        async with request.app.sessions.begin() as session:
            return _saved(await change_settings(session, request.actor, class_meant(request), changes))
    class_id = class_meant(request)
    async with request.app.sessions() as session:
        await require_teacher(session, request.actor, class_id)
        card = await show_class(session, request.actor, class_id)
        values = card.behind.settings if card.behind else {}
        fixed = await language_stays(session, class_id)
        offers = {} if fixed else {"language": as_shown(await languages(session))}
    fields = tuple(
        option.field(show_value(values[option.name]), offers.get(option.name, ()))
        for option in SETTINGS_OPTIONS
        if not (fixed and option.name == "language")
    )
    return Reply((Form(f"Settings of {card.title}", SETTINGS, fields, f"{class_id}:{fingerprint(values)}"),))


async def save_settings(request: Request) -> Reply:
    """Serve the form of /class settings, with what is wrong shown at its fields."""
    class_id, _, seen = value_of(request).partition(":")
    known = {option.name for option in SETTINGS_OPTIONS}
    changes: dict[str, Value] = {name: value for name, value in request.options.items() if name in known}
    async with request.app.sessions.begin() as session:
        return _saved(await change_settings(session, request.actor, uuid_of(class_id), changes, seen=seen or None))


def _saved(changed: Mapping[str, Value]) -> Reply:
    if not changed:
        return say("That is how it is already; nothing was changed.")
    rows = tuple((name, show_value(value)) for name, value in changed.items())
    return Reply((Table(("Setting", "Is now"), rows, "Saved"),))


async def run_choose(request: Request) -> Reply:
    """Serve /class choose: work in one of one's classes from now on; without a code, pick one."""
    code = request.options.get(CODE.name)
    if code is None:
        request.person  # noqa: B018  (who is nobody here is told so first)
        classes = request.encounter.classes
        if not classes:
            return say("You are not in any class here yet. Ask your teacher to enrol you.", failed=True)
        chosen = tuple(Choice(each.title, CHOOSE, str(each.class_id)) for each in classes)
        return say("Which class do you want to work in here?", Choices(chosen))
    return await _choose(request, class_of_code(request, code))


async def choose(request: Request) -> Reply:
    """Serve the choice of a class; a question that waited for it is answered then."""
    return await _choose(request, uuid_of(value_of(request)))


async def _choose(request: Request, class_id: UUID) -> Reply:
    workspace_id, sender = request.encounter.workspace_id, request.event.sender
    if workspace_id is None:
        raise InvalidInput("The terminal keeps no choice: begin it with `--class CODE`.")
    async with request.app.sessions.begin() as session:
        await choose_class(session, request.actor, workspace_id, sender.user_id, class_id)
    title = next((each.title for each in request.encounter.classes if each.class_id == class_id), "that class")
    return say(f"You work in “{literal(title)}” here from now on. `/class choose` changes that.")


def show_value(value: Value) -> str:
    """Return a setting as people type it."""
    if isinstance(value, bool):
        return YES if value else NO
    return str(value)


def _setting_options() -> tuple[Option, ...]:
    columns = [
        Option(name, help_, OptionKind.LONG if name == "description" else OptionKind.TEXT)
        for name, help_ in COLUMNS.items()
    ]
    kinds = [
        Option(name, setting.help, OptionKind.CHOICE, choices=choices)
        if (choices := (YES, NO) if isinstance(setting.default, bool) else setting.options)
        else Option(name, setting.help)
        for name, setting in CLASS_SETTINGS.items()
    ]
    return (*columns, *kinds)


SETTINGS_OPTIONS = _setting_options()

COMMANDS = (
    Command(
        "class",
        "Look at your class; teachers make one, set it, bind channels and bring students in",
        Look(run_show),
        subcommands=(
            Command("show", "Show what there is to know about your class", Look(run_show), (CODE,)),
            Command("choose", "Choose which of your classes you work in here", Look(run_choose), (CODE,)),
            Command(
                "create",
                "Make a class, which you then teach",
                run_create,
                (
                    Option("code", "A short code, such as ASTRO1", required=True, positional=True),
                    Option("title", "The class's title", required=True),
                    Option("description", "What it is about", OptionKind.LONG),
                    Option("language", "What its material is written in, such as english"),
                    Option("time_zone", "Where it meets, such as Europe/Zurich"),
                ),
                Who.TEACHER,
            ),
            class_channels.BIND,
            class_channels.UNBIND,
            Command(
                "settings",
                "Change a class's title, dates and grading",
                run_settings,
                (CODE, *SETTINGS_OPTIONS),
                Who.TEACHER,
            ),
            class_roster.ROSTER,
        ),
    ),
)
CONTROLS: dict[str, Run] = {
    CHOOSE: Look(choose),
    SETTINGS: save_settings,
    **class_channels.CONTROLS,
    **class_roster.CONTROLS,
}
