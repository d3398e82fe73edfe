"""The school in Slack: the whole bot behind the local Slack, over sockets or signed HTTP."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from aiohttp.test_utils import TestServer
from pydantic import SecretStr

from adapters.slack.listen import HEARD, LEFT
from adapters.slack.pace import Pace
from bot.bootstrap import open_app
from bot.slack import Slack, open_slack
from bot.web.app import make_web
from core.classes.bind import bind_channel
from core.classes.enrol import get_class
from core.classes.live import live_in
from tests.fakes.openai_server import OpenAIServer
from tests.fakes.slack.delivery import Delivery
from tests.fakes.slack.workspace import Opened, Post
from tests.fakes.slack_server import Failure, SlackServer, slack_server
from tests.surfaces.school import CODE, OPERATOR, POLL, QUESTION, School, address, model_of, settings_for
from tests.surfaces.slack_posts import all_text, check_posts, is_answer, part_of

__all__ = ["CHANNEL", "ELSEWHERE", "QUESTION", "SHARED", "SlackSchool", "all_text", "open_school"]

CHANNEL, ELSEWHERE, SHARED = "C1", "C2", "C3"
PING_SECONDS = 2.0  # a socket that says nothing for a few of them is given up, which a busy machine may seem to do
_EMOJI = {"👍": "+1", "👎": "-1", "👍🏽": "+1::skin-tone-4", "👎🏽": "-1::skin-tone-4", "👀": "eyes"}


@dataclass(kw_only=True)
class SlackSchool(School):
    """Slack, the bot, and the class in the channel `CHANNEL`. `ELSEWHERE` is bound to nothing."""

    channel: ClassVar[str] = CHANNEL
    elsewhere: ClassVar[str] = ELSEWHERE
    workspace: ClassVar[str] = "T1"

    slack: SlackServer
    bot: Slack
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(50))

    def arrive(self, user: str, name: str, **about: Any) -> None:
        """Add somebody to Slack and to its channels. `about` is `guest`, `stranger`, `team_id`."""
        self.slack.workspace.add_person(user, address(name), name=name, **about)
        for channel in (CHANNEL, ELSEWHERE, SHARED):
            self.slack.workspace.conversations[channel].members.add(user)

    def new_user(self) -> str:
        return f"U{next(self._numbers)}"

    async def ask(self, user: str, question: str = QUESTION, channel: str = "", thread: str | None = None) -> Post:
        """Ask the bot in a channel where others read, by its name; return the message."""
        return await self.say(user, f"<@UBOT> {question}", channel, thread)

    async def say(self, user: str, text: str, channel: str = "", thread: str | None = None) -> Post:
        """Write something in a channel, and wait until the bot has been told."""
        said = self.slack.people.say(user, channel or CHANNEL, text, thread)
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

    async def attach(self, user: str, typed: str, field: str, file: tuple[str, bytes]) -> None:
        await self.type(user, typed, CHANNEL)
        assert not await self.fill(user, await self.form(user), {field: file})

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

    async def react(self, user: str, post: Post, emoji: str, *, take_off: bool = False) -> None:
        """Put an emoji on a post or take it off; by its character or Slack's name."""
        delivery = self.slack.people.react(user, post, _EMOJI.get(emoji, emoji), take_off=take_off)
        assert delivery is not None
        await delivery.done()
        await self.settled()  # as people do one thing after another

    async def take_back(self, post: Post) -> None:
        delivery = self.slack.people.remove(post)
        if delivery is not None:
            await delivery.done()

    async def edit(self, post: Post, text: str) -> None:
        edited = self.slack.people.edit(post, f"<@UBOT> {text}")
        assert edited is not None
        await edited.done()

    async def patience(self) -> None:
        self.slack.courier.retry_after = (0.2,) * 40

    async def show_stop(self) -> None:
        self.slack.fail("chat.startStream", *[Failure(error="channel_type_not_supported")] * 2)

    def begin_saying(self, user: str, question: str) -> Post:
        return self.slack.people.say(user, CHANNEL, f"<@UBOT> {question}").post

    def begin_typing(self, user: str, typed: str) -> Delivery:
        name, _, words = typed.partition(" ")
        return self.slack.people.command(user, CHANNEL, name, words)

    def refused(self, typed: Delivery) -> bool:
        return any("could not take that in" in all_text(post) for post in self.told(typed.payload["user_id"]))

    async def fill(
        self, user: str, form: Opened, files: dict[str, tuple[str, bytes]] | None = None, **typed: str
    ) -> str:
        """Send a form; Slack shows at the fields what is wrong."""
        assert form.user == user
        for name, (file_name, content) in (files or {}).items():
            self.slack.people.attach(form, name, file_name, content)
        return "\n".join(form.errors.values()) if await self.send(form, **typed) else ""

    def answers(self, channel: str = "") -> list[Post]:
        """The finished answers in a channel, each by its first part."""
        return [post for post in self.shown(channel) if is_answer(post) and part_of(post) == 0]

    def parts(self, channel: str) -> list[Post]:
        return [post for post in self.shown(channel) if is_answer(post)]

    def half(self, asked: Post) -> Post | None:
        """The bot's unfinished post under a question."""
        posts = self.slack.workspace.shown(asked.channel)
        under = (post for post in posts if post.thread_ts == asked.ts)
        return next((post for post in under if post.streaming or "Stop" in all_text(post)), None)

    def silent(self, *channels: str) -> bool:
        """Whether the bot has said nothing that others could read."""
        return not any(self.slack.workspace.shown(channel) for channel in channels or (CHANNEL, ELSEWHERE, SHARED))

    def text(self, post: Post) -> str:
        return post.text

    def everything(self, post: Post) -> str:
        return all_text(post)

    def thread_of(self, post: Post) -> str:
        return post.thread_ts or post.ts

    async def until(self, condition: Callable[[], object], seconds: float = 10.0) -> None:
        await self.slack.until(condition, seconds)

    def given_up_tasks(self) -> list[asyncio.Task[None]]:
        return list(self.bot.serving._held.values())

    def check(self) -> None:
        check_posts(self.slack.workspace)

    def shown(self, channel: str = "") -> list[Post]:
        """The bot's finished posts that everybody in a channel sees."""
        return [post for post in self.slack.workspace.shown(channel or CHANNEL) if not post.streaming]

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
            await asyncio.sleep(POLL)
        raise AssertionError(f"these are still being served: {left}")


