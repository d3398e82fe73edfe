"""What all responders of one process share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from adapters.discord.alone import Alone
from adapters.discord.calls import Calls


@dataclass(frozen=True, slots=True)
class Setting:
    """The calls, the bot's user id `own`, and how its own `pages` begin."""

    calls: Calls
    alone: Alone
    own: Callable[[], str]
    api_url: str
    pages: str | None = None
