"""A chat with a bot that can be slow, on a terminal or a pipe: `python -m tests.fakes.terminal_bot`."""

from __future__ import annotations

import asyncio
import fcntl
import signal
import sys
import termios
from dataclasses import dataclass, field
from uuid import uuid4

from rich.console import Console

from adapters.terminal.lines import piped_lines, typed_lines
from adapters.terminal.surface import chat
from core.events import Control, Event, Message
from core.ports import Responder
from core.replies import Audience, Choice, Choices, Reply, Text, say


@dataclass(slots=True)
class Bot:
    """Answers `search` never, `write` after a Stop and then SIGUSR1, and everything else at once."""

    stop: asyncio.Event = field(default_factory=asyncio.Event)
    go_on: asyncio.Event = field(default_factory=asyncio.Event)

    async def serve(self, event: Event, responder: Responder) -> None:
        """Serve an event, as `bot.dispatch` would."""
        match event:
            case Control(action="answer.stop"):
                if self.stop.is_set():
                    await responder.send(say("That answer is finished already.", failed=True))
                self.stop.set()
            case Control():
                await responder.send(say(f"chosen {event.action}"))
            case Message(text="search"):
                await responder.send(say("searching"))
                try:
                    await asyncio.Event().wait()
                finally:
                    await responder.send(say("interrupted"))
            case Message(text="write"):
                answer_id = uuid4()
                stream = await responder.begin(answer_id, Audience.PERSON)
                await stream.append("writing \n")
                await self.stop.wait()
                await self.go_on.wait()
                choices = Choices((Choice("Try again", "answer.retry", str(answer_id)),))
                await stream.close(Reply((Text("writing"), choices), answer_id=answer_id))
            case Message():
                await responder.send(say(f"heard {event.text}"))


async def main() -> bool:
    """Chat until the end of input."""
    bot = Bot()
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, bot.go_on.set)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    lines = typed_lines("> ") if sys.stdin.isatty() else piped_lines()
    return await chat(bot.serve, lines, Console(), email="a@b.example", class_code=None)


if __name__ == "__main__":
    if sys.stdin.isatty():
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)  # so that Ctrl-C typed there becomes a signal here
    succeeded = asyncio.run(main())
    sys.stdout.write("ended\n")
    sys.exit(0 if succeeded else 1)
