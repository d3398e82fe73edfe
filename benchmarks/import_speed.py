"""Measures course imports (read, parse, cut, embed, store, publish): pages per second, with and without embedding.

    python -m benchmarks.import_speed FOLDER [FOLDER …]

Each folder goes into a class of its own in a fresh migrated database, on DATABASE_URL's server or else on an embedded
PostgreSQL. "Without embedding" stores one and the same vector with every passage. A page of a text that has none is
3,000 characters.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import tempfile
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from uuid import uuid4

import numpy as np

from adapters.courses.import_folder import import_folder
from adapters.documents.reader import SeparateReader
from adapters.embedded_postgres import ensure_running, remove
from adapters.models.lexical import LexicalEmbedder
from adapters.queue import PostgresQueue, install_queue
from adapters.storage import open_storage
from core.audit.record import Actor
from core.classes.enrol import create_class
from core.content.import_report import Fate, ImportReport
from core.db import create_engine, create_sessions
from core.materials.process import Pipeline
from core.ports import Embedder, Vectors
from migrations.upgrade import upgrade
from tests.databases import create_database, drop_database


class Constant:
    """An embedder that costs nothing."""

    name = LexicalEmbedder().name
    dimension = LexicalEmbedder().dimension
    semantic = False

    async def embed_passages(self, texts: Sequence[str]) -> Vectors:
        return np.full((len(texts), self.dimension), self.dimension**-0.5, np.float32)

    async def embed_query(self, text: str) -> Vectors:
        return np.asarray((await self.embed_passages([text]))[0])

    async def aclose(self) -> None:
        pass


async def main(folders: list[Path]) -> None:
    async with AsyncExitStack() as stack:
        server = os.environ.get("DATABASE_URL")
        home = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        home.chmod(0o755)  # noqa: ASYNC240  (nothing else runs yet)
        if server is None:
            stack.callback(remove, home)
            server = await ensure_running(home)
        name = f"homeroom_bench_{uuid4().hex[:12]}"
        url = await create_database(server, name)
        stack.push_async_callback(drop_database, server, name)
        await upgrade(url, install_queue=install_queue)
        engine = create_engine(url)
        stack.push_async_callback(engine.dispose)
        read = await stack.enter_async_context(SeparateReader())
        await read(b"# Warm", "warm.md", size=1000, overlap=150)
        sessions, storage = create_sessions(engine), open_storage((home / "files").as_uri())
        embedders: dict[str, Embedder] = {"lexical": LexicalEmbedder(), "none": Constant()}
        print("| folder | embedding | modules | lessons | materials | assignments | passages | pages | s | pages/s |")
        print("|---|---|---|---|---|---|---|---|---|---|")
        for folder in folders:
            for label, embedder in embedders.items():
                pipeline = Pipeline(sessions, storage, read, embedder, PostgresQueue())
                async with sessions.begin() as session:
                    into = await create_class(session, Actor.command_line(), uuid4().hex, title=folder.name)
                begin = time.perf_counter()
                report = await import_folder(pipeline, Actor.command_line(), into.id, folder, publish=True)
                seconds = time.perf_counter() - begin
                print(row(folder, label, report, seconds), flush=True)


def row(folder: Path, label: str, report: ImportReport, seconds: float) -> str:
    made = report.count(Fate.CREATED)
    counts = " | ".join(f"{made[kind]:,}" for kind in ("module", "lesson", "material", "assignment"))
    return (
        f"| {folder.name} | {label} | {counts} | {report.chunks:,} | {report.pages:,} | {seconds:.1f} "
        f"| {report.pages / seconds:,.0f} |"
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path)
    asyncio.run(main(parser.parse_args().folders))
