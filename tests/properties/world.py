"""A database, two classes in it, and a way to try things that leaves no trace: all on one connection, in savepoints."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import TracebackType
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession, async_sessionmaker

from core.audit.record import Actor
from core.classes.enrol import enrol
from core.db import Sessions, create_engine
from core.enums import GlobalRole, MembershipRole
from tests import factories as make
from tests.fakes.queue import RecordingQueue
from tests.properties.school import School
from tests.properties.things import Room

PEOPLE = ("teacher0", "second0", "teacher1", "student0", "student1", "student2", "stranger")


class OnOneConnection(AsyncSession):
    """A session whose transactions are savepoints, also where its statements were to commit one by one."""

    _commits = False

    async def connection(
        self, bind_arguments: Any = None, execution_options: Mapping[str, Any] | None = None, **more: Any
    ) -> AsyncConnection:
        """Return the connection; what is asked to commit by itself is committed at the end."""
        self._commits = self._commits or "isolation_level" in (execution_options or {})
        return await super().connection(bind_arguments=bind_arguments, **more)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._commits and kind is None:
            await self.commit()
        await super().__aexit__(kind, error, trace)


class World:
    """The connection, and everything on it."""

    def __init__(self, runner: asyncio.Runner, connection: AsyncConnection) -> None:
        self.run = runner.run
        self.connection = connection
        self.sessions: Sessions = async_sessionmaker(
            connection, class_=OnOneConnection, expire_on_commit=False, join_transaction_mode="create_savepoint"
        )
        self.queue = RecordingQueue()

    async def build(self) -> School:
        async with self.sessions.begin() as session:
            rooms = [Room((await make.class_(session)).id, index) for index in (0, 1)]
            people: dict[str, UUID] = {}
            for name in PEOPLE:
                # Being a teacher elsewhere gives no right in a class.
                people[name] = (await make.person(session, name, role=GlobalRole.TEACHER)).id
            for room in rooms:
                room.teachers = {each for each in (f"teacher{room.index}", f"second{room.index}") if each in people}
                room.students = {f"student{room.index}", "student2"}
                for name in sorted(room.teachers | room.students):
                    role = MembershipRole.TEACHER if name in room.teachers else MembershipRole.STUDENT
                    await enrol(session, Actor.command_line(), room.id, people[name], role)
            return School(rooms, people)


@contextmanager
def opened(url: str) -> Iterator[World]:
    # A loop of its own: a state machine's rules are plain functions.
    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
        engine = create_engine(url)
        connection = runner.run(engine.connect().start())
        try:
            runner.run(connection.begin().start())
            yield World(runner, connection)
        finally:
            runner.run(connection.rollback())
            runner.run(connection.close())
            runner.run(engine.dispose())
