"""What a command is. Declared once; every surface renders it its own way."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from uuid import UUID, uuid4

from bot.app import App
from core.audit.record import Actor
from core.enums import ActorKind
from core.errors import InvalidInput
from core.events import Attachment, Event
from core.identity.resolve import Encounter, Person, Visitor
from core.ports import Responder
from core.replies import Field, Form, Offer, Reply, as_shown
from core.text import one_line

FORM_ACTION = "command:"  # what a command's own form comes back as, before the command's path


class Who(StrEnum):
    """For whom a command is meant; a hint for menus, permission itself is decided in core."""

    MEMBER = "member"
    TEACHER = "teacher"
    ADMIN = "admin"


class OptionKind(StrEnum):
    """What an option holds, so that a surface can offer the right control for it."""

    TEXT = "text"
    LONG = "long"  # several lines
    LESSON = "lesson"
    CLASS = "class"  # one of the person's classes, by code
    ASSIGNMENT = "assignment"
    STUDENT = "student"  # offered to teachers only
    THING = "thing"  # of what teachers write, of the kinds that `of` names; offered to teachers only
    CHOICE = "choice"
    FILE = "file"


YES, NO = "yes", "no"


@dataclass(frozen=True, slots=True)
class Option:
    """An option of a command.

    Where commands are typed as text, `positional` takes the next word that has no name, and `rest` all that are left:
    named options come before it, and may also follow it where it `leads`. `of` narrows a THING down to some kinds.
    """

    name: str
    help: str
    kind: OptionKind = OptionKind.TEXT
    choices: tuple[str, ...] = ()
    required: bool = False
    rest: bool = False
    positional: bool = False
    of: tuple[str, ...] = ()
    leads: bool = False

    def field(self, value: str = "", options: tuple[Offer, ...] = ()) -> Field:
        """Return the option as a field of a form."""
        return Field(
            self.name,
            self.help,
            value,
            long=self.kind is OptionKind.LONG,
            required=self.required,
            options=as_shown(self.choices) or options,
            file=self.kind is OptionKind.FILE,
        )


@dataclass(frozen=True, slots=True)
class Request:
    """A command, question or choice of somebody, with what is needed to serve it.

    `inbox_event_id` is the stored event it came in by; None at the terminal.
    """

    app: App
    encounter: Encounter
    event: Event
    responder: Responder
    options: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, Attachment] = field(default_factory=dict)
    request_id: UUID = field(default_factory=uuid4)
    inbox_event_id: UUID | None = None

    @property
    def person(self) -> Person:
        """The person who is behind it. Raises `NotLinked`, `NotPermitted`."""
        return self.encounter.require_person()

    @property
    def visitor(self) -> Visitor:
        """The person in the class that is meant here. Raises `NotLinked`, `NotPermitted`, `ChooseClass`."""
        return self.encounter.in_class(self.event.place)

    @property
    def actor(self) -> Actor:
        """The person as the audit log knows them; all they cause here carries the request's id."""
        return Actor(ActorKind.PERSON, self.surface, self.person.user_id, self.request_id)

    @property
    def surface(self) -> str:
        """The platform's name as the audit log has it."""
        return self.event.sender.platform.value.lower()


Run = Callable[[Request], Awaitable[Reply | None]]


@dataclass(frozen=True, slots=True)
class Look:
    """Serves what only shows something, or is about one's own account: being refused it is no try to change a class."""

    run: Run

    def __call__(self, request: Request) -> Awaitable[Reply | None]:
        """Serve it."""
        return self.run(request)


@dataclass(frozen=True, slots=True)
class Command:
    """A slash command, or a group of them. `run` returns the reply, or None when it has replied by itself.

    A group is run itself where none of its `subcommands` is named.
    """

    name: str
    help: str
    run: Run
    options: tuple[Option, ...] = ()
    who: Who = Who.MEMBER
    subcommands: tuple[Command, ...] = ()

    def find(self, words: str) -> tuple[Command, str]:
        """Return the subcommand that typed words begin with, and the words after it; else itself and all words."""
        first, _, rest = words.strip().partition(" ")
        for command in self.subcommands:
            if command.name == first.casefold():
                return command, rest
        return self, words

    def check(self, options: Mapping[str, str]) -> dict[str, str]:
        """Return the options that were given, checked. Raises `InvalidInput`."""
        known = {option.name: option for option in self.options}
        given = {name: value.strip() for name, value in options.items() if value.strip()}
        for name, value in given.items():
            option = known.get(name)
            if option is None:
                raise InvalidInput(f"/{self.name} has no option “{one_line(name, 40)}”. {self.usage()}")
            if option.choices:
                match = next((choice for choice in option.choices if choice.casefold() == value.casefold()), None)
                if match is None:
                    raise InvalidInput(f"“{name}” is one of {', '.join(option.choices)}.", field=name)
                given[name] = match
        return given

    def missing(self, options: Mapping[str, str], files: Mapping[str, Attachment]) -> tuple[Option, ...]:
        """Return the required options that were not given."""
        given = options.keys() | files.keys()
        return tuple(option for option in self.options if option.required and option.name not in given)

    def form(self, path: str, given: Mapping[str, str], offers: Mapping[str, tuple[Offer, ...]]) -> Form:
        """Return the command as a form, filled in as far as given; `offers` are what an option's field offers."""
        fields = tuple(option.field(given.get(option.name, ""), offers.get(option.name, ())) for option in self.options)
        return Form(self.help, f"{FORM_ACTION}{path}", fields)

    def usage(self, path: str | None = None) -> str:
        """Return how the command is typed."""
        words = [f"/{path or self.name}"]
        if self.subcommands:
            words.append("|".join(command.name for command in self.subcommands))
        for option in self.options:
            bare = option.rest or option.positional
            shown = f"<{option.name}>" if bare else f"{option.name}:<{'|'.join(option.choices) or option.name}>"
            words.append(shown if option.required else f"[{shown}]")
        return f"Usage: {' '.join(words)}"
