"""Measures class-scoped search beside a raw prepared statement and LangChain's PGVectorStore on the same passages.

    python -m benchmarks.retrieval_speed                                    (20,000 passages in 40 classes)
    python -m benchmarks.retrieval_speed --chunks 200000 --classes 400

Classes are of very different sizes; words follow Zipf's law; vectors stand around topics, as real ones do. The raw
statement is asyncpg's, exact cosine in one class over a plain table with a b-tree on the class. PGVectorStore gets the
same rows with the class as a metadata column, a b-tree on it and an IVFFlat index. It runs in a virtual environment of
its own (`--peer-python`, or else one made from `requirements.txt` here). Recall is against exact cosine, so it
is given for Homeroom's vector leg (a question without words) and not for the hybrid.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import numpy as np
from pgvector.asyncpg import register_vector
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from benchmarks.scratch import add_class, add_material, scratch_database, set_knowledge
from core.db import SESSION_SETTINGS, Sessions, create_engine, create_sessions
from core.documents import Chunk, Locator
from core.ports import Vectors
from core.retrieval.search import Scope, search

MODEL, TOP, A_MATERIAL = "synthetic", 8, 50
RAW = "SELECT id, content FROM flat_chunks WHERE class_id = $1 ORDER BY embedding <=> $2 LIMIT 8"
FINISH = """
SET maintenance_work_mem = '1GB';
SET statement_timeout = 0;
CREATE INDEX ix_material_chunks_embedding ON material_chunks USING ivfflat (embedding vector_cosine_ops)
    WITH (lists = {lists});
CREATE TABLE flat_chunks AS SELECT id, class_id, text AS content, embedding FROM material_chunks;
CREATE INDEX ON flat_chunks (class_id);
CREATE TABLE peer_chunks (langchain_id uuid PRIMARY KEY, content text, embedding vector({dimension}), class_id uuid,
    langchain_metadata json);
INSERT INTO peer_chunks SELECT id, content, embedding, class_id FROM flat_chunks;
CREATE INDEX ON peer_chunks (class_id);
CREATE INDEX ON peer_chunks USING ivfflat (embedding vector_cosine_ops) WITH (lists = {lists});
VACUUM ANALYZE
"""
HERE = Path(__file__).parent


class Corpus:
    """Made-up passages: the same for the same seed."""

    def __init__(self, dimension: int, seed: int = 1) -> None:
        self._dice = np.random.default_rng(seed)
        self._dimension = dimension
        self._topics = self._unit(self._dice.standard_normal((200, dimension)))
        syllables = [a + b for a in "bdfgklmnprstv" for b in "aeiou"]
        self._words = ["".join(self._dice.choice(syllables, size=3)) for _ in range(20_000)]
        rank = np.arange(1, len(self._words) + 1)
        self._share = (1 / rank) / (1 / rank).sum()

    def sizes(self, chunks: int, classes: int) -> list[int]:
        """Return class sizes that add up to about `chunks`: a few large, most small."""
        weights = self._dice.pareto(1.2, classes) + 0.2
        sizes = np.clip(np.round(weights / weights.sum() * chunks), 10, 5_000).astype(int)
        return [int(size) for size in sizes]

    def passages(self, count: int) -> tuple[list[str], Vectors]:
        """Return texts of 60 to 160 words, and their vectors."""
        topics = self._topics[self._dice.integers(0, len(self._topics), count)]
        vectors = self._unit(topics + self._dice.standard_normal((count, self._dimension)) / self._dimension**0.5)
        texts = [" ".join(self._draw(int(self._dice.integers(60, 160)))) for _ in range(count)]
        return texts, vectors

    def question(self, near: Vectors) -> tuple[str, Vectors]:
        """Return eight words and a vector in the neighbourhood of a passage's."""
        noise = self._dice.standard_normal(self._dimension) / self._dimension**0.5
        return " ".join(self._draw(8)), self._unit((near + noise)[None])[0]

    def _draw(self, count: int) -> list[str]:
        return [self._words[at] for at in self._dice.choice(len(self._words), size=count, p=self._share)]

    @staticmethod
    def _unit(rows: Any) -> Vectors:  # noqa: ANN401  (any float array)
        return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), dtype=np.float32)


