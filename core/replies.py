"""What the bot says, in the same words for every surface. Text is Markdown; each surface renders it its own way."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID


class Audience(StrEnum):
    """Who may read a reply."""

    HERE = "here"  # everyone where it was asked
    PERSON = "person"  # only who asked


@dataclass(frozen=True, slots=True)
class Text:
    """A piece of Markdown."""

    markdown: str


@dataclass(frozen=True, slots=True)
class Note:
    """An aside in small print: which mode, which model, what to do next."""

    markdown: str


@dataclass(frozen=True, slots=True)
class Citation:
    """A numbered source: the number as in the text, the title, the place in it, and its sentence, verbatim.

    `url` leads to the page it stands on, where pages are served.
    """

    number: int
    title: str
    place: str
    quote: str
    chunk_id: UUID
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Sources:
    """The list under an answer."""

    citations: tuple[Citation, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under headings; every row has as many cells as there are headings."""

    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    title: str = ""


@dataclass(frozen=True, slots=True)
class Picture:
    """A PNG with what it shows in words."""

    png: bytes
    alt: str


@dataclass(frozen=True, slots=True)
class File:
    """A file to keep, under a plain name; `media_type` as in `text/csv`.

    `url` is where the reader alone gets it, should the platform not take it.
    """

    name: str
    data: bytes = field(repr=False)
    media_type: str = "application/octet-stream"
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Choice:
    """A button. Pressing it comes back as a `Control` with this action and value."""

    label: str
    action: str
    value: str = ""


@dataclass(frozen=True, slots=True)
class Choices:
    """Buttons in a row, or a menu where there are many; `menu` makes few of them one, too."""

    choices: tuple[Choice, ...]
    menu: bool = False


class Offer(NamedTuple):
    """Something to pick: what people see, and the short reference that is sent for it."""

    label: str
    value: str

    @classmethod
    def read(cls, kept: str | Sequence[str]) -> Offer:
        """Return what JSON kept of an offer; a string alone was sent as it was shown."""
        return cls(kept, kept) if isinstance(kept, str) else cls(*kept)


def as_shown(values: Iterable[str]) -> tuple[Offer, ...]:
    """Return offers of values that are sent as they are shown."""
    return tuple(Offer(value, value) for value in values)


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a form; a `file` one takes a file instead of text, one with `options` the value of one of them."""

    name: str
    label: str
    value: str = ""
    long: bool = False
    required: bool = True
    options: tuple[Offer, ...] = ()
    file: bool = False

    @property
    def chosen(self) -> Offer | None:
        """The option that the field holds, by its value or as it is shown."""
        return next((each for each in self.options if self.value and self.value in each), None)

    @property
    def shown(self) -> str:
        """What the field holds, as people see it."""
        return self.chosen.label if self.chosen is not None else self.value


@dataclass(frozen=True, slots=True)
class Form:
    """A form; sending it comes back as a `Control` with this action, value and the fields.

    `about` is plain text to have before one's eyes while filling it in, shown where a form covers what it came with.
    """

    title: str
    action: str
    fields: tuple[Field, ...]
    value: str = ""
    about: str = ""

    def filled_in(self, typed: Mapping[str, str]) -> Form:
        """Return the form with what was typed into its fields, by name."""
        return replace(
            self, fields=tuple(replace(each, value=typed.get(each.name, each.value)) for each in self.fields)
        )


Part = Text | Note | Sources | Table | Picture | File | Choices | Form


_UNPLAIN = re.compile(r"[^\w.() -]+|^[. ]+|[. ]+$")


def plain_name(name: str) -> str:
    """Return a file's name as any system takes it, without a folder, however it was called."""
    return _UNPLAIN.sub("_", name.replace("\\", "/").rpartition("/")[2])[-150:].strip() or "file"


@dataclass(frozen=True, slots=True)
class Reply:
    """Something to say: parts in order, and to whom. `answer_id` ties it to a stored answer, for reactions.

    `field_errors` says what is wrong with which field of the form that was sent, where it can still be shown there; by
    an empty name, what has to do with none of them. With it goes whatever was typed into the form.
    """

    parts: tuple[Part, ...]
    audience: Audience = Audience.PERSON
    answer_id: UUID | None = None
    failed: bool = False
    field_errors: Mapping[str, str] = field(default_factory=dict)

    def text(self) -> str:
        """Return the reply's text parts alone."""
        return "\n\n".join(part.markdown for part in self.parts if isinstance(part, Text))


def say(markdown: str, *more: Part, audience: Audience = Audience.PERSON, failed: bool = False) -> Reply:
    """Return a reply that begins with text."""
    return Reply((Text(markdown), *more), audience, failed=failed)
