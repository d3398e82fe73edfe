"""Who may read what: answers where everybody belongs, everything about one person to that person alone."""

from __future__ import annotations

import pytest

from tests.fakes.openai_server import Reply
from tests.surfaces.scenarios.where import Trait, needs
from tests.surfaces.school import QUESTION, School

EVIL = (
    "<!channel> <!here> <!everyone> <!subteam^S1> <@U2> <@1> <@!1> <@&3523215360> <#C2> <#22> @everyone @channel @here "
    "<https://evil.example|bank.example> [bank.example](https://evil.example) ||spoiler|| <t:0> </ask:1>"
)


@needs(Trait.CHANNELS)
async def test_where_no_class_meets_the_answer_is_private(school: School) -> None:
    cleo = await school.newcomer("Cleo")
    await school.ask(cleo, channel=school.elsewhere)
    answer = await school.until_answered(school.direct(cleo))
    assert "[1]" in school.text(answer)
    await school.type(cleo, f"/ask {QUESTION}", school.elsewhere)
    await school.until_answered(school.direct(cleo), 2)
    assert school.silent()


@pytest.mark.parametrize("how", ["mention", "typed"])
@needs(Trait.CHANNELS)
async def test_who_is_not_in_the_class_is_refused_in_private(school: School, how: str) -> None:
    cleo, eve = await school.newcomer("Cleo"), await school.newcomer("Eve", enrolled=False)
    if how == "mention":
        await school.ask(eve)
    else:
        await school.type(eve, f"/ask {QUESTION}", school.channel)
    told = await school.until_told(eve, "you are not in it")
    assert "[1]" not in school.everything(told)
    await school.settled()
    assert school.silent()
    assert not school.told(cleo)
    assert not school.provider.chats()


async def test_who_is_in_no_class_is_told_so(school: School) -> None:
    eve = await school.newcomer("Eve", enrolled=False)
    await school.write(eve)
    await school.until_told(eve, "You are not in any class")
    assert not school.provider.chats()


@needs(Trait.CHANNELS, Trait.ACCOUNTS)
async def test_who_is_not_in_the_class_is_not_answered_in_its_threads(school: School) -> None:
    cleo = await school.newcomer("Cleo")
    outsiders = [await school.newcomer("Eve", enrolled=False), await school.newcomer("Finn", linked=False)]
    asked = await school.ask(cleo)
    await school.until_answered()
    for outsider in outsiders:
        await school.say(outsider, "And when is the next eclipse?", thread=school.thread_of(asked))
    await school.until_answered(count=1)
    assert not any(school.told(outsider) for outsider in outsiders), "nobody asked the bot, so it says nothing"


@needs(Trait.CHANNELS, Trait.ACCOUNTS)
async def test_a_passage_is_shown_in_private_and_to_the_class_alone(school: School) -> None:
    cleo, dan = await school.newcomer("Cleo"), await school.newcomer("Dan")
    outsiders = [await school.newcomer("Eve", enrolled=False), await school.newcomer("Finn", linked=False)]
    await school.ask(cleo)
    answer = await school.until_answered()
    await school.press(dan, answer, "Show passage 1")
    shown = await school.until_told(dan, "The answer leans on")
    assert "https://homeroom.test/" in str(shown)
    for outsider in outsiders:
        await school.press(outsider, answer, "Show passage 1")
        told = await school.until_told(outsider, "")
        assert "leans on" not in school.everything(told)
        assert "homeroom.test" not in str(told)
    await school.settled()
    assert len(school.shown()) == 1
    assert not school.told(cleo)


async def test_a_passage_of_a_private_answer_is_its_readers_alone(school: School) -> None:
    cleo = await school.newcomer("Cleo")
    await school.write(cleo)
    answer = await school.until_answered(school.direct(cleo))
    if "Show passage 1" in school.everything(answer):  # a terminal prints the passage itself
        await school.press(cleo, answer, "Show passage 1")
        await school.until_told(cleo, "The answer leans on")
    assert school.silent()


@needs(Trait.CHANNELS)
async def test_what_people_write_calls_nobody(school: School) -> None:
    await school.rewrite("UPDATE lesson_unit_revisions SET title = title || :evil", evil=f" {EVIL}")
    cleo = await school.newcomer("Cleo")
    await school.execute("UPDATE app_users SET name = :name WHERE email LIKE 'cleo%'", name=f"Cleo {EVIL}")
    school.provider.script(f"{EVIL} The Moon [1] {EVIL}\n\n```\n{EVIL}\n```\n\n> {EVIL}\n\n# {EVIL}\n\n| {EVIL} | b |")
    await school.ask(cleo, f"Why does the Moon have phases? {EVIL}")
    await school.until_answered()
    await school.type(cleo, f"/ask Why does the Moon have phases? {EVIL}", school.channel)
    await school.until_answered(count=2)
    await school.type(cleo, f"/ask private:yes Why does the Moon have phases? {EVIL}", school.channel)
    await school.until_answered(school.direct(cleo))
    for typed in (f"/lessons {EVIL}", "/lessons", f"/ask lesson:<!channel> {EVIL}", f"/link {EVIL}", "/history"):
        before = len(school.told(cleo))
        await school.type(cleo, typed, school.channel)
        await school.until(lambda before=before: len(school.told(cleo)) > before)  # type: ignore[misc]


async def test_hostile_words_do_nothing_alone_either(school: School) -> None:
    cleo = await school.newcomer("Cleo")
    hostile = (
        "why\x00 tides\x1b[31m\x07?",
        "ما هو القمر؟",
        "月とは何ですか",
        "' OR 1=1; DROP TABLE chats; --",
        f"why {EVIL}?",
    )
    for number, question in enumerate(hostile, start=1):
        await school.write(cleo, question)
        await school.until_answered(school.direct(cleo), number)
    assert set(await school.statuses()) == {"COMPLETED"}


IN_DOCUMENTS = (
    "<!channel> <!here> <!everyone> <!subteam^S1> <@U2> <@1> <#C2> <https://evil.example|bank.example> "
    "[bank.example](https://evil.example) @everyone @channel @here"
)


@needs(Trait.CHANNELS)
async def test_course_documents_call_nobody(school: School) -> None:
    cleo = await school.newcomer("Cleo")
    # In the middle of each sentence, so that every answer quotes it.
    change = "UPDATE material_chunks SET text = replace(text, ' the ', ' the ' || :evil || ' ')"
    await school.rewrite(change, evil=IN_DOCUMENTS)
    await school.ask(cleo)
    answer = await school.until_answered()
    assert "@channel" in school.text(answer)
    school.provider.script(Reply(status=503))
    await school.ask(cleo)
    assert "@channel" in school.text(await school.until_answered(count=2))
    await school.press(cleo, answer, "Show passage 1")
    await school.until_told(cleo, "The answer leans on")
