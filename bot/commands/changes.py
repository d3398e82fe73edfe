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
from core.text import escaped, literal

_MOST = 3_000  # characters shown of a diff: a message has an end
_LEAST = 300  # and of each field, at least
_MOST_PIECE = 700  # and of one piece of it
_ITEM = r"#{1,6} |[-*+] |\d+[.)] |> "  # what makes a line a heading, an item or a quotation
_LINE = re.compile(rf"^(\s*(?:{_ITEM})?)(.*?)(\s*)$", re.DOTALL)
_INDENT = re.compile(rf"^ +(?! |{_ITEM})", re.MULTILINE)
_THIN = "\u200a"  # a mark beside a full stop is none where a letter is on its other side (CommonMark 0.31, 6.2)
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
            text = literal(text) if field.name == "title" else text
            return f"**{name}** (new): {_short(text)}" if text.strip() else ""
        return f"**{name}**: {_pieces(field.pieces, room)}"
    if new:
        return f"**{name}**: {_said(field.after, zone)}" if field.after not in (None, "") else ""
    return f"**{name}**: ~~{_said(field.before, zone)}~~ **{_said(field.after, zone)}**"


def _said(value: Value, zone: ZoneInfo) -> str:
    return literal(show_value(value, zone))


def _pieces(pieces: Sequence[Piece], room: int) -> str:
    """Mark what changed in the text as it was written: marks of its own that stayed are shown, or ours would end them.

    Where lines begin, blanks that came or went are shown as ␣, since they can mean a lot there.
    """
    said, source = "", ""
    for piece in pieces:
        if len(said) > room:
            said += " … (there is more)"
            break
        begins = not source or source.endswith("\n")
        text = piece.text
        if piece.change in _MARKS and begins and text.strip(" ") == "":
            text = "␣" * len(text)
        elif piece.change is not Change.REMOVED:
            source = text or "…"
        match piece.change:
            case Change.ELIDED:
                said += " … "
            case Change.SAME:
                said = _beside(said, "\n".join(_unmarked_line(line) for line in text.split("\n")))
            case Change.REMOVED | Change.ADDED:
                if said.endswith("~~") and piece.change is Change.ADDED:
                    said += " "
                said = _beside(said, _marked(text, _MARKS[piece.change]))
    said = re.sub(r"(?<=[^\n ]) {2,}", " ", said).strip(" \n")
    return _INDENT.sub(lambda blanks: "\u00a0" * len(blanks[0]), said)


_MARKS = {Change.REMOVED: "~~", Change.ADDED: "**"}


def _beside(said: str, more: str) -> str:
    """Join what is said, apart where a mark would stand between a letter and something else."""
    first, last = more.strip("*~")[:1], said.rstrip("*~")[-1:]
    opens, closes = more[:2] in _MARKS.values(), said[-2:] in _MARKS.values()
    begun_late = opens and said[-1:].isalnum() and not first.isalnum()
    ended_late = closes and more[:1].isalnum() and not last.isalnum()
    return said + (_THIN if begun_late or ended_late else "") + more


def _unmarked_line(line: str) -> str:
    found = _LINE.match(line)
    return f"{found[1]}{escaped(found[2])}{found[3]}" if found else escaped(line)


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
