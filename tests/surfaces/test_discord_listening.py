"""The class in Discord through the whole bot: what comes in, once, and where the answers go."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from adapters.discord import listen
from bot import serving
from bot.commands import COMMANDS
from bot.commands.registry import Command, Option, OptionKind, Request
from core.enums import MembershipRole
from core.inbox.store import store_event
from core.replies import Reply, say
from tests.fakes.discord.world import BOT
from tests.fakes.discord_server import DiscordServer, discord_server
from tests.fakes.openai_server import OpenAIServer
from tests.fakes.openai_server import Reply as Scripted
from tests.surfaces.discord_school import CHANNEL, ELSEWHERE, POSTS, QUESTION, School, all_text, labels, open_school


@pytest.fixture
async def school(local: DiscordServer, provider: OpenAIServer, database: str, tmp_path: Path) -> AsyncIterator[School]:
    async with open_school(local, provider, database, tmp_path) as school:
        await school.join("13", "Cleo")
        yield school


async def test_a_mention_is_answered_in_a_thread_of_its_own(school: School) -> None:
    asked = school.ask("13")
    (answer,) = await school.until_shown(asked.id)
    assert "[1]" in answer.content
    assert "Show passage 1" in labels(answer)
    assert answer.embeds[0]["title"] == "Sources"
    assert school.told("13") == []
    assert not any(post.pings for post in school.discord.workspace.posts if post.author == BOT)


async def test_in_a_thread_it_goes_on_without_a_mention_where_text_may_be_read(
    local: DiscordServer, provider: OpenAIServer, database: str, tmp_path: Path
) -> None:
    local.gateway.privileged = 1 << 15
    async with open_school(local, provider, database, tmp_path) as school:
        await school.join("13", "Cleo")
        asked = school.ask("13")
        await school.until_shown(asked.id)
        school.discord.people.say("13", asked.id, "How long does it take?")
        await school.until_shown(asked.id, 2)
        school.discord.people.say("13", asked.id, "<@11> what do you think?")
        school.discord.people.say("13", CHANNEL, "just talking")
        last = school.ask("13", "And the Sun?", asked.id)
        await school.until_stored(f"discord:message:{asked.id}:{last.id}")
        assert len(school.shown(asked.id)) == 3


async def test_a_direct_message_is_answered_there(school: School) -> None:
    asked = school.discord.people.tell("13", QUESTION)
    (answer,) = await school.until_shown(asked.channel)
    assert "[1]" in answer.content
    assert school.silent()


async def test_where_no_class_meets_the_answer_is_for_the_asker_alone(school: School) -> None:
    asked = school.ask("13", channel=ELSEWHERE)
    answer = await school.until_told("13", "[1]")
    assert answer.channel == school.discord.workspace.direct("13").id
    assert asked.reactions == {"📬": [BOT]}
    assert school.silent()


async def test_a_post_in_the_forum_is_a_question_with_its_title(school: School) -> None:
    post = school.discord.people.start_post("13", POSTS, QUESTION, "I don't get it.", tags=("moon",))
    (answer,) = await school.until_shown(post.id)
    assert "[1]" in answer.content
    (row,) = await school.rows("SELECT text FROM chat_messages WHERE role = 'USER'")
    assert row.text.startswith(f"{QUESTION} (moon)")


async def test_ask_in_the_channel_opens_a_thread_and_tells_where(school: School) -> None:
    typed = await school.done(school.discord.people.command("13", CHANNEL, "ask", question=QUESTION))
    (root,) = school.shown(CHANNEL)
    assert root.content.startswith(QUESTION)
    (answer,) = await school.until_shown(root.id)
    assert "[1]" in answer.content
    assert typed.post is not None
    assert typed.post.to == "13"
    assert root.id in typed.post.content


async def test_ask_in_private_is_seen_by_the_asker_alone(school: School) -> None:
    await school.done(school.discord.people.command("13", CHANNEL, "ask", question=QUESTION, private="yes"))
    answer = await school.until_told("13", "[1]")
    assert answer.to == "13"
    assert {"👍", "👎", "Show passage 1"} <= set(labels(answer))
    await school.done(school.discord.people.press("13", answer, "👎"))
    await school.until_told("13", "What is not good")
    (row,) = await school.rows("SELECT value FROM chat_message_feedback")
    assert row.value == "DOWN"
    assert school.silent()


async def test_a_newcomer_links_by_a_form_and_is_answered_then(school: School) -> None:
    await school.join("14", "Dan", linked=False)
    code = await school.code("14")
    school.discord.people.tell("14", QUESTION)
    offer = await school.until_told("14", "Link your account")
    pressed = await school.done(school.discord.people.press("14", offer, "Enter a code"))
    assert pressed.modal is not None
    wrong = await school.done(school.discord.people.submit(pressed.modal, code="WRONG-CODE"))
    again = await school.until_told("14", "code")
    assert wrong.acknowledged
    reopened = next(label for post in reversed(school.told("14")) for label in labels(post) if label.startswith("Link"))
    again = next(post for post in reversed(school.told("14")) if reopened in labels(post))
    pressed = await school.done(school.discord.people.press("14", again, reopened))
    assert pressed.modal is not None
    assert pressed.modal.components[0]["component"]["value"] == "WRONG-CODE"
    await school.done(school.discord.people.submit(pressed.modal, code=code))
    await school.until_told("14", "You are known here as Dan")
    await school.until_told("14", "[1]")


async def test_thumbs_count_also_on_what_is_not_cached(school: School) -> None:
    asked = school.ask("13")
    (answer,) = await school.until_shown(asked.id)
    people = school.discord.people
    people.react("13", answer, "👍🏽")
    await school.until_stored(f"discord:reaction:13:{answer.id}:👍🏽")
    people.react("13", answer, "👎")
    await school.until_told("13", "What is not good")
    people.unreact("13", answer, "👎")
    await school.until_rows("SELECT value FROM chat_message_feedback WHERE deleted_at IS NULL", [("UP",)])


async def test_names_are_completed_with_what_is_published(school: School) -> None:
    typing = school.discord.people.autocomplete("13", CHANNEL, "ask", focused="lesson", question="x", lesson="phases")
    await school.discord.until(lambda: typing.choices is not None)
    assert [choice["name"] for choice in typing.choices or ()] == ["2.1 Phases of the Moon"]
    typed = school.discord.people.command("13", CHANNEL, "ask", question=QUESTION, lesson="2.1 Phases of the Moon")
    await school.done(typed)
    (row,) = await school.rows("SELECT source_mode FROM chat_messages WHERE role = 'ASSISTANT'")
    assert row.source_mode == "LESSON"


async def test_subcommands_and_tables_and_files(school: School) -> None:
    await school.join("15", "Tess", MembershipRole.TEACHER)
    people = school.discord.people
    await school.done(people.command("15", CHANNEL, "lessons"))
    assert "Phases of the Moon" in all_text(school.told("15")[-1])
    await school.done(people.command("15", CHANNEL, "class show"))
    roster = ("roster.csv", b"name,email\nEve Eden,eve@school.example\n")
    await school.done(people.command("15", CHANNEL, "class roster", file=roster))
    assert "Eve" in "".join(all_text(post) for post in school.told("15")) or "1" in all_text(school.told("15")[-1])
    assert school.silent()


async def test_a_question_asked_while_the_session_was_lost_is_answered_once(school: School) -> None:
    asked = school.ask("13")
    await school.until_shown(asked.id)
    gateway = school.discord.gateway
    identified = gateway.identified
    gateway.refuse_resume()
    for session in gateway.sessions.values():
        session.sent.clear()
    gateway.drop()
    lost = school.ask("13", "Why is the sky dark at night?")
    gateway.sessions.clear()
    await school.discord.until(lambda: gateway.identified > identified)
    (answer,) = await school.until_shown(lost.id)
    assert answer.content
    await school.until_shown(asked.id)
    assert len(await school.rows("SELECT 1 FROM chat_messages WHERE role = 'USER'")) == 2


async def test_a_server_that_puts_the_bot_out_is_no_workspace_any_more(school: School) -> None:
    school.discord.people.remove_bot(school.discord.guild)
    at_home = "SELECT revoked_at IS NULL FROM workspaces WHERE platform = 'DISCORD'"
    await school.until_rows(at_home, [(False,)])
    school.discord.people.invite_bot(school.discord.guild)
    await school.until_rows(at_home, [(True,)])


async def test_commands_are_registered_once_for_each_change(
    local: DiscordServer, provider: OpenAIServer, database: str, tmp_path: Path
) -> None:
    key = "PUT /applications/{application}/commands"
    for times in (1, 1):
        async with open_school(local, provider, database, tmp_path):
            pass
        assert len(local.called(key)) == times
        local.workspace.channels.pop(ELSEWHERE)
        local.workspace.channels.pop(POSTS)
    async with open_school(local, provider, database, tmp_path, command_prefix="hr-"):
        pass
    assert len(local.called(key)) == 2


async def test_the_gateway_may_drop_while_an_answer_is_written(school: School) -> None:
    resumed = school.discord.gateway.resumed
    school.provider.script(Scripted(text="The Moon circles the Earth [1]. " * 20, hold_after=8))
    asked = school.ask("13")
    await school.discord.until(lambda: school.discord.workspace.shown(asked.id))
    school.discord.gateway.drop()
    again = school.ask("13", "Why is the sky dark at night?")
    await school.discord.until(lambda: school.discord.gateway.resumed > resumed)
    school.provider.release.set()
    await school.until_shown(asked.id)
    await school.until_shown(again.id)
    assert len(await school.rows("SELECT 1 FROM chat_messages WHERE role = 'ASSISTANT'")) == 2


async def test_stop_ends_an_answer_and_retry_works_after_a_restart(
    local: DiscordServer, provider: OpenAIServer, database: str, tmp_path: Path
) -> None:
    provider.script(Scripted(text="The Moon circles the Earth [1]. " * 50, hold_after=8))
    async with open_school(local, provider, database, tmp_path) as school:
        await school.join("13", "Cleo")
        asked = school.ask("13")
        await school.discord.until(lambda: school.discord.workspace.shown(asked.id))
        (writing,) = school.discord.workspace.shown(asked.id)
        school.discord.people.press("13", writing, "Stop")
        (stopped,) = await school.until_shown(asked.id)
        provider.release.set()
        assert "Stopped." in all_text(stopped)
    for channel in (ELSEWHERE, POSTS):
        local.workspace.channels.pop(channel)
    async with open_school(local, provider, database, tmp_path) as school:
        await school.done(school.discord.people.press("13", stopped, "Try again"))
        _, answer = await school.until_shown(asked.id, 2)
        assert "[1]" in answer.content


async def test_two_shards_serve_two_servers(
    local: DiscordServer, provider: OpenAIServer, database: str, tmp_path: Path
) -> None:
    local.shards = 2
    other = local.workspace.add_guild("Other school")
    local.workspace.add_channel("31", guild=other.id)
    async with open_school(local, provider, database, tmp_path) as school:
        await school.join("13", "Cleo")
        await school.until_rows(
            "SELECT count(*) FROM workspaces WHERE platform = 'DISCORD' AND revoked_at IS NULL", [(2,)]
        )
        asked = school.ask("13")
        await school.until_shown(asked.id)
        local.workspace.add_person("13", guild=other.id)
        school.ask("13", channel="31")
        told = await school.until_told("13", "Link your account")
        assert local.workspace.channels[told.channel].guild is None, "in another server they are nobody yet"


async def test_sixty_ask_at_once_within_discords_limits(provider: OpenAIServer, database: str, tmp_path: Path) -> None:
    async with discord_server(limits=True) as local:
        local.workspace.add_person("1", "Teacher")
        local.workspace.add_channel(CHANNEL, "physics")
        async with open_school(local, provider, database, tmp_path) as school:
            for number in range(60):
                await school.join(str(100 + number), f"Student{number}")
            asked = [school.ask(str(100 + number)) for number in range(60)]
            await local.until(lambda: all(school.shown(post.id) for post in asked), 120)
            await school.settled()
            for post in asked:
                (answer,) = school.shown(post.id)
                assert "[1]" in answer.content
                assert len(answer.edits) <= 5
            assert not [code for _, code in local.refusals if code == 429 or code >= 50000]


async def test_an_event_that_the_database_misses_is_stored_when_it_is_back(
    school: School, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listen, "_RETRY_AFTER", (0.01, 0.01, 0.01))
    failures = iter([OSError("away"), OSError("away")])

    async def store(*stored: Any) -> Any:
        for error in failures:
            raise error
        return await store_event(*stored)

    monkeypatch.setattr(serving, "store_event", store)
    asked = school.ask("13")
    await school.until_shown(asked.id)
    failures = iter([OSError("away")])
    typed = school.discord.people.command("13", CHANNEL, "lessons")
    await school.until_told("13", "nothing was done")
    assert typed.post is not None
    assert typed.post.to == "13"


async def test_what_people_write_is_in_no_log(school: School, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG), capture_logs() as logged:
        asked = school.ask("13")
        await school.until_shown(asked.id)
        await school.done(school.discord.people.command("13", CHANNEL, "ask", question=QUESTION, private="yes"))
        await school.until_told("13", "[1]")
    kept = str(logged) + "".join(record.getMessage() for record in caplog.records if record.name.startswith("discord"))
    assert QUESTION not in kept
    assert "Moon" not in kept


async def test_a_command_that_is_declared_is_there(
    local: DiscordServer, provider: OpenAIServer, database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def run(request: Request) -> Reply:
        return say(f"You said {request.options['word']}.")

    option = Option("word", "Any word", OptionKind.CHOICE, choices=("this", "that"), required=True)
    monkeypatch.setitem(COMMANDS, "echo", Command("echo", "Say it again", run, (option,)))
    async with open_school(local, provider, database, tmp_path) as school:
        await school.join("13", "Cleo")
        await school.done(local.people.command("13", CHANNEL, "echo", word="that"))
        await school.until_told("13", "You said that.")


async def test_a_question_that_is_taken_back_is_forgotten(school: School) -> None:
    asked = school.ask("13")
    await school.until_shown(asked.id)
    school.discord.people.remove(asked)
    await school.until_rows("SELECT count(*) FROM chat_messages WHERE role = 'USER' AND deleted_at IS NULL", [(0,)])
