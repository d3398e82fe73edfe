"""What earlier imports left in a class, and what that means for importing something again."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncSession

from core.content.kinds import KINDS, Kind
from core.content.revisions import Revision, Root
from core.enums import VisibilityState
from core.materials.models import LessonUnitMaterial

_SAME_COURSE = 0.6  # share of the larger course's keys that two imports have in common


class Verdict(Enum):
    """What to do with something that is in the course."""

    CREATE = auto()
    CHANGE = auto()
    KEEP = auto()  # what is there says the same
    KEEP_EDITED = auto()  # the file is as it was imported, and a person's edit stands
    CONFLICT = auto()  # the file changed, and so did a person
    OVERWRITTEN = auto()  # a person's words stand where the imported ones stood, which nobody knows any more
    DELETED = auto()


@dataclass(frozen=True, slots=True)
class Known:
    """Something imported before. `imported` is the newest revision that is all the importer's own."""

    root: Root
    newest: Revision | None
    imported: Revision | None

    @property
    def draft_version(self) -> int:
        """The draft's version, 0 when there is none: what an edit expects to find."""
        return self.newest.version if self.newest is not None and self.is_draft else 0

    @property
    def is_draft(self) -> bool:
        """Whether the newest revision is a draft."""
        return self.newest is not None and self.newest.visibility_state is VisibilityState.DRAFT


def judge(known: Known | None, content: dict[str, object]) -> Verdict:
    """Compare a course's content, by column, with what is in the class."""
    if known is None:
        return Verdict.CREATE
    if known.root.deleted_at is not None:
        return Verdict.DELETED
    if known.newest is not None and _says(known.newest, content):
        return Verdict.KEEP
    if known.newest is None or known.newest.updated_by_user_id is None:
        return Verdict.CHANGE
    if known.imported is None:  # a draft that was edited before it was published is one revision
        return Verdict.OVERWRITTEN
    return Verdict.KEEP_EDITED if _says(known.imported, content) else Verdict.CONFLICT


def _says(revision: Revision, content: dict[str, object]) -> bool:
    return all(getattr(revision, column) == value for column, value in content.items())


async def load_known(session: AsyncSession, class_id: UUID, source: str, kind: Kind) -> dict[str, Known]:
    """Return what was imported from a source by key; a deleted thing only where no living one has its key."""
    root, revision = kind.root, kind.revision
    mine = (root.class_id == class_id, root.import_source == source, root.external_id.is_not(None))
    roots = await session.scalars(select(root).where(*mine).order_by(root.deleted_at.desc().nulls_last()))
    of_root = kind.root_column()
    revisions = select(revision).join(root, root.id == of_root).where(*mine).ext(distinct_on(of_root))
    newest_first = (of_root, revision.revision_number.desc())
    newest = await session.scalars(revisions.where(revision.deleted_at.is_(None)).order_by(*newest_first))
    imported = await session.scalars(revisions.where(revision.updated_by_user_id.is_(None)).order_by(*newest_first))
    newest_of = {getattr(row, revision.root_key): row for row in newest}
    imported_of = {getattr(row, revision.root_key): row for row in imported}
    return {
        str(row.external_id): Known(row, newest_of.get(row.id), imported_of.get(row.id))
        for row in sorted(roots, key=lambda row: row.deleted_at is None)  # a living one last, so that it wins
    }


async def same_source(session: AsyncSession, class_id: UUID, source: str, keys: set[str]) -> str:
    """Return the name under which this course is in the class already, else `source`.

    A course whose folder was renamed is known by its files: two courses share a README, one course nearly all.
    """
    held: dict[str, set[str]] = {}
    for kind in KINDS.values():
        rows = await session.execute(
            select(kind.root.import_source, kind.root.external_id).where(
                kind.root.class_id == class_id, kind.root.external_id.is_not(None)
            )
        )
        for name, key in rows:
            held.setdefault(str(name), set()).add(str(key))
    if source in held:
        return source
    kind_of_source = source.partition(":")[0] + ":"
    alike = {
        name: len(theirs & keys) / max(1, len(theirs), len(keys))
        for name, theirs in held.items()
        if name.startswith(kind_of_source)
    }
    best = max(alike, key=lambda name: alike[name], default=source)
    return best if alike.get(best, 0) >= _SAME_COURSE else source


async def load_links(session: AsyncSession, lesson_ids: set[UUID]) -> set[tuple[UUID, UUID]]:
    """Return every (lesson, material) that is or ever was linked: what a person took out stays out."""
    rows = await session.execute(
        select(LessonUnitMaterial.lesson_unit_id, LessonUnitMaterial.material_id).where(
            LessonUnitMaterial.lesson_unit_id.in_(lesson_ids)
        )
    )
    return {(lesson, material) for lesson, material in rows}
