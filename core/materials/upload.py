"""Upload a material, or a new version of its file."""

from __future__ import annotations

import hashlib
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from core.audit.record import Actor
from core.content.conflict import Seen
from core.content.create import create_material
from core.content.edit import edit_draft
from core.content.kinds import MATERIAL, latest_of, lock_root
from core.db import Sessions
from core.enums import MaterialKind
from core.errors import NotFound
from core.identity.permissions import require_teacher
from core.materials.files import store_file, title_from
from core.materials.models import Material, MaterialRevision
from core.ports import Queue, Storage


async def upload_material(
    sessions: Sessions,
    storage: Storage,
    queue: Queue,
    actor: Actor,
    class_id: UUID,
    *,
    data: bytes,
    filename: str,
    title: str = "",
    kind: MaterialKind = MaterialKind.FILE,
    lesson_unit_ids: tuple[UUID, ...] = (),
) -> Material:
    """Store a file and create its material as a draft, called by its file name unless titled.

    Raises `NotPermitted`, `NotFound`, `InvalidInput`, `StorageUnavailable`, and of the `Unreadable` ones what shows
    without opening the file: `Empty`, `Oversized`, `WrongType`.
    """
    async with sessions() as session:  # nobody fills the store who may not
        await require_teacher(session, actor, class_id)
    fields = await store_file(storage, data, filename, title.strip() or title_from(filename))
    async with sessions.begin() as session:
        return await create_material(
            session, actor, class_id, fields, queue=queue, kind=kind, lesson_unit_ids=lesson_unit_ids
        )


async def replace_file(
    sessions: Sessions,
    storage: Storage,
    queue: Queue,
    actor: Actor,
    material_id: UUID,
    *,
    data: bytes,
    filename: str,
    title: str = "",
    seen: Seen | None = None,
) -> MaterialRevision | None:
    """Write a new file into a material's draft, which keeps its title unless one is given. What is live stays.

    Returns the draft, or None when it is the same file under the same title. Raises as `upload_material` does, and
    `Conflict` while the draft waits to be published, or where another text stands than was `seen`.
    """
    async with sessions() as session:
        newest = await _newest(session, actor, material_id)
    title = title.strip() or newest.title
    if (hashlib.sha256(data).digest(), title) == (newest.sha256, newest.title):
        return None
    fields = await store_file(storage, data, filename, title)
    async with sessions.begin() as session:
        draft = await edit_draft(session, actor, MATERIAL, material_id, fields, queue=queue, seen=seen)
    return draft if isinstance(draft, MaterialRevision) else None


async def _newest(session: AsyncSession, actor: Actor, material_id: UUID) -> MaterialRevision:
    material = await lock_root(session, MATERIAL, material_id)
    await require_teacher(session, actor, material.class_id)
    newest = await latest_of(session, MATERIAL, material_id)
    if not isinstance(newest, MaterialRevision):
        raise NotFound("There is no such material.")
    return newest
