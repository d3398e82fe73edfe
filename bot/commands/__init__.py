"""Every command and every control, declared once for all surfaces."""

from __future__ import annotations

from bot.commands import asking, browsing
from bot.commands.registry import Command, Request, Run, Who
from core.replies import Note, Reply, Table


async def run_help(request: Request) -> Reply:
    """Serve /help: what this person can do here."""
    rows = tuple((command.usage().removeprefix("Usage: "), command.help) for command in commands_for(request))
    return Reply(
        (
            Table(("Command", "What it does"), rows, f"Homeroom in {request.visitor.class_title}"),
            Note("Or just ask: every answer says which page of the class's material it comes from."),
        )
    )


COMMANDS: dict[str, Command] = {
    command.name: command
    for command in (
        *asking.COMMANDS,
        *browsing.COMMANDS,
        Command("help", "Show what you can do here", run_help),
    )
}
CONTROLS: dict[str, Run] = {**asking.CONTROLS}


def commands_for(request: Request) -> list[Command]:
    """Return the commands that are meant for this person, in the order they are declared."""
    return [command for command in COMMANDS.values() if command.who is not Who.TEACHER or request.visitor.teaches]
