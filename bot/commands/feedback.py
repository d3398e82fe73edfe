"""Reactions on answers."""

from __future__ import annotations

from uuid import UUID

from bot.commands.registry import Request, Run
from core.db import autocommit
from core.enums import Platform
from core.events import Reaction
from core.feedback.emoji import verdict_of
from core.feedback.react import set_reaction
from core.inbox.deliver import answer_shown
from core.replies import Reply


async def react(request: Request, event: Reaction) -> Reply | None:
    """Put a reaction on the answer it stands under, or take it off; on anything else it means nothing to us."""
    if verdict_of(event.emoji) is None:
        return None
    answer_id: UUID | None
    if event.sender.platform is Platform.TERMINAL:
        answer_id = UUID(event.message_id)
    else:
        async with autocommit(request.app.sessions) as session:
            answer_id = await answer_shown(session, event.sender.platform, event.place.channel_id, event.message_id)
    if answer_id is None:
        return None
    async with request.app.sessions.begin() as session:
        await set_reaction(
            session, request.person.user_id, answer_id, event.sender.platform, event.emoji, stands=event.added
        )
    return None


CONTROLS: dict[str, Run] = {}
