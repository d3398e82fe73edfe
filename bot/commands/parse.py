"""Typed commands: named options as `mode:CLASS` or `--mode CLASS`, and words without a name."""

from __future__ import annotations

import re

from bot.commands.registry import Command
from core.errors import InvalidInput

_VALUE = r"\"[^\"]*\"|“[^”]*”|\S+"
_OPTION = re.compile(
    rf"\s*(?:--(?P<dashed>[a-z_]+)(?:\s+|=)|(?P<named>[a-z_]+):)\s*(?P<value>{_VALUE})\s*", re.IGNORECASE
)
_WORD = re.compile(rf"\s*(?P<value>{_VALUE})\s*")
_QUOTES = '"“”'


def parse_options(command: Command, text: str) -> dict[str, str]:
    """Return a command's options from its typed text. Raises `InvalidInput`.

    Words without a name go to the positional options in order. Where an option takes the rest, the named ones come
    first, and what does not name one, and has no such place, begins the rest: a question may hold a colon.
    """
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
