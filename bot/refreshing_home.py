"""Shows a person's home page anew where one stands, so that nothing is left on it that was taken back."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import structlog

from bot.commands.home import home_page
from bot.telling import Messengers
from core.db import Sessions, autocommit
from core.errors import HomeroomError, Unavailable
from core.events import Page, Place, Sender, Visit
from core.identity.resolve import meet
from core.inbox.notify import ToTell, note_told
from core.inbox.notify_where import ways_to
from core.replies import Reply

log = structlog.get_logger(__name__)


@runtime_checkable
class ShowsHome(Protocol):
    """A messenger of a platform on which the bot has a page of its own for each person."""

    async def show_home(self, workspace_id: str, user_id: str, page: Reply) -> None:
        """Put a page in place of the one that stands there. Raises `NotPermitted`, `Unavailable`."""
        ...


async def refresh_home(sessions: Sessions, messengers: Messengers, told: ToTell) -> None:
    """Show a person's home page as it is now, on all their accounts where the class lives. Raises `Unavailable`."""
    showing = {platform: each for platform, each in messengers.items() if isinstance(each, ShowsHome)}
    if told.app_user_id is not None and showing:
        async with sessions() as session:
            ways = await ways_to(session, told.app_user_id, told.class_id, showing)
        for way in ways:
            sender = Sender(way.platform, way.user_id, way.workspace)
            visit = Visit(key=f"home {told.id}", sender=sender, place=Place(""), page=Page.HOME)
            try:
                async with autocommit(sessions) as session:
                    encounter = await meet(session, visit)
                page = await home_page(sessions, encounter)
                await showing[way.platform].show_home(way.workspace, way.user_id, page)
            except Unavailable:
                raise
            except HomeroomError as error:
                log.info("home_not_refreshed", platform=way.platform.value, code=error.code)
    async with sessions.begin() as session:
        await note_told(session, told.id)
