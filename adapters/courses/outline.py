"""Which file of a course's folder is what, by names alone. docs/course-folders.md has the rules in words."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from adapters.courses.order import is_index, natural
from core.materials.files import MARKDOWN, suffix_of

WHOLE_COURSE = "."
"""The key of the one module of a course without module folders."""

# Folders whose documents are materials of the class, Markdown too.
_MATERIALS = frozenset({
    "materials", "material", "resources", "resource", "files", "handouts", "readings", "reading", "slides",
    "references", "reference", "appendix", "assets", "docs", "downloads",
})  # fmt: skip
# Folders that only group lessons: a README in one is a lesson of its own and does not claim its neighbours.
_GROUPS = frozenset({
    "lessons", "lesson", "units", "chapters", "sections", "topics", "weeks", "days", "content", "parts",
})  # fmt: skip
_NUMBER = re.compile(r"^\d+(?:[.\-_ ]\d+)*[.\-_ ]+")
_ASSIGNMENT = re.compile(r"(.+\.)?assignments?([-_. ]?\d+)?", re.IGNORECASE)


@dataclass(slots=True)
class Outline:
    """Keys by what they are. A module's value is its index file or None; the others' is what they belong to.

    `lessons` and `assignments` name a module or a lesson; `materials` a lesson, or None for the class.
    """

    modules: dict[str, str | None] = field(default_factory=dict)
    lessons: dict[str, str] = field(default_factory=dict)
    materials: dict[str, str | None] = field(default_factory=dict)
    assignments: dict[str, str | None] = field(default_factory=dict)


def outline(keys: Collection[str], assignments: Collection[str] = ()) -> Outline:
    """Sort out the documents of a course; `assignments` are the keys that the course file calls so."""
    made = Outline()
    tasks = {key for key in keys if key in assignments or _is_assignment(key)}
    texts = sorted((key for key in keys if _is_markdown(key) and key not in tasks), key=natural)
    modules = {_top(key) for key in texts if _can_be_lesson(key)}
    if not modules:
        modules = {WHOLE_COURSE}
    indexes = {_folder(key): key for key in reversed(texts) if is_index(key)}
    for module in sorted(modules, key=natural):
        _add_module(made, module, texts, indexes)
    homes = _Homes(made.lessons)
    for key in sorted(keys, key=natural):
        if key in tasks:
            made.assignments[key] = homes.of_assignment(key, made.modules)
        elif key not in made.lessons and key not in made.modules.values():
            made.materials[key] = None if _in_materials(key) else homes.of_file(key)
    return made


def _add_module(made: Outline, module: str, texts: list[str], indexes: dict[str, str]) -> None:
    inside = [key for key in texts if module in (WHOLE_COURSE, _top(key)) and not _in_materials(key)]
    index = indexes.get(module)
    claimed = _lesson_folders(inside, module, indexes)
    lessons = [
        key
        for key in inside
        if key != index
        and (is_index(key) or not any(key.startswith(f"{folder}/") for folder in claimed))
        and (not is_index(key) or not any(key.startswith(f"{folder}/") for folder in claimed - {_folder(key)}))
        and (module != WHOLE_COURSE or "/" not in key or _folder(key) in claimed)
    ]
    plain = {PurePosixPath(key).with_suffix("").as_posix() for key in lessons}
    # `03-brightness.notes.md` beside `03-brightness.md` is a material of that lesson.
    lessons = [key for key in lessons if not _is_companion(key, plain)]
    if not lessons:
        return
    made.modules[module] = index
    made.lessons.update(dict.fromkeys(lessons, module))


def _lesson_folders(inside: list[str], module: str, indexes: dict[str, str]) -> set[str]:
    """Return the outermost folders with an index of their own inside a module: each is one lesson."""
    found: set[str] = set()
    for key in inside:
        folder = _folder(key)
        if not is_index(key) or folder == module or indexes.get(folder) != key or _bare(folder) in _GROUPS:
            continue
        if not any(folder.startswith(f"{outer}/") for outer in found):
            found.add(folder)
    return found


class _Homes:
    """Finds the lesson that a file stands in or beside."""

    def __init__(self, lessons: dict[str, str]) -> None:
        self._folders = {_folder(key): key for key in lessons if is_index(key) and "/" in key}
        self._beside: dict[str, dict[str, str]] = {}
        for key in lessons:
            if not is_index(key):
                self._beside.setdefault(_folder(key), {})[PurePosixPath(key).stem] = key
            elif "/" in key:
                folder = PurePosixPath(_folder(key))
                self._beside.setdefault(str(folder.parent), {})[folder.name] = key

    def of_file(self, key: str) -> str | None:
        """Return the lesson whose folder a file is in, or whose name its own name begins with."""
        path = PurePosixPath(key)
        for folder in map(str, path.parents):
            if folder in self._folders and _bare(folder) not in _GROUPS:
                return self._folders[folder]
        beside = self._beside.get(str(path.parent), {})
        # The file's name up to any of its dots, dashes, underscores and blanks, the longest first.
        ends = [len(path.name), *(found.start() for found in re.finditer(r"[-_. ]", path.name))]
        return next((beside[path.name[:end]] for end in sorted(ends, reverse=True) if path.name[:end] in beside), None)

    def of_assignment(self, key: str, modules: Collection[str]) -> str | None:
        """Return the lesson or the module that an assignment belongs to, or None for the class."""
        lesson = self.of_file(key)
        if lesson is not None:
            return lesson
        return _top(key) if _top(key) in modules else None


def _is_assignment(key: str) -> bool:
    """Say whether Markdown's name says so: assignment.md, 03-slug.assignment.md, or in a folder of assignments."""
    path = PurePosixPath(key)
    if not _is_markdown(key):
        return False
    named = bool(_ASSIGNMENT.fullmatch(_NUMBER.sub("", path.stem)))
    return named or (path.parent.name.casefold() == "assignments" and not is_index(key))


def _can_be_lesson(key: str) -> bool:
    """Say whether Markdown makes a module of the top folder it is in; that folder's own README alone does not."""
    depth = key.count("/")
    return depth > 0 and not _in_materials(key) and (depth > 1 or not is_index(key))


def _is_companion(key: str, plain: set[str]) -> bool:
    path = PurePosixPath(key).with_suffix("")
    return "." in path.name and path.with_name(path.name.partition(".")[0]).as_posix() in plain


def _is_markdown(key: str) -> bool:
    return suffix_of(key) in MARKDOWN


def _in_materials(key: str) -> bool:
    return any(_bare(part) in _MATERIALS for part in PurePosixPath(key).parts[:-1])


def _bare(folder: str) -> str:
    return _NUMBER.sub("", PurePosixPath(folder).name).casefold()


def _folder(key: str) -> str:
    return str(PurePosixPath(key).parent)


def _top(key: str) -> str:
    return key.partition("/")[0] if "/" in key else WHOLE_COURSE
