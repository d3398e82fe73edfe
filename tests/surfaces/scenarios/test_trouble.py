"""What goes wrong around a question: it is answered once all the same, and cleanly."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from core.enums import MembershipRole
from tests.fakes.openai_server import OpenAIServer, Reply
from tests.surfaces.scenarios.where import Surface, Trait, needs
from tests.surfaces.school import QUESTION, SENTENCE, School


@needs(Trait.CHANNELS, Trait.RETRIES)
async def test_a_process_that_is_given_up_leaves_one_answer(school: School) -> None:
    cleo = await school.newcomer("Cleo")
    asked = await school.begin_writing(cleo)
    left = school.half(asked)
    await school.lose_leases()  # it goes on writing, but nobody knows of it any more
    await school.until(lambda: left.deleted and school.answers(), seconds=15)
    school.provider.release.set()
    answer = await school.until_answered()
    assert school.thread_of(answer) == school.thread_of(asked)
    assert answer is not left
    assert await school.statuses() == ["COMPLETED"]
    assert not school.told(cleo)


@needs(Trait.CHANNELS, Trait.RETRIES)
async def test_a_process_dies_and_the_next_one_answers(
    surface: Surface,
    world: Any,
    provider: OpenAIServer,
    database: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("bot.serving.GRACE", 0.05)
    async with surface.open(world, provider, database, tmp_path) as school:
        cleo = await school.newcomer("Cleo")
        asked = await school.begin_writing(cleo)
        left = school.half(asked)
        school.dies = True
    provider.release.set()
    async with surface.open(world, provider, database, tmp_path) as school:
        await school.lose_leases()
        await school.until(lambda: [post for post in school.answers() if post is not left], seconds=15)
        answer = await school.until_answered()
        assert left.deleted
        assert school.thread_of(answer) == school.thread_of(asked)
        assert "[1]" in school.text(answer)
        assert await school.statuses() == ["COMPLETED"]


@needs(Trait.CHANNELS, Trait.RETRIES)
async def test_the_database_goes_in_the_middle_of_an_answer(school: School) -> None:
    cleo = await school.newcomer("Cleo")
    asked = await school.begin_writing(cleo)
    left = school.half(asked)
    async with school.database_away():
        school.provider.release.set()
        await school.until_told(cleo, "The database can't be reached right now")
        assert school.half(asked) is None
        assert "Try again" in school.everything(left)
        await school.given_up()
    await school.lose_leases()
    await school.until(lambda: left.deleted and school.answers(), seconds=15)
    answer = await school.until_answered()
    assert school.thread_of(answer) == school.thread_of(asked)
    assert await school.statuses() == ["COMPLETED"]


async def test_a_very_long_answer_stands_there_whole(school: School) -> None:
    cleo = await school.newcomer("Cleo")
    code = "```python\n" + "\n".join(f"phase[{number}] = light({number})" for number in range(60)) + "\n```\n\n"
    paragraphs = [f"Part {number}. {SENTENCE * 9}\n\n{code if number % 8 == 0 else ''}" for number in range(50)]
    written = "".join(paragraphs)
    assert len(written) > 40_000
    school.provider.script(written)
    asked = await school.write(cleo)
    place = school.direct(cleo)
    await school.until_answered(place, seconds=60)
    posts = school.parts(place)
    assert {school.thread_of(post) for post in posts} == {school.thread_of(asked)}
    said = "\n".join(school.everything(post) for post in posts)
    assert all(f"Part {number}." in said for number in range(50))
    assert all(f"phase[{number}] = light({number})" in said for number in range(60))
    assert all(school.text(post).count("```") % 2 == 0 for post in posts), "code is kept whole"


async def test_a_very_long_question_is_refused(school: School) -> None:
    cleo = await school.newcomer("Cleo")
    await school.write(cleo, "x" * 40_000)
    await school.until_told(cleo, "40,000 characters")
    assert not school.provider.chats()


@needs(Trait.CHANNELS, Trait.TAKING_BACK)
async def test_a_question_that_is_taken_back_ends_its_answer(school: School) -> None:
    cleo = await school.newcomer("Cleo")
    asked = await school.begin_writing(cleo)
    await school.take_back(asked)
    await school.until(school.answers)
    school.provider.release.set()
    answer = await school.until_answered()
    assert "Stopped." in school.everything(answer)
    assert school.text(answer).count("reflected light") < 4


@needs(Trait.CHANNELS, Trait.TAKING_BACK)
async def test_an_edited_question_is_not_answered_again(school: School) -> None:
    cleo = await school.newcomer("Cleo")
    asked = await school.ask(cleo)
    await school.until_answered()
    await school.edit(asked, "Why is the Moon round?")
    await school.until_answered(count=1)
    assert not school.told(cleo)


@needs(Trait.CHANNELS, Trait.TWO_HANDS)
async def test_saying_stop_ends_an_answer(school: School) -> None:
    cleo = await school.newcomer("Cleo")
    asked = await school.begin_writing(cleo)
    await school.say(cleo, "Stop!", thread=school.thread_of(asked))
    await school.until(school.answers)
    school.provider.release.set()
    stopped = await school.until_answered()
    assert "Stopped." in school.everything(stopped)
    assert await school.statuses() == ["STOPPED"]
    again = await school.ask(cleo, "Stop")
    await school.until_answered(count=2)
    assert again is not asked
    assert len(await school.rows("SELECT 1 FROM chat_messages WHERE role = 'USER'")) == 2, "then it is a question"


async def test_an_answer_that_broke_off_is_tried_again(school: School) -> None:
    cleo = await school.newcomer("Cleo")
    school.provider.script(Reply(SENTENCE * 3, break_after=20))
    await school.write(cleo)
    place = school.direct(cleo)
    broken = await school.until_answered(place)
    assert "This answer broke off." in school.everything(broken)
    assert "reflected light" in school.text(broken)
    await school.press(cleo, broken, "Try again")
    again = await school.until_answered(place, 2)
    assert "broke off" not in school.everything(again)
    assert await school.statuses() == ["FAILED", "COMPLETED"]


@needs(Trait.CHANNELS, Trait.TWO_HANDS)
async def test_another_persons_answer_is_neither_stopped_nor_tried_again(school: School) -> None:
    cleo, dan = await school.newcomer("Cleo"), await school.newcomer("Dan")
    school.provider.script(Reply(SENTENCE * 3, break_after=20))
    await school.ask(cleo)
    broken = await school.until_answered()
    await school.press(dan, broken, "Try again")
    await school.until_told(dan, "not one of yours")
    assert await school.statuses() == ["FAILED"]


async def test_without_its_model_the_bot_answers_with_the_best_sentences(school: School) -> None:
    cleo = await school.newcomer("Cleo")
    school.provider.script(Reply(status=503))
    await school.write(cleo)
    answer = await school.until_answered(school.direct(cleo))
    assert "The language model does not answer right now" in school.everything(answer)
    assert "[1]" in school.text(answer)


@needs(Trait.CHANNELS, Trait.RETRIES)
async def test_what_is_asked_while_the_database_is_away_is_answered_when_it_is_back(school: School) -> None:
    cleo = await school.newcomer("Cleo")
    await school.patience()
    async with school.database_away():
        asked = school.begin_saying(cleo, QUESTION)
        typed = school.begin_typing(cleo, f"/ask {QUESTION}")
        await school.until(lambda: school.refused(typed))
    answered = await school.until_answered()
    assert school.thread_of(answered) == school.thread_of(asked)
    assert len(await school.rows("SELECT 1 FROM chat_messages WHERE role = 'USER'")) == 1


@needs(Trait.CHANNELS, Trait.RETRIES)
async def test_who_meets_a_mistake_of_ours_is_told_and_does_not_wait(
    school: School, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def mistaken(*_: object) -> None:
        raise RuntimeError

    cleo = await school.newcomer("Cleo")
    with monkeypatch.context() as patch:
        patch.setattr("bot.serving.store_event", mistaken)
        typed = school.begin_typing(cleo, "/lessons")
        await school.until(lambda: school.refused(typed))
    await school.type(cleo, "/lessons")
    await school.until_told(cleo, "Phases of the Moon")


@needs(Trait.CHANNELS, Trait.TWO_HANDS)
async def test_a_teacher_of_the_class_stops_an_answer_too(school: School) -> None:
    cleo, dan = await school.newcomer("Cleo"), await school.newcomer("Dan")
    tess = await school.newcomer("Tess", MembershipRole.TEACHER)
    await school.show_stop()
    for number, who in enumerate((cleo, tess), start=1):
        school.provider.release.clear()
        school.provider.held.clear()
        asked = await school.begin_writing(cleo)
        post = school.half(asked)
        await school.press(dan, post, "Stop")
        await school.until_told(dan, "not one of yours", number)
        assert school.half(asked) is post
        await school.press(who, post, "Stop")
        await school.until(lambda post=post: "Stopped." in school.everything(post))  # type: ignore[misc]
        school.provider.release.set()
        stopped = await school.until_answered(count=number)
        assert "Stopped." in school.everything(stopped)
        assert "Try again" in school.everything(stopped)
    assert await school.statuses() == ["STOPPED", "STOPPED"]
    assert not school.told(cleo)
    assert not school.told(tess)
