"""Where a new server's files and its port go."""

from __future__ import annotations

import hashlib
import os
import random
import socket
import tempfile
from contextlib import suppress
from pathlib import Path

import structlog

from adapters.embedded_postgres.accounts import Account, account_of, can_use, give
from adapters.embedded_postgres.cluster import shut_down
from core.errors import DatabaseUnavailable

log = structlog.get_logger(__name__)

# For root, whose home is closed to other accounts.
_ELSEWHERE = (Path("/var/lib/homeroom"), Path("/var/tmp/homeroom"))  # noqa: S108 - the folder inside is made by mkdtemp
# Below the ports that systems give to outgoing connections (Linux 32768-60999, macOS 49152-65535), so that the
# remembered one is likely to be free next time.
_PORTS = range(20000, 32000)


def choose_folder(home: Path, account: Account) -> Path:
    """Make and return a folder for the server's files: inside `home`, or elsewhere if the account can't reach that.

    Raises `DatabaseUnavailable` if there is no such place.
    """
    inside = home / "postgres"
    if (inside / "data").exists():
        raise DatabaseUnavailable(
            f"There is a database in {inside}, but postgres.json with its password is gone from {home}. "
            f"Put it back, or move {inside} away to begin anew."
        )
    inside.mkdir(mode=0o700, exist_ok=True)
    give(inside, account)
    if can_use(inside, account):
        return inside
    with suppress(OSError):
        inside.rmdir()
    # The name tells homes apart, and is never used twice: a home that was deleted comes back empty.
    prefix = hashlib.sha256(str(home).encode()).hexdigest()[:12] + "-"
    for parent in _ELSEWHERE:
        folder = _make_folder(parent, prefix, account)
        if folder:
            _stop_predecessors(folder, prefix, account)
            return folder
    raise DatabaseUnavailable(
        f"PostgreSQL does not run as root, and the account it runs as instead (user {account.uid}) can't reach {home}. "
        "Set HOMEROOM_HOME to a folder that others may enter."
    )


def choose_port() -> int:
    """Return a TCP port that is free on the loopback address. Raises `DatabaseUnavailable` if none is."""
    for port in random.sample(_PORTS, 200):
        if is_free(port):
            return port
    raise DatabaseUnavailable("No free TCP port was found on 127.0.0.1 for the embedded database.")


def is_free(port: int) -> bool:
    """Whether a server could listen on 127.0.0.1 at this port now."""
    with socket.socket() as probe:
        # As PostgreSQL does: connections that linger after a stop do not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def _make_folder(parent: Path, prefix: str, account: Account) -> Path | None:
    try:
        if not parent.exists():
            parent.mkdir()
            parent.chmod(0o755)
        if parent.stat().st_uid != os.geteuid():  # its owner could swap what we put there
            return None
        folder = Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
    except OSError:
        return None
    give(folder, account)
    if can_use(folder, account):
        return folder
    folder.rmdir()
    return None


def _stop_predecessors(folder: Path, prefix: str, account: Account) -> None:
    """Stop servers whose home was deleted under them and made again. Their files stay."""
    for old in folder.parent.glob(f"{prefix}*"):
        if old != folder and account_of(old) == account:
            shut_down(old / "data")
            log.warning("embedded_postgres.left_behind", folder=str(old))
