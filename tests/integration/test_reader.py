from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import pytest

from adapters.documents.reader import SeparateReader
from core.errors import Corrupt, Empty, Unreadable

LONG = b"# Title\n\n" + b"Some *words* and [links](x) with `code`.\n\n" * 80_000


async def read(reader: SeparateReader, data: bytes, name: str = "a.md") -> str:
    reading = await reader(data, name, size=1000, overlap=150)
    return " ".join(chunk.text for chunk in reading.chunks)


def environment_of(process: int) -> str:
    return Path(f"/proc/{process}/environ").read_text()


async def test_reads_like_the_parser_and_cutter_and_raises_their_errors() -> None:
    async with SeparateReader(processes=1) as reader:
        reading = await reader(b"# The Moon\n\nIt circles.\n", "moon.md", size=1000, overlap=150)
        assert (reading.title, [chunk.text for chunk in reading.chunks]) == ("The Moon", ["It circles."])
        with pytest.raises(Empty, match="no text"):
            await read(reader, b"  \n ")


async def test_a_file_that_takes_too_long_is_given_up_and_the_next_one_is_read() -> None:
    async with SeparateReader(processes=1, seconds=0.3) as reader:
        with pytest.raises(Unreadable, match="took more than"):
            await read(reader, LONG)
        assert await read(reader, b"Fine.") == "Fine."


async def test_a_file_that_kills_its_process_harms_no_other() -> None:
    async with SeparateReader(processes=1) as reader:
        await read(reader, b"Warm.")
        child = reader._idle[0].pid
        reading = asyncio.create_task(read(reader, LONG))
        while reader._idle:  # noqa: ASYNC110  (until the child is taken; there is no event for that)
            await asyncio.sleep(0)
        os.kill(child, signal.SIGKILL)
        with pytest.raises(Corrupt):
            await reading
        assert await read(reader, b"Fine.") == "Fine."


async def test_a_child_sees_none_of_our_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "made-up")
    async with SeparateReader(processes=1) as reader:
        await read(reader, b"Warm.")
        assert "made-up" not in environment_of(reader._idle[0].pid)
