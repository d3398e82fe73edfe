"""Imports a course from wherever it lies: a folder of files, or a course package."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack
from pathlib import Path
from uuid import UUID

from adapters.courses.import_folder import class_title, import_folder
from adapters.courses.imscc import open_package
from core.audit.record import Actor
from core.content.import_course import import_course
from core.content.import_report import ImportReport, Progress
from core.materials.process import Pipeline

PACKAGES = (".imscc", ".zip")


async def import_path(
    pipeline: Pipeline,
    actor: Actor,
    class_id: UUID,
    path: Path,
    *,
    publish: bool = False,
    progress: Progress | None = None,
) -> ImportReport:
    """Import a folder or a package into a class, by the rules of docs/course-folders.md and docs/course-packages.md.

    Raises `NotFound` (nothing there, no such class), `InvalidInput` (no course, nothing in it), `Corrupt`, `ZipBomb`,
    `Encrypted`, `NotPermitted`, `Conflict` (an import into this class is running), `Unavailable`.
    """
    if not await asyncio.to_thread(_is_package, path):
        return await import_folder(pipeline, actor, class_id, path, publish=publish, progress=progress)
    package = open_package(path, title=await class_title(pipeline, actor, class_id))
    plan = await asyncio.to_thread(package.__enter__)
    with ExitStack() as stack:
        stack.push(package.__exit__)
        return await import_course(pipeline, actor, class_id, plan, publish=publish, progress=progress)


def _is_package(path: Path) -> bool:
    return path.suffix.casefold() in PACKAGES and not path.is_dir()
