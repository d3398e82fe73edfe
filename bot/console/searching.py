"""`homeroom search`: retrieval alone, for one question or a file of them."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Annotated, Any

import typer

from bot.app import App
from bot.bootstrap import open_app
from bot.commands.asking import check_lesson
from bot.console.options import AsEmail, ClassCode, Json, Lesson, Mode, locator_json, read_mode
from bot.console.run import configure_log, notice, run_async
from bot.dispatch import meet_sender
from bot.settings import read_settings
from core.answering.question import check_question
from core.content.browse import find_lesson
from core.db import autocommit
from core.enums import Platform, SourceMode
from core.errors import InvalidInput
from core.events import Message, Place, Sender
from core.retrieval.search import Hit, Scope
from core.retrieval.search import search as search_chunks


def search(
    code: ClassCode,
    email: AsEmail,
    question: Annotated[str | None, typer.Argument(help="What to look for.", show_default=False)] = None,
    mode: Mode = None,
    lesson: Lesson = None,
    k: Annotated[int | None, typer.Option("-k", help="How many passages.", min=1, max=50, show_default=False)] = None,
    queries: Annotated[
        Path | None,
        typer.Option("--queries", help='Search each {"id", "text"} line of a JSONL file.', dir_okay=False, exists=True),
    ] = None,
    as_json: Json = False,  # noqa: FBT002  (a flag)
) -> None:
    """Search a class's published material without asking a model."""
    if (question is None) == (queries is None):
        raise InvalidInput("Give either a question or --queries FILE.")
    chosen = read_mode(mode)
    if chosen is SourceMode.GENERAL:
        raise InvalidInput("GENERAL mode has no sources to search.")
    run_async(_search(code, email, question, chosen, lesson, k, queries, as_json=as_json))


async def _search(
    code: str,
    email: str,
    question: str | None,
    mode: SourceMode | None,
    lesson: str | None,
    k: int | None,
    queries: Path | None,
    *,
    as_json: bool,
) -> None:
    settings = read_settings()
    configure_log(settings)
    if question is not None:
        check_question(question)
    check_lesson(mode, lesson)
    async with open_app(settings) as app:
        event = Message(
            key="", sender=Sender(Platform.TERMINAL, email), place=Place("terminal", class_code=code), text=""
        )
        visitor = (await meet_sender(app, event)).in_class(event.place)
        lesson_id = None
        if lesson:
            async with app.sessions() as session:
                lesson_id = (await find_lesson(session, visitor.class_id, lesson)).id
        scope = Scope(visitor.class_id, lesson_id)
        if queries is not None:
            await _search_all(app, scope, queries, k)
            return
        hits = await _find(app, scope, question or "", k)
    if as_json:
        typer.echo(json.dumps({"hits": [hit_json(hit) for hit in hits]}, ensure_ascii=False))
        return
    if not hits:
        notice("Nothing found.")
    for number, hit in enumerate(hits, start=1):
        place = hit.locator.label()
        typer.echo(f"{number}. {hit.title}{f', {place}' if place else ''}  ({hit.score:.4f})")
        typer.echo(f"   {' '.join(hit.text.split())[:200]}")


async def _find(app: App, scope: Scope, text: str, k: int | None) -> list[Hit]:
    embedder = app.answering.embedder
    vector = await embedder.embed_query(text)
    async with autocommit(app.sessions) as session:
        return await search_chunks(
            session, scope, text, vector, embedding_model=embedder.name, semantic=embedder.semantic, limit=k
        )


async def _search_all(app: App, scope: Scope, queries: Path, k: int | None) -> None:
    with queries.open(encoding="utf-8", errors="replace") as lines:
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            query_id = text = None
            with contextlib.suppress(json.JSONDecodeError, KeyError, TypeError):
                query = json.loads(line)
                query_id, text = query["id"], query["text"]
            if not isinstance(text, str):
                raise InvalidInput(f'{queries.name}, line {number}: expected {{"id": …, "text": …}}.')
            hits = await _find(app, scope, text, k)
            typer.echo(json.dumps({"id": query_id, "hits": [hit_json(hit) for hit in hits]}, ensure_ascii=False))


def hit_json(hit: Hit) -> dict[str, Any]:
    """Return a passage as `--json` prints it; `source` is the imported file's path."""
    return {
        "chunk_id": str(hit.chunk_id),
        "material": hit.title,
        "source": hit.source,
        "locator": locator_json(hit.locator),
        "score": round(hit.score, 6),
    }
