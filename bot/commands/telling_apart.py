"""Students by their names; where two have the same, with the address too."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from uuid import UUID


def told_apart(people: Iterable[tuple[UUID, str, str]]) -> dict[UUID, str]:
    """Return how people (id, name, address) are called among each other, by their ids."""
    known = {id_: (name, email) for id_, name, email in people}
    bearers = Counter(name.casefold() for name, _ in known.values())
    return {id_: f"{name} ({email})" if bearers[name.casefold()] > 1 else name for id_, (name, email) in known.items()}
