"""The lexical leg is BM25, to the last digit, although SQL never counts a word."""

from __future__ import annotations

import math
import random
import re
from collections import Counter

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from core.materials.store_chunks import context
from core.retrieval.statement import TERM_FREQUENCY
from tests import factories as make
from tests.integration.retrieval.library import Library, knowledge_settings, write

VOCABULARY = [f"w{number}" for number in range(60)]


def bm25(question: str, documents: list[str], k1: float = 1.2, b: float = 0.75) -> list[float]:
    """Score by the textbook (Robertson and Zaragoza, 2009), with an idf that is never negative."""
    counts = [Counter(re.findall(r"\w+", document.lower())) for document in documents]
    lengths = [sum(count.values()) for count in counts]
    mean = sum(lengths) / len(lengths)
    scores = [0.0] * len(documents)
    for word in set(re.findall(r"\w+", question.lower())):
        holding = sum(word in count for count in counts)
        idf = math.log(1 + (len(documents) - holding + 0.5) / (holding + 0.5))
        for place, count in enumerate(counts):
            norm = k1 * (1 - b + b * lengths[place] / mean)
            scores[place] += idf * count[word] * (k1 + 1) / (count[word] + norm)
    return scores


async def test_word_frequencies_come_back_whole_out_of_ts_rank(session: AsyncSession) -> None:
    frequency = TERM_FREQUENCY.format(tsv="to_tsvector('simple', repeat('tide ', n))", term="'tide'::tsquery")
    rows = await session.execute(text(f"SELECT n, {frequency} FROM generate_series(1, 255) AS n"))
    assert all(number == found for number, found in rows)


@pytest.mark.parametrize("question", ["w0 w1 w59", "w3", "w0 w1 w2 w3 w4 w5 w6 w7 w8 w9 w10", "w5 W5 w40 unheard"])
async def test_scores_equal_an_independent_bm25(session: AsyncSession, question: str) -> None:
    dice = random.Random(4)  # noqa: S311  (makes up text, no secrets)
    await knowledge_settings(session)
    library = await Library.open(session, language="simple")
    documents: list[str] = []
    for root in (library.lesson, library.linked, library.loose):
        texts = [
            " ".join(VOCABULARY[min(int(dice.expovariate(0.1)), 59)] for _ in range(dice.randint(3, 160)))
            for _ in range(40)
        ]
        await write(session, root, texts)
        title = (await make.published_revision(session, root)).title
        documents += [f"{context(title, '')} {body}" for body in texts]

    expected = {
        document: score for document, score in zip(documents, bm25(question, documents), strict=True) if score > 0
    }
    best = max(expected.values())
    hits = await library.ask(question, limit=50)
    assert len(hits) == min(50, len(expected))
    for hit, score in zip(hits, sorted(expected.values(), reverse=True), strict=False):
        assert hit.score * best == pytest.approx(score, rel=1e-9)
        assert expected[f"{hit.context} {hit.text}"] == pytest.approx(score, rel=1e-9)


async def test_only_what_students_see_counts_in_the_statistics(session: AsyncSession) -> None:
    await knowledge_settings(session)
    library = await Library.open(session)
    await write(session, library.linked, ["Basalt is dark.", "Granite is light."])
    before = await library.ask("dark basalt or light granite")
    await write(
        session, library.loose, ["Basalt, basalt, basalt."] * 5, revision=await make.revision(session, library.loose)
    )
    assert await library.ask("dark basalt or light granite") == before


async def test_coverage_is_the_share_of_the_question_a_passage_holds(session: AsyncSession) -> None:
    await knowledge_settings(session)
    library = await Library.open(session)
    await write(session, library.linked, ["Basalt is dark and heavy.", "Basalt cools fast.", "Rivers meander."])
    whole, part = await library.ask("dark basalt", limit=2)
    assert whole.coverage == pytest.approx(1)
    assert part.text == "Basalt cools fast."
    assert 0 < part.coverage < 0.5  # the commoner of the two words
