"""Slash commands as Discord registers them, and their registration: once for each change.

https://discord.com/developers/docs/interactions/application-commands
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import discord
import structlog

from adapters.discord.calls import Calls
from adapters.discord.limits import COMMAND_HELP, COMMAND_NAME, OPTION_LABEL, OPTIONS, fit
from core.errors import InvalidInput

log = structlog.get_logger(__name__)

Json = dict[str, Any]
_SUB, _STRING, _FILE = 1, 3, 11
_IN_SERVERS, _IN_DIRECT_MESSAGES = 0, 1
_NAME = re.compile(r"[-_'\w]{1,32}")
_MOST = 100


@dataclass(frozen=True, slots=True)
class SlashOption:
    """An option: text, one of `choices`, text with `suggestions` while it is typed, or a `file`."""

    name: str
    help: str
    required: bool = False
    choices: tuple[str, ...] = ()
    suggestions: bool = False
    file: bool = False


@dataclass(frozen=True, slots=True)
class SlashCommand:
    """A command, or a group of `subcommands`. `shown_to` is a hint: who lacks that does not see it."""

    name: str
    help: str
    options: tuple[SlashOption, ...] = ()
    subcommands: tuple[SlashCommand, ...] = ()
    shown_to: discord.Permissions | None = None


def command_bodies(commands: Sequence[SlashCommand]) -> list[Json]:
    """Return what Discord takes for commands. Raises `InvalidInput` for what it would refuse."""
    if len(commands) > _MOST:
        raise InvalidInput(f"Discord takes {_MOST} commands.")
    return [
        _body(command)
        | {
            "type": 1,
            "integration_types": [0],
            "contexts": [_IN_SERVERS, _IN_DIRECT_MESSAGES],
            "default_member_permissions": command.shown_to.value if command.shown_to is not None else None,
        }
        for command in commands
    ]


async def register_commands(calls: Calls, application: str, bodies: Sequence[Json], kept: Path) -> bool:
    """Register commands unless the file `kept` says that these are; say whether they were registered now.

    Discord counts creations by the day, so that this is not done at each start. Without the file it is done again.
    """
    digest = hashlib.sha256(json.dumps([application, *bodies], sort_keys=True).encode()).hexdigest()
    if _read(kept) == digest:
        return False
    await calls.set_commands(application, bodies)
    _write(kept, digest)
    log.info("discord_commands_registered", count=len(bodies))
    return True


def _read(kept: Path) -> str:
    return kept.read_text(encoding="ascii", errors="replace").strip() if kept.exists() else ""


def _write(kept: Path, digest: str) -> None:
    kept.parent.mkdir(parents=True, exist_ok=True)
    kept.write_text(digest, encoding="ascii")


def _body(command: SlashCommand) -> Json:
    if not _NAME.fullmatch(command.name) or command.name != command.name.lower():
        raise InvalidInput(f"Discord takes no command “{command.name}”: up to {COMMAND_NAME} small letters and digits.")
    inner = [_body(sub) | {"type": _SUB} for sub in command.subcommands] or [
        _option(each) for each in sorted(command.options, key=lambda option: not option.required)
    ]
    if len(inner) > OPTIONS:
        raise InvalidInput(f"Discord takes {OPTIONS} options, and /{command.name} has {len(inner)}.")
    return {"name": command.name, "description": fit(command.help, COMMAND_HELP), "options": inner}


def _option(option: SlashOption) -> Json:
    body: Json = {
        "type": _FILE if option.file else _STRING,
        "name": option.name,
        "description": fit(option.help, COMMAND_HELP),
        "required": option.required,
    }
    # More choices than Discord lists are suggested while one is typed.
    if option.choices and len(option.choices) <= OPTIONS:
        body["choices"] = [{"name": fit(each, OPTION_LABEL), "value": each} for each in option.choices]
    elif option.suggestions or option.choices:
        body["autocomplete"] = True
    return body
