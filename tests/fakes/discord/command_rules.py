"""What application commands may look like.

https://docs.discord.com/developers/interactions/application-commands
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from tests.fakes.discord.errors import Json, Path, Problems
from tests.fakes.discord.rules import Rule, anything, form, listed, one_of, snowflake, text, truth, whole

SUBCOMMAND, GROUP, STRING, INTEGER, BOOLEAN, USER, CHANNEL, ROLE, MENTIONABLE, NUMBER, ATTACHMENT = range(1, 12)
MOST_COMMANDS, TOGETHER = 100, 8000
_NAME = re.compile(r"[-_'\w]{1,32}")
_COMMAND = form(
    {"name": text(1, 32)},
    {
        "type": one_of(1, 2, 3),
        "default_member_permissions": snowflake,
        "dm_permission": truth,
        "nsfw": truth,
        "contexts": listed(one_of(0, 1, 2), 1, 3),
        "integration_types": listed(one_of(0, 1), 1, 2),
        "options": listed(anything, 0, 25),
    },
)
_OPTION: dict[str, Rule] = {
    "required": truth,
    "autocomplete": truth,
    "options": listed(anything, 0, 25),
    "choices": listed(form({"name": text(1, 100), "value": anything}, {}), 0, 25),
    "min_length": whole(0, 6000),
    "max_length": whole(1, 6000),
    "channel_types": listed(whole(0, 16), 0, 17),
}


def check_commands(commands: Any) -> None:
    """Raises `Refused` for a list of commands that Discord would not take."""
    problems = Problems()
    listed(anything, 0, MOST_COMMANDS + 10)(commands, (), problems)
    if isinstance(commands, list):
        for number, command in enumerate(commands):
            check_command(command, (number,), problems)
        names = [(c.get("type") or 1, c.get("name")) for c in commands if isinstance(c, dict)]
        for number, name in enumerate(names):
            if name in names[:number]:
                message = "Application command names must be unique"
                problems.add((number, "name"), "APPLICATION_COMMANDS_DUPLICATE_NAME", message)
    problems.raise_any()


def check_command(command: Any, path: Path, problems: Problems) -> None:
    _COMMAND(command, path, problems)
    if not isinstance(command, dict):
        return
    chat = (command.get("type") or 1) == 1
    if chat:
        _check_name(command.get("name"), path, problems)
        text(1, 100)(command.get("description") or "", (*path, "description"), problems)
        _check_options(command.get("options") or [], path, problems, depth=0)
        if _length(command) > TOGETHER:
            message = f"Command exceeds maximum size ({TOGETHER})"
            problems.add(path, "APPLICATION_COMMAND_TOO_LARGE", message)
    elif command.get("description") or command.get("options"):
        message = "Context menu commands cannot have description or options"
        problems.add((*path, "description"), "APPLICATION_COMMAND_DESCRIPTION_NOT_ALLOWED", message)


def _check_name(name: Any, path: Path, problems: Problems) -> None:
    if isinstance(name, str) and name and not (_NAME.fullmatch(name) and name == name.lower()):
        problems.add((*path, "name"), "APPLICATION_COMMAND_INVALID_NAME", "Command name is invalid")


def _check_options(options: Any, path: Path, problems: Problems, *, depth: int) -> None:
    named: list[Any] = []
    kinds: list[int] = []
    optional = False
    for number, option in enumerate(options if isinstance(options, list) else []):
        where = (*path, "options", number)
        rule = form({"type": whole(1, 11), "name": text(1, 32), "description": text(1, 100)}, _OPTION)
        rule(option, where, problems)
        if not isinstance(option, dict):
            continue
        _check_name(option.get("name"), where, problems)
        if option.get("name") in named:
            problems.add((*where, "name"), "APPLICATION_COMMAND_OPTIONS_NAME_INVALID", "Option names must be unique")
        named.append(option.get("name"))
        kind = option.get("type") or 0
        kinds.append(kind)
        if kind > GROUP:
            if option.get("required") and optional:
                message = "Required options must be placed before non-required options"
                problems.add(where, "APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID", message)
            optional = optional or not option.get("required")
            _check_choices(option, kind, where, problems)
        elif depth > (1 if kind == SUBCOMMAND else 0):
            problems.add((*where, "type"), "APPLICATION_COMMAND_OPTIONS_TYPE_INVALID", "Nested too deep")
        else:
            _check_options(option.get("options") or [], where, problems, depth=depth + (1 if kind == GROUP else 2))
    if any(kind <= GROUP for kind in kinds) and any(kind > GROUP for kind in kinds):
        message = "Sub-command and sub-command group option types are mutually exclusive to all other types"
        problems.add((*path, "options"), "APPLICATION_COMMAND_OPTIONS_TYPE_INVALID", message)


def _check_choices(option: Json, kind: int, path: Path, problems: Problems) -> None:
    if option.get("autocomplete") and (option.get("choices") or kind not in (STRING, INTEGER, NUMBER)):
        message = "Autocomplete cannot be set together with choices, or on this type"
        problems.add((*path, "autocomplete"), "APPLICATION_COMMAND_OPTIONS_AUTOCOMPLETE_INVALID", message)
    if kind == STRING and isinstance(option.get("choices"), list):
        check_choices(option["choices"], STRING, (*path, "choices"), problems)


def check_choices(choices: Sequence[Any], kind: int, path: Path, problems: Problems) -> None:
    """Check the choices of an option, or of an answer to autocompletion."""
    value: Rule = text(1, 100) if kind == STRING else anything
    listed(form({"name": text(1, 100), "value": value}, {}), 0, 25)(choices, path, problems)


def _length(part: Json) -> int:
    """Count the characters of names, descriptions and values that a command may have together."""
    own = sum(len(str(part.get(name) or "")) for name in ("name", "description"))
    choices = sum(len(str(c.get("name", ""))) + len(str(c.get("value", ""))) for c in part.get("choices") or ())
    return own + choices + sum(_length(option) for option in part.get("options") or () if isinstance(option, dict))