@dataclass(frozen=True)
class Query:
    class_id: UUID
    question: str
    vector: Vectors
    exact: frozenset[str]  # the texts of the nearest 8, by numpy
    possible: int  # how many can be returned


@dataclass
class Outcome:
    milliseconds: list[float]
    recall: list[float]
    short: int = 0

    @classmethod
    def of(cls, queries: list[Query], answers: list[tuple[float, list[str]]]) -> Outcome:
        found = [(query, seconds, texts) for query, (seconds, texts) in zip(queries, answers, strict=True)]
        return cls(
            [seconds * 1000 for _, seconds, _ in found],
            [len(query.exact & set(texts)) / len(query.exact) for query, _, texts in found],
            sum(len(texts) < query.possible for query, _, texts in found),
        )

    def row(self, name: str, base: Outcome, *, ranks_by_vector: bool = True) -> str:
        p50, p95 = np.percentile(self.milliseconds, [50, 95])
        b50, b95 = np.percentile(base.milliseconds, [50, 95])
        recall = f"{np.mean(self.recall):.3f}" if ranks_by_vector else "–"
        share = 100 * self.short / len(self.milliseconds)
        return f"| {name} | {p50 / b50:.2f} | {p95 / b95:.2f} | {p50:.1f} | {p95:.1f} | {recall} | {share:.1f}% |"


async def fill(engine: AsyncEngine, corpus: Corpus, sizes: list[int], dimension: int, asked: int) -> list[Query]:
    """Write the classes and return queries, one class after another, larger classes as often as small ones."""
    dice = np.random.default_rng(2)
    share = max(1, round(asked / len(sizes)))
    queries: list[Query] = []
    async with create_sessions(engine).begin() as session:
        # Made-up vectors are near one another only by chance; every search is to return what it found.
        await set_knowledge(session, MODEL, dimension, minimum_similarity=-1.0)
        # Built at the end: present, it makes COPY several times slower.
        await session.execute(text("DROP INDEX ix_material_chunks_embedding"))
    for number, size in enumerate(sizes):
        texts, vectors = corpus.passages(size)
        async with create_sessions(engine).begin() as session:
            class_id = await add_class(session, f"bench-{number}")
            for at in range(0, size, A_MATERIAL):
                end = at + A_MATERIAL
                chunks = [Chunk(body, Locator()) for body in texts[at:end]]
                await add_material(session, class_id, "", f"{number}/{at}", chunks, vectors[at:end])
        for place in dice.integers(0, size, share):
            question, vector = corpus.question(vectors[place])
            nearest = np.argsort(-(vectors @ vector), kind="stable")[:TOP]
            queries.append(Query(class_id, question, vector, frozenset(texts[at] for at in nearest), min(TOP, size)))
    lists = max(10, round(sum(sizes) ** 0.5))
    async with engine.connect() as connection:
        await connection.execution_options(isolation_level="AUTOCOMMIT")
        for statement in FINISH.format(lists=lists, dimension=dimension).split(";"):
            await connection.execute(text(statement))
    return [queries[at] for at in dice.permutation(len(queries))]


async def ask_homeroom(sessions: Sessions, query: Query, question: str) -> list[str]:
    async with sessions() as session:
        hits = await search(
            session, Scope(query.class_id), question, query.vector, embedding_model=MODEL, semantic=True, limit=TOP
        )
    return [hit.text for hit in hits]


async def timed(ask: Callable[[], Awaitable[list[str]]]) -> tuple[float, list[str]]:
    begin = time.perf_counter()
    texts = await ask()
    return time.perf_counter() - begin, texts


