"""Where what Discord sends goes, and who answers it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from adapters.discord.interaction import Interaction
from adapters.discord.responder import DiscordResponder
from adapters.discord.route import Route
from adapters.discord.servers import Servers
from adapters.discord.setting import Setting
from core.enums import Platform
from core.events import Command, Event
from core.inbox.deliver import Deliveries
from core.ports import Inbox
from core.replies import Offer

# What the option that is being typed offers, by the command so far.
Suggest = Callable[[Command, str, str], Awaitable[Sequence[Offer]]]


@dataclass(frozen=True, slots=True)
class Intake:
    """Where events go, and what is asked on the way."""

    inbox: Inbox
    servers: Servers
    setting: Setting
    suggest: Suggest
    prefix: str = ""


def open_responder(
    servers: Servers, setting: Setting, event: Event, route: Route, interaction: Interaction | None = None
) -> DiscordResponder:
    """Return the other end of an event."""
    deliveries = Deliveries(servers.sessions, Platform.DISCORD, event.sender.workspace_id)
    return DiscordResponder(setting, route, event, deliveries, interaction)
