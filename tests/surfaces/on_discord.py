"""The school in Discord: the whole bot behind the local Discord."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import pytest
from pydantic import SecretStr

from adapters.discord.controls import unpack_id
from adapters.discord.forms import OPEN_FORM
from adapters.discord.listen import Listener
from adapters.discord.paging import OPEN_PAGE
from bot.bootstrap import open_app
from bot.commands import COMMANDS
from bot.commands.parse import parse_options
from bot.commands.registry import Who
from bot.discord import Discord, open_discord
from core.classes.bind import bind_channel
from core.classes.enrol import get_class
from core.classes.live import live_in
from core.enums import Platform
from core.identity.workspaces import admit_workspace
from tests.fakes.discord.component_rules import walk
from tests.fakes.discord.records import DM, FORUM, Interaction, Modal, Post
from tests.fakes.discord.world import BOT
from tests.fakes.discord_server import DiscordServer, discord_server
from tests.fakes.openai_server import OpenAIServer
from tests.surfaces.discord_echo import pointed_at
from tests.surfaces.discord_posts import all_text, check_posts, is_private, labels
from tests.surfaces.school import CODE, OPERATOR, POLL, QUESTION, School, model_of, settings_for

__all__ = ["CHANNEL", "ELSEWHERE", "POSTS", "QUESTION", "DiscordSchool", "all_text", "labels", "open_school"]

CHANNEL, ELSEWHERE, POSTS = "21", "22", "23"
READS_ALL = 1 << 15  # the privileged intent for what people write
_WRITING = "Stop"  # stands under what is still written
_MANY_POLLS = 750

Take = Callable[[Listener, Mapping[str, Any]], Awaitable[None]]


@dataclass(kw_only=True)
class DiscordSchool(School):
    """Discord, the bot, and the class in `CHANNEL` and the forum `POSTS`. `ELSEWHERE` is bound to nothing."""

    channel: ClassVar[str] = CHANNEL
    elsewhere: ClassVar[str] = ELSEWHERE

    discord: DiscordServer
    bot: Discord
    workspace: str = ""  # type: ignore[misc]  # the server's id, which the local Discord makes up
    taking: set[object] = field(default_factory=set)  # what has come in and is not stored yet
    _answers: dict[str, tuple[str, int]] = field(default_factory=dict)  # posts known as parts of answers
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(50))

    def arrive(self, user: str, name: str, **about: Any) -> None:
        self.discord.workspace.add_person(user, name, **about)

    def new_user(self) -> str:
        return str(next(self._numbers))

    async def ask(self, user: str, question: str = QUESTION, channel: str = "", thread: str | None = None) -> Post:
        return await self.say(user, f"<@{BOT}> {question}", channel, thread)

    async def say(self, user: str, text: str, channel: str = "", thread: str | None = None) -> Post:
        post = self.discord.people.say(user, thread or channel or CHANNEL, text)
        await self.heard()
        return post

    async def write(self, user: str, text: str = QUESTION, thread: str | None = None) -> Post:
        assert thread in (None, self.direct(user)), "direct messages have no threads"
        return await self.say(user, text, self.direct(user))

    async def type(self, user: str, typed: str, channel: str | None = None) -> Interaction:
        name, _, words = typed.removeprefix("/").partition(" ")
        command, words = COMMANDS[name].find(words)
        path = name if command is COMMANDS[name] else f"{name} {command.name}"
        if COMMANDS[name].subcommands and command is COMMANDS[name]:
            raise AssertionError(f"Discord's menu offers the parts of /{name} alone")
        options = command.check(parse_options(command, words))
        return await self.taken(self.discord.people.command(user, channel or self.direct(user), path, **options))

    async def attach(self, user: str, typed: str, field: str, file: tuple[str, bytes]) -> None:
        name = typed.removeprefix("/")
        # What is for teachers is offered to everybody where they are alone.
        alone = COMMANDS[name.partition(" ")[0]].who is Who.TEACHER
        where = self.direct(user) if alone else CHANNEL
        await self.taken(self.discord.people.command(user, where, name, **{field: file}))

    async def press(self, user: str, post: Post, label: str) -> Interaction:
        people = self.discord.people
        on_button = any(part.get("label") == label for part in walk(post.components))
        return await self.taken(people.press(user, post, label) if on_button else people.pick(user, post, label))

    async def react(self, user: str, post: Post, emoji: str, *, take_off: bool = False) -> None:
        if take_off:
            self.discord.people.unreact(user, post, emoji)
        else:
            self.discord.people.react(user, post, emoji)
        await self.settled()

    async def take_back(self, post: Post) -> None:
        self.discord.people.remove(post)
        await self.heard()

    async def edit(self, post: Post, text: str) -> None:
        self.discord.people.edit(post, f"<@{BOT}> {text}")
        await self.heard()

    def begin_saying(self, user: str, question: str) -> Post:
        return self.discord.people.say(user, CHANNEL, f"<@{BOT}> {question}")

    def begin_typing(self, user: str, typed: str) -> Interaction:
        name, _, words = typed.removeprefix("/").partition(" ")
        options = COMMANDS[name].check(parse_options(COMMANDS[name], words))
        return self.discord.people.command(user, CHANNEL, name, **options)

    def refused(self, typed: Interaction) -> bool:
        return typed.post is not None and "could not take that in" in typed.post.content

    async def form(self, user: str) -> Modal:
        await self.until(lambda: self._forms(user))
        return self._forms(user)[-1]

    async def fill(
        self, user: str, form: Modal, files: dict[str, tuple[str, bytes]] | None = None, **typed: str
    ) -> str:
        """Send a form, page by page.

        One that was sent before is opened again by the button under what was wrong with it.
        """
        if not form.open:
            post = self._reopens(user)[-1]
            pressed = await self.press(user, post, self._button(post))
            assert pressed.modal is not None
            form = pressed.modal
        before = len(self._reopens(user))
        filled: dict[str, Any] = {**typed, **{name: (each,) for name, each in (files or {}).items()}}
        while True:
            here = {str(each.get("custom_id")).partition("|")[0] for each in walk(form.components)}
            submitted = {name: value for name, value in filled.items() if name in here}
            filled = {name: value for name, value in filled.items() if name not in here}
            await self.taken(self.discord.people.submit(form, **submitted))
            await self.settled()
            kept = self.continued(user)
            if kept is None:
                break
            pressed = await self.press(user, kept, next(each for each in labels(kept) if each.startswith("Continue")))
            assert pressed.modal is not None
            form = pressed.modal
        found = self._reopens(user)
        return all_text(found[-1]) if len(found) > before else ""

    def continued(self, user: str) -> Post | None:
        """Return what asks somebody for the next page of a form."""
        asks = [post for post in self.told(user) if any(label.startswith("Continue (") for label in labels(post))]
        return asks[-1] if asks else None

    def _reopens(self, user: str) -> list[Post]:
        """What was told somebody with a button under it that opens a form."""
        return [post for post in self.told(user) if self._button(post)]

    def _button(self, post: Post) -> str:
        buttons = [part for part in walk(post.components) if part.get("label")]
        opens = [part for part in buttons if self._opens_form(part) or part["label"].endswith("…")]
        return str(opens[0]["label"]) if opens else ""

    @staticmethod
    def _opens_form(part: Mapping[str, Any]) -> bool:
        return unpack_id(str(part.get("custom_id") or ""))[0] in (OPEN_FORM, OPEN_PAGE)

    def _forms(self, user: str) -> list[Modal]:
        return [modal for modal in self.discord.workspace.modals if modal.user == user and modal.open]

    def direct(self, user: str) -> str:
        return self.discord.workspace.direct(user).id

    def shown(self, channel: str = "") -> list[Post]:
        return [post for post in self._public(channel or CHANNEL) if _WRITING not in labels(post)]

    def answers(self, channel: str = "") -> list[Post]:
        """The finished answers in a channel and its threads; in direct messages all that their person alone sees."""
        place = self.discord.workspace.channels[channel or CHANNEL]
        if place.kind == DM:
            (user,) = (each for each in place.members if each != BOT)
            posts = self._alone(user)
        else:
            posts = self._public(place.id)
        return [post for post in posts if _WRITING not in labels(post) and self._answers.get(post.id, ("", 1))[1] == 0]

    def parts(self, channel: str) -> list[Post]:
        (user,) = (each for each in self.discord.workspace.channels[channel].members if each != BOT)
        return [post for post in self._alone(user) if post.id in self._answers]

    def told(self, user: str) -> list[Post]:
        return [post for post in self._alone(user) if _WRITING not in labels(post) and post.id not in self._answers]

    def half(self, asked: Post) -> Post | None:
        world = self.discord.workspace
        posts = [post for post in world.posts if post.author == BOT and not post.deleted]
        under = [post for post in posts if self.thread_of(post) == self.thread_of(asked)]
        return next((post for post in under if _WRITING in labels(post)), None)

    def silent(self) -> bool:
        own = [post for post in self.discord.workspace.posts if post.author == BOT and not post.deleted]
        return all(is_private(self.discord.workspace, post) for post in own)

    def text(self, post: Post) -> str:
        return post.content

    def everything(self, post: Post) -> str:
        return all_text(post)

    def thread_of(self, post: Post) -> str:
        channel = self.discord.workspace.channels[post.channel]
        return post.channel if channel.is_thread or channel.kind == DM else post.id

    def _public(self, channel: str) -> list[Post]:
        """The bot's posts in a channel and in its threads, which many can read."""
        world = self.discord.workspace
        places = [channel, *(thread.id for thread in world.threads(channel))]
        posts = [
            post for place in places for post in world.shown(place) if place == channel or not is_private(world, post)
        ]
        return sorted(posts, key=lambda post: int(post.id))

    def _alone(self, user: str) -> list[Post]:
        """What one person alone is shown: unseen by others, in direct messages, in threads of theirs."""
        world = self.discord.workspace
        own = [post for post in world.posts if post.author == BOT and not post.deleted and is_private(world, post)]
        theirs = [
            post for post in own if post.to == user or (not post.to and user in world.channels[post.channel].members)
        ]
        return sorted(theirs, key=lambda post: int(post.id))

    async def until(self, condition: Callable[[], object], seconds: float = 10.0) -> None:
        async def look() -> None:
            while not condition():
                await asyncio.sleep(POLL)
                await self._learn()

        await asyncio.wait_for(look(), seconds)

    async def heard(self) -> None:
        """Wait until what was written has reached the bot, and is stored where that matters."""
        for _ in range(_MANY_POLLS):
            sequences = {shard._parent.ws.session_id: shard._parent.ws.sequence for shard in self._shards()}
            sent = {session.id: session.seq for session in self.discord.gateway.sessions.values()}
            if sequences.items() <= sent.items():  # another process may be connected, too
                await asyncio.sleep(0)
                await asyncio.sleep(0)
                if not self.taking:
                    return
            await asyncio.sleep(POLL)
        raise AssertionError("the bot does not hear what it was sent")

    async def settled(self) -> None:
        for _ in range(_MANY_POLLS):
            await self.heard()
            if await self.inbox_empty():
                await self._learn()
                return
            await asyncio.sleep(POLL)
        raise AssertionError("something is still being served")

    async def taken(self, interaction: Interaction) -> Interaction:
        """Wait until something typed, pressed or sent is stored, or answered without that."""
        stored = "SELECT 1 FROM inbox_events WHERE dedupe_key = :key"
        for _ in range(_MANY_POLLS):
            if interaction.acknowledged or await self.rows(stored, key=f"discord:interaction:{interaction.id}"):
                return interaction
            await asyncio.sleep(POLL)
        raise AssertionError("it is not taken in")

    async def done(self, interaction: Interaction) -> Interaction:
        """Wait until an interaction has been answered and served."""
        await self.until(lambda: interaction.acknowledged)
        await self.settled()
        return interaction

    async def until_shown(self, channel: str, count: int = 1) -> list[Post]:
        """Wait for so many finished posts in a channel or thread, until nothing more is going on."""
        await self.until(lambda: len(self.shown(channel)) >= count)
        await self.settled()
        assert len(self.shown(channel)) == count, [all_text(post) for post in self.shown(channel)]
        return self.shown(channel)

    async def until_rows(self, statement: str, expected: list[tuple[Any, ...]]) -> None:
        """Wait until the database holds that."""
        found: list[Any] = []
        for _ in range(_MANY_POLLS):
            found = [tuple(row) for row in await self.rows(statement)]
            if found == expected:
                return
            await asyncio.sleep(POLL)
        raise AssertionError(found)

    def given_up_tasks(self) -> list[asyncio.Task[None]]:
        return list(self.bot.serving._held.values())

    def check(self) -> None:
        check_posts(self.discord.workspace, self._answers)

    def _shards(self) -> list[Any]:
        return list(self.bot.listener.shards.values())

    async def _learn(self) -> None:
        """Learn from the database which posts are answers; while it is away nothing new is."""
        try:
            found = await self.rows("SELECT chat_message_id, part, message_id FROM message_deliveries")
        except Exception:  # noqa: BLE001  (a test has sent the database away)
            return
        self._answers |= {row.message_id: (str(row.chat_message_id), row.part) for row in found if row.message_id}


