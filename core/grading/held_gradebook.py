"""A gradebook file that was uploaded, between its preview and its import: in the file store, for a day at most."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from core.errors import NotFound, NotPermitted
from core.ports import Storage

KEPT = timedelta(days=1)
_FOLDER = "gradebooks"


@dataclass(frozen=True, slots=True)
class HeldGradebook:
    """A gradebook file, for which class and by whom."""

    class_id: UUID
    user_id: UUID
    filename: str
    data: bytes = field(repr=False)


async def hold_gradebook(storage: Storage, book: HeldGradebook) -> UUID:
    """Keep a file under a random id; return the id. Raises `StorageUnavailable`."""
    book_id = uuid4()
    about = {"class_id": str(book.class_id), "user_id": str(book.user_id), "filename": book.filename}
    await storage.put(_key(book_id), json.dumps(about).encode() + b"\n" + book.data)
    return book_id


async def held_gradebook(storage: Storage, user_id: UUID, book_id: UUID) -> HeldGradebook:
    """Return a file to the person who uploaded it. Raises `NotFound`, `NotPermitted` (somebody else did)."""
    try:
        about, _, data = (await storage.get(_key(book_id))).partition(b"\n")
    except NotFound as error:
        raise NotFound("This gradebook was imported or dropped already, or lay too long. Upload it again.") from error
    fields = json.loads(about)
    book = HeldGradebook(UUID(fields["class_id"]), UUID(fields["user_id"]), fields["filename"], data)
    if book.user_id != user_id:
        raise NotPermitted("Only the teacher who uploaded a gradebook may import it.")
    return book


async def drop_gradebook(storage: Storage, user_id: UUID, book_id: UUID) -> None:
    """Forget a file, for the person who uploaded it. Raises `NotFound`, `NotPermitted`."""
    await held_gradebook(storage, user_id, book_id)
    await storage.delete(_key(book_id))


async def forget_gradebooks(storage: Storage, *, older_than: timedelta = KEPT) -> int:
    """Forget the files that nobody has confirmed for so long, and say how many. For the clock."""
    keys = await storage.written_before(_FOLDER, datetime.now(UTC) - older_than)
    for key in keys:
        await storage.delete(key)
    return len(keys)


def _key(book_id: UUID) -> str:
    return f"{_FOLDER}/{book_id}"
