"""A school whose class meets in Slack: the whole bot behind the local Slack, over sockets or signed HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
from aiohttp.test_utils import TestServer
from pydantic import SecretStr
from sqlalchemy import select, text

from adapters.models.openai import OpenAIChat
from adapters.models.retry import RetryPolicy
from adapters.slack.listen import HEARD, LEFT
from adapters.slack.pace import Pace
from bot.app import App
from bot.bootstrap import open_app
from bot.settings import Settings
from bot.slack import Slack, open_slack
from bot.web.app import make_web
from core.audit.record import Actor
from core.classes.bind import bind_channel
from core.classes.enrol import create_class, enrol, get_class
from core.classes.live import live_in
from core.enums import GlobalRole, LinkMethod, MembershipRole
from core.identity.link import link
from core.identity.link_codes import make_code
from core.identity.models import Workspace
from core.identity.people import add_person
from tests.fakes.openai_server import OpenAIServer
from tests.fakes.slack.delivery import Delivery
from tests.fakes.slack.workspace import Opened, Post
from tests.fakes.slack_server import SlackServer
from tests.surfaces.slack_posts import all_text, check_posts, is_answer, part_of

__all__ = ["all_text"]

CODE = "NIGHTSKY"
CHANNEL, ELSEWHERE, SHARED = "C1", "C2", "C3"
OPERATOR = Actor.command_line()
PUBLIC_URL = "https://homeroom.test"
QUESTION = "Why does the Moon have phases?"


@dataclass(slots=True)
class School:
    """Slack, the bot, and the class in the channel `CHANNEL`. `ELSEWHERE` is bound to nothing."""

    slack: SlackServer
    app: App
    provider: OpenAIServer
    bot: Slack
    class_id: UUID
    people: dict[str, UUID] = field(default_factory=dict)
    dies: bool = False  # whether the process ends with its work undone

    async def join(
        self,
        user: str,
        name: str,
        role: MembershipRole = MembershipRole.STUDENT,
        *,
        linked: bool = True,
        enrolled: bool = True,
        global_role: GlobalRole = GlobalRole.UNASSIGNED,
        **about: Any,
    ) -> UUID:
        """Add somebody to Slack and to its channels, to the class's roster, and tie the two.

        `about` is what Slack says of them: `guest`, `stranger`, `team_id`.
        """
        email = f"{name.split(maxsplit=1)[0].lower()}@school.example"
        self.slack.workspace.add_person(user, email, name=name, **about)
        for channel in (CHANNEL, ELSEWHERE, SHARED):
            self.slack.workspace.conversations[channel].members.add(user)
        async with self.app.sessions.begin() as session:
            person = await add_person(session, OPERATOR, email, name=name, role=global_role)
            if enrolled:
                await enrol(session, OPERATOR, self.class_id, person.id, role)
            if linked:
                await link(session, OPERATOR, await self._workspace(), user, person.id, LinkMethod.OPERATOR)
        self.people[user] = person.id
        return person.id

    async def rows(self, statement: str, **values: Any) -> list[Any]:
        """Return what the database holds."""
        async with self.app.sessions() as session:
            return list((await session.execute(text(statement), values)).all())

    async def execute(self, statement: str, **values: Any) -> None:
        async with self.app.sessions.begin() as session:
            await session.execute(text(statement), values)

    async def ask(self, user: str, question: str = QUESTION, channel: str = CHANNEL, thread: str | None = None) -> Post:
        """Ask the bot in a channel where others read, by its name; return the message."""
        return await self.say(user, f"<@UBOT> {question}", channel, thread)

    async def say(self, user: str, text: str, channel: str = CHANNEL, thread: str | None = None) -> Post:
        """Write something in a channel, and wait until the bot has been told."""
        said = self.slack.people.say(user, channel, text, thread)
        await said.done()
        return said.post

    async def write(self, user: str, text: str = QUESTION, thread: str | None = None) -> Post:
        """Write to the bot alone."""
        return await self.say(user, text, self.direct(user), thread)

    async def type(self, user: str, typed: str, channel: str | None = None) -> Delivery:
        """Type a slash command: in a channel, or to the bot alone."""
        name, _, words = typed.partition(" ")
        delivery = self.slack.people.command(user, channel or self.direct(user), name, words)
        await delivery.done()
        return delivery

    async def press(self, user: str, post: Post, label: str) -> Delivery:
        """Press what shows a label under a post."""
        delivery = self.slack.people.press(user, post, label)
        await delivery.done()
        return delivery

    async def form(self, user: str) -> Opened:
        """Wait for the form that a person has open."""
        await self.slack.until(lambda: self._forms(user))
        return self._forms(user)[-1]

    async def send(self, form: Opened, **typed: str) -> bool:
        """Send a form, and say whether it is still open: with its errors, or showing what comes next."""
        await self.slack.people.submit(form, **typed).done()
        return form.open

    def _forms(self, user: str) -> list[Opened]:
        return [view for view in self.slack.workspace.views.values() if view.user == user and view.open]

    def direct(self, user: str) -> str:
        """Where a person and the bot are alone."""
        return self.slack.workspace.direct(user).id

    def told(self, user: str) -> list[Post]:
        """What a person alone was shown, wherever that was, in order."""
        alone = [post for post in self.shown(self.direct(user)) if not is_answer(post)]
        return sorted([*self.slack.workspace.private(user), *alone], key=lambda post: float(post.ts))

    async def until_told(self, user: str, saying: str, count: int = 1) -> Post:
        """Wait until a person alone was told something so many times, and return the last."""
        await self.slack.until(lambda: len([post for post in self.told(user) if saying in all_text(post)]) >= count)
        found = [post for post in self.told(user) if saying in all_text(post)]
        assert len(found) == count, [all_text(post) for post in self.told(user)]
        return found[-1]

    def answers(self, channel: str = CHANNEL) -> list[Post]:
        """The finished answers in a channel, each by its first part."""
        return [post for post in self.shown(channel) if is_answer(post) and part_of(post) == 0]

    async def until_answered(self, channel: str = CHANNEL, count: int = 1) -> Post:
        """Wait for so many answers, until nothing more is going on; return the last one."""
        await self.slack.until(lambda: len(self.answers(channel)) >= count)
        await self.settled()
        answers = self.answers(channel)
        assert len(answers) == count, [all_text(post) for post in answers]
        return answers[-1]

    def silent(self, *channels: str) -> bool:
        """Whether the bot has said nothing that others could read."""
        return not any(self.slack.workspace.shown(channel) for channel in channels or (CHANNEL, ELSEWHERE, SHARED))

    @asynccontextmanager
    async def database_away(self) -> AsyncIterator[None]:
        """Let nobody reach the database until the end of the block."""
        url = self.app.engine.url
        control = await asyncpg.connect(
            url.set(drivername="postgresql", database="postgres").render_as_string(hide_password=False)
        )
        try:
            await control.execute(f'ALTER DATABASE "{url.database}" WITH ALLOW_CONNECTIONS false')
            await control.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = $1", url.database
            )
            yield
        finally:
            await control.execute(f'ALTER DATABASE "{url.database}" WITH ALLOW_CONNECTIONS true')
            await control.close()

    async def given_up(self) -> None:
        """Wait until the process serves nothing any more, whether or not it could note so."""
        if held := list(self.bot.serving._held.values()):
            await asyncio.wait(held)

    async def lose_leases(self) -> None:
        """Let what is being served look as if its process had died some time ago."""
        await self.execute("UPDATE inbox_events SET lease_until = now() - interval '1 minute' WHERE state = 'WORKING'")

    async def rewrite(self, statement: str, **values: Any) -> None:
        """Change what the database lets nobody change."""
        async with self.app.sessions.begin() as session:
            await session.execute(text("SET LOCAL session_replication_role = replica"))
            await session.execute(text(statement), values)

    async def trust_addresses(self) -> None:
        """Let the operator vouch for the workspace's addresses."""
        await self.execute("UPDATE workspaces SET email_trusted = true")

    async def code_for(self, user: str) -> str:
        """Have the operator make somebody's one-time code."""
        async with self.app.sessions.begin() as session:
            return (await make_code(session, OPERATOR, self.people[user])).code

    async def second_class(self, *users: str, code: str = "GARDEN", title: str = "The Garden") -> UUID:
        """Make another class that meets here, with these students; it has no material."""
        async with self.app.sessions.begin() as session:
            made = await create_class(session, OPERATOR, code, title=title)
            await live_in(session, OPERATOR, made.id, await self._workspace())
            for user in users:
                await enrol(session, OPERATOR, made.id, self.people[user], MembershipRole.STUDENT)
            return made.id

    def shown(self, channel: str = CHANNEL) -> list[Post]:
        """The bot's finished posts that everybody in a channel sees."""
        return [post for post in self.slack.workspace.shown(channel) if not post.streaming]

    async def until_shown(self, channel: str = CHANNEL, count: int = 1) -> list[Post]:
        """Wait for so many finished posts of the bot's in a channel."""
        await self.slack.until(lambda: len(self.shown(channel)) >= count)
        return self.shown(channel)

    async def until_whispered(self, user: str, count: int = 1) -> list[Post]:
        """Wait until one person has been told so much unseen by others."""
        await self.slack.until(lambda: len(self.slack.workspace.private(user)) >= count)
        return self.slack.workspace.private(user)

    async def settled(self) -> None:
        """Wait until everything that was delivered is served."""
        left: list[Any] = []
        for _ in range(500):
            left = await self.rows(
                "SELECT event FROM inbox_events WHERE state IN ('RECEIVED', 'WORKING') AND waits_until IS NULL"
            )
            left += [delivery.payload for delivery in self.slack.courier.sent if not delivery.over]
            if not left:
                return
            await asyncio.sleep(0.02)
        raise AssertionError(f"these are still being served: {left}")

    async def _workspace(self) -> UUID:
        async with self.app.sessions() as session:
            return (await session.scalars(select(Workspace.id).where(Workspace.external_id == "T1"))).one()


