"""Which text somebody had before them, and what they are told when another stands there by now."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self
from uuid import UUID

from core.content.diff import diff_content
from core.content.kinds import Kind
from core.content.revisions import Revision
from core.enums import VisibilityState
from core.errors import Conflict, InvalidInput

_IN_NAME = re.compile(r"-r(\d{1,9})\.(\d{1,9})(?!\d)")


@dataclass(frozen=True, slots=True)
class Seen:
    """A revision's number and version: together they name one text. As a string, `3.2`, it goes through a form.

    In a file's name it is `-r3.2`, which what chats and browsers do to names leaves as it is.
    """

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

    def in_name(self, name: str, ending: str) -> str:
        """Return a file's name that holds it."""
        return f"{name}-r{self}{ending}"

    @classmethod
    def of_name(cls, name: str) -> Self | None:
        """Read it from a file's name, or return None where that holds none."""
        found = list(_IN_NAME.finditer(name))
        return cls(int(found[-1][1]), int(found[-1][2])) if found else None


def seen_by(user_id: UUID | None, newest: Revision) -> Seen:
    """Return what somebody had before them who sends a text that does not say it.

    Their own draft they know, and what is published is not lost by a draft; a draft of somebody else's they have not
    seen.
    """
    others = newest.visibility_state is VisibilityState.DRAFT and newest.updated_by_user_id not in (None, user_id)
    return _NOTHING if others else Seen.of(newest)


_NOTHING = Seen(0, 0)


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
