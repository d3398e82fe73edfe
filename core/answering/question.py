"""A question as it is asked, checked before anything is stored, and the standalone query made of a follow-up."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass
from uuid import UUID

from core.answering.prompt import read_rewrite, rewrite_prompt
from core.enums import MessageRole, Platform, SourceMode
from core.errors import InvalidInput, ModelUnavailable
from core.ports import ChatModel, Turn
from core.text import clean

QUESTION_LIMIT = 4_000
_LETTER_OR_DIGIT = re.compile(r"[^\W_]")
# A question that leans on what was said before: it opens by going on, or it points without naming.
_LEANS = re.compile(
    r"^(?:and|but|so|then|also|why|how so|what about|how about|und|aber|warum|wieso|et|mais|pourquoi|y|pero)\b"
    r"|\b(?:it|its|they|them|their|this|that|these|those|he|she|him|her|one|ones|former|latter|same|"
    r"es|sie|das|dies|diese|dieser|elle|ils|cela|ça|eso|esto)\b",
    re.IGNORECASE,
)
_FEW_WORDS = 4


@dataclass(frozen=True, slots=True)
class Thread:
    """A public thread that a question stands in."""

    platform: Platform
    channel_id: str
    thread_id: str


@dataclass(frozen=True, slots=True)
class Question:
    """Who asks what, of which sources. `lesson_unit_id` is set exactly in LESSON mode."""

    user_id: UUID
    text: str
    mode: SourceMode
    class_id: UUID
    language: str
    class_title: str = ""
    lesson_unit_id: UUID | None = None
    lesson_title: str = ""
    thread: Thread | None = None


def check_question(text: str) -> str:
    """Return the question cleaned up. Raises `InvalidInput` when there is nothing to answer, or too much."""
    question = clean(text)
    if not question:
        raise InvalidInput("Ask me something: your question was empty.")
    if not _LETTER_OR_DIGIT.search(question):
        raise InvalidInput("I can't read a question in that. Please ask it in words.")
    if len(question) > QUESTION_LIMIT:
        raise InvalidInput(
            f"Your question has {len(question):,} characters; I can take up to {QUESTION_LIMIT:,}. "
            "Please shorten it, or ask about one part at a time."
        )
    return question


async def standalone_query(question: str, history: Sequence[Turn], models: Sequence[ChatModel]) -> str:
    """Return what to search for: the question, or a follow-up with what it refers to put in.

    A generative model rewrites; without one (or when it does not answer) a question that leans on the conversation
    is searched together with the question before it.
    """
    earlier = [turn.text for turn in history if turn.role == MessageRole.USER.value.lower()]
    if not earlier or not _leans(question):
        return question
    for model in models:
        if not model.generative:
            continue
        try:
            async with aclosing(model.stream(rewrite_prompt(question, history), max_tokens=120)) as parts:
                written = "".join([part async for part in parts if isinstance(part, str)])
        except ModelUnavailable:
            break
        return read_rewrite(written, question)
    return f"{earlier[-1]} {question}"


def _leans(question: str) -> bool:
    return len(question.split()) <= _FEW_WORDS or _LEANS.search(question) is not None
