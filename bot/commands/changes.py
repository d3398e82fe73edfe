"""What differs between two texts, as Markdown: ~~what went~~, **what came**, and “…” for what stayed in between."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from core.content.diff import Change, Diff, FieldChange, File, Piece, Value
from core.content.moments import say_moment
from core.grading.mark import plain

_MOST = 3_000  # characters shown of a diff: a message has an end
_LEAST = 300  # and of each field, at least
_MOST_PIECE = 700  # and of one piece of it
_LINE = re.compile(r"^(\s*(?:#{1,6} |[-*+] |\d+[.)] |> )?)(.*?)(\s*)$", re.DOTALL)
_NAMES = {
    "opens_at": "Opens",
    "due_at": "Due",
    "closes_at": "Closes",
    "ai_policy": "Help of the bot",
    "body": "Text",
    "sha256": "File",
}


def show_diff(diff: Diff, zone: ZoneInfo) -> str:
    """Return a diff as Markdown; moments are shown in `zone`."""
    if not diff:
        return "Nothing is different."
    shown: list[str] = []
    room = _MOST
    for field in diff.fields:
        if said := _field(field, zone, room, new=diff.new):
            shown.append(said)
            room = max(_LEAST, room - len(said))
    return "\n\n".join(shown)


def name_of(column: str) -> str:
    """Return a column as people call it."""
    return _NAMES.get(column, column.capitalize())


def show_value(value: object, zone: ZoneInfo) -> str:
    """Return a value as people read it."""
    match value:
        case None | "":
            return "none"
        case datetime():
            return say_moment(value.astimezone(zone))
        case Decimal():
            return plain(value)
        case File(filename, byte_size):
            return f"{filename} ({size_of(byte_size)})"
        case _:
            return str(value)


def size_of(byte_size: int) -> str:
    """Return a size as people read it."""
    if byte_size < 1_000_000:  # noqa: PLR2004  (a megabyte)
        return f"{max(1, round(byte_size / 1000))} kB"
    return f"{byte_size / 1_000_000:.1f} MB"


def _field(field: FieldChange, zone: ZoneInfo, room: int, *, new: bool) -> str:
    name = name_of(field.name)
    if field.pieces:
        if new:
            text = "".join(piece.text for piece in field.pieces)
            return f"**{name}** (new): {_short(text)}" if text.strip() else ""
        return f"**{name}**: {_pieces(field.pieces, room)}"
    if new:
        return f"**{name}**: {_said(field.after, zone)}" if field.after not in (None, "") else ""
    return f"**{name}**: ~~{_said(field.before, zone)}~~ **{_said(field.after, zone)}**"


def _said(value: Value, zone: ZoneInfo) -> str:
    return show_value(value, zone)


def _pieces(pieces: Sequence[Piece], room: int) -> str:
    said: list[str] = []
    for piece in pieces:
        if sum(map(len, said)) > room:
            said.append(" … (there is more)")
            break
        match piece.change:
            case Change.ELIDED:
                said.append(" … ")
            case Change.SAME:
                said.append(piece.text)
            case Change.REMOVED:
                said.append(_marked(piece.text, "~~"))
            case Change.ADDED:
                if said and said[-1].endswith("~~"):
                    said.append(" ")
                said.append(_marked(piece.text, "**"))
    return re.sub(r" {2,}", " ", "".join(said)).strip()


def _marked(text: str, mark: str) -> str:
    """Wrap each line by itself, inside of what makes it a heading or an item: marks don't reach across lines."""
    more = " …" if len(text) > _MOST_PIECE else ""
    return "\n".join(_marked_line(line, mark) for line in text[:_MOST_PIECE].split("\n")) + more


def _marked_line(line: str, mark: str) -> str:
    found = _LINE.match(line)
    if found is None or not found[2]:
        return line
    begins, core, ends = found[1], found[2], found[3]
    if re.search(r"[*~`_]", core):  # marks of its own would end ours
        core = f"`{core.replace('`', 'ˋ')}`"
    return f"{begins}{mark}{core}{mark}{ends}"


def _short(text: str) -> str:
    return text if len(text) <= _MOST_PIECE else f"{text[:_MOST_PIECE].rstrip()} …"
