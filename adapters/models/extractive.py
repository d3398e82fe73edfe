"""The embedded answerer: the best sentences of the given passages, word for word. Needs no key and no network."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, Sequence

from adapters.models.question_kind import QuestionKind, read_kind
from adapters.models.ranking import Ranked, rank_sentences
from core.answering.prompt import NOT_IN_SOURCES
from core.ports import Prompt, Source, Usage

_MOST_SENTENCES = 3
# Fitted on SQuAD 2, after what bears on the question at all (core/answering/relevance.py): both together refuse 94 of a
# hundred questions about another subject, and five that the passages answer.
_LEAST_SUPPORT = 0.42
# How far behind the best one's score a second and a third sentence may be.
_BEHIND = (0.15, 0.0)
_BEHIND_ADDING = (0.4, 0.3)
_SAME = 0.7
_CHARS_PER_TOKEN = 4
_MARKS = re.compile(r"^(?:(?:[-*•‣▪◦>]|\d{1,3}[.)])[ \t]+)+|[ \t]?\[\d{1,3}\]")
_REFERS_BACK = re.compile(r"(?:It|They|He|She|This|These|Those|Such|Its|Their|His|Her|Both)\b")


class ExtractiveChat:
    """Answers with one to three sentences of the sources, verbatim, each followed by its source's number."""

    generative = False

    @property
    def name(self) -> str:
        """`extractive-v1`."""
        return "extractive-v1"

    async def aclose(self) -> None:
        """Nothing is held open."""

    async def stream(self, prompt: Prompt, *, max_tokens: int = 700) -> AsyncGenerator[str | Usage]:
        """Yield `sentence [n]` one at a time, or `NOT_IN_SOURCES` alone when no sentence fits the question."""
        # Ranking takes milliseconds for a few passages; off the loop it delays nobody else's answer.
        picked = await asyncio.to_thread(pick_sentences, prompt.question, prompt.sources, prompt.language)
        left = max_tokens * _CHARS_PER_TOKEN
        written = False
        for one in picked:
            piece = f"{_quote(one)} [{one.source.number}]"
            left -= len(piece)
            if written and left < 0:
                return
            yield f"\n{piece}" if written else piece
            written = True
        if not written:
            yield NOT_IN_SOURCES


def pick_sentences(question: str, sources: Sequence[Source], language: str = "english") -> list[Ranked]:
    """Return the one to three stretches that answer `question` best, in reading order; none when nothing fits.

    The source of the best one comes first. A best one that refers back ("It has…") brings the one before it; asked for
    a reason, one that gives none brings the next when that does. Others have to come close to the best: closer when
    they neither hold a word of the question that is still missing nor stand next to what is picked.
    """
    ranked = rank_sentences(question, sources, language)
    fitting = [one for one in ranked if one.support >= _LEAST_SUPPORT]
    if not fitting:
        return []
    best = fitting[0]
    picked = [best, *_companions(best, ranked, read_kind(question, language))]
    for one in fitting[1:]:
        if len(picked) >= _MOST_SENTENCES:
            break
        behind = (_BEHIND_ADDING if _adds(one, picked) else _BEHIND)[len(picked) - 1]
        if best.score - one.score <= behind and not any(_says_the_same(one, other) for other in picked):
            picked.append(one)
    order = list(dict.fromkeys(one.source.number for one in picked))
    return sorted(picked, key=lambda one: (order.index(one.source.number), one.position))


def _companions(best: Ranked, ranked: Sequence[Ranked], kind: QuestionKind) -> list[Ranked]:
    """Return the neighbours without which the best sentence is not understood."""
    wanted = {best.position - 1} if _REFERS_BACK.match(best.sentence.text) else set()
    if kind.wants_reason and not kind.gives(best.sentence.text):
        wanted.add(best.position + 1)
    return [
        one
        for one in ranked
        if one.source is best.source
        and one.position in wanted
        and (one.position < best.position or kind.gives(one.sentence.text))
    ]


def _adds(one: Ranked, picked: Sequence[Ranked]) -> bool:
    """Say whether a sentence holds a word of the question that is missing yet, or continues what is picked."""
    if one.holds.difference(*(other.covers for other in picked)):
        return True
    return any(other.source is one.source and abs(other.position - one.position) == 1 for other in picked)


def _says_the_same(one: Ranked, other: Ranked) -> bool:
    """Say whether two sentences share most of the shorter one's words."""
    shorter = min(len(one.stems), len(other.stems))
    return len(one.stems & other.stems) >= _SAME * shorter


def _quote(one: Ranked) -> str:
    """Return a stretch on one line, a table's row under its header row, without list marks and footnote marks."""
    line = " ".join(_MARKS.sub("", one.sentence.text).split())
    return f"{one.header}\n{line}" if one.header else line
