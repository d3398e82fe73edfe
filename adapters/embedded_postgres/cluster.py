"""A PostgreSQL data directory and its server process: create, launch, find, shut down."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path

from adapters.embedded_postgres.accounts import Account, give, run
from adapters.embedded_postgres.failures import failure
from adapters.embedded_postgres.record import DATABASE, USER, Record
from adapters.embedded_postgres.software import library_path
from core.errors import DatabaseUnavailable

SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "100",
    "shared_buffers": "256MB",
    "maintenance_work_mem": "128MB",
    "work_mem": "16MB",
    # Parallel index builds share memory through /dev/shm, of which a container has 64 MB.
    "max_parallel_maintenance_workers": "0",
    # Not every system has the time zone files where the server looks for them.
    "timezone": "UTC",
    "log_timezone": "UTC",
    # People's questions and addresses stay out of the log: no statements, no details with key values.
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_checkpoints": "off",
}


def create_cluster(record: Record, account: Account, software: Path) -> None:
    """Create the data directory with role and database `homeroom`; whole or not at all. Raises `DatabaseUnavailable`.

    The role owns the database and may create databases, but is no superuser, as on a hosted PostgreSQL. The locale is
    PostgreSQL's own C.UTF-8: the same order and case rules on every system.
    """
    draft = record.folder / "data.new"
    shutil.rmtree(draft, ignore_errors=True)
    options = [option for name, value in SETTINGS.items() for option in ("--set", f"{name}={value}")]
    locale = ["--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    # Without a Unix socket nobody comes in by "peer", and the superuser has no password: only homeroom can log in.
    access = ["--username=postgres", "--auth-local=peer", "--auth-host=scram-sha-256"]
    environment = library_path(software)
    made = run(
        [software / "bin/initdb", "--pgdata", draft, *locale, *access, *options],
        account,
        environment=environment,
    )
    if made.returncode == 0:
        made = run(
            [software / "bin/postgres", "--single", "-D", draft, "-c", "exit_on_error=on", "postgres"],
            account,
            environment=environment,
            # One statement a line. Standard input, because everybody can read a process's arguments.
            stdin=f"CREATE ROLE {USER} LOGIN CREATEDB CREATEROLE PASSWORD '{record.password}'\n"
            f"GRANT pg_monitor TO {USER}\n"
            f"CREATE DATABASE {DATABASE} OWNER {USER}\n",
        )
    if made.returncode != 0:
        problem = failure("The embedded database could not be created", record.folder, made.stdout + made.stderr)
        shutil.rmtree(draft, ignore_errors=True)
        raise problem
    draft.rename(record.data)


def launch(record: Record, account: Account, software: Path) -> str | None:
    """Start the server in a session of its own, so that it outlives us; return its log if it did not come up.

    Waits for recovery after a crash. The log starts anew; the one before is kept as `postgres.log.old`.
    """
    log = record.folder / "postgres.log"
    if log.exists():
        log.replace(log.with_suffix(".log.old"))
    # Ours to create, for the account to write: pg_ctl would only make it after its own complaints.
    log.touch(mode=0o600)
    give(log, account)
    started = run(
        [software / "bin/pg_ctl", "start", "-D", record.data, "-l", log, "-w", "-t", "300", "-o", f"-p {record.port}"],
        account,
        environment=library_path(software),
        seconds=330,
    )
    if started.returncode == 0:
        return None
    return log.read_text(errors="replace") or started.stdout + started.stderr


def postmaster(data: Path) -> int | None:
    """Return the process id of the server that runs on this data directory, or None.

    The process in `postmaster.pid` may be long gone and its number be somebody else's (common in containers), or, in
    a copied home, serve the original; so its command line has to name this directory.
    """
    try:
        pid = int((data / "postmaster.pid").read_text().split("\n", 1)[0])
    except (FileNotFoundError, ValueError):
        return None
    return pid if re.search(rf"{re.escape(str(data))}(?![^\s\"])", _command_line(pid)) else None


def forget_dead_postmaster(data: Path) -> None:
    """Remove a `postmaster.pid` that `postmaster` found stale; PostgreSQL would mistake a reused number for a server.

    PostgreSQL still finds surviving backends by itself, through their shared memory.
    """
    (data / "postmaster.pid").unlink(missing_ok=True)


def shut_down(data: Path, *, seconds: float = 60) -> None:
    """End the server after rolling back what is open ("fast"); nothing happens if none runs.

    Raises `DatabaseUnavailable` if it has not ended in time.
    """
    deadline = time.monotonic() + seconds
    asked = None
    while (pid := postmaster(data)) is not None:
        if pid != asked:
            os.kill(pid, signal.SIGINT)
            asked = pid
        if time.monotonic() > deadline:
            raise DatabaseUnavailable(f"The embedded database (process {pid}) did not stop in {seconds:.0f} seconds.")
        time.sleep(0.02)


def _command_line(pid: int) -> str:
    """Return a process's command line, empty if there is no such process (or only its zombie)."""
    if Path("/proc/self/cmdline").exists():
        try:
            return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except (FileNotFoundError, ProcessLookupError):
            return ""
    command = ["/bin/ps", "-ww", "-o", "command=", "-p", str(pid)]
    return subprocess.run(command, capture_output=True, text=True, errors="replace", check=False).stdout  # noqa: S603 - a number
