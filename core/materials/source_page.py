"""The page behind a citation: who may open it is asked again at every opening."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Row, Uuid, bindparam, text
from sqlalchemy.ext.asyncio import AsyncSession

from core.documents import Locator
from core.enums import MembershipRole
from core.errors import NotFound
from core.materials.files import MEDIA_TYPES, WITHOUT_NOTES
from core.materials.page_text import Block, Piece, page_text

_REACH = 8  # passages to either side: a long text without pages is shown in parts

FOR_STUDENTS = frozenset({MEDIA_TYPES[".pdf"], MEDIA_TYPES[".txt"]})
"""Files students may have as they are. Others can hold what reading leaves out: a notebook's solutions, a deck's
speaker notes and hidden slides, comments, deleted text."""

GONE = "There is nothing here for you: the material was withdrawn, or you are not in its class any more."

# The passage is pinned to its revision, which may be replaced by now and then is in no published view; whether it may
# be seen is asked of the material or lesson it belongs to. A revision that was never published is nobody's.
_OPEN = text("""
SELECT c.id, c.class_id, c.revision_id, c.generation, c.ordinal, c.text, c.locator,
    k.title AS class_title, s.role::text AS role, coalesce(mr.title, lr.title) AS title,
    mr.filename, mr.media_type, mr.storage_key,
    coalesce(pm.revision_id, pl.revision_id) <> c.revision_id AS replaced, pm.media_type AS media_type_now
FROM material_chunks c
JOIN classes k ON k.id = c.class_id AND k.deleted_at IS NULL
LEFT JOIN (class_memberships s JOIN app_users u ON u.id = s.app_user_id AND u.deleted_at IS NULL)
    ON s.class_id = k.id AND s.app_user_id = :viewer_id AND s.deleted_at IS NULL
LEFT JOIN material_revisions mr
    ON mr.id = c.material_revision_id AND mr.deleted_at IS NULL AND mr.visibility_state = 'PUBLISHED'
LEFT JOIN published_materials pm ON pm.id = mr.material_id AND pm.class_id = c.class_id
LEFT JOIN lesson_unit_revisions lr
    ON lr.id = c.lesson_unit_revision_id AND lr.deleted_at IS NULL AND lr.visibility_state = 'PUBLISHED'
LEFT JOIN published_lesson_units pl ON pl.id = lr.lesson_unit_id AND pl.class_id = c.class_id
WHERE c.id = :chunk_id AND (pm.id IS NOT NULL OR pl.id IS NOT NULL)
    AND (CAST(:viewer_id AS uuid) IS NULL OR s.id IS NOT NULL)
""").bindparams(bindparam("chunk_id", type_=Uuid), bindparam("viewer_id", type_=Uuid))
_AROUND = text("""
SELECT id, ordinal, text, locator FROM material_chunks
WHERE revision_id = :revision_id AND generation = :generation AND ordinal BETWEEN :first AND :last
ORDER BY ordinal
""")
_QUOTE = text("""
SELECT t.quote FROM chat_message_citations t JOIN chat_messages m ON m.id = t.chat_message_id AND m.deleted_at IS NULL
WHERE t.chat_message_id = :answer_id AND t.chunk_id = :chunk_id ORDER BY t.number LIMIT 1
""").bindparams(bindparam("answer_id", type_=Uuid), bindparam("chunk_id", type_=Uuid))


@dataclass(frozen=True, slots=True)
class OpenPassage:
    """A passage that somebody may see now. `replaced`: students see a newer version of its text by now."""

    chunk_id: UUID
    class_id: UUID
    title: str
    place: str
    text: str
    replaced: bool


@dataclass(frozen=True, slots=True)
class Original:
    """The file a passage was read from, as it lies in storage; `page` is the passage's, in a PDF."""

    storage_key: str
    filename: str
    media_type: str
    page: int | None


@dataclass(frozen=True, slots=True)
class Neighbour:
    """The page before or after: a passage of it, and what it is called."""

    chunk_id: UUID
    place: str


@dataclass(frozen=True, slots=True)
class SourcePage:
    """A page or slide, or a text without pages, around a passage; `original` only where the viewer may have it.

    `before` and `after` lead on in the same revision.
    """

    passage: OpenPassage
    class_title: str
    blocks: tuple[Block, ...]
    before: Neighbour | None
    after: Neighbour | None
    original: Original | None


