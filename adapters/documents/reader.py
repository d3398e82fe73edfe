"""Reads files in processes of their own, each file within a time: whatever is in it, the worker lives on."""

from __future__ import annotations

import asyncio
import contextlib
import json
import math
import os
import struct
import sys
from types import TracebackType
from typing import Any, Self

from core.documents import Chunk, Locator, Reading
from core.errors import Corrupt, HomeroomError, Unreadable

LENGTH = struct.Struct(">I")
"""How long a message of the protocol in child.py is; here, so that only the child loads the parsers."""

_START = 60.0  # seconds; a child takes one, but machines can be busy
_MEMORY = 4 * 1024**3  # bytes of address space, of which a child's libraries alone reserve one
_GONE = (asyncio.IncompleteReadError, BrokenPipeError, ConnectionResetError)


class SeparateReader:
    """Implements `core.ports.DocumentReader` with a few child processes, started when first needed and used again.

    Close it when done (`async with`). One event loop only.
    """

    def __init__(self, *, processes: int = 2, seconds: float = 60.0, memory: int = _MEMORY) -> None:
        """Take how many files are read at once, and what one may cost: seconds, and bytes of memory."""
        self._seconds = seconds
        self._memory = memory
        self._slots = asyncio.Semaphore(processes)
        self._idle: list[asyncio.subprocess.Process] = []

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """End the child processes."""
        while self._idle:
            await _end(self._idle.pop())

    async def __call__(self, data: bytes, filename: str, *, size: int, overlap: int) -> Reading:
        """Parse and cut one file. Raises the children of `Unreadable`, itself when time or memory runs out."""
        async with self._slots:
            child = await self._child()
            try:
                async with asyncio.timeout(self._seconds):
                    answer = await _ask(child, data, filename, size, overlap)
            except TimeoutError:
                await _end(child)
                raise Unreadable(
                    f"Reading this file took more than {self._seconds:,.0f} seconds, so it was given up. "
                    "Split it into parts, or save it in a simpler format."
                ) from None
            except _GONE as error:
                await _end(child)
                raise Corrupt(reason=f"the reading process ended: {child.returncode}") from error
            except BaseException:
                await asyncio.shield(_end(child))  # it is in the middle of an answer that nobody wants now
                raise
            self._idle.append(child)
        return _reading(answer)

    async def _child(self) -> asyncio.subprocess.Process:
        while self._idle:
            child = self._idle.pop()
            if child.returncode is None:
                return child
            await _end(child)
        # No more of the environment than Python needs: keys and addresses in it are none of a document's business.
        environment = {"PATH": os.environ.get("PATH", ""), "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "adapters.documents.child", str(math.ceil(self._seconds)), str(self._memory),
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
            env=environment,
        )  # fmt: skip
        try:
            async with asyncio.timeout(_START):
                await _receive(child)
        except (TimeoutError, *_GONE) as error:
            await _end(child)
            raise HomeroomError("The process that reads documents could not be started.") from error
        return child


async def _ask(child: asyncio.subprocess.Process, data: bytes, filename: str, size: int, overlap: int) -> Any:  # noqa: ANN401  (JSON)
    request = json.dumps({"filename": filename, "bytes": len(data), "size": size, "overlap": overlap}).encode()
    assert child.stdin is not None  # noqa: S101  (a pipe was asked for)
    child.stdin.write(LENGTH.pack(len(request)) + request)
    child.stdin.write(data)
    await child.stdin.drain()
    return await _receive(child)


async def _receive(child: asyncio.subprocess.Process) -> Any:  # noqa: ANN401  (JSON)
    assert child.stdout is not None  # noqa: S101  (a pipe was asked for)
    (length,) = LENGTH.unpack(await child.stdout.readexactly(LENGTH.size))
    return json.loads(await child.stdout.readexactly(length))


def _reading(answer: dict[str, Any]) -> Reading:
    if answer.get("exhausted"):
        raise Unreadable("This file needs more memory than a document should. Split it into parts and upload those.")
    if "error" in answer:
        kinds = {kind.__name__: kind for kind in Unreadable.__subclasses__()}
        raise kinds.get(answer["error"], Unreadable)(answer["sentence"])
    return Reading(
        chunks=tuple(Chunk(text, Locator.from_json(place), heading) for text, place, heading in answer["chunks"]),
        title=answer["title"],
        pages=answer["pages"],
        characters=answer["characters"],
    )


async def _end(child: asyncio.subprocess.Process) -> None:
    """Kill a child and take back its pipes."""
    with contextlib.suppress(ProcessLookupError):
        child.kill()
    await child.communicate()
