"""One turn of a conversation, which Ctrl-C ends without ending the conversation."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from io import StringIO
from uuid import uuid4

from rich.console import Console

from adapters.terminal.interrupt import on_interrupt
from adapters.terminal.responder import TerminalResponder
from core.events import Control, Event
from core.ports import Responder

Dispatch = Callable[[Event, Responder], Awaitable[None]]


async def serve(dispatch: Dispatch, event: Event, responder: TerminalResponder) -> None:
    """Serve an event. Ctrl-C asks for Stop while an answer is written, as the button does elsewhere; else it cancels.

    Once is enough: pressing it again changes nothing.
    """
    responder.replies = 0
    turn = asyncio.ensure_future(dispatch(event, responder))
    stopping: list[asyncio.Future[None]] = []
    interrupted = False

    def interrupt() -> None:
        nonlocal interrupted
        if interrupted:
            return
        interrupted = True
        if responder.writing is None:
            turn.cancel()
            return
        stop = Control(
            key=str(uuid4()), sender=event.sender, place=event.place, action="answer.stop", value=str(responder.writing)
        )
        # What is said to a Stop is not shown: the answer ends here, and shows how.
        stopping.append(asyncio.ensure_future(dispatch(stop, TerminalResponder(Console(file=StringIO())))))

    with on_interrupt(interrupt):
        try:
            await turn
        except asyncio.CancelledError:
            if not interrupted:
                raise
            responder.tell("Stopped.", failed=True)
        finally:
            responder.writing = responder.replies = None
            await asyncio.gather(*stopping)
            responder.tell_news()
