"""Which operating-system account runs the server: PostgreSQL refuses root, so root lends it another one."""

from __future__ import annotations

import os
import pwd
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from core.errors import DatabaseUnavailable

_UNPRIVILEGED = ("nobody", "postgres", "daemon")
# Nothing of the caller's environment (PGDATA, LANG, LD_PRELOAD, …) reaches the server. On macOS LC_ALL has to be set.
_ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", "LC_ALL": "C"}


@dataclass(frozen=True, slots=True)
class Account:
    """The numeric user and group that own the server's files and run it."""

    uid: int
    gid: int


def choose_account(home: Path) -> Account:
    """Choose ourselves; as root the owner of `home`, or else an unprivileged account.

    Raises `DatabaseUnavailable` when there is none.
    """
    if os.geteuid() != 0:
        return Account(os.geteuid(), os.getegid())
    owner = home.stat().st_uid
    for candidate in (owner, *_UNPRIVILEGED):
        try:
            entry = pwd.getpwuid(candidate) if isinstance(candidate, int) else pwd.getpwnam(candidate)
        except KeyError:  # initdb needs an account with a name, so a bare number won't do
            continue
        if entry.pw_uid != 0:
            return Account(entry.pw_uid, entry.pw_gid)
    raise DatabaseUnavailable(
        "PostgreSQL does not run as root and there is no unprivileged account to run it as. "
        "Run Homeroom as another user or set DATABASE_URL."
    )


def account_of(folder: Path) -> Account:
    """Return the account that owns an existing folder."""
    found = folder.stat()
    return Account(found.st_uid, found.st_gid)


def give(path: Path, account: Account) -> None:
    """Make `path` (not what it contains) belong to the account. Only root can and needs to.

    Raises `DatabaseUnavailable` when even root may not.
    """
    if os.geteuid() == 0:
        try:
            os.chown(path, account.uid, account.gid, follow_symlinks=False)
        except PermissionError as error:
            raise _refused(account, error) from error


def run(
    command: list[str | Path],
    account: Account,
    *,
    environment: Mapping[str, str] | None = None,
    stdin: str = "",
    seconds: float = 300,
) -> subprocess.CompletedProcess[str]:
    """Run a command as the account, from `/`, in a clean environment; output and exit code are the caller's to judge.

    Raises `DatabaseUnavailable` when it takes longer than `seconds` or the account can't be taken.
    """
    other = os.geteuid() == 0 and account.uid != 0
    try:
        return subprocess.run(  # noqa: S603 - our own programs with our own arguments, no shell
            command,
            cwd="/",  # where we were started may be closed to the account
            env={**_ENVIRONMENT, **(environment or {})},
            input=stdin,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=seconds,
            check=False,
            umask=0o022,
            user=account.uid if other else None,
            group=account.gid if other else None,
            extra_groups=[] if other else None,
        )
    except subprocess.TimeoutExpired as error:
        raise DatabaseUnavailable(
            f"The embedded database is not set up: {Path(command[0]).name} took longer than {seconds:.0f} seconds."
        ) from error
    except PermissionError as error:
        if not other:
            raise
        raise _refused(account, error) from error


def can_use(folder: Path, account: Account) -> bool:
    """Whether the account can reach `folder` and write there. Asked by trying, which also respects access lists."""
    return run(["/bin/sh", "-c", 'test -w "$1" && test -x "$1"', "sh", folder], account).returncode == 0


def _refused(account: Account, error: OSError) -> DatabaseUnavailable:
    return DatabaseUnavailable(
        f"PostgreSQL does not run as root, and running it as user {account.uid} was refused ({error.strerror}). "
        "Run Homeroom as another user or set DATABASE_URL."
    )
