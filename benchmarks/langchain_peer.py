"""LangChain's PGVectorStore, asked over standard input: a line `{"class_id", "vector"}` each, a line of texts back.

Run by `retrieval_speed` in an environment of its own, whose packages conflict with the product's.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time

from langchain_core.embeddings import Embeddings
from langchain_postgres import PGEngine, PGVectorStore


class NotAsked(Embeddings):
    """Queries come as vectors."""

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        return [[] for _ in texts]

    def embed_query(self, text: str) -> list[float]:  # noqa: ARG002  (the interface's)
        return []


async def main(url: str) -> None:
    engine = PGEngine.from_connection_string("postgresql+asyncpg://" + url.partition("://")[2])
    store = await PGVectorStore.create(
        engine, NotAsked(), "peer_chunks", metadata_columns=["class_id"], metadata_json_column="langchain_metadata"
    )
    queries = [json.loads(line) for line in sys.stdin]
    for warming in (True, False):
        for query in queries[:20] if warming else queries:
            begin = time.perf_counter()
            found = await store.asimilarity_search_by_vector(
                query["vector"], k=8, filter={"class_id": query["class_id"]}
            )
            seconds = time.perf_counter() - begin
            if not warming:
                print(json.dumps({"seconds": seconds, "texts": [one.page_content for one in found]}))
    await engine.close()


asyncio.run(main(sys.argv[1]))
