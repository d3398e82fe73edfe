"""Imports a folder into a class: reads it, then applies what it says."""

from __future__ import annotations

import asyncio
from pathlib import Path
from uuid import UUID

from adapters.courses.folder import read_folder
from core.audit.record import Actor
from core.classes.models import Class
from core.content.import_course import import_course
from core.content.import_report import ImportReport, Progress
from core.errors import NotFound
from core.identity.permissions import require_teacher
from core.materials.process import Pipeline


async def import_folder(
    pipeline: Pipeline,
    actor: Actor,
    class_id: UUID,
    path: Path,
    *,
    publish: bool = False,
    progress: Progress | None = None,
) -> ImportReport:
    """Import a folder into a class, by the rules of docs/course-folders.md.

    Raises `NotFound` (no such folder or class), `InvalidInput` (not a folder, nothing in it, a broken course.yaml),
    `NotPermitted`, `Conflict` (an import into this class is running), `Unavailable`.
    """
    title = await class_title(pipeline, actor, class_id)
    plan = await asyncio.to_thread(read_folder, path, title=title)
    return await import_course(pipeline, actor, class_id, plan, publish=publish, progress=progress)


async def class_title(pipeline: Pipeline, actor: Actor, class_id: UUID) -> str:
    """Return the title of the class to import into, before anything is read. Raises `NotFound`, `NotPermitted`."""
    async with pipeline.sessions() as session:
        await require_teacher(session, actor, class_id)
        into = await session.get(Class, class_id)
        if into is None:
            raise NotFound("There is no such class.")
        return into.title
