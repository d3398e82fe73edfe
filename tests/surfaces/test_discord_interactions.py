"""The local Discord's interactions, answered by the unmodified discord.py: commands, buttons, forms, clocks."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import discord
import pytest
from discord import app_commands

from tests.fakes.discord_server import DiscordServer, discord_server
from tests.surfaces.discord_echo import Echo, connected
from tests.surfaces.echo import Clock

Interaction = discord.Interaction[Any]
Option = discord.SelectOption
Deed = Callable[[Interaction], Awaitable[None]]


class Question(discord.ui.Modal, title="Your question"):
    """A form with every kind of field that ours have."""

    text: Any = discord.ui.Label(
        text="Question", component=discord.ui.TextInput(custom_id="text", style=discord.TextStyle.paragraph)
    )
    lesson: Any = discord.ui.Label(
        text="Lesson",
        component=discord.ui.Select(
            custom_id="lesson",
            options=[Option(label="Moles", value="m"), Option(label="Ions")],
        ),
    )
    file: Any = discord.ui.Label(text="File", component=discord.ui.FileUpload(custom_id="file", required=False))

    async def on_submit(self, interaction: Interaction) -> None:
        files = [(each.filename, await each.read()) for each in self.file.component.values]
        said = f"{self.text.component.value} in {self.lesson.component.values[0]} with {files}"
        await interaction.response.send_message(said, ephemeral=True)


class Controls(discord.ui.View):
    """Buttons and a select that know no message, so that they work after a restart."""

    def __init__(self) -> None:
        super().__init__(timeout=None)

    @discord.ui.button(label="Go", custom_id="go")
    async def go(self, interaction: Interaction, _: discord.ui.Button[Any]) -> None:
        await interaction.response.edit_message(content="gone", view=None)

    @discord.ui.button(label="Ask", custom_id="ask")
    async def ask(self, interaction: Interaction, _: discord.ui.Button[Any]) -> None:
        await interaction.response.send_modal(Question())

    @discord.ui.select(custom_id="why", options=[Option(label="Wrong"), Option(label="Long")])
    async def why(self, interaction: Interaction, select: discord.ui.Select[Any]) -> None:
        await interaction.response.send_message(f"because {select.values}", ephemeral=True)


class App(Echo):
    """A client with commands."""

    def __init__(self, deed: Deed | None = None) -> None:
        super().__init__()
        self.tree = app_commands.CommandTree(self)
        self.errors: list[BaseException] = []
        self.done = asyncio.Event()

        async def complete(_: Interaction, current: str) -> list[app_commands.Choice[str]]:
            lessons = ("Moles", "Ions", "Mass")
            return [app_commands.Choice(name=each, value=each.lower()) for each in lessons if current in each.lower()]

        @self.tree.command(name="ask", description="Ask")
        @app_commands.autocomplete(lesson=complete)
        async def ask(
            interaction: Interaction,
            question: str,
            times: app_commands.Range[int, 1, 3] = 1,
            lesson: str = "",
            who: discord.Member | None = None,
            file: discord.Attachment | None = None,
        ) -> None:
            read = (await file.read()).decode() if file else ""
            await interaction.response.defer(thinking=True, ephemeral=True)
            await interaction.followup.send(f"{question} {times} {lesson} {who and who.display_name} {read}")
            await interaction.followup.send("for everyone", ephemeral=False)

        @self.tree.command(name="show", description="Show")
        async def show(interaction: Interaction) -> None:
            await interaction.response.send_message("pick one", view=Controls())

        group = app_commands.Group(name="class", description="Class", default_permissions=discord.Permissions(1 << 5))
        members = app_commands.Group(name="members", description="Members", parent=group)

        @members.command(name="count", description="Count")
        async def count(interaction: Interaction) -> None:
            await interaction.response.send_message("3")

        self.tree.add_command(group)

        @self.tree.command(name="deed", description="Whatever the test says")
        async def do(interaction: Interaction) -> None:
            assert deed is not None
            try:
                await deed(interaction)
            except discord.HTTPException as error:
                self.errors.append(error)
            finally:
                self.done.set()

    async def setup_hook(self) -> None:
        self.add_view(Controls())
        await self.tree.sync()


async def code(call: Awaitable[object]) -> int:
    """Return the code that a call is refused with."""
    with pytest.raises(discord.HTTPException) as raised:
        await call
    return raised.value.code


async def test_a_command_takes_typed_options_and_answers_in_private(local: DiscordServer) -> None:
    async with connected(local, App()):
        asked = local.people.command(
            "11", "21", "ask", question="Why?", times=2, lesson="moles", who="12", file=("a.txt", b"words")
        )
        await local.until(lambda: len(asked.posts) == 2)
    private, public = asked.posts
    assert (private.content, private.to) == ("Why? 2 moles Ben words", "11")
    assert (public.content, public.to) == ("for everyone", None)
    assert local.workspace.private("11") == [private]
    assert not asked.waiting


async def test_choices_are_offered_while_somebody_types(local: DiscordServer) -> None:
    async with connected(local, App()):
        typing = local.people.autocomplete("11", "21", "ask", focused="lesson", lesson="m")
        await local.until(lambda: typing.acknowledged)
    assert [choice["value"] for choice in typing.choices or ()] == ["moles", "mass"]


async def test_the_client_sends_only_what_is_registered_and_shown(local: DiscordServer) -> None:
    local.workspace.add_role("1", "manage_guild")
    async with connected(local, App()):
        assert local.people.commands("11", "21") == ["ask", "show", "deed"]
        assert local.people.commands("1", "21") == ["ask", "show", "class", "deed"]
        with pytest.raises(AssertionError, match="not offered"):
            local.people.command("11", "21", "class members count")
        for name in ("ask", "asks", "class members"):
            with pytest.raises(AssertionError):
                local.people.command("1", "21", name)
        with pytest.raises(AssertionError, match="takes 1 to 3"):
            local.people.command("1", "21", "ask", question="Why?", times=4)
        counted = local.people.command("1", "21", "class members count")
        await local.until(lambda: counted.posts)
    assert counted.posts[0].content == "3"


async def test_a_form_is_opened_filled_in_and_answered(local: DiscordServer) -> None:
    async with connected(local, App()):
        shown = local.people.command("11", "21", "show")
        await local.until(lambda: shown.post)
        assert shown.post is not None
        local.people.press("12", shown.post, "Ask")
        await local.until(lambda: local.workspace.modals)
        (modal,) = local.workspace.modals
        with pytest.raises(AssertionError, match="without “text”"):
            local.people.submit(modal, lesson="Moles")
        sent = local.people.submit(modal, text="Why?", lesson="Moles", file=[("a.txt", b"a")])
        await local.until(lambda: sent.posts)
    assert (modal.user, modal.title, modal.open) == ("12", "Your question", False)
    assert [post.content for post in local.workspace.private("12")] == ["Why? in m with [('a.txt', b'a')]"]


async def test_buttons_and_selects_work_after_a_restart(local: DiscordServer) -> None:
    async with connected(local, App()):
        shown = local.people.command("11", "21", "show")
        await local.until(lambda: shown.post)
    post = shown.post
    assert post is not None
    async with connected(local, App()):
        local.people.pick("12", post, "Wrong")
        await local.until(lambda: local.workspace.private("12"))
        local.people.press("12", post, "Go")
        await local.until(lambda: post.content == "gone")
    assert [each.content for each in local.workspace.private("12")] == ["because ['Wrong']"]
    assert (post.components, post.edits) == ([], ["pick one"])
    with pytest.raises(AssertionError, match="does not see"):
        local.people.press("11", _with_button(local), "Go")


def _with_button(local: DiscordServer) -> Any:
    post = local.workspace.private("12")[0]
    post.components = [{"type": 1, "id": 1, "components": [{"type": 2, "id": 2, "style": 1, "label": "Go"}]}]
    return post


async def test_an_answer_later_than_three_seconds_is_refused() -> None:
    clock = Clock()
    async with discord_server(clock=clock) as local:

        async def late(interaction: Interaction) -> None:
            clock.now += 3.1
            await interaction.response.send_message("late")

        assert await _done(local, late) == [10062]
        assert not local.workspace.shown("21")


async def test_a_second_answer_is_refused(local: DiscordServer) -> None:
    async def twice(interaction: Interaction) -> None:
        await interaction.response.send_message("one")
        interaction.response._response_type = None
        await interaction.response.send_message("two")

    assert await _done(local, twice) == [40060]
    assert [post.content for post in local.workspace.shown("21")] == ["one"]


async def test_a_token_is_worth_nothing_after_fifteen_minutes_or_before_the_answer() -> None:
    clock = Clock()
    async with discord_server(clock=clock) as local:

        async def slow(interaction: Interaction) -> None:
            assert await code(interaction.followup.send("too early")) == 10015
            await interaction.response.defer(thinking=True)
            clock.now += 899
            await interaction.edit_original_response(content="just in time")
            clock.now += 2
            await interaction.followup.send("too late")

        assert await _done(local, slow) == [50027]
        (post,) = local.workspace.shown("21")
        assert (post.content, post.flags) == ("just in time", 0)


async def test_the_first_follow_up_takes_the_place_of_thinking_and_the_rest_follow(local: DiscordServer) -> None:
    async def answer(interaction: Interaction) -> None:
        await interaction.response.defer(thinking=True, ephemeral=True)
        thinking = await interaction.original_response()
        assert thinking.flags.loading
        first = await interaction.followup.send("one", wait=True)
        assert first.id == thinking.id
        second = await interaction.followup.send("two", wait=True, ephemeral=True)
        await second.edit(content="three")
        assert await code(interaction.channel.get_partial_message(second.id).edit(content="x")) == 10008  # type: ignore[union-attr]  # a text channel
        await first.delete()
        await interaction.edit_original_response(content="gone")

    assert await _done(local, answer) == [10008]
    assert [post.content for post in local.workspace.private("11")] == ["three"]


async def _done(local: DiscordServer, deed: Deed) -> list[int]:
    """Run a deed as a command's answer, and return the codes of the errors it ended with."""
    local.workspace.add_person("11", "Ada")
    local.workspace.add_channel("21", "physics")
    async with connected(local, App(deed)) as app:
        local.people.command("11", "21", "deed")
        await asyncio.wait_for(app.done.wait(), 10)
    return [error.code for error in app.errors if isinstance(error, discord.HTTPException)]