@asynccontextmanager
async def discord_with_channels(*, limits: bool = False, reads_all: bool = True) -> AsyncIterator[DiscordServer]:
    """Run a local Discord with the school's channels; `reads_all` switches the intent for messages' text on."""
    async with discord_server(limits=limits) as discord:
        discord.gateway.privileged = READS_ALL if reads_all else 0
        discord.workspace.add_person("1", "Owner")
        discord.workspace.add_channel(CHANNEL, "physics")
        discord.workspace.add_channel(ELSEWHERE, "elsewhere")
        discord.workspace.add_channel(POSTS, "questions", FORUM, tags=("optics", "moon"))
        yield discord


@asynccontextmanager
async def open_school(
    discord: DiscordServer, provider: OpenAIServer, database_url: str, home: Path, **changed: Any
) -> AsyncIterator[DiscordSchool]:
    """Run the bot against the local Discord until the end of the block; `changed` are settings."""
    settings = settings_for(
        database_url,
        home,
        discord_bot_token=SecretStr(discord.token),
        discord_api_url=discord.api_url,
        discord_gateway_url=discord.gateway_url,
        **changed,
    )
    taking: set[object] = set()
    insist = Listener._insist

    async def counted(self: Listener, take: Take, payload: Mapping[str, Any]) -> None:
        deed = object()
        if take is not Listener._take_interaction:
            taking.add(deed)
        try:
            await insist(self, take, payload)
        finally:
            taking.discard(deed)

    with pytest.MonkeyPatch.context() as patch, pointed_at(discord):
        patch.setattr(Listener, "before_identify_hook", _at_once)
        patch.setattr(Listener, "_insist", counted)
        models = [model_of(provider)]
        async with open_app(settings, models=models) as app, open_discord(app, guild_ready_timeout=0.05) as bot:
            async with app.sessions() as session:
                class_id = (await get_class(session, CODE)).id
            workspace = discord.guild.id
            school = DiscordSchool(
                discord=discord,
                app=app,
                provider=provider,
                bot=bot,
                class_id=class_id,
                workspace=workspace,
                taking=taking,
            )
            await _settle_in(school)
            stop = asyncio.Event()
            async with asyncio.TaskGroup() as group:
                group.create_task(bot.serving.run(stop))
                connecting = group.create_task(bot.connect())
                try:
                    await school.until(bot.listener.is_ready)
                    yield school
                    if not school.dies:
                        await school.settled()
                finally:
                    stop.set()
                    await bot.close()
                    connecting.cancel()
    if not school.dies:
        school.check()


async def _at_once(*_: Any, **__: Any) -> None:
    """Identify at once: the five seconds that discord.py waits are for Discord's own limit."""


async def _settle_in(school: DiscordSchool) -> None:
    async with school.app.sessions.begin() as session:
        workspace = await admit_workspace(session, OPERATOR, Platform.DISCORD, school.workspace, "School", None)
        await live_in(session, OPERATOR, school.class_id, workspace.id)
        for channel in (CHANNEL, POSTS):
            await bind_channel(session, OPERATOR, workspace.id, channel, school.class_id)
