"""Every test drives the real server; together they take about 10 seconds of CPU time, as any account."""

import asyncio
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import asyncpg
import pytest

from adapters.embedded_postgres import ensure_running, placement, remove, running_url, stop
from adapters.embedded_postgres.cluster import postmaster
from adapters.embedded_postgres.failures import cause, failure
from adapters.embedded_postgres.record import Record, read_record, record_path, write_record
from core.errors import DatabaseUnavailable

START = """
import asyncio, pathlib, sys
from adapters.embedded_postgres import ensure_running
print(asyncio.run(ensure_running(pathlib.Path(sys.argv[1]))), flush=True)
"""
REPOSITORY = Path(__file__).parents[2]


def program(home: Path, then: str = "") -> subprocess.Popen[str]:
    """Another process that ensures the server and prints its URL last."""
    return subprocess.Popen(  # noqa: S603 - this interpreter and the script above
        [sys.executable, "-c", START + then, home],
        cwd=REPOSITORY,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=subprocess.PIPE,
        text=True,
    )


@contextmanager
def temporary_home(mode: int) -> Iterator[Path]:
    home = Path(tempfile.mkdtemp(prefix="homeroom-test-")).resolve()
    home.chmod(mode)
    try:
        yield home
    finally:
        remove(home)
        shutil.rmtree(home)


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    """A home with a database, first started by two processes at once. Tests may leave its server running or not."""
    with temporary_home(0o755) as home:
        programs = [program(home), program(home)]
        outputs = [each.communicate(timeout=60)[0] for each in programs]
        assert [each.returncode for each in programs] == [0, 0]
        assert sum(output.count("embedded_postgres.started") for output in outputs) == 1
        assert len({output.split()[-1] for output in outputs}) == 1
        yield home


def remembered(home: Path) -> Record:
    record = read_record(home)
    assert record
    return record


def running_postmaster(home: Path) -> int:
    pid = postmaster(remembered(home).data)
    assert pid
    return pid


def kill_postmaster(home: Path) -> int:
    """Kill the server the hard way and return the process id it had, once that process is gone."""
    pid = running_postmaster(home)
    os.kill(pid, signal.SIGKILL)
    deadline = time.monotonic() + 10
    while postmaster(remembered(home).data) == pid:
        assert time.monotonic() < deadline
        time.sleep(0.005)
    return pid


def bystander(home: Path) -> subprocess.Popen[bytes]:
    """A process of the server's account that is no server, and ends with code 7 when it is told to."""
    user = remembered(home).folder.stat().st_uid if os.geteuid() == 0 else None
    return subprocess.Popen(["/bin/sh", "-c", "read line; exit 7"], stdin=subprocess.PIPE, user=user)


async def test_database_is_what_migrations_expect(home: Path) -> None:
    connection = await asyncpg.connect(await ensure_running(home))
    try:
        row = await connection.fetchrow(
            "SELECT current_database() AS database, current_user AS role, rolsuper, "
            "pg_encoding_to_char(encoding) AS encoding, datlocprovider, datlocale "
            "FROM pg_database, pg_roles WHERE datname = current_database() AND rolname = current_user"
        )
        assert row
        assert tuple(row) == ("homeroom", "homeroom", False, "UTF8", b"b", "C.UTF-8")
        for name in ("vector", "citext", "pgcrypto"):
            await connection.execute(f"CREATE EXTENSION {name}")
        assert await connection.fetchval("SELECT 'É'::citext = 'é'::citext AND '[1,2]'::vector <=> '[1,2]' = 0")
        await connection.execute("CREATE DATABASE another")
    finally:
        await connection.close()


async def test_settings_keep_data_safe_and_the_server_private(home: Path) -> None:
    connection = await asyncpg.connect(await ensure_running(home))
    try:
        settings = {
            row["name"]: row["setting"] for row in await connection.fetch("SELECT name, setting FROM pg_settings")
        }
    finally:
        await connection.close()
    assert settings["fsync"] == settings["full_page_writes"] == "on"
    assert settings["listen_addresses"] == "127.0.0.1"
    assert settings["unix_socket_directories"] == ""
    assert record_path(home).stat().st_mode & 0o777 == 0o600
    wrong = replace(remembered(home), password="guessed").url
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(wrong)
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(wrong.replace("homeroom:guessed@", "postgres:@"))


async def test_private_text_stays_out_of_the_log(home: Path) -> None:
    connection = await asyncpg.connect(await ensure_running(home))
    try:
        await connection.execute("CREATE TABLE letters (address text UNIQUE); INSERT INTO letters VALUES ('ann@x.edu')")
        with pytest.raises(asyncpg.UniqueViolationError):
            await connection.execute("INSERT INTO letters VALUES ('ann@x.edu')")
    finally:
        await connection.close()
    text = (remembered(home).folder / "postgres.log").read_text()
    assert "letters_address_key" in text
    assert "ann@x.edu" not in text


async def test_running_server_is_found_again_and_stop_ends_it(home: Path) -> None:
    url = await ensure_running(home)
    pid = running_postmaster(home)
    assert await ensure_running(home) == await running_url(home) == url
    assert running_postmaster(home) == pid
    stop(home)
    assert postmaster(remembered(home).data) is None
    assert await running_url(home) is None
    stop(home)
    assert await ensure_running(home) == url


