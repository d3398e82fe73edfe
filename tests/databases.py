"""Databases for a test run: one server, one migrated template, and copies of it that cost a few milliseconds."""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO
from uuid import uuid4

import asyncpg
from sqlalchemy import make_url

from adapters.embedded_postgres import ensure_running, remove
from adapters.embedded_postgres.cluster import postmaster
from adapters.embedded_postgres.record import read_record
from adapters.queue import install_queue
from migrations.upgrade import upgrade

# The server to use instead of the embedded one; its role must be allowed to create databases and roles.
SERVER_VARIABLE = "HOMEROOM_TEST_DATABASE_URL"
PREFIX = "homeroom-test-"
# Databases are hundreds of small files, which a disk's file system is ten times slower to make, the more of them it has
# just deleted.
MEMORY, ROOM = Path("/dev/shm"), 4 << 30  # noqa: S108
SUPABASE_ROLES = ("anon", "authenticated")


def begin_run() -> tuple[Path, TextIO]:
    """Make the run's folder, held by a lock that ends with this process; remove what killed runs have left."""
    for left in [*MEMORY.glob(f"{PREFIX}*"), *Path(tempfile.gettempdir()).glob(f"{PREFIX}*")]:
        with suppress(OSError), (left / "run").open() as held:  # another person's, or gone meanwhile
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            remove(left)
            shutil.rmtree(left)
    home = Path(tempfile.mkdtemp(prefix=PREFIX, dir=MEMORY if _roomy(MEMORY) else None))
    home.chmod(0o755)  # root's PostgreSQL runs under another account
    held = (home / "run").open("w")
    fcntl.flock(held, fcntl.LOCK_EX)
    return home, held


def _roomy(place: Path) -> bool:
    """Whether a server with its programs and some databases fits there."""
    try:
        found = os.statvfs(place)
    except OSError:
        return False
    return not found.f_flag & os.ST_NOEXEC and found.f_bavail * found.f_frsize > ROOM and os.access(place, os.W_OK)


async def server_url(home: Path) -> str:
    """Return the URL of the run's server, which all workers share."""
    given = os.environ.get(SERVER_VARIABLE)
    if given:
        return given
    with _one_at_a_time(home):
        url = await ensure_running(home)
        if not (home / "careless").exists():
            _waive_durability(home)
            (home / "careless").touch()
    return url


def _waive_durability(home: Path) -> None:
    """Let the embedded server not wait for its disk: what a test run stores need not outlive the machine's power."""
    record = read_record(home)
    assert record is not None
    with (record.data / "postgresql.conf").open("a") as settings:
        settings.write("fsync = off\nsynchronous_commit = off\nfull_page_writes = off\n")
    running = postmaster(record.data)
    assert running is not None
    os.kill(running, signal.SIGHUP)


async def create_database(server: str, name: str, *, template: str = "template0") -> str:
    # By file, not through the log: a fifth of the time, as long as nobody waits for the disk.
    await _run(server, f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")
    return at(server, name)


async def drop_database(server: str, name: str) -> None:
    """Drop a database, ending what connections of ours it still has.

    PostgreSQL itself waits some seconds for them to close, and ends autovacuum's workers. FORCE would also have to end
    what belongs to a superuser, which the role that tests use need not be.
    """
    for _ in range(5):
        with suppress(asyncpg.ObjectInUseError):
            await _run(server, f"DROP DATABASE IF EXISTS {name}")
            return
        await _run(
            server,
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            f" WHERE datname = '{name}' AND usename = current_user",
        )
    await _run(server, f"DROP DATABASE IF EXISTS {name}")


async def migrated_template(server: str, home: Path) -> str:
    """Return the name of the run's migrated database, made by whichever worker is first."""
    name = f"homeroom_{home.name.rsplit('-', 1)[-1]}"
    with _one_at_a_time(home):
        if not (home / "migrated").exists():
            await upgrade(await create_database(server, name), install_queue=install_queue)
            (home / "migrated").touch()
    return name


async def copy_of_template(server: str, home: Path) -> str:
    """Return the name of a fresh migrated database."""
    template = await migrated_template(server, home)
    name = unused_name()
    with _one_at_a_time(home):  # a template may not be copied twice at once
        await create_database(server, name, template=template)
    return name


async def make_supabase_roles(server: str, home: Path) -> None:
    """Make sure of Supabase's two API roles, which belong to the whole server, and of being allowed to take them."""
    with _one_at_a_time(home):
        for role in SUPABASE_ROLES:
            if not (home / role).exists():
                if not await _run(server, f"SELECT FROM pg_roles WHERE rolname = '{role}'"):
                    await _run(server, f"CREATE ROLE {role}")
                    (home / role).touch()
                await _run(server, f"GRANT {role} TO CURRENT_USER")


async def clean_up(home: Path) -> None:
    """Leave nothing of the run behind."""
    server = os.environ.get(SERVER_VARIABLE)
    if server:
        if (home / "migrated").exists():
            await drop_database(server, await migrated_template(server, home))
        for role in SUPABASE_ROLES:
            if (home / role).exists():
                await _run(server, f"DROP ROLE {role}")
    remove(home)
    shutil.rmtree(home)


def unused_name() -> str:
    return f"homeroom_test_{uuid4().hex[:12]}"


def at(server: str, database: str, *, user: str | None = None, password: str | None = None) -> str:
    """Return a server's URL with another database, and perhaps another role."""
    url = make_url(server).set(database=database)
    if user is not None:
        url = url.set(username=user, password=password)
    return url.render_as_string(hide_password=False)


async def _run(url: str, statement: str) -> list[asyncpg.Record]:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetch(statement)
    finally:
        await connection.close()


@contextmanager
def _one_at_a_time(home: Path) -> Iterator[None]:
    with (home / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
