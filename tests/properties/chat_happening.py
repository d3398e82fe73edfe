"""What happens by itself: texts are processed, time passes, classes are told."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import hypothesis.strategies as st
from hypothesis.stateful import rule
from sqlalchemy import text

from bot.clock import do_what_is_due
from bot.jobs import entrypoints
from tests.properties import acts
from tests.properties.chat import Screen, channel
from tests.properties.chat_pressing import ROOMS, WHO, Pressing
from tests.properties.waiting import Rows, processed, tick

_REVISION = {
    "process_lesson": text(
        "SELECT lesson_unit_id AS root, revision_number AS number FROM lesson_unit_revisions WHERE id = :id"
    ),
    "process_material": text(
        "SELECT material_id AS root, revision_number AS number FROM material_revisions WHERE id = :id"
    ),
}


class Happening(Pressing):
    """A class to which things happen."""

    @rule(most=st.integers(1, 4))
    def work(self, most: int) -> None:
        """Process some of the texts that wait for it."""
        for _ in range(most):
            if not self.world.queue.jobs:
                return
            job, revision_id = self.world.queue.take()
            found = self.world.run(self._revision(job, revision_id))
            thing = next(each for each in self.school.things if each.id == found[0])
            version = acts.revision(thing, found[1])
            assert version
            rows: Rows = []
            if not version.deleted and version.ready is None:
                rows = processed(self.school, thing, version, self.now)
            self._do(self._worked(job, revision_id), None, rows)

    async def _worked(self, job: str, revision_id: UUID) -> Screen:
        await entrypoints(self.chat.app.pipeline)[job](revision_id)
        return Screen()

    async def _revision(self, job: str, revision_id: UUID) -> tuple[UUID, int]:
        async with self.world.sessions() as session:
            row = (await session.execute(_REVISION[job], {"id": revision_id})).one()
            return row.root, row.number

    @rule(hours=st.integers(1, 3))
    def let_time_pass(self, hours: int) -> None:
        """Let time go by, and the clock do what is due then."""
        self.now += timedelta(hours=hours)
        self.world.run(self.chat.age(f"{hours} hours"))
        self._do(self._ticked(), None, tick(self.school, self.now))

    async def _ticked(self) -> Screen:
        await do_what_is_due(self.chat.app)
        return Screen()

    @rule(index=ROOMS, announces=st.sampled_from([None, None, True, True, False]), who=WHO)
    def tell(self, index: int = 0, announces: bool | None = None, who: str = "teacher") -> None:
        """Tell what there is to tell; now and then somebody has switched class news on or off."""
        if announces is not None:
            self.announce(index, who, announces=announces)
        self.world.run(self.eyes.news())
        self.state = self.world.run(self._state())

    def announce(self, index: int, who: str, *, announces: bool) -> None:
        room = self.school.rooms[index]
        name, changes = self._name_of(room, who), room.announces is not announces
        rows = ["class.settings"] * changes if self._may(who) else None
        line = f"/class settings announce:{'yes' if announces else 'no'}"
        self._do(self.chat.type(name, channel(room), line), name, None if rows is None else [], other=rows or ())
        if rows is not None:
            room.announces = announces
