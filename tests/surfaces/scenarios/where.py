"""Where a scenario can happen: what surfaces lack, and why."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from dataclasses import dataclass
from enum import Enum, auto
from functools import partial
from typing import Any, TypeVar

from tests.surfaces import at_terminal, on_discord, on_slack
from tests.surfaces.school import School

Test = TypeVar("Test", bound=Callable[..., Any])


class Trait(Enum):
    """Something that a scenario needs of its surface."""

    CHANNELS = auto()  # places where others read
    ACCOUNTS = auto()  # people whom the platform knows by a name of its own, to be linked
    BARE_COMMANDS = auto()  # commands that can be sent without what they require
    FREE_WORDS = auto()  # commands whose options are not checked before they are sent
    OLD_CHOICES = auto()  # what was shown earlier can still be pressed
    RETRIES = auto()  # stored events, which another process takes up
    TWO_HANDS = auto()  # something else can be done while an answer is written
    REACTIONS = auto()  # several emoji of one person, on any answer
    TAKING_BACK = auto()


TERMINAL_LACKS = {
    Trait.CHANNELS: "who sits at a terminal is alone with the bot",
    Trait.ACCOUNTS: "whoever starts the terminal says who they are",
    Trait.OLD_CHOICES: "a number means what was printed last",
    Trait.RETRIES: "the terminal is the process",
    Trait.TWO_HANDS: "a line is read when the one before it is served",
    Trait.REACTIONS: "+1 and -1 are one thumb on the last answer",
    Trait.TAKING_BACK: "what is typed is typed",
}
DISCORD_LACKS = {
    Trait.BARE_COMMANDS: "Discord's client sends no command without its required options",
    Trait.FREE_WORDS: "Discord's client offers only the options there are",
}


@dataclass(frozen=True)
class Surface:
    """One way in: `world` runs the platform, `open` the bot in it."""

    name: str
    world: Callable[[], AbstractAsyncContextManager[Any]]
    open: Callable[..., AbstractAsyncContextManager[School]]
    lacks: frozenset[Trait] = frozenset()


@asynccontextmanager
async def _terminal(_: object, *more: Any, **changed: Any) -> Any:
    async with at_terminal.open_school(*more, **changed) as school:
        yield school


SURFACES = (
    Surface("slack over sockets", on_slack.slack_with_channels, partial(on_slack.open_school, http=False)),
    Surface("slack over http", on_slack.slack_with_channels, partial(on_slack.open_school, http=True)),
    Surface("discord", on_discord.discord_with_channels, on_discord.open_school, frozenset(DISCORD_LACKS)),
    Surface("terminal", nullcontext, _terminal, frozenset(TERMINAL_LACKS)),
)


def needs(*traits: Trait) -> Callable[[Test], Test]:
    """Mark a scenario as one for surfaces that have all these."""

    def mark(test: Test) -> Test:
        test.needs = frozenset(traits)  # type: ignore[attr-defined]
        return test

    return mark


def surfaces_for(test: Callable[..., Any]) -> list[Surface]:
    """Return where a scenario can happen."""
    needed: frozenset[Trait] = getattr(test, "needs", frozenset())
    return [surface for surface in SURFACES if not needed & surface.lacks]
