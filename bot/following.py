"""Replies that follow what they tell of, for a while: as many as there are, by one question to the database at a time.

Nothing waits for them: the event they answer is served as soon as they stand. What a reply has told to its end is not
told again by a notice; while somebody follows, the notice waits, and it is told when nobody does.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field

import structlog
from sqlalchemy.exc import SQLAlchemyError

from core.db import Sessions, autocommit
from core.errors import HomeroomError, Unavailable
from core.inbox.live_notices import HOLD, hold_back, let_go, note_told_live
from core.materials.progress import FileAt, Progress, read_progress
from core.ports import LiveReply
from core.replies import Reply

log = structlog.get_logger(__name__)

Write = Callable[[Progress], Reply]
_TRIES = 3  # edits that fail one after another
_PATIENCE = 60.0  # seconds for one edit


@dataclass(eq=False, slots=True)
class _Followed:
    """A reply that stands. `notice` is the key of what tells the outcome where nobody follows; times are the loop's."""

    file: FileAt
    notice: str
    reply: LiveReply
    write: Write
    shown: Progress
    until: float
    due: float
    failed: int = 0
    changing: asyncio.Task[None] | None = None

    @property
    def busy(self) -> bool:
        return self.changing is not None and not self.changing.done()


@dataclass(slots=True)
class Following:
    """What one process follows. Times in seconds: between two looks, between two edits of a reply, and the longest."""

    sessions: Sessions
    look_every: float = 1.5
    edit_every: float = 2.0
    longest: float = 600.0
    _followed: dict[str, _Followed] = field(default_factory=dict)  # by the notice's key
    _looking: asyncio.Task[None] | None = None
    _held_until: float = 0.0

    def follow(self, file: FileAt, notice: str, reply: LiveReply, write: Write, shown: Progress) -> None:
        """Let a reply follow a file that is processed, from what it shows now; `write` says the rest.

        The notice has been held back just now.
        """
        now = asyncio.get_running_loop().time()
        self._followed[notice] = _Followed(
            file, notice, reply, write, shown, until=now + self.longest, due=now + self.edit_every
        )
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look_on())

    async def aclose(self) -> None:
        """Follow nothing any more; what was not told to its end is told by notices."""
        tasks = [each.changing for each in self._followed.values() if each.changing is not None]
        tasks += [self._looking] if self._looking is not None else []
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        left = list(self._followed.values())
        self._followed.clear()
        await self._leave(*left)

    async def look(self) -> None:
        """Look once, and begin to show what is new. Raises the database's errors."""
        now = asyncio.get_running_loop().time()
        late = [each for each in self._followed.values() if now >= each.until and not each.busy]
        for each in late:
            del self._followed[each.notice]
        await self._leave(*late)
        if not self._followed:
            return
        if now >= self._held_until:
            async with self.sessions.begin() as session:
                await hold_back(session, self._followed)
            self._held_until = now + HOLD.total_seconds() / 4
        async with autocommit(self.sessions) as session:
            progress = await read_progress(session, [each.file for each in self._followed.values()])
        for each in self._followed.values():
            found = progress.get(each.file, each.shown)  # one that began this moment is looked at the next time
            if found != each.shown and not each.busy and now >= each.due:
                each.changing = asyncio.create_task(self._change(each, found))

    async def _look_on(self) -> None:
        while self._followed:
            await asyncio.sleep(self.look_every)
            try:
                await self.look()
            except (SQLAlchemyError, OSError) as error:
                log.warning("progress_not_read", reason=type(error).__name__)

    async def _change(self, each: _Followed, found: Progress) -> None:
        """Show what is new; the task of one edit, which holds up no other reply."""
        each.due = asyncio.get_running_loop().time() + self.edit_every
        try:
            async with asyncio.timeout(_PATIENCE):
                await each.reply.change(each.write(found))
        except (Unavailable, TimeoutError) as error:
            each.failed += 1
            log.info("reply_not_changed", reason=type(error).__name__, failed=each.failed)
            if each.failed >= _TRIES:
                await self._give_up(each)
        except HomeroomError as error:
            log.info("reply_not_changed", code=error.code)
            await self._give_up(each)
        except Exception:
            log.exception("reply_not_changed")
            await self._give_up(each)
        else:
            each.shown, each.failed = found, 0
            if found.over:
                self._followed.pop(each.notice, None)
                with contextlib.suppress(SQLAlchemyError, OSError):  # then it is told twice
                    await note_told_live(self.sessions, each.notice)

    async def _give_up(self, each: _Followed) -> None:
        self._followed.pop(each.notice, None)
        await self._leave(each)

    async def _leave(self, *left: _Followed) -> None:
        """Let notices tell the rest; if that can't be noted, it is so when their time is up."""
        if left:
            with contextlib.suppress(SQLAlchemyError, OSError):
                await let_go(self.sessions, [each.notice for each in left])
