"""Uploaded files, in a folder or in an S3 bucket, through obstore."""

from __future__ import annotations

import asyncio
import os
import re
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import unquote, urlsplit

import obstore
import structlog
from obstore.exceptions import BaseError, PermissionDeniedError, UnauthenticatedError
from obstore.store import LocalStore, ObjectStore, S3Store

from core.errors import InvalidInput, NotFound, StorageUnavailable
from core.ports import Storage

log = structlog.get_logger(__name__)

# What callers make, `materials/<uuid>`, and a little more: segments of plain characters that begin with none of `.-_`.
KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)*", re.ASCII)

# A person waits for an upload; obstore's own default would try for three minutes.
LONGEST_RETRY = timedelta(seconds=15)
TIMEOUT = timedelta(seconds=60)


def open_storage(url: str) -> Storage:
    """Return the store that `file:///path` or `s3://bucket/prefix` names.

    A folder that is missing is made, for its owner only. S3 takes credentials, region and endpoint from the usual AWS_…
    environment. Raises `InvalidInput` for any other URL, `StorageUnavailable` when the folder can't be made.
    """
    parts = urlsplit(url)
    if parts.scheme == "file" and parts.netloc in {"", "localhost"} and parts.path.strip("/"):
        return ObjectStorage(_open_folder(Path(unquote(parts.path))))
    if parts.scheme == "s3" and parts.netloc:
        return ObjectStorage(_open_bucket(parts.netloc, parts.path.strip("/")))
    raise InvalidInput("STORAGE_URL must look like file:///path/to/folder or s3://bucket/prefix.")


class ObjectStorage:
    """Implements `core.ports.Storage` on any store of obstore's. A put is seen whole or not at all.

    Through threads of Python's: obstore's own asynchronous calls can abort a process that ends right after one
    (PyO3/pyo3-async-runtimes, issue 40).
    """

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    async def put(self, key: str, data: bytes) -> None:
        """Store, replacing what the key held. Raises `InvalidInput` for a bad key, `StorageUnavailable`."""
        _check(key)
        try:
            # Without multipart, of which parts could be left behind.
            await asyncio.to_thread(obstore.put, self._store, key, data, use_multipart=False)
        except (BaseError, OSError) as error:
            raise _unavailable(error, "written") from error

    async def get(self, key: str) -> bytes:
        """Read whole. Raises `InvalidInput` for a bad key, `NotFound`, `StorageUnavailable`."""
        _check(key)
        try:
            return await asyncio.to_thread(lambda: bytes(obstore.get(self._store, key).bytes()))
        except FileNotFoundError as error:
            raise NotFound("This file is no longer in the file store.", key=key) from error
        except (BaseError, OSError) as error:
            raise _unavailable(error, "read") from error

    async def delete(self, key: str) -> None:
        """Forget a file, if it is there. Raises `InvalidInput` for a bad key, `StorageUnavailable`."""
        _check(key)
        try:
            await asyncio.to_thread(obstore.delete, self._store, key)
        except FileNotFoundError:
            pass
        except (BaseError, OSError) as error:
            raise _unavailable(error, "deleted") from error

    async def written_before(self, folder: str, moment: datetime) -> list[str]:
        """Return the keys in a folder last written before a moment. Raises `InvalidInput`, `StorageUnavailable`."""
        _check(folder)
        try:
            return await asyncio.to_thread(
                lambda: [
                    file["path"]
                    for batch in obstore.list(self._store, folder)
                    for file in batch
                    if file["last_modified"] < moment
                ]
            )
        except (BaseError, OSError) as error:
            raise _unavailable(error, "looked for") from error


def _open_folder(folder: Path) -> LocalStore:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StorageUnavailable(f"The file store's folder {folder} can't be made: {error.strerror}.") from error
    return LocalStore(folder)


def _open_bucket(bucket: str, prefix: str) -> S3Store:
    endpoints = (os.environ.get(name, "") for name in ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT"))
    return S3Store(
        bucket,
        prefix=prefix or None,
        client_options={
            "allow_http": any(endpoint.startswith("http://") for endpoint in endpoints),
            "connect_timeout": timedelta(seconds=5),
            "timeout": TIMEOUT,
        },
        retry_config={"max_retries": 3, "retry_timeout": LONGEST_RETRY},
    )


def _check(key: str) -> None:
    if not KEY.fullmatch(key):
        raise InvalidInput(f"{key!r} is no name for a file in the file store.")


def _unavailable(error: Exception, done: str) -> StorageUnavailable:
    """Say in a sentence why a file could not be read or written. obstore gives most reasons only as text."""
    reason = str(error).partition("\n")[0]
    log.error("storage_failed", error=type(error).__name__, reason=reason)
    if isinstance(error, PermissionDeniedError | UnauthenticatedError) or "Permission denied" in reason:
        return StorageUnavailable(f"The file could not be {done}: the file store refuses access.")
    if "No space left" in reason or "quota exceeded" in reason.lower():
        return StorageUnavailable(f"The file could not be {done}: the file store is full.")
    return StorageUnavailable(f"The file could not be {done}: the file store does not answer as it should.")
