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
from core.events import Event
from core.identity.resolve import Visitor
from core.ports import Responder
from core.replies import Reply


class Who(StrEnum):
    """For whom a command is meant; a hint for menus, permission itself is decided in core."""

    MEMBER = "member"
    TEACHER = "teacher"
    ADMIN = "admin"


class OptionKind(StrEnum):
    """What an option holds, so that a surface can offer the right control for it."""

    TEXT = "text"
    LESSON = "lesson"
    CHOICE = "choice"


@dataclass(frozen=True, slots=True)
class Option:
    """An option of a command. `rest` takes all words that are left, where commands are typed as text."""

    name: str
    help: str
    kind: OptionKind = OptionKind.TEXT
    choices: tuple[str, ...] = ()
    required: bool = False
    rest: bool = False


@dataclass(frozen=True, slots=True)
class Request:
    """A command, question or choice of a known person, with what is needed to serve it."""

    app: App
    visitor: Visitor
    event: Event
    responder: Responder
    options: Mapping[str, str]
    request_id: UUID = field(default_factory=uuid4)

    @property
    def actor(self) -> Actor:
        """The person as the audit log knows them; all they cause here carries the request's id."""
        surface = self.event.sender.platform.value.lower()
        return Actor(ActorKind.PERSON, surface, self.visitor.user_id, self.request_id)


Run = Callable[[Request], Awaitable[Reply | None]]


@dataclass(frozen=True, slots=True)
class Command:
    """A slash command. `run` returns the reply, or None when it has replied by itself."""

    name: str
    help: str
    run: Run
    options: tuple[Option, ...] = ()
    who: Who = Who.MEMBER

    def check(self, options: Mapping[str, str]) -> dict[str, str]:
        """Return the options that were given, checked. Raises `InvalidInput`."""
        known = {option.name: option for option in self.options}
        given = {name: value.strip() for name, value in options.items() if value.strip()}
        for name, value in given.items():
            option = known.get(name)
            if option is None:
                raise InvalidInput(f"/{self.name} has no option “{name}”. {self.usage()}")
            if option.choices:
                match = next((choice for choice in option.choices if choice.casefold() == value.casefold()), None)
                if match is None:
                    raise InvalidInput(f"“{name}” is one of {', '.join(option.choices)}.")
                given[name] = match
        for option in self.options:
            if option.required and option.name not in given:
                raise InvalidInput(f"/{self.name} needs its {option.name}. {self.usage()}")
        return given

    def usage(self) -> str:
        """Return how the command is typed."""
        words = [f"/{self.name}"]
        for option in self.options:
            shown = f"<{option.name}>" if option.rest else f"{option.name}:<{'|'.join(option.choices) or option.name}>"
            words.append(shown if option.required else f"[{shown}]")
        return f"Usage: {' '.join(words)}"
