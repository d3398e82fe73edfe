"""course.yaml (or course.json, as OpenStax conversions have it): what a course says about itself and its files."""

from __future__ import annotations

import json
import posixpath
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import yaml

from adapters.courses.plain_yaml import load_yaml
from core.content.course_plan import About, Moment
from core.enums import AiPolicy
from core.errors import InvalidInput
from core.text import clean, one_line

NAMES = ("course.yaml", "course.yml", "course.json")
_LONGEST = 1_000_000  # bytes


@dataclass(frozen=True, slots=True)
class AssignmentSettings:
    """What course.yaml says about one assignment; None where it says nothing."""

    title: str | None = None
    lesson: str | None = None
    module: str | None = None
    points: Decimal | None = None
    weight: Decimal | None = None
    opens: Moment | None = None
    due: Moment | None = None
    closes: Moment | None = None
    ai_policy: AiPolicy | None = None


@dataclass(slots=True)
class CourseFile:
    """Its statements by key (a path inside the course). `ranks` gives modules and lessons their order."""

    about: About = field(default_factory=About)
    titles: dict[str, str] = field(default_factory=dict)
    descriptions: dict[str, str] = field(default_factory=dict)
    ranks: dict[str, int] = field(default_factory=dict)
    assignments: dict[str, AssignmentSettings] = field(default_factory=dict)
    skip: list[str] = field(default_factory=list)
    speaker_notes: bool = True
    notes: list[str] = field(default_factory=list)


def read_course_file(root: Path) -> CourseFile:
    """Read the first of course.yaml, course.yml, course.json that is there. Raises `InvalidInput` when it is broken."""
    for name in NAMES:
        path = root / name
        if path.is_file():
            return _interpret(_load(path), name)
    return CourseFile()


def _load(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > _LONGEST:
            raise InvalidInput(f"{path.name} is too large to describe a course.")
        text = path.read_text("utf-8-sig")
        data = json.loads(text) if path.suffix == ".json" else load_yaml(text)
    except yaml.MarkedYAMLError as error:
        line = f" (line {error.problem_mark.line + 1})" if error.problem_mark else ""
        raise InvalidInput(f"{path.name} can't be read{line}: {error.problem or 'this is not YAML'}.") from error
    except (OSError, ValueError, yaml.YAMLError, RecursionError) as error:
        raise InvalidInput(f"{path.name} can't be read: {one_line(str(error), 200)}.") from error
    if data is None:
        return {}
    if not isinstance(data, dict):
        raise InvalidInput(f"{path.name} must say `title: …`, `modules: …` and so on.")
    return data


def _interpret(data: dict[str, Any], name: str) -> CourseFile:
    course = CourseFile(
        about=About(
            title=_text(data.get("title")),
            code=_text(data.get("code")),
            language=_text(data.get("language")),
            time_zone=_text(data.get("time_zone")),
            description=clean(str(data.get("description") or "")),
        )
    )
    for entry in _list(data, "modules", name, course):
        module = _entry(entry)
        key = _key(module.get("path") or module.get("dir") or module.get("folder"))
        if not key:
            course.notes.append(f"{name}: a module without a `path` was ignored.")
            continue
        _name(course, key, module.get("title") or module.get("module"))
        if module.get("description"):
            course.descriptions[key] = clean(str(module["description"]))
        for lesson_entry in _list(module, "lessons", name, course):
            lesson = _entry(lesson_entry)
            path = _key(lesson.get("path") or lesson.get("file"))
            if path:
                inside = path if path == key or path.startswith(f"{key}/") else _key(f"{key}/{path}")
                _name(course, inside, lesson.get("title"))
    for entry in _list(data, "materials", name, course):
        material = _entry(entry)
        if title := _text(material.get("title")):
            course.titles[_key(material.get("path"))] = title
    for entry in _list(data, "assignments", name, course):
        assignment = _entry(entry)
        key = _key(assignment.get("path") or assignment.get("file"))
        if not key:
            course.notes.append(f"{name}: an assignment without a `path` was ignored.")
            continue
        course.assignments[key] = _assignment(assignment, key, name, course)
    course.speaker_notes = _speaker_notes(data, name, course)
    course.skip.extend(str(pattern) for pattern in _list(data, "skip", name, course))
    return course


def _speaker_notes(data: dict[str, Any], name: str, course: CourseFile) -> bool:
    said = data.get("speaker_notes", True)
    if not isinstance(said, bool):
        # Whoever wrote something here most likely wanted to keep them out.
        course.notes.append(f"{name}: `speaker_notes` is neither true nor false; speaker notes were left out.")
    return said is True


def _assignment(entry: dict[str, Any], key: str, name: str, course: CourseFile) -> AssignmentSettings:
    def read(field_name: str, convert: Callable[[Any], Any]) -> Any:  # noqa: ANN401  (whatever `convert` gives)
        value = entry.get(field_name)
        if value is None:
            return None
        try:
            return convert(value)
        except (ValueError, InvalidOperation, OverflowError):
            course.notes.append(f"{name}: `{field_name}: {one_line(str(value), 60)}` of {key} was not understood.")
            return None

    return AssignmentSettings(
        title=_text(entry.get("title")),
        lesson=_key(entry.get("lesson")) or None,
        module=_key(entry.get("module")) or None,
        points=read("points", lambda value: Decimal(str(value))),
        weight=read("weight", lambda value: Decimal(str(value))),
        opens=read("opens", moment),
        due=read("due", moment),
        closes=read("closes", moment),
        ai_policy=read("ai_policy", _policy),
    )


def _policy(value: object) -> AiPolicy:
    # YAML 1.1 takes a bare `off` for a falsehood.
    return AiPolicy.OFF if value is False else AiPolicy(str(value).upper())


def moment(value: object) -> Moment:
    """Read `+14d`, `+2w`, a day or a moment of ISO 8601. Raises `ValueError`."""
    if isinstance(value, date):  # YAML knows dates and times; a datetime is a date, too
        return value
    text = str(value).strip()
    if text.startswith("+") and text[-1:] in ("d", "w"):
        return timedelta(days=int(text[1:-1]) * (7 if text[-1] == "w" else 1))
    return datetime.fromisoformat(text) if len(text) > len("2026-01-31") else date.fromisoformat(text)


def _name(course: CourseFile, key: str, title: object) -> None:
    course.ranks[key] = len(course.ranks)
    if named := _text(title):
        course.titles[key] = named


def _list(data: dict[str, Any], key: str, name: str, course: CourseFile) -> list[Any]:
    value = data.get(key) or []
    if isinstance(value, list):
        return value
    course.notes.append(f"{name}: `{key}` is not a list and was ignored.")
    return []


def _entry(entry: object) -> dict[str, Any]:
    return entry if isinstance(entry, dict) else {"path": entry}


def _text(value: object) -> str | None:
    return one_line(str(value), 300) or None if isinstance(value, str | int | float) else None


def _key(path: object) -> str:
    """Return a path as files are named by: no `./`, no trailing slash; nothing for what leads out of the course."""
    if not isinstance(path, str | int) or not str(path).strip():
        return ""
    key = posixpath.normpath(str(path).strip().replace("\\", "/"))
    return "" if key.startswith(("/", "..")) or key == "." else key