async def compare(url: str, engine: AsyncEngine, queries: list[Query], peer: str) -> None:
    raw = await asyncpg.connect(url, server_settings=SESSION_SETTINGS)
    await register_vector(raw)
    # The plain table has no vector index, so that the planner can't but be exact.
    statement = await raw.prepare(RAW)
    sessions = create_sessions(engine)
    ways: dict[str, Callable[[Query], Awaitable[list[str]]]] = {}

    async def plainly(query: Query) -> list[str]:
        return [row["content"] for row in await statement.fetch(query.class_id, query.vector)]

    ways["raw statement, exact"] = plainly
    ways["Homeroom, vector leg alone"] = lambda query: ask_homeroom(sessions, query, "")
    ways["Homeroom, hybrid"] = lambda query: ask_homeroom(sessions, query, query.question)
    answers: dict[str, list[tuple[float, list[str]]]] = {name: [] for name in ways}
    for ask in ways.values():
        for query in queries[:20]:  # prepares statements and fills caches
            await ask(query)
    for query in queries:  # by turns, so that whatever else the machine does hits all alike
        for name, ask in ways.items():
            answers[name].append(await timed(lambda ask=ask, query=query: ask(query)))  # type: ignore[misc]
    await raw.close()
    outcomes = {name: Outcome.of(queries, found) for name, found in answers.items()}
    outcomes["LangChain PGVectorStore"] = Outcome.of(queries, await asyncio.to_thread(ask_peer, url, queries, peer))
    base = outcomes["raw statement, exact"]
    print("\n| class-scoped top 8 | p50 ratio | p95 ratio | p50 ms | p95 ms | recall@8 | short results |")
    print("|---|---|---|---|---|---|---|")
    for name, outcome in outcomes.items():
        print(outcome.row(name, base, ranks_by_vector="hybrid" not in name))


def ask_peer(url: str, queries: list[Query], python: str) -> list[tuple[float, list[str]]]:
    lines = [json.dumps({"class_id": str(one.class_id), "vector": one.vector.tolist()}) for one in queries]
    done = subprocess.run(
        [python, str(HERE / "langchain_peer.py"), url],
        input="\n".join(lines),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit(f"The peer failed:\n{done.stderr[-2000:]}")
    return [(answer["seconds"], answer["texts"]) for answer in map(json.loads, done.stdout.splitlines())]


def peer_python(given: str | None) -> str:
    """Return the interpreter of the peers' environment, which is made where there is none."""
    if given:
        return given
    folder = Path(sys.prefix) / "bench"
    python = folder / "bin/python"
    if not (folder / ".ready").exists():
        print("Installing LangChain for comparison …", file=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        wanted = (HERE / "requirements.txt").read_text("utf-8").split("# benchmarks/minilm_server.py")[0].splitlines()
        packages = [line for line in wanted if line and not line.startswith("#")]
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", *packages], check=True)
        (folder / ".ready").touch()
    return str(python)


async def main(chunks: int, classes: int, dimension: int, asked: int, peer: str) -> None:
    corpus = Corpus(dimension)
    async with scratch_database(dimension) as url:
        engine = create_engine(url)
        try:
            sizes = corpus.sizes(chunks, classes)
            begin = time.perf_counter()
            queries = await fill(engine, corpus, sizes, dimension, asked)
            print(
                f"{sum(sizes):,} passages of {dimension} dimensions in {len(sizes)} classes of {min(sizes)} to "
                f"{max(sizes):,}, {len(queries)} questions; written and indexed in {time.perf_counter() - begin:.0f} s"
            )
            await compare(url, engine, queries, peer)
        finally:
            await engine.dispose()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--chunks", type=int, default=20_000)
    parser.add_argument("--classes", type=int, default=40)
    parser.add_argument("--dimension", type=int, default=1_536)
    parser.add_argument("--questions", type=int, default=400)
    parser.add_argument("--peer-python", help="an interpreter with benchmarks/requirements.txt installed")
    given = parser.parse_args()
    asyncio.run(main(given.chunks, given.classes, given.dimension, given.questions, peer_python(given.peer_python)))
