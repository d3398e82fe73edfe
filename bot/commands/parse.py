"""Typed commands: options first, as `mode:CLASS` or `--mode CLASS`, then the words that are left."""

from __future__ import annotations

import re

from bot.commands.registry import Command
from core.errors import InvalidInput

_OPTION = re.compile(
    r"\s*(?:--(?P<dashed>[a-z_]+)(?:\s+|=)|(?P<named>[a-z_]+):)(?P<value>\"[^\"]*\"|“[^”]*”|\S+)\s*", re.IGNORECASE
)


def parse_options(command: Command, text: str) -> dict[str, str]:
    """Return a command's options from its typed text. Raises `InvalidInput`.

    Only names the command has count, so that a question may hold a colon; `--` before an unknown name is a mistake.
    """
    known = {option.name for option in command.options}
    options: dict[str, str] = {}
    while found := _OPTION.match(text):
        name = (found["dashed"] or found["named"]).lower()
        if name not in known:
            if found["dashed"]:
                raise InvalidInput(f"/{command.name} has no option “{name}”. {command.usage()}")
            break
        options[name] = found["value"].strip('"“”')
        text = text[found.end() :]
    if left := text.strip():
        rest = next((option.name for option in command.options if option.rest), None)
        if rest is None:
            raise InvalidInput(f"/{command.name} takes no “{left[:40]}”. {command.usage()}")
        options[rest] = left
    return options
