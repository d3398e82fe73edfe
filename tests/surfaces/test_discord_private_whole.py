"""The whole bot on Discord where one person reads alone: interactions, their clocks, closed direct messages, forms."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from core.enums import MembershipRole
from tests.fakes.discord.component_rules import walk
from tests.fakes.discord.records import PRIVATE_THREAD
from tests.fakes.discord.world import BOT
from tests.fakes.discord_server import DiscordServer, Failure
from tests.fakes.openai_server import OpenAIServer, Reply
from tests.surfaces.on_discord import (
    CHANNEL,
    ELSEWHERE,
    POSTS,
    QUESTION,
    DiscordSchool,
    all_text,
    discord_with_channels,
    labels,
    open_school,
)
from tests.surfaces.school import SENTENCE

CALLBACK = "POST /interactions/{interaction}/{token}/callback"
MINUTES_16 = 16 * 60.0


@pytest.fixture
async def discord() -> AsyncIterator[DiscordServer]:
    async with discord_with_channels() as server:
        yield server


@pytest.fixture
async def school(
    discord: DiscordServer, provider: OpenAIServer, database: str, tmp_path: Path
) -> AsyncIterator[DiscordSchool]:
    async with open_school(discord, provider, database, tmp_path) as school:
        await school.join("13", "Cleo")
        yield school


async def test_ask_in_the_channel_tells_the_asker_where(school: DiscordSchool) -> None:
    typed = await school.done(await school.type("13", f"/ask {QUESTION}", CHANNEL))
    root, _ = school.shown()
    assert typed.post is not None
    assert typed.post.to == "13"
    assert root.id in typed.post.content


async def test_ask_in_private_is_seen_by_the_asker_alone_and_judged_by_buttons(school: DiscordSchool) -> None:
    await school.done(await school.type("13", f"/ask private:yes {QUESTION}", CHANNEL))
    answer = await school.until_answered(school.direct("13"))
    assert answer.to == "13"
    assert {"👍", "👎", "Show passage 1"} <= set(labels(answer))
    await school.done(await school.press("13", answer, "👎"))
    asked = await school.until_told("13", "What is not good")
    assert [row["components"][0]["type"] for row in asked.components] == [3], "reasons are picked from a menu"
    (row,) = await school.rows("SELECT value FROM chat_message_feedback")
    assert row.value == "DOWN"
    assert school.silent()


async def test_a_button_whose_meaning_was_taken_away_says_so(school: DiscordSchool) -> None:
    await school.ask("13")
    answer = await school.until_answered()
    (button,) = (part for part in walk(answer.components) if part.get("label") == "Show passage 1")
    button["custom_id"] = "kept|0badc0de"  # which stood in an embed that a moderator has removed
    await school.done(await school.press("13", answer, "Show passage 1"))
    await school.until_told("13", "does nothing any more")


async def test_what_was_answered_privately_is_marked_at_the_question(school: DiscordSchool) -> None:
    asked = await school.ask("13", channel=ELSEWHERE)
    answer = await school.until_answered(school.direct("13"))
    assert answer.channel == school.direct("13")
    assert asked.reactions == {"📬": [BOT]}
    assert school.silent()


@pytest.mark.parametrize("typed", ["/ask private:yes {}", "/lessons", "/ask {}"])
async def test_a_first_response_that_comes_too_late_leaves_nothing_undone(school: DiscordSchool, typed: str) -> None:
    school.discord.fail(CALLBACK, Failure(code=10062))
    await school.type("13", typed.format(QUESTION), CHANNEL)
    if typed == "/lessons":
        told = await school.until_told("13", "Phases of the Moon")
        assert told.channel == school.direct("13")
    else:
        place = CHANNEL if typed == "/ask {}" else school.direct("13")
        answer = await school.until_answered(place)
        assert "[1]" in answer.content
    assert len(school.told("13")) <= 1


@pytest.mark.parametrize("typed", ["/ask private:yes {}", "/lessons", "/ask {}"])
async def test_a_first_response_that_is_given_twice_is_seen_once(school: DiscordSchool, typed: str) -> None:
    school.discord.fail(CALLBACK, Failure(500, done=True))  # it was made, and discord.py makes it again
    interaction = await school.type("13", typed.format(QUESTION), CHANNEL)
    await school.until(lambda: 40060 in {code for _, code in school.discord.refusals})
    if typed == "/lessons":
        await school.until_told("13", "Phases of the Moon")
    else:
        answer = await school.until_answered(CHANNEL if typed == "/ask {}" else school.direct("13"))
        assert "[1]" in answer.content
    await school.settled()
    assert interaction.acknowledged
    assert len(school.told("13")) + len(school.answers(school.direct("13"))) == 1


async def test_a_private_answer_that_takes_longer_than_a_token_lives_goes_on_in_direct_messages(
    school: DiscordSchool,
) -> None:
    school.provider.script(Reply(SENTENCE * 4, hold_after=20))
    typed = await school.type("13", f"/ask private:yes {QUESTION}", CHANNEL)
    await school.until(lambda: typed.posts or typed.post)
    await school.provider.held.wait()
    school.discord.workspace.clock = lambda: time.monotonic() + MINUTES_16
    school.provider.release.set()
    await school.until(lambda: any(post.channel == school.direct("13") for post in school.answers(school.direct("13"))))
    await school.settled()
    answer = school.answers(school.direct("13"))[-1]
    assert answer.channel == school.direct("13")
    assert answer.content.count("reflected light") == 4
    assert school.silent()
    assert await school.statuses() == ["COMPLETED"]


async def test_closed_direct_messages_lead_to_a_private_thread(school: DiscordSchool) -> None:
    school.discord.workspace.people["13"].dms_closed = True
    asked = await school.ask("13", channel=ELSEWHERE)
    await school.until(lambda: school.discord.workspace.threads(ELSEWHERE))
    await school.settled()
    (thread,) = school.discord.workspace.threads(ELSEWHERE)
    assert thread.kind == PRIVATE_THREAD
    assert sorted(thread.members) == sorted(["13", BOT])
    (answer,) = [post for post in school.discord.workspace.shown(thread.id) if "[1]" in post.content]
    assert answer.id != asked.id
    assert school.silent()


async def test_the_private_thread_is_like_direct_messages_to_its_person_alone(
    school: DiscordSchool, discord: DiscordServer, provider: OpenAIServer, database: str, tmp_path: Path
) -> None:
    world = school.discord.workspace
    await school.join("14", "Dan")
    for user in ("13", "14"):
        world.people[user].dms_closed = True
    await school.ask("13", channel=ELSEWHERE)
    await school.until(lambda: world.threads(ELSEWHERE))
    await school.settled()
    (thread,) = world.threads(ELSEWHERE)

    def answers() -> int:
        return len([post for post in world.shown(thread.id) if "[1]" in post.content])

    await school.say("13", "How long does it take?", thread=thread.id)
    await school.settled()
    assert answers() == 2, "no mention is needed, as in direct messages"
    (answer,) = [post for post in world.shown(thread.id) if "[1]" in post.content][:1]
    await school.react("13", answer, "👎")
    assert any("What is not good" in post.content for post in world.shown(thread.id))
    async with open_school(discord, provider, database, tmp_path / "next") as other:
        school.discord.people.archive(thread.id)
        await school.ask("13", channel=ELSEWHERE)
        await school.settled()
        await other.settled()
        assert answers() == 3, "the thread of before is used again, by any process"
        world.add_role("14", "manage_threads")
        await school.ask("14", thread=thread.id)
        await school.settled()
        await other.settled()
    assert answers() == 3
    (hers,) = [each for each in world.threads(ELSEWHERE) if each.id != thread.id]
    assert sorted(hers.members) == sorted(["14", BOT]), "somebody else who reads along is answered elsewhere"
    assert school.silent()


async def test_who_can_not_be_reached_at_all_is_told_nothing_private_in_public(school: DiscordSchool) -> None:
    world = school.discord.workspace
    world.people["13"].dms_closed = True
    world.deny(ELSEWHERE, "create_private_threads", "manage_threads")
    await school.ask("13", channel=ELSEWHERE)
    await school.until(lambda: world.shown(ELSEWHERE))
    await school.settled()
    (notice,) = world.shown(ELSEWHERE)
    assert "direct messages are closed" in notice.content
    assert "Moon" not in all_text(notice)


async def test_closed_direct_messages_do_not_matter_to_commands(school: DiscordSchool) -> None:
    school.discord.workspace.people["13"].dms_closed = True
    await school.type("13", "/lessons", ELSEWHERE)
    told = await school.until_told("13", "Phases of the Moon")
    assert told.to == "13"
    await school.type("13", f"/ask {QUESTION}", ELSEWHERE)
    answer = await school.until_answered(school.direct("13"))
    assert answer.to == "13"
    assert school.silent()


async def test_who_picks_the_bots_role_beside_its_name_is_answered(school: DiscordSchool) -> None:
    (role,) = (each for each in school.discord.guild.roles.values() if each.bot)
    await school.say("13", f"<@&{role.id}> {QUESTION}")
    assert "[1]" in (await school.until_answered()).content


async def test_a_post_in_the_forum_goes_on_without_mentions(school: DiscordSchool) -> None:
    post = school.discord.people.start_post("13", POSTS, QUESTION, "I don't get it.", tags=("moon",))
    await school.until_answered(POSTS)
    await school.say("13", "How long does it take?", thread=post.id)
    again = await school.until_answered(POSTS, 2)
    assert school.thread_of(again) == post.id
    assert len(await school.rows("SELECT 1 FROM chats")) == 1, "one post, one chat"


async def test_a_form_that_was_refused_opens_again_with_what_was_typed(school: DiscordSchool) -> None:
    await school.join("14", "Dan", linked=False)
    await school.type("14", "/link", CHANNEL)
    await school.fill("14", await school.form("14"), code="WRONG-CODE")
    refused = await school.until_told("14", "A code is twelve letters")
    (button,) = labels(refused)
    pressed = await school.done(await school.press("14", refused, button))
    assert pressed.modal is not None
    assert pressed.modal.components[0]["component"]["value"] == "WRONG-CODE"
    assert not await school.fill("14", pressed.modal, code=await school.code_for("14"))
    await school.until_told("14", "You are known here as Dan")


async def test_a_refused_form_keeps_its_words_in_another_process(
    discord: DiscordServer, provider: OpenAIServer, database: str, tmp_path: Path
) -> None:
    async with open_school(discord, provider, database, tmp_path) as school:
        await school.join("14", "Dan", linked=False)
        await school.type("14", "/link", CHANNEL)
        form = await school.form("14")
    async with open_school(discord, provider, database, tmp_path) as school:
        await school.fill("14", form, code="WRONG-CODE")
        refused = await school.until_told("14", "A code is twelve letters")
        pressed = await school.done(await school.press("14", refused, labels(refused)[0]))
    assert pressed.modal is not None
    assert pressed.modal.title == form.title
    assert [each["label"] for each in pressed.modal.components] == [each["label"] for each in form.components]


async def test_names_are_completed_with_what_is_published(school: DiscordSchool) -> None:
    typing = school.discord.people.autocomplete("13", CHANNEL, "ask", focused="lesson", question="x", lesson="phases")
    await school.until(lambda: typing.choices is not None)
    assert [choice["name"] for choice in typing.choices or ()] == ["2.1 Phases of the Moon"]
    await school.type("13", f'/ask lesson:"2.1 Phases of the Moon" {QUESTION}', CHANNEL)
    assert "From the lesson" in all_text(await school.until_answered())


@pytest.mark.parametrize("command", ["unpublish", "ask"])
async def test_a_name_of_any_length_is_completed_with_what_finds_it(school: DiscordSchool, command: str) -> None:
    await school.join("15", "Tess", MembershipRole.TEACHER)
    long = ("Zyzzyva " * 30).strip()
    await school.rewrite(
        "UPDATE lesson_unit_revisions SET title = :title WHERE title = 'Phases of the Moon'", title=long
    )
    name, more = ("name", {}) if command == "unpublish" else ("lesson", {"question": QUESTION})
    people, here = school.discord.people, school.direct("15")
    typing = people.autocomplete("15", here, command, focused=name, **more, **{name: "zyzz"})
    await school.until(lambda: typing.choices is not None)
    assert typing.choices is not None
    (choice,) = typing.choices
    assert choice["name"].startswith("lesson 2.1 Zyzzyva" if command == "unpublish" else "2.1 Zyzzyva")
    await school.taken(people.command("15", here, command, **more, **{name: choice["value"]}))
    if command == "unpublish":
        assert "Zyzzyva" in all_text(await school.until_told("15", "lesson 2.1"))
    else:
        assert "From the lesson" in all_text(await school.until_answered(here))


async def test_a_roster_is_attached_to_its_command(school: DiscordSchool) -> None:
    await school.join("15", "Tess", MembershipRole.TEACHER)
    roster = ("roster.csv", b"name,email\nEve Eden,eve@school.example\n")
    await school.done(school.discord.people.command("15", CHANNEL, "class roster", file=roster))
    preview = await school.until_told("15", "Nobody is taken out by a roster.")
    await school.press("15", preview, "Import")
    await school.until_told("15", "The roster is imported.")
    assert await school.rows("SELECT 1 FROM app_users WHERE email = 'eve@school.example'")
    assert school.silent()


async def test_retry_works_after_a_restart(
    discord: DiscordServer, provider: OpenAIServer, database: str, tmp_path: Path
) -> None:
    provider.script(Reply(SENTENCE * 3, break_after=20))
    async with open_school(discord, provider, database, tmp_path) as school:
        await school.join("13", "Cleo")
        asked = await school.ask("13")
        broken = await school.until_answered()
    async with open_school(discord, provider, database, tmp_path) as school:
        await school.press("13", broken, "Try again")
        _, answer = await school.until_shown(asked.id, 2)
        assert "[1]" in answer.content
