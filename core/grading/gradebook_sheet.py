"""What a gradebook file says, whatever its format: people, columns of work, and cells as they stand."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from core.classes.enrol import NO_IDS, LmsIds
from core.classes.roster_plan import UnusableRow


@dataclass(frozen=True, slots=True)
class SheetColumn:
    """A column of work. `title` is its `header` without the LMS's id; `points` what the file says it is out of."""

    header: str
    title: str
    lms_id: str | None = None
    points: Decimal | None = None


@dataclass(frozen=True, slots=True)
class SheetRow:
    """A person's cells, one for each column. `where` names the row for people: “line 3”."""

    where: str
    cells: tuple[str, ...]
    name: str = ""
    email: str | None = None
    ids: LmsIds = NO_IDS


@dataclass(frozen=True, slots=True)
class GradebookSheet:
    """A gradebook file. `read_only` are the columns that are there to be looked at; `notes` say what was left out."""

    columns: tuple[SheetColumn, ...]
    rows: tuple[SheetRow, ...]
    unusable: tuple[UnusableRow, ...] = ()
    read_only: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
