"""An answer while a model writes it: checked, shown and saved as it comes, until it ends or somebody stops it."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field
from uuid import UUID

from core.answering.citing import CitationFilter
from core.answering.prompt import may_say_not_in_sources, says_not_in_sources
from core.answering.store import save_progress
from core.db import Sessions
from core.errors import ModelUnavailable
from core.ports import AnswerStream, ChatModel, Prompt, Usage

SAVE_EVERY = 0.5  # seconds between two saves, which is also how soon a Stop from another process is seen


@dataclass(slots=True)
class Writing:
    """What a model has written so far. `text` is what was shown: no invented source numbers, none of its sentinel.

    Only where there are sources the model `may_find_nothing` in them.
    """

    citing: CitationFilter
    stream: AnswerStream
    may_find_nothing: bool = True
    text: str = ""
    usage: Usage | None = None
    stopped: bool = False
    not_in_sources: bool = False
    # What came first, held back until it is known not to be the sentinel; None from then on.
    _opening: str | None = field(default="")

    async def take(self, delta: str) -> None:
        """Show what the model wrote next, as far as it is known to be fit."""
        if self._opening is not None:
            self._opening += delta
            if self.may_find_nothing and may_say_not_in_sources(self._opening):
                self.not_in_sources = says_not_in_sources(self._opening)
                return
            delta, self._opening = self._opening, None
        await self._show(self.citing.feed(delta))

    async def finish(self) -> None:
        """Show what was held back."""
        if not self.not_in_sources:
            await self._show(self.citing.feed(self._opening or "") + self.citing.flush())

    async def _show(self, shown: str) -> None:
        shown = shown.replace("\x00", "")  # PostgreSQL holds none
        if not self.text:
            shown = shown.lstrip()
        if shown:
            self.text += shown
            await self.stream.append(shown)


async def write(sessions: Sessions, answer_id: UUID, model: ChatModel, prompt: Prompt, writing: Writing) -> None:
    """Let a model write, saving on the side; end early when somebody asked to stop.

    Raises `ModelUnavailable`, also for a model that wrote nothing; what it had written by then is in `writing`.
    """

    async def consume() -> None:
        async with contextlib.aclosing(model.stream(prompt)) as parts:
            async for part in parts:
                if isinstance(part, Usage):
                    writing.usage = part
                else:
                    await writing.take(part)
        await writing.finish()

    task = asyncio.create_task(consume())
    try:
        while not (await asyncio.wait({task}, timeout=SAVE_EVERY))[0]:
            if await save_progress(sessions, answer_id, writing.text):
                writing.stopped = True
                return
        await task
    finally:
        task.cancel()
        await asyncio.wait({task})
        writing.usage = writing.usage or Usage(model.name)
    if not (writing.text or writing.not_in_sources):
        raise ModelUnavailable("The language model wrote nothing.")
