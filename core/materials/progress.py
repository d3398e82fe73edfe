"""How far the processing of materials is: one cheap question for any number of them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from core.content.revisions import Revision
from core.enums import ProcessingStatus, VisibilityState
from core.materials.models import MaterialRevision


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a file of a material is on its way to be searched and cited.

    `pages` is known once it was read, where its format has pages; `passages` when it is READY. With `replaced` another
    file stands there by now, or the draft was given up.
    """

    status: ProcessingStatus
    pages: int | None = None
    passages: int = 0
    failure: str = ""
    published: bool = False
    replaced: bool = False

    @property
    def over(self) -> bool:
        """Whether nothing more will come of this file."""
        return self.replaced or self.status in (ProcessingStatus.READY, ProcessingStatus.FAILED)


@dataclass(frozen=True, slots=True)
class FileAt:
    """One file of a material: the revision it was put into, and its digest."""

    revision_id: UUID
    sha256: bytes


async def read_progress(session: AsyncSession, files: Collection[FileAt]) -> dict[FileAt, Progress]:
    """Return how far each file is."""
    table = MaterialRevision
    rows = await session.execute(
        select(
            table.id, table.sha256, table.processing_status, table.page_count, table.chunk_count,
            table.failure_reason, table.visibility_state, table.deleted_at,
        ).where(table.id.in_({each.revision_id for each in files}))
    )  # fmt: skip
    found = {row.id: row for row in rows}
    progress = {}
    for each in files:
        row = found.get(each.revision_id)
        if row is None or row.deleted_at is not None or row.sha256 != each.sha256:
            progress[each] = Progress(ProcessingStatus.PENDING, replaced=True)
            continue
        progress[each] = Progress(
            row.processing_status,
            None if row.processing_status is ProcessingStatus.PENDING else row.page_count,
            row.chunk_count if row.processing_status is ProcessingStatus.READY else 0,
            row.failure_reason or "",
            published=row.visibility_state is VisibilityState.PUBLISHED,
        )
    return progress


def file_at(revision: Revision) -> FileAt:
    """Return the file that a material's revision holds."""
    assert isinstance(revision, MaterialRevision)  # noqa: S101  (asked of materials alone)
    return FileAt(revision.id, revision.sha256)
