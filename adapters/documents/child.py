"""A process that reads documents for another one, so that a hostile file hangs or crashes only this one.

Requests come on standard input, answers go to standard output; each is a length of four bytes (big endian) and JSON,
a request followed by the file's bytes. JSON, not pickle: a file that takes this process over gains nothing by it.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
from typing import BinaryIO

from adapters.documents.chunk import chunk
from adapters.documents.parse import parse
from adapters.documents.reader import LENGTH
from core.errors import Unreadable

_GRACE = 5  # seconds after which this process ends itself, should the one that asks be gone


def serve(seconds: int, memory: int) -> None:
    """Answer until standard input ends; `memory` is the most bytes of address space this process may take."""
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    requests, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints must not get among the answers
    _send(answers, {"ready": True})
    while head := requests.read(LENGTH.size):
        request = json.loads(requests.read(LENGTH.unpack(head)[0]))
        data = requests.read(request["bytes"])
        signal.alarm(seconds + _GRACE)
        _send(answers, _answer(data, request["filename"], request["size"], request["overlap"]))
        signal.alarm(0)


def _answer(data: bytes, filename: str, size: int, overlap: int) -> dict[str, object]:
    try:
        document = parse(data, filename)
        chunks = chunk(document, size=size, overlap=overlap)
    except Unreadable as error:
        exhausted = str(error.data.get("reason", "")).startswith("MemoryError")
        return {"exhausted": True} if exhausted else {"error": type(error).__name__, "sentence": error.sentence}
    except MemoryError:
        return {"exhausted": True}
    return {
        "title": document.title,
        "pages": document.pages,
        "characters": sum(len(block.text) for block in document.blocks),
        "chunks": [(passage.text, passage.locator.to_json(), passage.heading) for passage in chunks],
    }


def _send(answers: BinaryIO, answer: dict[str, object]) -> None:
    body = json.dumps(answer).encode()
    answers.write(LENGTH.pack(len(body)) + body)
    answers.flush()


if __name__ == "__main__":
    serve(int(sys.argv[1]), int(sys.argv[2]))
