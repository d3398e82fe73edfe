"""Whether somebody is reminded of what is due: a button under each reminder, and an option of /assignments."""

from __future__ import annotations

from bot.commands.registry import Look, Request, Run
from core.assignments.remind import set_reminders
from core.replies import Choice, Choices, Note, Reply, say

OFF, ON = "reminders.off", "reminders.on"
NO_MORE = Choice("No more reminders", OFF)
_AGAIN = Choice("Remind me again", ON)
ON_AGAIN = Note("You are not reminded before something is due. `/assignments reminders:on` turns that on again.")


async def switch(request: Request, *, wanted: bool) -> Reply:
    """Turn somebody's own reminders on or off, in all their classes."""
    request.person  # noqa: B018  (who is nobody here is told so first)
    async with request.app.sessions.begin() as session:
        await set_reminders(session, request.actor, wanted=wanted)
    if wanted:
        return say("You are reminded before something is due, in all your classes.", Choices((NO_MORE,)))
    return say("You get no more reminders, in none of your classes.", ON_AGAIN, Choices((_AGAIN,)))


async def turn_off(request: Request) -> Reply:
    """Serve “No more reminders”."""
    return await switch(request, wanted=False)


async def turn_on(request: Request) -> Reply:
    """Serve “Remind me again”."""
    return await switch(request, wanted=True)


CONTROLS: dict[str, Run] = {OFF: Look(turn_off), ON: Look(turn_on)}