async def open_passage(session: AsyncSession, viewer_id: UUID, chunk_id: UUID) -> OpenPassage:
    """Return a passage. Raises `NotFound` unless the viewer is in its class and students see what it belongs to."""
    return _passage(await _open(session, viewer_id, chunk_id))


async def open_page(
    session: AsyncSession, viewer_id: UUID | None, chunk_id: UUID, *, answer_id: UUID | None = None, marked: bool = True
) -> SourcePage:
    """Return the page a passage stands on, the passage `marked`, with what the answer quotes of it.

    Without a viewer it is for whoever reads a public answer: this page alone, no other and no file. Raises `NotFound`
    as `open_passage` does.
    """
    row = await _open(session, viewer_id, chunk_id)
    quote = ""
    if marked and answer_id is not None:
        quote = await session.scalar(_QUOTE, {"answer_id": answer_id, "chunk_id": chunk_id}) or ""
    around = (
        await session.execute(
            _AROUND,
            {
                "revision_id": row.revision_id,
                "generation": row.generation,
                "first": row.ordinal - _REACH - 1,
                "last": row.ordinal + _REACH + 1,
            },
        )
    ).all()
    # Notes of a deck whose notes are kept out by now must not come back as the next page of an older version.
    around = [each for each in around if not _kept_out(row, Locator.from_json(each.locator))]
    first, last = _extent(around, row.ordinal)
    pieces = [Piece(each.text, Locator.from_json(each.locator)) for each in around[first : last + 1]]
    cited = next(at for at, each in enumerate(around[first : last + 1]) if each.id == chunk_id)
    return SourcePage(
        passage=_passage(row),
        class_title=row.class_title,
        blocks=page_text(pieces, cited=cited if marked else None, quote=quote),
        before=_neighbour(around[first - 1]) if viewer_id and first > 0 else None,
        after=_neighbour(around[last + 1]) if viewer_id and last + 1 < len(around) else None,
        original=_original(row) if viewer_id else None,
    )


async def open_original(session: AsyncSession, viewer_id: UUID, chunk_id: UUID) -> Original:
    """Return the file a passage was read from. Raises `NotFound` as `open_passage` does, or if they may not have it."""
    original = _original(await _open(session, viewer_id, chunk_id))
    if original is None:
        raise NotFound(GONE)
    return original


async def _open(session: AsyncSession, viewer_id: UUID | None, chunk_id: UUID) -> Row[tuple[object, ...]]:
    row = (await session.execute(_OPEN, {"viewer_id": viewer_id, "chunk_id": chunk_id})).one_or_none()
    if row is None or _kept_out(row, Locator.from_json(row.locator)):
        raise NotFound(GONE)
    return row


def _kept_out(row: Row[tuple[object, ...]], locator: Locator) -> bool:
    return locator.notes and str(row.media_type_now).endswith(WITHOUT_NOTES)


def _passage(row: Row[tuple[object, ...]]) -> OpenPassage:
    place = Locator.from_json(row.locator).label()
    return OpenPassage(row.id, row.class_id, row.title, place, row.text, bool(row.replaced))


def _original(row: Row[tuple[object, ...]]) -> Original | None:
    if row.storage_key is None:
        return None
    media_type = row.media_type.partition(";")[0].strip()
    if row.role != MembershipRole.TEACHER.value and media_type not in FOR_STUDENTS:
        return None
    return Original(row.storage_key, row.filename, media_type, Locator.from_json(row.locator).page)


def _extent(around: Sequence[Row[tuple[object, ...]]], ordinal: int) -> tuple[int, int]:
    """Return the first and the last index of what stands on one page with a passage, within reach of it."""
    here = next(at for at, each in enumerate(around) if each.ordinal == ordinal)
    place = _page_of(around[here])
    first = last = here
    while first > 0 and ordinal - around[first - 1].ordinal <= _REACH and _page_of(around[first - 1]) == place:
        first -= 1
    while (
        last + 1 < len(around) and around[last + 1].ordinal - ordinal <= _REACH and _page_of(around[last + 1]) == place
    ):
        last += 1
    return first, last


def _page_of(row: Row[tuple[object, ...]]) -> tuple[object, ...]:
    """Return what passages of one page have in common; a text without pages is one as far as is in reach."""
    locator = Locator.from_json(row.locator)
    return locator.page, locator.slide, locator.notes


def _neighbour(row: Row[tuple[object, ...]]) -> Neighbour:
    return Neighbour(row.id, Locator.from_json(row.locator).label())
