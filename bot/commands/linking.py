"""/link and /unlink: who somebody is."""

from __future__ import annotations

from bot.app import App
from bot.commands.registry import Command, Request, Run
from core.errors import NotLinked
from core.replies import Reply, say


def linking_reply(app: App, error: NotLinked) -> Reply:  # noqa: ARG001
    """Return what a person reads whom we don't know yet."""
    return say(error.sentence)


async def run_link(request: Request) -> Reply | None:
    """Serve /link."""
    return say(f"You are {request.person.name}.")


COMMANDS: tuple[Command, ...] = ()
CONTROLS: dict[str, Run] = {}
