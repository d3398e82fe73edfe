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
# A question that leans on what was said before opens by going on, or points at something it does not name. English,
# German, French and Spanish: another language's follow-ups are searched as they stand unless a model rewrites them.
_GOES_ON = re.compile(
    r"^(?:and|but|so|then|also|what about|how about|und|aber|also|was ist mit|et|mais|alors|y|pero|entonces)\b",
    re.IGNORECASE,
)
_POINTS = re.compile(
    r"\b(?:they|them|their|those|these|its|he|she|his|her|him|former|latter|deren|dessen|ihre?|ils|elles|leurs?|ellos|ellas)\b",
    re.IGNORECASE,
)
_MAY_POINT = re.compile(
    r"\b(?:it|this|that|one|ones|same|there|es|das|dies|diese[rs]?|dort|il|elle|ce|cela|ça|eso|esto|esa?)\b",
    re.IGNORECASE,
)
# Words that ask without saying about what.
_ASKING = frozenset(
    """
    what which when where whose whom does many much long often have been with from about would could should kind make
    take work mean means happen happens called more again else only just really
    """.split()  # noqa: SIM905  (a list of words reads as words)
)
_EMOJI_NAME = re.compile(r":[a-z0-9_+-]+:(?::skin-tone-\d:)?")
# What people say when they are content: English, German, French, Spanish, as above.
_COURTESIES = re.compile(
    r"(?:many |vielen |muchas )?(?:thanks?|thx|ty|danke?|merci|gracias)(?: you)?(?: very much| a lot| schön| beaucoup)?"
    r"|(?:ok|okay|vale)(?: thanks)?|got it|cool|great|nice|perfect|i see|makes sense|yes|no|alles klar"
)
_WORD = re.compile(r"[^\W\d_]+")
_SHORTEST_TELLING_WORD = 4
_TELLS_ITS_SUBJECT = 3  # so many telling words name a subject, whatever "it" the grammar needs


@dataclass(frozen=True, slots=True)
class Thread:
    """A public thread that a question stands in."""

    platform: Platform
    channel_id: str
    thread_id: str


@dataclass(frozen=True, slots=True)
class Origin:
    """How a question came: the stored event, and the message it was, where it was one."""

    inbox_event_id: UUID
    platform: Platform
    channel_id: str
    thread_id: str | None = None
    message_id: str = ""


@dataclass(frozen=True, slots=True)
class Question:
    """Who asks what, of which sources. `lesson_unit_id` is set exactly in LESSON mode; `origin` on a platform."""

    user_id: UUID
    text: str
    mode: SourceMode
    class_id: UUID
    language: str
    class_title: str = ""
    lesson_unit_id: UUID | None = None
    lesson_title: str = ""
    thread: Thread | None = None
    origin: Origin | None = None


def check_question(text: str) -> str:
    """Return the question cleaned up. Raises `InvalidInput` when there is nothing to answer, or too much."""
    question = clean(text)
    if not question:
        raise InvalidInput("Ask me something: your question was empty.", field="question")
    if not _LETTER_OR_DIGIT.search(question):
        raise InvalidInput("I can't read a question in that. Please ask it in words.", field="question")
    if len(question) > QUESTION_LIMIT:
        raise InvalidInput(
            f"Your question has {len(question):,} characters; I can take up to {QUESTION_LIMIT:,}. "
            "Please shorten it, or ask about one part at a time.",
            field="question",
        )
    return question


def asks_nothing(text: str) -> bool:
    """Say whether a remark in a thread is mere courtesy, to which no answer is expected: “thanks!”, “:tada:”, “👍”."""
    words = _EMOJI_NAME.sub(" ", text).casefold()
    return not _LETTER_OR_DIGIT.search(words) or _COURTESIES.fullmatch(" ".join(_WORD.findall(words))) is not None


async def standalone_query(question: str, history: Sequence[Turn], models: Sequence[ChatModel]) -> str:
    """Return what to search for: the question, or a follow-up with what it refers to put in.

    A generative model rewrites; without one (or when it does not answer) a question that leans on the conversation
    is searched together with the question before it.
    """
    earlier = [turn.text for turn in history if turn.role == MessageRole.USER.value.lower()]
    if not earlier:
        return question
    for model in models:
        if not model.generative:
            continue
        if not may_lean(question):
            return question
        try:
            async with aclosing(model.stream(rewrite_prompt(question, history), max_tokens=120)) as parts:
                written = "".join([part async for part in parts if isinstance(part, str)])
        except ModelUnavailable:
            break
        return read_rewrite(written, question)
    return f"{earlier[-1]} {question}" if leans(question) else question


def leans(question: str) -> bool:
    """Say whether a question can hardly be understood without the one before it."""
    telling = _telling(question)
    if _GOES_ON.match(question) or not telling:
        return True
    if len(telling) >= _TELLS_ITS_SUBJECT:
        return False
    return _POINTS.search(question) is not None or _MAY_POINT.search(question) is not None


def may_lean(question: str) -> bool:
    """Say whether it is worth asking a model to put in what a question refers to."""
    return leans(question) or any(words.search(question) for words in (_POINTS, _MAY_POINT))


def _telling(question: str) -> list[str]:
    words = (found.group().casefold() for found in _WORD.finditer(question))
    return [word for word in words if len(word) >= _SHORTEST_TELLING_WORD and word not in _ASKING]
