"""What people do, in the same words for every surface: frozen data of strings and numbers, no platform's objects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from core.enums import Platform


@dataclass(frozen=True, slots=True)
class Sender:
    """Who did it, as the platform knows them. At the terminal, `user_id` is the person's email address."""

    platform: Platform
    user_id: str
    workspace_id: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    """Where it happened. `private` means that nobody else reads there; `class_code` is set where the place says it.

    `shared` means that people of another organisation read along.
    """

    channel_id: str
    thread_id: str | None = None
    private: bool = True
    class_code: str | None = None
    shared: bool = False


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that came along. `reference` is what the surface needs to fetch it; `size` in bytes, 0 when unknown."""

    name: str
    reference: str
    size: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something a person did. `key` is the same for every delivery of the same deed."""

    key: str
    sender: Sender
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Message(Event):
    """A message that is meant for the bot: a question, or a reply in a thread the bot takes part in.

    `addressed` says that it is meant for the bot by itself: a direct message, or one that mentions it. `message_id` is
    the platform's.
    """

    text: str
    addressed: bool = True
    message_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Command(Event):
    """A slash command. Surfaces with typed options fill `options`, the others leave the words in `text`."""

    name: str
    text: str = ""
    options: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, Attachment] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Control(Event):
    """A choice pressed, or a form sent: `action` and `value` come from the reply that offered it."""

    action: str
    value: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, Attachment] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reaction(Event):
    """An emoji put on one of our messages, or taken off it. `message_id` is the platform's, and so is the time `at`.

    Platforms deliver these in any order, so the time says which came last.
    """

    emoji: str
    added: bool
    message_id: str
    at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Deletion(Event):
    """A person took their message back. `message_id` is the platform's."""

    message_id: str


class Page(StrEnum):
    """A page of the bot's own."""

    HOME = "home"
    MESSAGES = "messages"


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit(Event):
    """A person opened a page of the bot's own: what stands there is made for them."""

    page: Page
