"""A command and its replies, added to the registry and nowhere else, are there on every surface."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from adapters.discord.commands import command_bodies
from adapters.slack.manifest import make_manifest
from bot.commands import COMMANDS, CONTROLS
from bot.commands.registry import Command, Option, OptionKind, Request
from bot.console.slack import slash_commands as slack_commands
from bot.discord import slash_commands
from core.errors import InvalidInput
from core.events import Control
from core.replies import Choice, Choices, Field, Form, Note, Reply, Table, Text, say
from tests.fakes.openai_server import OpenAIServer
from tests.surfaces.scenarios.where import Surface

RATED, FULL = "survey.rate", "survey.full"


async def run_survey(request: Request) -> Reply:
    topic = request.options["topic"]
    return Reply(
        (
            Text(f"What do you think of **{topic}**?"),
            Table(("Mark", "Meaning"), (("1", "poor"), ("6", "very good")), "How to judge"),
            Note(f"You said: {request.options.get('note', 'nothing')}"),
            Choices((Choice("It is good", RATED, topic), Choice("Say more", FULL, topic))),
        )
    )


async def rate(request: Request) -> Reply:
    assert isinstance(request.event, Control)
    return say(f"Noted: {request.event.value} is good.")


async def say_more(request: Request) -> Reply:
    assert isinstance(request.event, Control)
    fields = (Field("mark", "A mark from 1 to 6"), Field("why", "Why", long=True, required=False))
    return Reply((Form("Your opinion", "survey.sent", fields, request.event.value),))


async def take(request: Request) -> Reply:
    assert isinstance(request.event, Control)
    if request.options["mark"] not in "123456":
        raise InvalidInput("A mark is one of 1 to 6.", field="mark")
    return say(f"{request.event.value} gets a {request.options['mark']}: {request.options['why']}.")


SURVEY = Command(
    "survey",
    "Say what you think of the class",
    run_survey,
    (
        Option("topic", "What it is about", OptionKind.CHOICE, choices=("Lessons", "Homework"), required=True),
        Option("note", "Anything else", rest=True),
    ),
)


async def test_a_new_command_is_there_without_any_surfaces_knowing_it(
    surface: Surface,
    world: Any,
    provider: OpenAIServer,
    database: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(COMMANDS, SURVEY.name, SURVEY)
    for action, run in {RATED: rate, FULL: say_more, "survey.sent": take}.items():
        monkeypatch.setitem(CONTROLS, action, run)
    async with surface.open(world, provider, database, tmp_path) as school:
        cleo = await school.newcomer("Cleo")
        await school.type(cleo, "/survey topic:homework a bit much")
        asked = await school.until_told(cleo, "What do you think of")
        for words in ("Homework", "very good", "You said: a bit much", "It is good", "Say more"):
            assert words in school.everything(asked)
        await school.press(cleo, asked, "Say more")
        form = await school.form(cleo)
        assert "A mark is one of 1 to 6." in await school.fill(cleo, form, mark="nine", why="So much")
        if not surface.name.startswith(("slack", "discord")):  # who sits at a terminal begins again
            await school.type(cleo, "/survey topic:homework")
            asked = await school.until_told(cleo, "You said: nothing")
            await school.press(cleo, asked, "Say more")
            form = await school.form(cleo)
        assert not await school.fill(cleo, form, mark="5", why="It is fine")
        await school.until_told(cleo, "Homework gets a 5: It is fine.")
        await school.type(cleo, "/survey topic:lessons")
        asked = await school.until_told(cleo, "Lessons")
        await school.press(cleo, asked, "It is good")
        await school.until_told(cleo, "Noted: Lessons is good.")
        await school.type(cleo, "/help")
        assert "survey" in school.everything(await school.until_told(cleo, "Say what you think of the class"))
        assert school.silent()


def test_a_new_command_is_in_slacks_manifest_and_in_discords_tree(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(COMMANDS, SURVEY.name, SURVEY)
    listed = make_manifest(slack_commands(""))["features"]["slash_commands"]
    (in_slack,) = (each for each in listed if each["command"] == "/survey")
    assert in_slack["description"] == SURVEY.help
    assert "topic" in in_slack["usage_hint"]
    (in_discord,) = (each for each in command_bodies(slash_commands("")) if each["name"] == "survey")
    topic, note = in_discord["options"]
    assert (topic["name"], topic["required"], note["required"]) == ("topic", True, False)
    assert [choice["value"] for choice in topic["choices"]] == ["Lessons", "Homework"]
