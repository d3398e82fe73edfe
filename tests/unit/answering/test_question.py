"""Questions are checked before anything is stored; follow-ups become standalone queries."""

from __future__ import annotations

from collections.abc import AsyncGenerator

import pytest

from core.answering.question import QUESTION_LIMIT, asks_nothing, check_question, leans, standalone_query
from core.errors import InvalidInput, ModelUnavailable
from core.ports import Prompt, Turn, Usage

HISTORY = (Turn("user", "What is a constellation?"), Turn("assistant", "A region of the sky."))


class Rewriter:
    name = "rewriter"
    generative = True

    def __init__(self, written: str | None) -> None:
        self.written = written
        self.prompts: list[Prompt] = []

    async def stream(self, prompt: Prompt, *, max_tokens: int = 0) -> AsyncGenerator[str | Usage, None]:
        self.prompts.append(prompt)
        if self.written is None:
            raise ModelUnavailable
        yield self.written

    async def aclose(self) -> None:
        pass


@pytest.mark.parametrize("text", ["", "   \n", "\x00", "😀🎉", "?!…"])
def test_nothing_to_answer_is_said_so(text: str) -> None:
    with pytest.raises(InvalidInput):
        check_question(text)


def test_too_long_a_question_is_refused_with_both_numbers() -> None:
    with pytest.raises(InvalidInput, match=r"40,000 .* 4,000"):
        check_question("x" * 40_000)
    assert check_question("x" * QUESTION_LIMIT)


def test_controls_go_and_right_to_left_text_stays() -> None:
    assert check_question("Why\x00 tides\x1b?") == "Why tides?"
    assert check_question("ما هو القمر؟") == "ما هو القمر؟"


async def test_a_first_question_is_its_own_query() -> None:
    model = Rewriter("something else")
    assert await standalone_query("What is it?", (), [model]) == "What is it?"
    assert not model.prompts


async def test_a_follow_up_is_rewritten_with_the_conversation_as_data() -> None:
    model = Rewriter("How many constellations are there?")
    assert await standalone_query("How many of them are there?", HISTORY, [model]) == model.written
    assert "What is a constellation?" in model.prompts[0].question


async def test_without_a_model_a_follow_up_is_searched_with_the_question_before() -> None:
    for models in (list[Rewriter](), [Rewriter(None)]):
        query = await standalone_query("How many of them are there?", HISTORY, models)
        assert query == "What is a constellation? How many of them are there?"


async def test_a_question_that_stands_alone_is_left_alone() -> None:
    question = "Which telescope suits a beginner in a bright city?"
    assert await standalone_query(question, HISTORY, []) == question


@pytest.mark.parametrize(
    "question",
    ["why?", "And how long does one cycle take?", "How long does it take?", "How many of them are there?",
     "what about Mars", "who explained what they are?"],
)  # fmt: skip
def test_a_follow_up_is_recognised(question: str) -> None:
    assert leans(question)


@pytest.mark.parametrize(
    "question",
    ["Why does the Moon have phases?", "why tides?", "What is a constellation?",
     "Why is it so dark at night in the country?", "How thick are Saturn's rings?", "Define photosynthesis"],
)  # fmt: skip
def test_what_names_its_subject_is_no_follow_up(question: str) -> None:
    assert not leans(question)


@pytest.mark.parametrize(
    "remark", ["Thanks!", ":tada:", "👍🏽", "thank you very much :pray::skin-tone-3:", "OK.", "Danke schön"]
)
def test_courtesies_ask_nothing(remark: str) -> None:
    assert asks_nothing(remark)


@pytest.mark.parametrize("remark", ["Thanks, and why?", "why", "2+2", "ok so what is a mole", "Nice try, but how?"])
def test_whatever_else_is_said_may_be_a_question(remark: str) -> None:
    assert not asks_nothing(remark)
