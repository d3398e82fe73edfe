"""Reads a folder of files as a course. Pure: it opens files and decides nothing about what is there already."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from adapters.courses.course_file import AssignmentSettings, CourseFile, read_course_file
from adapters.courses.keep_out import markdown_reason
from adapters.courses.markdown_file import MarkdownFile, read_markdown_file
from adapters.courses.order import is_index, natural
from adapters.courses.outline import WHOLE_COURSE, Outline, outline
from adapters.courses.walk import Files, check_folder, walk
from core.content.course_plan import (
    CoursePlan,
    LeftOut,
    PlannedAssignment,
    PlannedLesson,
    PlannedMaterial,
    PlannedModule,
)
from core.errors import InvalidInput
from core.materials.files import MARKDOWN, suffix_of, title_from

_UNNAMED = 1_000_000  # rank of what the course file does not list: after what it does


def read_folder(path: Path, *, title: str) -> CoursePlan:
    """Plan the import of a folder. `title` is the class's, for the module of a course that has none of its own.

    Raises `NotFound` (no such folder) and `InvalidInput` (not a folder, unreadable, nothing in it, a broken
    course.yaml).
    """
    root = check_folder(path)
    course = read_course_file(root)
    files = walk(root, course.skip)
    texts = _Texts(files)
    texts.withdraw_answers()
    if not files.documents:
        raise InvalidInput(f"There is nothing to import in {path}: {_why_nothing(files)}.")
    plan = outline(files.documents, course.assignments)
    course.notes.extend(f"The course file names {key}, which is not there." for key in _missing(course, plan, files))
    ranked = _Ranks(course)
    lessons = sorted(plan.lessons, key=lambda key: ranked.of_lesson(key, plan.lessons[key]))
    return CoursePlan(
        source="folder:" + _slug(course.about.code or course.about.title or root.name),
        about=course.about,
        modules=tuple(
            _module(key, plan.modules[key], texts, course, title) for key in sorted(plan.modules, key=ranked.of_module)
        ),
        lessons=tuple(_lesson(key, plan.lessons[key], texts, course) for key in lessons),
        materials=tuple(
            _material(key, lesson, files.documents[key], course)
            for key, lesson in sorted(plan.materials.items(), key=lambda item: natural(item[0]))
        ),
        assignments=tuple(
            _assignment(key, plan.assignments[key], plan, texts, course)
            for key in sorted(plan.assignments, key=ranked.of_assignment)
        ),
        kept_out=_in_order(files.kept_out),
        skipped=_in_order(files.skipped),
        notes=tuple(course.notes),
    )


@dataclass(slots=True)
class _Texts:
    """The Markdown files, each read once."""

    files: Files
    _read: dict[str, MarkdownFile] = field(default_factory=dict)

    def __getitem__(self, key: str) -> MarkdownFile:
        if key not in self._read:
            self._read[key] = read_markdown_file(self.files.documents[key])
        return self._read[key]

    def withdraw_answers(self) -> None:
        """Take out of the documents what can't be read, and what its content shows to be no student's business."""
        for key in [key for key in self.files.documents if suffix_of(key) in MARKDOWN]:
            try:
                reason = markdown_reason(key, self[key])
            except OSError as error:
                self.files.skipped.append(LeftOut(key, f"can't be read: {error.strerror}"))
                del self.files.documents[key]
                continue
            if reason is not None:
                self.files.kept_out.append(LeftOut(key, reason, self.files.documents[key]))
                del self.files.documents[key]


@dataclass(frozen=True, slots=True)
class _Ranks:
    """The order: as the course file lists things, then by numbers and names."""

    course: CourseFile

    def of_module(self, key: str) -> tuple[object, ...]:
        return (self.course.ranks.get(key, _UNNAMED), natural(key))

    def of_lesson(self, key: str, module: str) -> tuple[object, ...]:
        named = self.course.ranks.get(key, self.course.ranks.get(str(PurePosixPath(key).parent), _UNNAMED))
        return (*self.of_module(module), named if module != key else _UNNAMED, natural(key))

    def of_assignment(self, key: str) -> tuple[object, ...]:
        listed = list(self.course.assignments)
        return (listed.index(key) if key in listed else _UNNAMED, natural(key))


def _module(key: str, index: str | None, texts: _Texts, course: CourseFile, title: str) -> PlannedModule:
    text = texts[index] if index else MarkdownFile(None, "")
    own = course.about.title or title if key == WHOLE_COURSE else text.title or title_from(key)
    return PlannedModule(key, course.titles.get(key) or own, course.descriptions.get(key, text.body))


def _lesson(key: str, module: str, texts: _Texts, course: CourseFile) -> PlannedLesson:
    text = texts[key]
    folder = str(PurePosixPath(key).parent)
    named = course.titles.get(key) or (course.titles.get(folder) if is_index(key) and folder != module else None)
    return PlannedLesson(key, module, named or text.title or title_from(folder if is_index(key) else key), text.body)


def _material(key: str, lesson: str | None, path: Path, course: CourseFile) -> PlannedMaterial:
    return PlannedMaterial(
        key, path, title_from(key), course.titles.get(key), lesson, path.stat().st_size, course.speaker_notes
    )


def _assignment(key: str, home: str | None, plan: Outline, texts: _Texts, course: CourseFile) -> PlannedAssignment:
    said = course.assignments.get(key) or AssignmentSettings()
    text = texts[key] if suffix_of(key) in MARKDOWN else MarkdownFile(None, "")
    lesson = said.lesson if said.lesson in plan.lessons else None
    module = said.module if said.module in plan.modules else None
    if lesson is None and module is None:
        lesson = home if home in plan.lessons else None
        module = home if home in plan.modules else None
    plain = f"Assignment: {_lesson(lesson, '', texts, course).title}" if lesson else title_from(key)
    default = PlannedAssignment(key, said.title or text.title or plain, text.body)
    return PlannedAssignment(
        key=key,
        title=default.title,
        instructions=default.instructions,
        lesson=lesson,
        module=None if lesson else module,
        points=default.points if said.points is None else said.points,
        weight=default.weight if said.weight is None else said.weight,
        opens=said.opens,
        due=said.due,
        closes=said.closes,
        ai_policy=said.ai_policy or default.ai_policy,
    )


def _missing(course: CourseFile, plan: Outline, files: Files) -> list[str]:
    folders = {str(parent) for key in files.documents for parent in PurePosixPath(key).parents}
    known = plan.modules.keys() | files.documents.keys() | folders
    return sorted({*course.ranks, *course.assignments, *course.titles} - known, key=natural)


def _in_order(left_out: Iterable[LeftOut]) -> tuple[LeftOut, ...]:
    return tuple(sorted(left_out, key=lambda entry: natural(entry.path)))


def _why_nothing(files: Files) -> str:
    if files.kept_out:
        return "all of its documents are for teachers only"
    return "none of its files can be read as documents" if files.skipped else "the folder is empty"


def _slug(name: str) -> str:
    return re.sub(r"\W+", "-", name.casefold()).strip("-")[:80] or "course"
