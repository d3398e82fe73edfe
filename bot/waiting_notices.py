"""Shows people what they could not be told, when they next come by themselves."""

from __future__ import annotations

import structlog
from sqlalchemy import func, update

from bot.app import App
from bot.commands.notices import NOTICES, write_notice
from core.enums import NotificationState
from core.errors import HomeroomError
from core.events import Command, Control, Event, Message
from core.inbox.models import Notification
from core.inbox.notify import ToTell, note_told
from core.inbox.notify_later import take_waiting
from core.ports import Responder

log = structlog.get_logger(__name__)


async def tell_waiting(app: App, event: Event, responder: Responder) -> None:
    """Show who did something what waits for them, once; what can't be shown goes on waiting. Never raises.

    Only after what is answered to them alone wherever they are: their direct messages may be closed.
    """
    if not (isinstance(event, Command | Control) or (isinstance(event, Message) and event.place.private)):
        return
    try:
        for told in await take_waiting(app.sessions, event.sender, NOTICES):
            await _show(app, told, responder)
    except Exception as error:  # noqa: BLE001  (what was asked is done; this comes on top)
        log.warning("waiting_notices_not_shown", reason=type(error).__name__)


async def _show(app: App, told: ToTell, responder: Responder) -> None:
    async with app.sessions() as session:
        try:
            reply = await write_notice(session, told)
        except HomeroomError:
            reply, state = None, NotificationState.FAILED
        else:
            state = NotificationState.SENT
    if reply is not None:
        try:
            await responder.send(reply)
        except HomeroomError as error:
            log.info("waiting_notice_not_shown", kind=told.kind, code=error.code)
            state = NotificationState.FAILED
    async with app.sessions.begin() as session:
        if state is NotificationState.FAILED:
            await note_told(session, told.id, state, waits="yes")
            return
        await note_told(session, told.id)
        if reply is None:  # there is nothing to say any more
            await session.execute(update(Notification).where(Notification.id == told.id).values(deleted_at=func.now()))
