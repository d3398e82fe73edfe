"""Pieces, embeds, rows of controls and uploads put into as few messages as Discord's limits allow."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from adapters.discord.limits import BUTTONS, CONTENT, EMBED_SIZE, EMBEDS, FILES, ROWS, length
from adapters.discord.markdown import Piece
from core.replies import File, Picture, plain_name

Json = dict[str, Any]
QUIET: Json = {"parse": []}  # nobody is pinged, whatever the text says


@dataclass(frozen=True, slots=True)
class Embed:
    """A box under the text."""

    body: Json

    @property
    def size(self) -> int:
        """What it counts towards the limit of all embeds."""
        return sum(length(str(self.body.get(name) or "")) for name in ("title", "description"))


@dataclass(frozen=True, slots=True)
class Control:
    """A button, or a menu, which takes a row for itself."""

    body: Json

    @property
    def is_menu(self) -> bool:
        """Whether it is a menu."""
        return bool(self.body["type"] == 3)  # noqa: PLR2004  (Discord's number of it)


@dataclass(frozen=True, slots=True)
class Bound:
    """Controls and the embeds that hold what their ids can't: a press brings its own message's alone."""

    parts: tuple[Embed | Control, ...]


Unit = Piece | Embed | Control | Bound | Picture | File


@dataclass(frozen=True, slots=True)
class Message:
    """One message: text, embeds, rows of components, and what is to be uploaded."""

    content: str = ""
    embeds: tuple[Json, ...] = ()
    rows: tuple[Json, ...] = ()
    uploads: tuple[Picture | File, ...] = ()

    def body(self) -> Json:
        """Return what Discord takes for it; as an edit it leaves nothing of what stood there."""
        attachments = [
            {"id": number, "filename": upload_name(each, number)}
            | ({"description": each.alt} if isinstance(each, Picture) else {})
            for number, each in enumerate(self.uploads)
        ]
        return {
            "content": self.content,
            "embeds": list(self.embeds),
            "components": list(self.rows),
            "allowed_mentions": QUIET,
            **({"attachments": attachments} if attachments else {}),
        }


def upload_name(what: Picture | File, number: int) -> str:
    """Return the name that an upload has in a message."""
    return f"picture-{number}.png" if isinstance(what, Picture) else plain_name(what.name)


def pack(units: Iterable[Unit]) -> Iterator[Message]:
    """Yield messages that hold the units: text above, then embeds, uploads and controls, each in their order."""
    page = _Page()
    for whole in units:
        for unit in split_piece(whole) if isinstance(whole, Piece) else (whole,):
            if not page.has_room(unit):
                yield page.finish()
                page = _Page()
            page.add(unit)
    if not page.empty:
        yield page.finish()


def split_piece(piece: Piece, limit: int = CONTENT) -> Iterator[Piece]:
    """Yield a piece in parts that fit a message; a code block too long for one is closed and opened again."""
    if length(piece.written()) <= limit:
        yield piece
        return
    tight = piece.tight
    for text in _cut(piece.text, lambda text: length(replace(piece, text=text).written()), limit):
        shown = text.strip("\n") if piece.code is not None else text.strip()
        if shown:
            yield replace(piece, text=shown, tight=tight)
            tight = True


@dataclass(slots=True)
class _Page:
    content: str = ""
    embeds: list[Embed] = field(default_factory=list)
    rows: list[list[Control]] = field(default_factory=list)
    uploads: list[Picture | File] = field(default_factory=list)

    @property
    def empty(self) -> bool:
        return not (self.content or self.embeds or self.rows or self.uploads)

    def has_room(self, unit: Unit) -> bool:
        match unit:
            case Piece():
                return length(self._with(unit)) <= CONTENT
            case Embed():
                used = sum(embed.size for embed in self.embeds)
                return len(self.embeds) < EMBEDS and used + unit.size <= EMBED_SIZE
            case Control():
                return self._known(unit) or len(self.rows) < ROWS or self._fits_last_row(unit)
            case Bound(parts):
                trial = _Page(embeds=[*self.embeds], rows=[[*row] for row in self.rows])
                for part in parts:
                    if not trial.has_room(part):
                        return False
                    trial.add(part)
                return True
            case Picture() | File():
                return len(self.uploads) < FILES

    def add(self, unit: Unit) -> None:
        match unit:
            case Piece():
                self.content = self._with(unit)
            case Embed():
                self.embeds.append(unit)
            case Control():
                if self._known(unit):
                    return  # Discord takes no two controls of one id, and the first does the same
                if self._fits_last_row(unit):
                    self.rows[-1].append(unit)
                else:
                    self.rows.append([unit])
            case Bound(parts):
                for part in parts:
                    self.add(part)
            case Picture() | File():
                self.uploads.append(unit)

    def finish(self) -> Message:
        rows: tuple[Json, ...] = tuple(
            {
                "type": 1,
                "components": [
                    control.body | ({"custom_id": f"{control.body['custom_id']}{number}"} if control.is_menu else {})
                    for control in row
                ],
            }
            for number, row in enumerate(self.rows)
        )
        return Message(self.content, tuple(embed.body for embed in self.embeds), rows, tuple(self.uploads))

    def _with(self, piece: Piece) -> str:
        if not self.content:
            return piece.written()
        return self.content + ("\n" if piece.tight else "\n\n") + piece.written()

    def _known(self, control: Control) -> bool:
        return not control.is_menu and any(
            control.body["custom_id"] == other.body["custom_id"] for row in self.rows for other in row
        )

    def _fits_last_row(self, control: Control) -> bool:
        if not self.rows or control.is_menu or self.rows[-1][0].is_menu:
            return False
        return len(self.rows[-1]) < BUTTONS


def _cut(text: str, size: Callable[[str], int], room: int) -> Iterator[str]:
    """Yield a text in parts of at most a size: lines, sentences and words kept whole where possible."""
    while size(text) > room:
        high = room
        while (over := size(text[:high]) - room) > 0:
            high -= max(1, over // 4)  # a character is more than one where its line begins with something
        end = next(
            (found + len(mark) for mark in ("\n", ". ", " ") if (found := text.rfind(mark, high // 2, high)) > 0), high
        )
        while end > 1 and text[end - 1] == "\\":  # what it escapes stays with it
            end -= 1
        yield text[:end]
        text = text[end:]
    yield text
