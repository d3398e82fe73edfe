"""Typed commands: named options as `mode:CLASS` or `--mode CLASS`, and words without a name."""

from __future__ import annotations

import re

from bot.commands.registry import Command, OptionKind
from core.errors import InvalidInput

_VALUE = r"\"[^\"]*\"|“[^”]*”|\S+"
_OPTION = re.compile(
    rf"\s*(?:--(?P<dashed>[a-z_]+)(?:\s+|=)|(?P<named>[a-z_]+):)\s*(?P<value>{_VALUE})\s*", re.IGNORECASE
)
_WORD = re.compile(rf"\s*(?P<value>{_VALUE})\s*")
_QUOTES = '"“”'
_QUOTED = re.compile(r"\"[^\"]*\"|“[^”]*”")


def parse_options(command: Command, text: str) -> dict[str, str]:
    """Return a command's options from its typed text. Raises `InvalidInput`.

    Words without a name go to the positional options in order. Where an option takes the rest, the named ones come
    first, and what does not name one, and has no such place, begins the rest: a question may hold a colon.
    """
    if any(option.rest and option.leads for option in command.options):
        return _parse_name_first(command, text)
    known = {option.name for option in command.options}
    rest = next((option.name for option in command.options if option.rest), None)
    bare = [option.name for option in command.options if option.positional]
    options: dict[str, str] = {}
    while text.strip():
        found = _OPTION.match(text)
        name = (found["dashed"] or found["named"]).lower() if found else ""
        if found and name in known:
            options[name] = found["value"].strip(_QUOTES)
        elif found and found["dashed"]:
            raise InvalidInput(f"/{command.name} has no option “{name[:40]}”. {command.usage()}")
        elif rest is not None and all(name in options for name in bare):
            options[rest] = text.strip()
            break
        else:
            found = _WORD.match(text)
            free = [name for name in bare if name not in options]
            if found is None or not free:
                raise InvalidInput(f"/{command.name} takes no “{text.strip()[:40]}”. {command.usage()}")
            options[free[0]] = found["value"].strip(_QUOTES)
        text = text[found.end() :]
    return options


def _parse_name_first(command: Command, text: str) -> dict[str, str]:
    """Read `NAME at:tomorrow 08:00`: a title may have several words, and so may what follows an option's name.

    A value ends with its quote, after one word where the option has choices, and else where the next option begins.
    """
    by_name = {option.name: option for option in command.options}
    names = "|".join(by_name)
    marks = re.compile(rf"(?:^|(?<=\s))(?:--(?P<dashed>{names})(?:\s+|=)|(?P<named>{names}):)\s*", re.IGNORECASE)
    found = list(marks.finditer(text))
    bare = [text[: found[0].start()] if found else text]
    options: dict[str, str] = {}
    ends = [*(mark.start() for mark in found[1:]), len(text)]
    for mark, end in zip(found, ends, strict=False):  # without a mark there is an end all the same
        option = by_name[(mark["dashed"] or mark["named"]).lower()]
        value = text[mark.end() : end].strip()
        quoted = _QUOTED.match(value)
        if quoted or option.choices or option.kind is OptionKind.FILE:
            value, _, more = (quoted[0], "", value[quoted.end() :]) if quoted else value.partition(" ")
            bare.append(more)
        options[option.name] = value.strip(_QUOTES)
    if name := " ".join(filter(None, (each.strip() for each in bare))).strip(_QUOTES):
        taking = [option.name for option in command.options if option.rest or option.positional]
        free = [each for each in sorted(taking, key=lambda each: not by_name[each].rest) if each not in options]
        if not free:
            raise InvalidInput(f"/{command.name} takes no “{name[:40]}”. {command.usage()}")
        options[free[0]] = name
    return options
