"""Reads a course package (Common Cartridge 1.0 to 1.3, or a Canvas export) as a course."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from adapters.courses.imscc_archive import Archive, open_archive
from adapters.courses.imscc_canvas import merge, read_canvas
from adapters.courses.imscc_files import take_files
from adapters.courses.imscc_manifest import Manifest, read_manifest
from adapters.courses.imscc_notes import ended, notes_of
from adapters.courses.imscc_outline import OWN_MODULE, Outline, flatten
from adapters.courses.imscc_pages import take_listed, take_unlisted
from adapters.courses.imscc_taken import Taken
from adapters.courses.imscc_weights import weigh
from core.content.course_plan import About, CoursePlan, LeftOut, PlannedLesson, PlannedMaterial, PlannedModule
from core.errors import InvalidInput
from core.text import clean, one_line

_NAMED = 3
_TELLING = 16  # characters; shorter identifiers (“MANIFEST1”) are the same in every package of one program


@contextmanager
def open_package(path: Path, *, title: str) -> Iterator[CoursePlan]:
    """Plan the import of a package, whose documents lie unpacked in a temporary folder while the context lasts.

    `title` is the class's, for a course that does not say its own. Raises `NotFound` (no such file), `InvalidInput` (no
    course package, nothing in it), `Corrupt`, `ZipBomb`, `Encrypted`.
    """
    with TemporaryDirectory(prefix="homeroom-package-") as folder, open_archive(path, Path(folder)) as archive:
        yield _plan(archive, path.name, title)


def _plan(archive: Archive, filename: str, class_title: str) -> CoursePlan:
    manifest, canvas = read_manifest(archive), read_canvas(archive)
    course = canvas.title or manifest.title
    items = merge(manifest, canvas)
    own_title = "More pages" if items else course or class_title
    outline = flatten(items, manifest.resources, own_title=own_title)
    taken = Taken(archive, canvas, manifest.resources)
    take_listed(taken, outline.places)
    take_unlisted(taken, own_title=own_title)
    take_files(taken)
    outline.modules.setdefault(OWN_MODULE, own_title)
    modules, bare = _modules(outline, taken)
    if not (modules or taken.materials or taken.assignments):
        why = "all of it is for teachers only" if taken.kept_out else "it has no pages, documents or assignments"
        said = [f"There is nothing to import in {filename}: {why}"]
        said += [f"{each.path}: {each.reason}" for each in taken.skipped[:_NAMED]]
        raise InvalidInput(" ".join(ended(each) for each in said))
    return CoursePlan(
        source=_source(manifest, course or filename),
        about=About(course, canvas.code, manifest.language, canvas.time_zone, clean(manifest.description)),
        modules=modules,
        lessons=_lessons(taken, modules),
        materials=tuple(_linked(taken)),
        assignments=tuple(weigh(taken.assignments, canvas)),
        kept_out=tuple(taken.kept_out),
        skipped=(
            *taken.skipped,
            *(LeftOut(label, "an external tool, which is not converted") for label in outline.tools),
            *(LeftOut(title, "a module with nothing in it that makes lessons or assignments") for title in bare),
            *(LeftOut(title, f"{what}, which is not converted") for title, what in canvas.not_converted),
            *(
                LeftOut(one_line(name, 200), "its path leads out of the package, or it is a link")
                for name in archive.refused
            ),
        ),
        notes=tuple(notes_of(manifest, outline, taken)),
        keys_are_names=False,
    )


def _modules(outline: Outline, taken: Taken) -> tuple[tuple[PlannedModule, ...], list[str]]:
    """Return the modules that hold something, and the titles of the rest."""
    used = {each.module for each in taken.lessons.values()} | {planned.module for planned, _ in taken.assignments}
    used |= {taken.lessons[planned.lesson].module for planned, _ in taken.assignments if planned.lesson}
    titled = {key: title or f"Module {at}" for at, (key, title) in enumerate(outline.modules.items(), 1)}
    planned = tuple(PlannedModule(key, title) for key, title in titled.items() if key in used)
    return planned, [title for key, title in titled.items() if key not in used and key != OWN_MODULE]


def _lessons(taken: Taken, modules: tuple[PlannedModule, ...]) -> tuple[PlannedLesson, ...]:
    """Return the lessons module by module, each with the web links that stood below it."""
    rank = {module.key: at for at, module in enumerate(modules)}
    return tuple(
        PlannedLesson(
            key, each.module, each.title, clean("\n\n".join(filter(None, (each.body, "\n".join(each.links)))))
        )
        for key, each in sorted(taken.lessons.items(), key=lambda entry: rank[entry[1].module])
    )


def _linked(taken: Taken) -> Iterator[PlannedMaterial]:
    for each in taken.materials:
        yield each if each.lesson in taken.lessons else replace(each, lesson=None)


def _source(manifest: Manifest, title: str) -> str:
    name = manifest.identifier if len(manifest.identifier) >= _TELLING else title
    return "imscc:" + (re.sub(r"\W+", "-", name.casefold()).strip("-")[:80] or "course")
