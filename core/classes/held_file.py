"""A teacher's file that was uploaded, between its preview and its import: in the file store, for a day at most."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from uuid import UUID, uuid4

from core.errors import NotFound, NotPermitted
from core.ports import Storage

KEPT = timedelta(days=1)


class Upload(StrEnum):
    """What such a file is."""

    ROSTER = "roster"
    GRADEBOOK = "gradebook"


@dataclass(frozen=True, slots=True)
class HeldFile:
    """A file, for which class and by whom; `options` are what was said about how to read it."""

    kind: Upload
    class_id: UUID
    user_id: UUID
    filename: str
    data: bytes = field(repr=False)
    options: Mapping[str, str] = field(default_factory=dict)


async def hold_file(storage: Storage, file: HeldFile, file_id: UUID | None = None) -> UUID:
    """Keep a file under a random id, or instead of the one given; return the id. Raises `StorageUnavailable`."""
    file_id = file_id or uuid4()
    about = {
        "class_id": str(file.class_id),
        "user_id": str(file.user_id),
        "filename": file.filename,
        "options": dict(file.options),
    }
    await storage.put(_key(file.kind, file_id), json.dumps(about).encode() + b"\n" + file.data)
    return file_id


async def held_file(storage: Storage, kind: Upload, user_id: UUID, file_id: UUID) -> HeldFile:
    """Return a file to the person who uploaded it. Raises `NotFound`, `NotPermitted` (somebody else did)."""
    try:
        line, _, data = (await storage.get(_key(kind, file_id))).partition(b"\n")
    except NotFound as error:
        raise NotFound(f"This {kind} was imported or dropped already, or lay too long. Upload it again.") from error
    about = json.loads(line)
    file = HeldFile(kind, UUID(about["class_id"]), UUID(about["user_id"]), about["filename"], data, about["options"])
    if file.user_id != user_id:
        raise NotPermitted(f"Only the teacher who uploaded a {kind} may import it.")
    return file


async def drop_file(storage: Storage, kind: Upload, user_id: UUID, file_id: UUID) -> None:
    """Forget a file, for the person who uploaded it. Raises `NotFound`, `NotPermitted`."""
    await held_file(storage, kind, user_id, file_id)
    await storage.delete(_key(kind, file_id))


async def forget_files(storage: Storage, kind: Upload, *, older_than: timedelta = KEPT) -> int:
    """Forget the files that nobody has confirmed for so long, and say how many. For the clock."""
    keys = await storage.written_before(_folder(kind), datetime.now(UTC) - older_than)
    for key in keys:
        await storage.delete(key)
    return len(keys)


def _key(kind: Upload, file_id: UUID) -> str:
    return f"{_folder(kind)}/{file_id}"


def _folder(kind: Upload) -> str:
    return f"{kind}s"
