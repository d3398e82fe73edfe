"""`homeroom chat`, `ask` and `search`: the terminal surface, one question, retrieval alone."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated, Any
from uuid import uuid4

import typer
from rich.console import Console

from adapters.terminal.surface import TerminalResponder
from adapters.terminal.surface import chat as chat_at_terminal
from bot.app import App
from bot.bootstrap import open_app
from bot.commands.asking import ask as ask_question
from bot.commands.registry import Request
from bot.console.run import configure_log, notice, run_async
from bot.dispatch import dispatch, resolve
from bot.settings import read_settings
from core.answering.answer import Answer
from core.answering.question import check_question
from core.answering.store import fail_abandoned
from core.content.browse import find_lesson
from core.db import autocommit
from core.documents import Locator
from core.enums import GenerationStatus, Platform, SourceMode
from core.errors import InvalidInput
from core.events import Event, Message, Place, Sender
from core.ports import Responder
from core.replies import Reply
from core.retrieval.search import Hit, Scope
from core.retrieval.search import search as search_chunks

ClassCode = Annotated[str, typer.Option("--class", help="The class's code.", show_default=False)]
AsEmail = Annotated[str, typer.Option("--as", help="The email address of the person who acts.", show_default=False)]
Mode = Annotated[
    str | None, typer.Option("--mode", help="LESSON, CLASS or GENERAL; LESSON needs --lesson.", show_default=False)
]
Lesson = Annotated[
    str | None, typer.Option("--lesson", help="A lesson, by number (2.3), title or id.", show_default=False)
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
PROMPT = "> "


def chat(
    email: AsEmail,
    code: Annotated[str | None, typer.Option("--class", help="The class; your only one if left out.")] = None,
) -> None:
    """Talk with a class. Reads lines from standard input when it is not a terminal."""
    raise typer.Exit(0 if run_async(_chat(email, code)) else 1)


async def _chat(email: str, code: str | None) -> bool:
    settings = read_settings()
    configure_log(settings)
    async with open_app(settings) as app:
        await fail_abandoned(app.sessions)
        event = Message(key="", sender=Sender(Platform.TERMINAL, email), place=Place("", class_code=code), text="")
        visitor = await resolve(app, event)
        console = Console(highlight=False)
        if console.is_terminal:
            console.print(f"[bold]{visitor.class_title}[/bold] ({visitor.class_code}), as {visitor.name}. /help, /quit")
        return await converse(
            app, console, typed_lines() if sys.stdin.isatty() else piped_lines(), email=email, code=visitor.class_code
        )


async def converse(app: App, console: Console, lines: AsyncIterator[str], *, email: str, code: str) -> bool:
    """Carry a conversation through the terminal surface; say whether its last turn succeeded."""

    async def serve(event: Event, responder: Responder) -> None:
        await dispatch(app, event, responder)

    return await chat_at_terminal(serve, lines, console, email=email, class_code=code)


async def typed_lines() -> AsyncIterator[str]:
    """Yield what a person types, line by line, until the end of input."""
    import readline  # noqa: F401, PLC0415  (importing it gives input() editing and history)

    while True:
        try:
            yield await asyncio.to_thread(input, PROMPT)
        except EOFError:
            return


async def piped_lines() -> AsyncIterator[str]:
    """Yield standard input line by line; bytes that are no text are replaced."""
    while line := await asyncio.to_thread(sys.stdin.buffer.readline):
        yield line.decode("utf-8", "replace")


def ask(
    question: Annotated[str, typer.Argument(help="The question.", show_default=False)],
    code: ClassCode,
    email: AsEmail,
    mode: Mode = None,
    lesson: Lesson = None,
    as_json: Json = False,  # noqa: FBT002  (a flag)
) -> None:
    """Ask one question and print the answer with its sources."""
    answer = run_async(_ask(question, code, email, mode, lesson, quiet=as_json))
    if as_json:
        typer.echo(json.dumps(answer_json(answer), ensure_ascii=False))
    raise typer.Exit(1 if answer.status is GenerationStatus.FAILED else 0)


async def _ask(question: str, code: str, email: str, mode: str | None, lesson: str | None, *, quiet: bool) -> Answer:
    check_question(question)
    chosen = read_mode(mode)
    settings = read_settings()
    configure_log(settings)
    async with open_app(settings) as app:
        responder = Silent() if quiet else TerminalResponder(Console(highlight=False))
        place = Place("terminal", class_code=code)
        event = Message(key=str(uuid4()), sender=Sender(Platform.TERMINAL, email), place=place, text=question)
        visitor = await resolve(app, event)
        request = Request(app, visitor, event, responder, {})
        return await ask_question(request, question, mode=chosen, lesson=lesson)


class Silent:
    """A responder that shows nothing: the caller prints the stored answer."""

    async def send(self, reply: Reply) -> None:
        """Show nothing."""

    async def begin(self, *_: object) -> Silent:
        """Open a stream that shows nothing."""
        return self

    async def append(self, text: str) -> None:
        """Show nothing."""

    async def close(self, reply: Reply) -> None:
        """Show nothing."""


def read_mode(mode: str | None) -> SourceMode | None:
    """Return the source mode by its name in any case. Raises `InvalidInput`."""
    if mode is None:
        return None
    try:
        return SourceMode(mode.strip().upper())
    except ValueError as error:
        raise InvalidInput(f"The mode is one of {', '.join(SourceMode)}.") from error


def answer_json(answer: Answer) -> dict[str, Any]:
    """Return an answer as `--json` prints it."""
    return {
        "answer": answer.text,
        "mode": answer.mode.value,
        "status": answer.status.value,
        "grounded": answer.grounded,
        "message_id": str(answer.message_id),
        "citations": [
            {
                "number": citation.number,
                "title": citation.title,
                "locator": locator_json(hit.locator),
                "quote": citation.quote,
                "source": hit.source,
                "chunk_id": str(hit.chunk_id),
                **_revision(hit),
                "score": round(hit.score, 6),
            }
            for citation, hit in answer.citations
        ],
    }


def locator_json(locator: Locator) -> dict[str, Any]:
    """Return a locator's numbers and headings, with the label that people read."""
    return {**locator.to_json(), "label": locator.label()}


def _revision(hit: Hit) -> dict[str, str]:
    if hit.material_revision_id is not None:
        return {"material_revision_id": str(hit.material_revision_id)}
    return {"lesson_unit_revision_id": str(hit.lesson_unit_revision_id)}


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
    if mode is SourceMode.LESSON and not lesson:
        raise InvalidInput("LESSON mode needs --lesson.")
    async with open_app(settings) as app:
        event = Message(
            key="", sender=Sender(Platform.TERMINAL, email), place=Place("terminal", class_code=code), text=""
        )
        visitor = await resolve(app, event)
        lesson_id = None
        if lesson and mode is not SourceMode.CLASS:
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
    with queries.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            try:
                query = json.loads(line)
                query_id, text = query["id"], str(query["text"])
            except (json.JSONDecodeError, KeyError, TypeError) as error:
                raise InvalidInput(f'{queries.name}, line {number}: expected {{"id": …, "text": …}}.') from error
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
