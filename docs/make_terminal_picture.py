"""Draws docs/terminal.svg from a real conversation with the demo's class: python docs/make_terminal_picture.py."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator
from pathlib import Path

from rich.console import Console
from rich.text import Text

from bot.bootstrap import open_app
from bot.console.asking import PROMPT, converse
from bot.console.demo import CODE, STUDENT, prepare
from bot.settings import read_settings

QUESTIONS = (
    "How far can Venus get from the Sun in the sky?",
    "When does it never get fully dark at 52 degrees north?",
    "+1",
    "Who won the football world cup?",
    "/assignments",
)
WIDTH = 104


async def draw() -> str:
    """Hold the conversation and return its picture as SVG."""
    console = Console(record=True, force_terminal=True, width=WIDTH, file=io.StringIO(), highlight=False)
    async with open_app(read_settings().model_copy(update={"database_url": None})) as app:
        await prepare(app)
        await converse(app, console, _typed(console), email=STUDENT, code=CODE)
    return console.export_svg(title="homeroom demo")


async def _typed(console: Console) -> AsyncIterator[str]:
    console.print(Text.assemble(("The Night Sky", "bold"), f" ({CODE}), as Sam\n"))
    for line in QUESTIONS:
        console.print(Text.assemble((PROMPT, "bold green"), (line, "bold")))
        yield line


if __name__ == "__main__":
    Path(__file__).with_name("terminal.svg").write_text(asyncio.run(draw()), encoding="utf-8")
