"""What is remembered in the home folder about its server, and the lock that lets one process at a time change it."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from adapters.embedded_postgres.accounts import account_of, give
from core.errors import DatabaseUnavailable

USER = "homeroom"
DATABASE = "homeroom"


@dataclass(frozen=True, slots=True)
class Record:
    """Where the server's files are, the TCP port it listens on (loopback) and the password of role `homeroom`."""

    folder: Path
    port: int
    password: str

    @property
    def data(self) -> Path:
        """PostgreSQL's data directory."""
        return self.folder / "data"

    @property
    def url(self) -> str:
        """The database's URL, naming no driver."""
        return f"postgresql://{USER}:{self.password}@127.0.0.1:{self.port}/{DATABASE}"


def record_path(home: Path) -> Path:
    """Return the file that holds the record. It contains the password, so only its owner may read it (0600)."""
    return home / "postgres.json"


def read_record(home: Path) -> Record | None:
    """Return what is remembered, or None for a home without a server. Raises `DatabaseUnavailable` if it is damaged."""
    path = record_path(home)
    try:
        found = json.loads(path.read_text())
        # A folder inside home is kept by its name alone, so that a moved or copied home leads to its own files.
        return Record(home / found["folder"], int(found["port"]), str(found["password"]))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (ValueError, KeyError, TypeError) as error:
        raise DatabaseUnavailable(f"{path} is damaged. Put back a copy of it.") from error


def write_record(home: Path, record: Record) -> None:
    """Remember, all or nothing."""
    folder = record.folder.relative_to(home) if record.folder.is_relative_to(home) else record.folder
    text = json.dumps({"folder": str(folder), "port": record.port, "password": record.password})
    path = record_path(home)
    draft = path.with_suffix(".new")
    draft.unlink(missing_ok=True)
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:  # noqa: PTH123 - a descriptor, for its mode
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    give(draft, account_of(home))
    draft.replace(path)


@contextmanager
def locked(home: Path) -> Iterator[None]:
    """Hold the home's lock, waiting for it. The kernel frees it when a process dies."""
    path = home / "postgres.lock"
    with open(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "rb") as file:  # noqa: PTH123 - a descriptor, for its mode
        give(path, account_of(home))
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
