"""Turns what PostgreSQL's programs print when they fail into one sentence."""

from __future__ import annotations

import errno
import os
import re
import shutil
from pathlib import Path

from core.errors import DatabaseUnavailable

# "2026-01-31 10:00:00.000 UTC [123] FATAL:  could not …", "initdb: error: could not …"
# A start needs room for a WAL segment at least.
_TOO_LITTLE = 16 * 1024 * 1024
_MESSAGE = re.compile(r"(?:PANIC|FATAL|ERROR|WARNING|LOG|[Ee]rror): +(.+)")


def failure(what: str, folder: Path, output: str) -> DatabaseUnavailable:
    """Say what failed and quote the cause from a program's output; a full disk is named as such.

    The disk is looked at too, since a full one can keep a program from saying why. `folder` has to exist.
    """
    if os.strerror(errno.ENOSPC) in output or shutil.disk_usage(folder).free < _TOO_LITTLE:
        return full_disk(folder)
    return DatabaseUnavailable(f"{what}: {cause(output)}.", folder=str(folder))


def full_disk(folder: Path) -> DatabaseUnavailable:
    """Say that there is no room; a fresh server takes about 120 MB."""
    return DatabaseUnavailable(
        f"The disk that holds {folder} is full, so the embedded database can't run. Make room and try again.",
        folder=str(folder),
    )


def cause(output: str) -> str:
    """Return the line that tells most: the first that says what could not be done, else the last message."""
    messages = [found.group(1).strip().rstrip(".") for found in _MESSAGE.finditer(output)]
    telling = [message for message in messages if "could not" in message or "cannot" in message]
    lines = telling[:1] or messages[-1:] or output.strip().splitlines()[-1:]
    return lines[0][:300].rstrip(".") if lines else "no reason was given"