async def test_server_outlives_a_killed_program(home: Path) -> None:
    stop(home)
    killed = program(home, "import os, signal; os.kill(os.getpid(), signal.SIGKILL)")
    output, _ = await asyncio.to_thread(killed.communicate, timeout=30)
    assert killed.returncode == -signal.SIGKILL
    assert await running_url(home) == output.split()[-1]


async def test_committed_rows_survive_a_killed_server(home: Path) -> None:
    connection = await asyncpg.connect(await ensure_running(home))
    await connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    kill_postmaster(home)
    connection.terminate()
    assert await running_url(home) is None

    connection = await asyncpg.connect(await ensure_running(home))
    try:
        assert await connection.fetchval("SELECT answer FROM kept") == 42
    finally:
        await connection.close()


async def test_stale_process_id_of_somebody_else_is_neither_believed_nor_signalled(home: Path) -> None:
    await ensure_running(home)
    pid = kill_postmaster(home)
    other = bystander(home)
    try:
        pid_file = remembered(home).data / "postmaster.pid"
        # As after a container's restart, where numbers start again.
        pid_file.write_text(pid_file.read_text().replace(str(pid), str(other.pid), 1))
        stop(home)
        await ensure_running(home)
        assert running_postmaster(home) != other.pid
    finally:
        other.communicate(b"go on\n", timeout=10)
    assert other.returncode == 7


async def test_taken_port_is_left_to_its_owner_and_the_new_one_remembered(home: Path) -> None:
    stop(home)
    port = remembered(home).port
    with socket.socket() as owner:
        owner.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        owner.bind(("127.0.0.1", port))
        owner.listen()
        url = await ensure_running(home)
    assert remembered(home).port != port
    assert url == remembered(home).url == await running_url(home)


async def test_copied_home_is_not_the_original(home: Path, tmp_path: Path) -> None:
    await ensure_running(home)
    data = remembered(home).data
    copied = replace(remembered(home), folder=tmp_path / "postgres")
    write_record(tmp_path, copied)
    copied.data.mkdir(parents=True)
    shutil.copy(data / "postmaster.pid", copied.data)
    assert await running_url(tmp_path) is None
    assert await running_url(home) is not None


async def test_home_closed_to_other_accounts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only root needs to go elsewhere: PostgreSQL runs as another account there, which can't enter the home."""
    with temporary_home(0o755) as elsewhere, temporary_home(0o700) as home:
        monkeypatch.setattr(placement, "_ELSEWHERE", (elsewhere / "missing" / "parent", elsewhere))
        connection = await asyncpg.connect(await ensure_running(home))
        try:
            assert await connection.fetchval("SELECT 1") == 1
        finally:
            await connection.close()
        folder = remembered(home).folder
        assert folder.parent == (elsewhere if os.geteuid() == 0 else home)
        assert folder.stat().st_uid != 0
        remove(home)
        assert not folder.exists()
        assert await running_url(home) is None


async def test_first_start_that_was_killed_halfway_is_finished(home: Path) -> None:
    await ensure_running(home)
    stop(home)
    folder = remembered(home).folder
    next(folder.glob("software-*")).rename(folder / "unpack-dead")
    remembered(home).data.rename(folder / "data.new")
    connection = await asyncpg.connect(await ensure_running(home))
    await connection.close()
    assert not [*folder.glob("unpack-*"), *folder.glob("data.new")]


async def test_what_people_read_when_it_can_not_work(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DatabaseUnavailable, match=r"can't be kept in .*/file/home: .*Set HOMEROOM_HOME"):
        await ensure_running(tmp_path / "file" / "home")

    lost = tmp_path / "lost"
    (lost / "postgres" / "data").mkdir(parents=True)
    with pytest.raises(DatabaseUnavailable, match=r"postgres\.json with its password is gone"):
        await ensure_running(lost)

    record_path(lost).write_text('{"folder": "postgres"')
    with pytest.raises(DatabaseUnavailable, match=r"postgres\.json is damaged"):
        await ensure_running(lost)

    write_record(lost, Record(lost / "elsewhere", 20000, "x"))
    with pytest.raises(DatabaseUnavailable, match="are gone"):
        await ensure_running(lost)
    assert await running_url(tmp_path / "nothing") is None
    assert not (tmp_path / "nothing").exists()


@pytest.mark.parametrize(
    ("output", "said"),
    [
        (
            'LOG:  could not bind IPv4 address "127.0.0.1": Address in use\nFATAL:  could not create sockets\n',
            'could not bind IPv4 address "127.0.0.1": Address in use',
        ),
        (
            "x [7] LOG:  starting\nx [7] FATAL:  data directory has wrong ownership\n",
            "data directory has wrong ownership",
        ),
        ("Examine the log output.\n", "Examine the log output"),
        ("", "no reason was given"),
    ],
)
def test_the_telling_line_is_quoted(output: str, said: str) -> None:
    assert cause(output) == said


def test_full_disk_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    silent = "initdb: error: could not write"
    assert "is full" not in failure("It broke", tmp_path, silent).sentence
    assert "is full" in failure("It broke", tmp_path, f"{silent}: No space left on device").sentence
    # Some programs do not say why; then the disk itself is asked.
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=0))
    assert "is full" in failure("It broke", tmp_path, silent).sentence
