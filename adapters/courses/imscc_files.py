"""Takes over the documents of a package, once all that leads to them is known."""

from __future__ import annotations

from pathlib import PurePosixPath

from adapters.courses.imscc_keep_out import file_reason
from adapters.courses.imscc_kinds import ResourceKind, kind_of
from adapters.courses.imscc_manifest import Resource
from adapters.courses.imscc_taken import Taken, WantedFile
from core.content.course_plan import PlannedMaterial
from core.errors import HomeroomError
from core.materials.files import LARGEST_FILE, MEDIA_TYPES, suffix_of, title_from

_PICTURES = frozenset({".png", ".jpg", ".jpeg", ".gif", ".svg", ".webp", ".bmp", ".ico", ".tif", ".tiff", ".heic"})
_OF_PAGES = frozenset({".css", ".js", ".woff", ".woff2", ".ttf", ".vtt", ".srt", ".xml", ".json"})


def take_files(taken: Taken) -> None:
    """Unpack and plan the documents: linked to the lesson whose page leads to them, else the one they stand under."""
    done: set[str] = set()
    for resource in taken.resources.values():
        for path in _paths(taken, resource):
            if path not in done:
                done.add(path)
                _file(taken, resource, path)


def _paths(taken: Taken, resource: Resource) -> list[str]:
    """Return what of a resource's files are documents of their own."""
    kind = kind_of(resource)
    if kind is ResourceKind.FILES and not any(left_out.path == resource.key for left_out in taken.kept_out):
        return list(resource.files)
    if kind is ResourceKind.PAGE and resource.key not in taken.seen:
        return list(resource.files)
    if kind is ResourceKind.PAGE:
        return [path for path in resource.files if path != resource.href or path in taken.wanted]
    if kind is ResourceKind.ASSIGNMENT:
        return [path for path in resource.files if path in taken.wanted or path in taken.teachers_files]
    return []


def _file(taken: Taken, resource: Resource, path: str) -> None:
    key = resource.key if resource.files == (path,) else f"{resource.key}/{path}"
    suffix = suffix_of(path)
    if suffix in _PICTURES or suffix in _OF_PAGES:
        taken.pictures += suffix in _PICTURES and path not in taken.linked
        return
    if suffix not in MEDIA_TYPES:
        taken.skip(path, "not a kind of document that can be read")
        return
    wanted = taken.wanted.get(path, WantedFile())
    if (reason := _reason(taken, resource, path, wanted.title)) is not None:
        taken.keep_out(key, path, reason)
        return
    size = taken.archive.size(path)
    if size > LARGEST_FILE:
        taken.skip(path, f"too large: it has {size / 2**20:,.0f} MB, and {LARGEST_FILE / 2**20:,.0f} can be taken")
        return
    try:
        file = taken.archive.unpack(path)
    except HomeroomError as error:
        taken.skip(path, error.sentence)
        return
    lesson = taken.linked.get(path) or wanted.lesson
    # The outline often just repeats the file's name, which is no title.
    title = wanted.title if wanted.title and suffix_of(wanted.title) not in MEDIA_TYPES else None
    taken.materials.append(PlannedMaterial(key, file, title_from(PurePosixPath(path).name), title, lesson, size))


def _reason(taken: Taken, resource: Resource, path: str, title: str) -> str | None:
    """Say why a file is not for students, or None. Files hidden in Canvas are reached by links alone."""
    if resource.for_teachers or path in taken.teachers_files:
        return "for teachers"
    if resource.key in taken.canvas.locked:
        return "not available to students in Canvas"
    if resource.key in taken.canvas.hidden and path not in taken.wanted and path not in taken.linked:
        return "hidden from students in Canvas, and no page leads to it"
    return file_reason(path, title)
