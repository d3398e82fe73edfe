"""One interaction's answers: the first within three seconds, further ones for a quarter of an hour.

https://discord.com/developers/docs/interactions/receiving-and-responding. Whatever comes first is the response itself:
a form can be nothing else. When nothing has come in time it is deferred, seen by the person alone.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum, auto

import structlog

from adapters.discord.calls import EPHEMERAL, Calls
from adapters.discord.failures import ACKNOWLEDGED, OVER, TROUBLE, code_of, reason_of
from adapters.discord.packing import Json, Message
from adapters.discord.route import COMPONENT, Route

log = structlog.get_logger(__name__)

ORIGINAL = "@original"
DEFER_AFTER = 1.8  # seconds; Discord waits three, its own way and ours included
_FIRST_WITHIN = 2.7  # seconds after which a first response is not even tried
_SAY, _DEFER, _DEFER_UPDATE, _UPDATE, _MODAL = 4, 5, 6, 7, 9


class _State(Enum):
    NEW = auto()
    THINKING = auto()  # deferred: the person sees that something is being made, which the first words replace
    TAKEN = auto()  # the first response stands, so that everything else follows it
    OVER = auto()


@dataclass(slots=True)
class Interaction:
    """The answers to the interaction of a route. `clock` is in seconds since 1970."""

    calls: Calls
    route: Route
    clock: Callable[[], float] = time.time
    _state: _State = _State.NEW
    _elsewhere: bool = False  # the first response was given, and not by us
    _responded: asyncio.Event = field(default_factory=asyncio.Event)
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    def __post_init__(self) -> None:
        """Take up an interaction of another process's at what it must have come to."""
        if self.clock() - float(self.route.at or 0) > _FIRST_WITHIN:
            self._state = _State.TAKEN if self._leaves_message else _State.THINKING

    @property
    def alive(self) -> bool:
        """Whether it can still be answered."""
        return self._state is not _State.OVER and self.route.alive(self.clock())

    async def defer_in_time(self) -> None:
        """Defer the response when nothing has been said by then. Never raises."""
        with suppress(TimeoutError):
            async with asyncio.timeout(float(self.route.at or 0) + DEFER_AFTER - self.clock()):
                await self._responded.wait()
        async with self._lock:
            if self._state is _State.NEW:
                await self._defer()

    async def open_form(self, modal: Json) -> bool:
        """Open a form; False where the response is given already, or came too late."""
        async with self._lock:
            return self._state is _State.NEW and await self._respond(_MODAL, modal) is not None

    async def say(self, message: Message) -> str | None:
        """Show a message and return its id; None where the interaction takes no more. Raises one of `TROUBLE`."""
        async with self._lock:
            if self._state is _State.NEW and not message.uploads:
                answer = await self._respond(_SAY, self._private(message.body()))
                if answer is not None:
                    return str(((answer.get("resource") or {}).get("message") or {}).get("id") or ORIGINAL)
                if standing := await self._standing(message):
                    return standing
            elif self._state is _State.NEW:
                await self._defer()  # files come with what follows
            if not self.alive:
                return None
            try:
                if self._state is _State.THINKING:
                    self._state = _State.TAKEN
                    return await self.calls.edit_follow_up(self.route.application, self.route.token, ORIGINAL, message)
                return await self.calls.follow_up(
                    self.route.application, self.route.token, message, ephemeral=not self.route.private
                )
            except TROUBLE as error:
                if not self._note_end(error):
                    raise
                return None

    async def say_first(self, message: Message) -> None:
        """Show a message unless another process has answered, which then says the same. Raises one of `TROUBLE`."""
        async with self._lock:
            if self._elsewhere or (
                self._state is _State.NEW and await self._respond(_SAY, self._private(message.body())) is not None
            ):
                return
        if not self._elsewhere:
            await self.say(message)

    async def replace(self, message: Message) -> bool:
        """Put a message in place of the one that the interaction began at; False where that is not possible."""
        async with self._lock:
            return self._state is _State.NEW and await self._respond(_UPDATE, message.body()) is not None

    async def edit(self, message_id: str, message: Message) -> bool:
        """Put a message in place of one of the interaction's; False where it takes no more. Raises as `say` does."""
        if not self.alive:
            return False
        try:
            await self.calls.edit_follow_up(self.route.application, self.route.token, message_id, message)
        except TROUBLE as error:
            if not self._note_end(error):
                raise
            return False
        return True

    async def settle(self, message: Message) -> None:
        """End a response that is still awaited, after everything was said elsewhere. Never raises."""
        async with self._lock:
            try:
                if self._state is _State.NEW:
                    await (
                        self._defer() if self._leaves_message else self._respond(_SAY, self._private(message.body()))
                    )
                elif self._state is _State.THINKING and self.alive:
                    self._state = _State.TAKEN
                    await self.calls.edit_follow_up(self.route.application, self.route.token, ORIGINAL, message)
            except TROUBLE as error:
                log.info("discord_interaction_not_settled", reason=reason_of(error))

    @property
    def _leaves_message(self) -> bool:
        """Whether the response would change a message that stands there, so that all words follow it."""
        return self.route.kind == COMPONENT or bool(self.route.in_message)

    def _private(self, body: Json) -> Json:
        return body if self.route.private else body | {"flags": EPHEMERAL}

    async def _defer(self) -> None:
        if self._leaves_message:
            await self._respond(_DEFER_UPDATE, None)
        elif await self._respond(_DEFER, self._private({})) is not None:
            self._state = _State.THINKING

    async def _respond(self, kind: int, data: Json | None) -> Json | None:
        """Give the first response; None where it came too late, or was given already."""
        try:
            answer = await self.calls.respond(self.route.interaction, self.route.token, kind, data)
        except TROUBLE as error:
            code = code_of(error)
            log.info("discord_response_refused", kind=kind, reason=reason_of(error))
            # Another process was faster, or nobody was: then nothing follows it.
            self._elsewhere = code == ACKNOWLEDGED
            self._state = _State.TAKEN if self._elsewhere else _State.OVER
            return None
        else:
            self._state = _State.TAKEN
            return answer
        finally:
            self._responded.set()

    async def _standing(self, message: Message) -> str | None:
        """Return the id of the first response if it says this already: its success may have been lost on the way."""
        if self._state is not _State.TAKEN:
            return None
        try:
            found = await self.calls.first_response(self.route.application, self.route.token)
        except TROUBLE as error:
            log.info("discord_response_not_found", reason=reason_of(error))
            return None
        same = str(found.get("content") or "").strip() == message.content.strip()
        return str(found["id"]) if same and len(found.get("embeds") or ()) == len(message.embeds) else None

    def _note_end(self, error: Exception) -> bool:
        over = code_of(error) in OVER
        if over:
            self._state = _State.OVER
        return over
