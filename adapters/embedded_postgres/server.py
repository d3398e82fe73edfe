"""Start, find, stop and remove a home's server."""

from __future__ import annotations

import asyncio
import errno
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import asyncpg
import structlog

from adapters.embedded_postgres.accounts import Account, account_of, choose_account
from adapters.embedded_postgres.cluster import create_cluster, forget_dead_postmaster, launch, postmaster, shut_down
from adapters.embedded_postgres.failures import failure, full_disk
from adapters.embedded_postgres.placement import choose_folder, choose_port, is_free
from adapters.embedded_postgres.record import DATABASE, USER, Record, locked, read_record, record_path, write_record
from adapters.embedded_postgres.software import unpack
from core.errors import DatabaseUnavailable

log = structlog.get_logger(__name__)


async def ensure_running(home: Path) -> str:
    """Make sure that the server of this home runs, and return `postgresql://homeroom:…@127.0.0.1:PORT/homeroom`.

    The first time it unpacks PostgreSQL and creates the database, about 2 seconds and 120 MB; starting an existing one
    takes about 0.2 seconds, finding it running about 10 milliseconds. The server outlives this process. Any number of
    processes may call this at once. A test passes a temporary folder and calls `remove` at the end (not only rmtree:
    as root the files may be outside the folder).

    Raises `DatabaseUnavailable` with the reason.
    """
    return await asyncio.to_thread(_ensure_running, _absolute(home))


async def running_url(home: Path) -> str | None:
    """Return the URL if the home's server runs and knows our password, else None. Starts and changes nothing.

    Raises `DatabaseUnavailable` if what is remembered can't be read or is not this server's.
    """
    return await asyncio.to_thread(_running_url, _absolute(home))


def stop(home: Path) -> None:
    """Stop the home's server if it runs, and wait for its end; sessions are cut off. Raises `DatabaseUnavailable`."""
    home = _absolute(home)
    with _explained(home):
        record = read_record(home)
        if record:
            with locked(home):
                shut_down(record.data)


def remove(home: Path) -> None:
    """Stop the home's server and delete it with all its data, wherever that is. Raises `DatabaseUnavailable`."""
    home = _absolute(home)
    with _explained(home):
        record = read_record(home)
        if record:
            with locked(home):
                shut_down(record.data)
                if record.folder.exists():
                    shutil.rmtree(record.folder)
                record_path(home).unlink()


def _ensure_running(home: Path) -> str:
    running = _running_url(home)
    if running:
        return running
    with _explained(home):
        home.mkdir(parents=True, exist_ok=True)
        with locked(home):
            # Another process may have been faster.
            return _running_url(home) or _start(home)


def _running_url(home: Path) -> str | None:
    with _explained(home):
        record = read_record(home)
        if record is None or postmaster(record.data) is None:
            return None
        return record.url if asyncio.run(_answers(record)) else None


def _start(home: Path) -> str:
    """Set up what is missing, then start. Each step is whole or not done, so a killed process is simply followed."""
    record = read_record(home)
    if record is None:
        account = choose_account(home)
        folder = choose_folder(home, account)
        record = Record(folder, choose_port(), secrets.token_urlsafe(24))
        write_record(home, record)
    elif not record.folder.exists():
        raise DatabaseUnavailable(
            f"The embedded database's files in {record.folder} are gone. Put them back, "
            f"or remove {record_path(home)} to begin anew."
        )
    account = account_of(record.folder)
    software = unpack(record.folder, account)
    if not record.data.exists():
        create_cluster(record, account, software)
    return _bring_up(home, record, account, software)


def _bring_up(home: Path, record: Record, account: Account, software: Path, *, seconds: float = 60) -> str:
    """Launch the server unless it is on its way up already, and return its URL when it answers."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if postmaster(record.data) is not None:  # starting, recovering after a crash, or about to end
            if asyncio.run(_answers(record)):
                return record.url
            time.sleep(0.1)
            continue
        forget_dead_postmaster(record.data)
        if not is_free(record.port):
            taken, record = record.port, replace(record, port=choose_port())
            log.warning("embedded_postgres.port_taken", taken=taken, port=record.port)
            write_record(home, record)
        output = launch(record, account, software)
        if output is None:
            log.info("embedded_postgres.started", port=record.port, folder=str(record.folder))
        elif "shared memory block" in output:  # sessions of a killed server are still ending
            time.sleep(0.1)
        elif is_free(record.port):  # otherwise somebody took the port just now, and the next round takes another
            raise failure("The embedded database did not start", record.folder, output)
    raise DatabaseUnavailable(f"The embedded database does not answer. Its log is {record.folder / 'postgres.log'}.")


async def _answers(record: Record) -> bool:
    """Whether the server lets us in. Its own password proof (SCRAM is mutual) shows that it is ours."""
    try:
        connection = await asyncpg.connect(
            host="127.0.0.1",
            port=record.port,
            user=USER,
            password=record.password,
            database=DATABASE,
            ssl=False,
            timeout=10,
        )
    except asyncpg.TooManyConnectionsError:
        return True
    except (OSError, TimeoutError, asyncpg.CannotConnectNowError):
        return False
    except (asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise DatabaseUnavailable(
            f"The embedded database in {record.folder} refuses us: {str(error).rstrip('.')}."
        ) from error
    await connection.close()
    return True


def _absolute(home: Path) -> Path:
    return home.expanduser().resolve()


@contextmanager
def _explained(home: Path) -> Iterator[None]:
    """Turn the operating system's refusals into `DatabaseUnavailable`."""
    try:
        yield
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise full_disk(home) from error
        advice = ""
        if error.errno in {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EEXIST}:
            advice = " Set HOMEROOM_HOME to a folder you may write to."
        raise DatabaseUnavailable(
            f"The embedded database can't be kept in {home}: {error.strerror} ({error.filename}).{advice}"
        ) from error
