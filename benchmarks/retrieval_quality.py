"""Measures how well class-scoped search finds the passages that answer real questions.

    python -m benchmarks.retrieval_quality FOLDER
    python -m benchmarks.retrieval_quality FOLDER --base-url http://127.0.0.1:8484/v1 --model MiniLM --dimension 384

FOLDER holds sets as `qa_sets` describes them. Two tables: one record, one passage; and our own chunking. Each puts the
product's search beside plain BM25, cosine alone and their reciprocal rank fusion on the same passages and vectors.
Without a base URL, the embedded lexical embedder is measured; `minilm_server` serves a real one. `--cache FILE.npz`
keeps vectors.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import math
import statistics
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path

import numpy as np
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from adapters.models.lexical import LexicalEmbedder
from adapters.models.openai import OpenAIEmbedder
from benchmarks.baselines import BM25Okapi, best, cosine, reciprocal_rank_fusion
from benchmarks.qa_sets import Passage, QASet, Question, read_sets
from benchmarks.scratch import add_class, add_material, scratch_database, set_knowledge
from core.db import create_engine, create_sessions
from core.materials.process import passages as as_embedded
from core.ports import Embedder, Vectors
from core.retrieval.search import Scope, search

DEPTH = 10


class Cached:
    """An embedder that remembers, in a file, what it embedded."""

    def __init__(self, inner: Embedder, file: Path | None) -> None:
        self.inner, self._file = inner, file
        self._known: dict[str, Vectors] = {}
        if file and file.exists():
            with np.load(file) as stored:
                self._known = dict(zip(stored["keys"].tolist(), stored["vectors"], strict=True))

    async def embed(self, texts: Sequence[str]) -> Vectors:
        keys = [hashlib.sha256(text.encode()).hexdigest() for text in texts]
        new = {key: text for key, text in zip(keys, texts, strict=True) if key not in self._known}
        if new:
            vectors = await self.inner.embed_passages(list(new.values()))
            self._known.update(zip(new, vectors, strict=True))
        return np.asarray([self._known[key] for key in keys], dtype=np.float32)

    def save(self) -> None:
        if self._file:
            np.savez(self._file, keys=np.array(list(self._known)), vectors=np.array(list(self._known.values())))


@dataclass
class Tally:
    """How one way of searching did on one set."""

    at5: list[bool] = field(default_factory=list)
    at8: list[bool] = field(default_factory=list)
    gain: list[float] = field(default_factory=list)
    milliseconds: list[float] = field(default_factory=list)

    def add(self, found: list[bool]) -> None:
        self.at5.append(any(found[:5]))
        self.at8.append(any(found[:8]))
        # One passage that answers is enough: the discounted gain of the first.
        self.gain.append(next((1 / math.log2(place + 2) for place, gold in enumerate(found) if gold), 0.0))

    def __str__(self) -> str:
        return " / ".join(f"{100 * statistics.mean(row):.1f}" for row in (self.at5, self.at8, self.gain))


async def measure(
    session: AsyncSession,
    name: str,
    passages: list[Passage],
    questions: list[Question],
    embedder: Cached,
    *,
    bare: bool,
) -> dict[str, Tally]:
    """Load passages as classes of published materials, ask every question there, and tally it all."""
    classes: dict[str, list[Passage]] = defaultdict(list)
    for passage in passages:
        classes[passage.of].append(passage)
    tallies: dict[str, Tally] = defaultdict(Tally)
    for of, members in classes.items():
        asked = [question for question in questions if question.of == of]
        semantic = bare or embedder.inner.semantic  # as given, a record is embedded by its text alone
        texts = [as_embedded(one.title, [one.chunk], semantic=semantic)[0] for one in members]
        vectors = await embedder.embed(texts)
        queries = await embedder.embed([question.text for question in asked])
        class_id = await add_class(session, f"{name}-{of}-{bare}"[:60])
        for (source, title), rows in groupby(enumerate(members), lambda row: (row[1].source, row[1].title)):
            at, together = zip(*rows, strict=True)
            chunks = [one.chunk for one in together]
            await add_material(session, class_id, title, f"{source}#{at[0]}", chunks, vectors[list(at)])
        await session.execute(text("ANALYZE material_chunks"))
        order = {(one.chunk.text, one.source): at for at, one in enumerate(members)}
        plain = BM25Okapi([f"{one.title} {one.chunk.heading} {one.chunk.text}" for one in members])
        for question, query in zip(asked, queries, strict=True):
            gold = [question.is_gold(one) for one in members]
            words, near = plain.scores(question.text), cosine(vectors, query)
            for way, scores in (
                ("BM25 (rank_bm25's)", words),
                ("cosine", near),
                ("BM25 + cosine, RRF", reciprocal_rank_fusion(words, near)),
            ):
                tallies[way].add([gold[at] for at in best(scores, DEPTH)])
            begin = time.perf_counter()
            hits = await search(
                session,
                Scope(class_id),
                question.text,
                query,
                embedding_model=embedder.inner.name,
                semantic=embedder.inner.semantic,
                limit=DEPTH,
            )
            tallies["Homeroom"].milliseconds.append((time.perf_counter() - begin) * 1000)
            found = [order[hit.text, (hit.source or "").rpartition("#")[0]] for hit in hits]
            tallies["Homeroom"].add([gold[at] for at in found])
    return tallies


async def main(folder: Path, embedder: Cached) -> None:
    sets = read_sets(folder)
    async with scratch_database(embedder.inner.dimension) as url:
        engine = create_engine(url)
        try:
            for title, bare in (
                ("Loaded as given (one record, one passage)", True),
                ("Through our own chunking", False),
            ):
                async with create_sessions(engine)() as session:
                    # An embedding server may take minutes while the transaction waits.
                    await session.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))
                    await set_knowledge(session, embedder.inner.name, embedder.inner.dimension)
                    print(f"\n{title}, embedded by {embedder.inner.name}: recall@5 / recall@8 / nDCG@{DEPTH}, %\n")
                    await table(session, sets, embedder, bare=bare)
                    await session.rollback()
                embedder.save()
        finally:
            await engine.dispose()


async def table(session: AsyncSession, sets: list[QASet], embedder: Cached, *, bare: bool) -> None:
    header = True
    for one in sets:
        passages = one.as_given() if bare else one.as_we_cut()
        tallies = await measure(session, one.name, passages, one.questions, embedder, bare=bare)
        if header:
            print(f"| set | passages | questions | {' | '.join(tallies)} | p50 ms |")
            print("|---|---|---|" + "---|" * (len(tallies) + 1))
            header = False
        cells = " | ".join(str(tally) for tally in tallies.values())
        median = statistics.median(tallies["Homeroom"].milliseconds)
        print(f"| {one.name} | {len(passages):,} | {len(one.questions):,} | {cells} | {median:.1f} |", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--base-url", help="an OpenAI-compatible embedding server")
    parser.add_argument("--model", default="all-MiniLM-L6-v2")
    parser.add_argument("--dimension", type=int, default=384)
    parser.add_argument("--cache", type=Path)
    given = parser.parse_args()
    chosen: Embedder = LexicalEmbedder()
    if given.base_url:
        chosen = OpenAIEmbedder(given.model, dimension=given.dimension, api_key="none", base_url=given.base_url)
    asyncio.run(main(given.folder, Cached(chosen, given.cache)))
