"""`homeroom slack …`: help with setting up the app in Slack."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from adapters.slack.manifest import NAME, SlashCommand, make_manifest
from bot.commands import COMMANDS
from bot.console.run import notice
from bot.settings import read_settings

app = typer.Typer(help="Slack: the app's manifest.", no_args_is_help=True)


@app.callback()
def slack() -> None:
    """Keep `manifest` a subcommand while it is the only one."""


@app.command()
def manifest(
    url: Annotated[
        str | None,
        typer.Option("--url", help="Where Slack reaches this server; left out, Socket Mode.", show_default=False),
    ] = None,
    name: Annotated[str, typer.Option("--name", help="What the app is called.")] = NAME,
) -> None:
    """Print the app's manifest, to be pasted at https://api.slack.com/apps (“From a manifest”)."""
    made = make_manifest(slash_commands(read_settings().command_prefix), url=url, name=name)
    typer.echo(json.dumps(made, ensure_ascii=False, indent=2))
    notice("Paste this at https://api.slack.com/apps: Create New App, From a manifest.")


def slash_commands(prefix: str) -> list[SlashCommand]:
    """Return every command as Slack lists it, under the name this installation gives it."""
    return [
        SlashCommand(f"{prefix}{command.name}", command.help, command.usage().partition(" ")[2].partition(" ")[2])
        for command in COMMANDS.values()
    ]