Transport = Callable[[School], Any]


@asynccontextmanager
async def open_school(
    slack: SlackServer,
    provider: OpenAIServer,
    database_url: str,
    home: Path,
    *,
    http: bool,
    pace: Pace | None = None,
    **changed: Any,
) -> AsyncIterator[School]:
    """Run the bot against the local Slack until the end of the block; `changed` are settings."""
    model = OpenAIChat(
        "chat", api_key=provider.api_key, base_url=provider.base_url, retry=RetryPolicy(retries=0, first_wait=0.01)
    )
    settings = Settings(
        database_url=database_url,
        homeroom_home=home,
        secret_key=SecretStr("a key of the tests' own that is long enough"),
        public_url=PUBLIC_URL,
        slack_api_url=slack.api_url,
        slack_bot_token=SecretStr(slack.bot_token),
        slack_app_token=SecretStr(slack.app_token),
        slack_signing_secret=SecretStr(slack.signing_secret),
        slack_mode="http" if http else "socket",
        **changed,
    )
    slack.workspace.subscribed = frozenset((*HEARD, *LEFT))
    async with open_app(settings, models=[model]) as app, open_slack(app, pace=pace) as bot:
        async with app.sessions() as session:
            class_id = (await get_class(session, CODE)).id
        school = School(slack, app, provider, bot, class_id)
        await _settle_in(school)
        stop = asyncio.Event()
        async with _transport(school, stop, http=http), asyncio.TaskGroup() as group:
            group.create_task(bot.serving.run(stop))
            try:
                yield school
                if not school.dies:
                    await school.settled()
            finally:
                stop.set()
    if not school.dies:
        check_posts(slack.workspace)


async def _settle_in(school: School) -> None:
    async with school.app.sessions.begin() as session:
        workspace = (await session.scalars(select(Workspace.id).where(Workspace.external_id == "T1"))).one()
        await live_in(session, OPERATOR, school.class_id, workspace)
        for channel in (CHANNEL, SHARED):
            await bind_channel(session, OPERATOR, workspace, channel, school.class_id)


@asynccontextmanager
async def _transport(school: School, stop: asyncio.Event, *, http: bool) -> AsyncIterator[None]:
    if http:
        async with TestServer(make_web(school.app, slack_routes=school.bot.routes)) as server:
            school.slack.posting.url = str(server.make_url("/slack/events"))
            yield
        return
    opened = school.slack.sockets.opened
    async with asyncio.TaskGroup() as group:
        group.create_task(school.bot.run_socket(stop, ping_seconds=0.3))
        await school.slack.sockets.wait_open(opened + 1)
        yield
