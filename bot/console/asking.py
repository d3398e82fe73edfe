"""`homeroom chat` and `homeroom ask`: the terminal surface, and one question."""

from __future__ import annotations

import asyncio
import io
import json
import sys
from collections.abc import AsyncIterator
from typing import Annotated, Any
from uuid import uuid4

import typer
from rich.console import Console

from adapters.terminal.lines import piped_lines, typed_lines
from adapters.terminal.surface import KEYS, TerminalResponder
from adapters.terminal.surface import chat as chat_at_terminal
from bot.app import App
from bot.bootstrap import open_app
from bot.clock import run_clock
from bot.commands.asking import ask as ask_question
from bot.commands.registry import Request
from bot.console.options import AsEmail, ClassCode, Json, Lesson, Mode, locator_json, read_mode
from bot.console.run import configure_log, run_async
from bot.dispatch import dispatch, meet_sender
from bot.settings import read_settings
from core.answering.answer import Answer
from core.answering.question import check_question
from core.enums import GenerationStatus, Platform
from core.events import Event, Message, Place, Sender
from core.ports import Responder
from core.retrieval.search import Hit

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
        event = Message(key="", sender=Sender(Platform.TERMINAL, email), place=Place("", class_code=code), text="")
        visitor = (await meet_sender(app, event)).in_class(event.place)
        console = Console(highlight=False)
        if console.is_terminal:
            console.print(f"[bold]{visitor.class_title}[/bold] ({visitor.class_code}), as {visitor.name}")
            console.print(KEYS, style="dim")
        lines = typed_lines(PROMPT) if sys.stdin.isatty() and console.is_terminal else piped_lines()
        return await converse(app, console, lines, email=email, code=visitor.class_code)


async def converse(app: App, console: Console, lines: AsyncIterator[str], *, email: str, code: str) -> bool:
    """Carry a conversation through the terminal surface; say whether its last turn succeeded.

    The clock ticks along, so that nothing needs another process while people only use the terminal.
    """

    async def serve(event: Event, responder: Responder) -> None:
        await dispatch(app, event, responder)

    ended = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(run_clock(app, ended))
        try:
            return await chat_at_terminal(serve, lines, console, email=email, class_code=code)
        finally:
            ended.set()


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
        # With --json the stored answer is printed, not what is shown on the way.
        responder = TerminalResponder(Console(file=io.StringIO()) if quiet else Console(highlight=False))
        place = Place("terminal", class_code=code)
        event = Message(key=str(uuid4()), sender=Sender(Platform.TERMINAL, email), place=place, text=question)
        request = Request(app, await meet_sender(app, event), event, responder)
        return await ask_question(request, question, mode=chosen, lesson=lesson)


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


def _revision(hit: Hit) -> dict[str, str]:
    if hit.material_revision_id is not None:
        return {"material_revision_id": str(hit.material_revision_id)}
    return {"lesson_unit_revision_id": str(hit.lesson_unit_revision_id)}
