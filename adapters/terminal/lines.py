"""What comes in at the terminal, line by line, while the event loop goes on."""

from __future__ import annotations

import asyncio
import contextlib
import io
import sys
import termios
import threading
from collections.abc import AsyncIterator, Callable, Iterator

from adapters.terminal.interrupt import on_interrupt


async def typed_lines(prompt: str) -> AsyncIterator[str]:
    """Yield what a person types, with editing and history, until Ctrl-D or Ctrl-C."""
    import readline  # noqa: F401, PLC0415  (importing it gives input() editing and history)

    if isinstance(sys.stdin, io.TextIOWrapper):
        sys.stdin.reconfigure(errors="replace")  # what is pasted need not be text
    ended, line = False, ""

    def end() -> None:
        nonlocal ended
        ended = True
        reading.cancel()

    while True:
        with _terminal_left_as_it_was():
            reading = asyncio.ensure_future(_read_line(lambda: input(prompt)))
            with on_interrupt(end):
                try:
                    line = await reading
                except EOFError:
                    ended = True
                except asyncio.CancelledError:
                    if not ended:
                        raise
        if ended:
            sys.stdout.write("\n")
            return
        yield line


async def piped_lines() -> AsyncIterator[str]:
    """Yield standard input line by line; bytes that are no text are replaced."""
    # Not sys.stdin.buffer: Python aborts at exit when a thread still reads that.
    pipe = open(sys.stdin.fileno(), "rb", closefd=False)  # noqa: ASYNC230, SIM115  (opens nothing; not ours to close)

    def read() -> str:
        return pipe.readline().decode("utf-8", "replace")

    while line := await _read_line(read):
        yield line


async def _read_line(read: Callable[[], str]) -> str:
    """Read in a thread that nobody waits for at exit, as they would for one of `asyncio.to_thread`."""
    loop = asyncio.get_running_loop()
    outcome: asyncio.Future[str] = loop.create_future()

    def settle(line: str, error: Exception | None) -> None:
        if outcome.done():
            return
        if error is None:
            outcome.set_result(line)
        else:
            outcome.set_exception(error)

    def run() -> None:
        line, failure = "", None
        try:
            line = read()
        except Exception as error:  # noqa: BLE001  (raised where the line is awaited)
            failure = error
        with contextlib.suppress(RuntimeError):  # the loop is closed: the conversation ended meanwhile
            loop.call_soon_threadsafe(settle, line, failure)

    threading.Thread(target=run, name="lines", daemon=True).start()
    return await outcome


@contextlib.contextmanager
def _terminal_left_as_it_was() -> Iterator[None]:
    """Undo what readline does to the terminal, which it can't by itself when it is left waiting."""
    terminal = sys.stdin.fileno()
    before = termios.tcgetattr(terminal)
    try:
        yield
    finally:
        termios.tcsetattr(terminal, termios.TCSADRAIN, before)