def be_patient(slack: SlackServer) -> None:
    """Let what failed come again at once, and a machine with much to do take its time to open a form."""
    slack.courier.retry_after = (0.0, 0.0, 0.0)
    slack.workspace.trigger_seconds = 10.0  # Slack's own are three


@asynccontextmanager
async def slack_with_channels(*, limits: bool = False, minute: float = 60.0) -> AsyncIterator[SlackServer]:
    """Run a local Slack with the school's channels."""
    async with slack_server(limits=limits, minute=minute) as slack:
        be_patient(slack)
        for channel in (CHANNEL, ELSEWHERE, SHARED):
            slack.workspace.add_channel(channel, shared=channel == SHARED)
        yield slack


def brisk() -> Pace:
    """Return a pace that waits a tenth of what it should, for schools in whose Slack nobody counts."""
    return Pace(sleep=lambda seconds: asyncio.sleep(seconds / 10))


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
) -> AsyncIterator[SlackSchool]:
    """Run the bot against the local Slack until the end of the block; `changed` are settings."""
    settings = settings_for(
        database_url,
        home,
        slack_api_url=slack.api_url,
        slack_bot_token=SecretStr(slack.bot_token),
        slack_app_token=SecretStr(slack.app_token),
        slack_signing_secret=SecretStr(slack.signing_secret),
        slack_mode="http" if http else "socket",
        **changed,
    )
    slack.workspace.subscribed = frozenset((*HEARD, *LEFT))
    async with open_app(settings, models=[model_of(provider)]) as app, open_slack(app, pace=pace or brisk()) as bot:
        async with app.sessions() as session:
            class_id = (await get_class(session, CODE)).id
        school = SlackSchool(slack=slack, app=app, provider=provider, bot=bot, class_id=class_id)
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
        school.check()


async def _settle_in(school: SlackSchool) -> None:
    workspace = await school.workspace_id()
    async with school.app.sessions.begin() as session:
        await live_in(session, OPERATOR, school.class_id, workspace)
        for channel in (CHANNEL, SHARED):
            await bind_channel(session, OPERATOR, workspace, channel, school.class_id)


@asynccontextmanager
async def _transport(school: SlackSchool, stop: asyncio.Event, *, http: bool) -> AsyncIterator[None]:
    if http:
        async with TestServer(make_web(school.app, slack_routes=school.bot.routes)) as server:
            school.slack.posting.url = str(server.make_url("/slack/events"))
            yield
        return
    opened = school.slack.sockets.opened
    async with asyncio.TaskGroup() as group:
        group.create_task(school.bot.run_socket(stop, ping_seconds=PING_SECONDS))
        await school.slack.sockets.wait_open(opened + 1)
        yield
