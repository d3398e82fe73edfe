"""Ctrl-C and Ctrl-D, typed at a real pseudo-terminal; and SIGINT while a pipe says nothing."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PATIENCE = 30.0  # seconds; only a failing test waits for so long
CTRL_C, CTRL_D, ENTER = "\x03", "\x04", "\r"


@dataclass(slots=True)
class Terminal:
    """A person at a terminal with a chat running in it."""

    screen: int
    chat: subprocess.Popen[bytes]
    shown: str = ""
    seen: int = 0  # how much of it has been waited for

    def wait_for(self, text: str) -> None:
        """Read until something appears that has not been waited for yet."""
        until = time.monotonic() + PATIENCE
        while (found := self.shown.find(text, self.seen)) < 0:
            left = max(0.0, until - time.monotonic())
            assert select.select([self.screen], [], [], left)[0], f"no “{text}” in:\n{self.shown}"
            self.shown += os.read(self.screen, 4096).decode()
        self.seen = found + len(text)

    def type(self, keys: str) -> None:
        os.write(self.screen, keys.encode())

    def ask(self, line: str) -> None:
        self.wait_for("> ")
        self.type(line + ENTER)

    def echoes(self) -> bool:
        return bool(termios.tcgetattr(self.screen)[3] & termios.ECHO)


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    screen, line = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "tests.fakes.terminal_bot"],
        cwd=ROOT,
        env={**os.environ, "TERM": "dumb", "INPUTRC": "/dev/null"},
        stdin=line,
        stdout=line,
        stderr=line,
        start_new_session=True,
    ) as chat:
        try:
            yield Terminal(screen, chat)
        finally:
            chat.kill()
    os.close(line)
    os.close(screen)


@pytest.mark.parametrize("keys", [CTRL_C, CTRL_D, f"half a line{CTRL_C}"])
def test_the_prompt_ends_at_once_and_leaves_the_terminal_as_it_was(terminal: Terminal, keys: str) -> None:
    terminal.ask("hello")
    terminal.wait_for("heard hello")
    terminal.wait_for("> ")
    terminal.type(keys)
    terminal.wait_for("ended")
    assert terminal.chat.wait(PATIENCE) == 0
    assert terminal.echoes()


def test_a_question_that_is_not_being_answered_yet_is_dropped(terminal: Terminal) -> None:
    terminal.ask("search")
    terminal.wait_for("searching")
    terminal.type(CTRL_C)
    terminal.wait_for("interrupted")
    terminal.wait_for("Stopped.")
    terminal.ask("hello")
    terminal.wait_for("heard hello")


def test_an_answer_is_stopped_once_and_its_choices_stay(terminal: Terminal) -> None:
    terminal.ask("write")
    terminal.wait_for("writing")
    for _ in range(2):
        terminal.type(CTRL_C)
        terminal.wait_for("^C")
    terminal.chat.send_signal(signal.SIGUSR1)
    terminal.wait_for("Try again")
    terminal.ask("1")
    terminal.wait_for("chosen answer.retry")
    assert "finished already" not in terminal.shown


def test_lines_can_be_edited_and_come_back(terminal: Terminal) -> None:
    terminal.ask("helo\x02l")  # Ctrl-B goes back by one
    terminal.wait_for("heard hello")
    terminal.ask("\x10")  # Ctrl-P brings the line before
    terminal.wait_for("heard hello")


def test_a_silent_pipe_can_be_left() -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "tests.fakes.terminal_bot"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as chat:
        try:
            assert chat.stdout is not None
            assert chat.stdout.readline() == b"ready\n"
            chat.send_signal(signal.SIGINT)
            assert chat.wait(PATIENCE) == -signal.SIGINT
        finally:
            chat.kill()
