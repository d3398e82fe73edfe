"""A class whose students are told of grades, in the local Slack and Discord, and what sends it to them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

from pydantic import SecretStr
from sqlalchemy import text

from adapters.slack.pace import Pace
from bot.app import App
from bot.bootstrap import open_app
from bot.messengers import open_messengers
from bot.notifying import Notifier
from bot.settings import Settings
from core.assignments.models import Assignment
from core.audit.record import Actor
from core.classes.enrol import get_class
from core.classes.live import live_in
from core.classes.models import Class
from core.enums import GradeStatus, LinkMethod, MembershipRole, Platform
from core.grading.models import AssignmentGradeRow
from core.grading.plan_release import Selection
from core.grading.release import release
from core.grading.retract import retract
from core.identity.link import link
from core.identity.workspaces import admit_workspace
from core.ports import Messenger
from tests import factories as make
from tests.fakes.discord_server import DiscordServer
from tests.fakes.slack_server import SlackServer
from tests.surfaces.discord_echo import pointed_at
from tests.surfaces.school import CODE, OPERATOR

# What is put off for a while is due now; what is being sent was held just before.
_HURRY = """
    UPDATE notifications SET state_changed_at = now() - interval '1 hour'
    WHERE (state = 'INTENDED' AND state_changed_at < now() - interval '1 minute')
        OR (state = 'PENDING' AND state_changed_at > now())
"""


@dataclass(slots=True)
class FastTime:
    """A clock that jumps ahead instead of being waited for."""

    now: float = 1_000.0

    def clock(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds
        await asyncio.sleep(0)


@dataclass(slots=True)
class Room:
    """The class, its teacher, one published assignment, and its students by their user id on a platform."""

    app: App
    messengers: Mapping[Platform, Messenger]
    class_id: UUID
    work: Assignment
    teacher: Actor
    workspaces: dict[Platform, UUID] = field(default_factory=dict)
    students: dict[str, UUID] = field(default_factory=dict)

    async def join(self, platform: Platform, *users: str, score: int = 7) -> None:
        """Enrol students, tie them to their users, and give each a draft grade."""
        async with self.app.sessions.begin() as session:
            class_ = await session.get_one(Class, self.class_id)
            for user in users:
                person = await make.person(session, f"Student {user}")
                await make.enrol(session, class_, person)
                await link(session, OPERATOR, self.workspaces[platform], user, person.id, LinkMethod.OPERATOR)
                await make.grade(session, self.work, person, score=score)
                self.students[user] = person.id

    async def release(self, user: str | None = None) -> None:
        async with self.app.sessions.begin() as session:
            await release(session, self.teacher, self.selection(user))

    async def retract(self, user: str | None = None) -> None:
        async with self.app.sessions.begin() as session:
            await retract(session, self.teacher, self.selection(user))

    def selection(self, user: str | None = None) -> Selection:
        return Selection(self.class_id, (self.work.id,), student_user_id=self.students[user] if user else None)

    async def another_score(self, score: int) -> None:
        await self.execute("UPDATE assignment_grade_rows SET draft_score = :score", score=Decimal(score))

    async def second_work(self, user: str) -> Assignment:
        """Publish another assignment, with a draft grade for somebody."""
        async with self.app.sessions.begin() as session:
            class_ = await session.get_one(Class, self.class_id)
            work = await make.assignment(session, class_, "Second work")
            session.add(
                AssignmentGradeRow(
                    assignment_id=work.id,
                    student_user_id=self.students[user],
                    draft_score=Decimal(3),
                    draft_feedback="",
                    draft_status=GradeStatus.GRADED,
                )
            )
        return work

    def notifier(self, *, at_once: int = 8) -> Notifier:
        return Notifier(self.app.sessions, self.messengers, at_once=at_once)

    async def send_all(self, notifiers: int = 1) -> None:
        """Send until nothing is left that could be sent."""
        stop = asyncio.Event()
        running = [asyncio.create_task(self.notifier().run(stop)) for _ in range(notifiers)]
        try:
            await self.until_none_open()
        finally:
            stop.set()
            await asyncio.gather(*running)

    @asynccontextmanager
    async def killed_when(self, so: Callable[[], bool], until: Callable[..., Any]) -> AsyncIterator[None]:
        """Run a sender; after the block, when something is so, end it with its work undone, and wait out its lease."""
        dying = asyncio.create_task(self.notifier().run(asyncio.Event()))
        try:
            yield
            await until(so)
        finally:
            dying.cancel()
            await asyncio.gather(dying, return_exceptions=True)
        await self.execute("UPDATE notifications SET state_changed_at = now() - interval '1 hour'")

    async def until_none_open(self) -> None:
        left: list[Any] = []
        for _ in range(1_000):
            left = await self.rows(
                "SELECT kind, state FROM notifications WHERE state IN ('PENDING', 'INTENDED') AND deleted_at IS NULL"
            )
            if not left:
                return
            await self.execute(_HURRY)
            await asyncio.sleep(0.02)
        raise AssertionError(f"these were never told: {left}")

    async def states(self, kind: str = "grades.released") -> dict[str, int]:
        rows = await self.rows(
            "SELECT state::text, count(*) FROM notifications WHERE kind = :kind AND deleted_at IS NULL GROUP BY 1",
            kind=kind,
        )
        return {row[0]: row[1] for row in rows}

    async def rows(self, statement: str, **values: Any) -> list[Any]:
        async with self.app.sessions() as session:
            return list((await session.execute(text(statement), values)).all())

    async def execute(self, statement: str, **values: Any) -> None:
        async with self.app.sessions.begin() as session:
            await session.execute(text(statement), values)


@asynccontextmanager
async def open_room(
    database: str, home: Path, *, slack: SlackServer | None = None, discord: DiscordServer | None = None
) -> AsyncIterator[Room]:
    """Open a class that lives in the given platforms, with what sends to them."""
    settings = Settings(
        database_url=database, homeroom_home=home, secret_key=SecretStr("a key of the tests' own that is long enough")
    )
    changed: dict[str, Any] = {}
    if slack is not None:
        changed |= {"slack_api_url": slack.api_url, "slack_bot_token": SecretStr(slack.bot_token)}
    if discord is not None:
        changed |= {"discord_api_url": discord.api_url, "discord_bot_token": SecretStr(discord.token)}
    settings = settings.model_copy(update=changed)
    time = FastTime()
    async with open_app(settings, models=[]) as app:
        async with app.sessions.begin() as session:
            class_ = await get_class(session, CODE)
            hedy = await make.person(session, "Hedy")
            await make.enrol(session, class_, hedy, MembershipRole.TEACHER)
            work = await make.assignment(session, class_, "Observe the Moon")
            workspaces = {}
            lives_in = {
                Platform.SLACK: "T1" if slack else None,
                Platform.DISCORD: discord.guild.id if discord else None,
            }
            for platform, external_id in lives_in.items():
                if external_id is not None:
                    made = await admit_workspace(session, OPERATOR, platform, external_id, "School", None)
                    await live_in(session, OPERATOR, class_.id, made.id)
                    workspaces[platform] = made.id
        async with open_messengers(app, pace=Pace(clock=time.clock, sleep=time.sleep)) as messengers:
            room = Room(app, messengers, class_.id, work, Actor.person(hedy.id, "test"), workspaces)
            if discord is None:
                yield room
            else:
                with pointed_at(discord):
                    yield room
