"""A roster that was uploaded, between its preview and its import: in the file store, for a day at most."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from core.errors import NotFound, NotPermitted
from core.ports import Storage

KEPT = timedelta(days=1)
_FOLDER = "rosters"


@dataclass(frozen=True, slots=True)
class HeldRoster:
    """A roster file, for which class and by whom. `from_class` and `email_domain` are what `read_roster` is told."""

    class_id: UUID
    user_id: UUID
    filename: str
    data: bytes = field(repr=False)
    from_class: str | None = None
    email_domain: str | None = None


async def hold_roster(storage: Storage, roster: HeldRoster, roster_id: UUID | None = None) -> UUID:
    """Keep a roster under a random id, or instead of the one that is given; return the id."""
    roster_id = roster_id or uuid4()
    about = asdict(roster) | {"class_id": str(roster.class_id), "user_id": str(roster.user_id)}
    del about["data"]
    await storage.put(_key(roster_id), json.dumps(about).encode() + b"\n" + roster.data)
    return roster_id


async def held_roster(storage: Storage, user_id: UUID, roster_id: UUID) -> HeldRoster:
    """Return a roster to the person who uploaded it. Raises `NotFound`, `NotPermitted` (somebody else did)."""
    try:
        about, _, data = (await storage.get(_key(roster_id))).partition(b"\n")
    except NotFound as error:
        raise NotFound("This roster was imported or dropped already, or lay too long. Upload it again.") from error
    fields = json.loads(about)
    fields |= {name: UUID(fields[name]) for name in ("class_id", "user_id")}
    roster = HeldRoster(**fields, data=data)
    if roster.user_id != user_id:
        raise NotPermitted("Only the teacher who uploaded a roster may import it.")
    return roster


async def drop_roster(storage: Storage, user_id: UUID, roster_id: UUID) -> None:
    """Forget a roster, for the person who uploaded it. Raises `NotFound`, `NotPermitted`."""
    await held_roster(storage, user_id, roster_id)
    await storage.delete(_key(roster_id))


async def forget_rosters(storage: Storage, *, older_than: timedelta = KEPT) -> int:
    """Forget the rosters that nobody has confirmed for so long, and say how many. For the clock."""
    keys = await storage.written_before(_FOLDER, datetime.now(UTC) - older_than)
    for key in keys:
        await storage.delete(key)
    return len(keys)


def _key(roster_id: UUID) -> str:
    return f"{_FOLDER}/{roster_id}"
