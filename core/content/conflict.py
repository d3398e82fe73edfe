"""Which text somebody had before them, and what they are told when another stands there by now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from core.content.diff import diff_content
from core.content.kinds import Kind
from core.content.revisions import Revision
from core.errors import Conflict, InvalidInput


@dataclass(frozen=True, slots=True)
class Seen:
    """A revision's number and version: together they name one text. As a string, `3.2`, it goes through a form."""

    revision: int
    version: int

    def __str__(self) -> str:
        return f"{self.revision}.{self.version}"

    @classmethod
    def of(cls, revision: Revision) -> Self:
        """Name the text that a revision has now."""
        return cls(revision.revision_number, revision.version)

    @classmethod
    def read(cls, text: str) -> Self:
        """Read `3.2`. Raises `InvalidInput`."""
        number, dot, version = text.partition(".")
        if not (dot and number.isdecimal() and version.isdecimal()):
            raise InvalidInput
        return cls(int(number), int(version))


def stale(kind: Kind, newest: Revision, mine: Mapping[str, object] | None = None) -> Conflict:
    """Return the conflict of somebody whose text is not the newest.

    Its data: `mine` and `theirs`, the two texts by column; `diff`, from theirs to mine; `seen`, what to say to save
    over what stands now; `changed_by` (a user's id, or None) and `changed_at`.
    """
    theirs = {name: getattr(newest, name) for name in newest.content_columns}
    return Conflict(
        f"Somebody else edited this {kind.name} meanwhile; nothing was overwritten.",
        mine=dict(mine) if mine is not None else None,
        theirs=theirs,
        diff=diff_content(theirs, mine) if mine is not None else None,
        seen=Seen.of(newest),
        changed_by=newest.updated_by_user_id,
        changed_at=newest.updated_at,
    )
