"""The files of a course's folder: which of them are course content at all."""

from __future__ import annotations

import os
import re
import stat
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath

from adapters.courses.course_file import NAMES
from adapters.courses.keep_out import reason_to_keep_out
from core.content.course_plan import LeftOut
from core.errors import InvalidInput, NotFound
from core.materials.files import MEDIA_TYPES, suffix_of

_MOST_FILES = 50_000
_TOOLS = frozenset({"__pycache__", "__macosx", "node_modules", "venv", "env", "_build", "dist", "target"})
_LEGAL = re.compile(r"(licen[cs]e|copying|notice|copyright|authors)([-._].*)?", re.IGNORECASE)
_REPOSITORY = re.compile(
    r"(code_of_conduct|contributing|security|changelog|pull_request_template|issue_template)\.\w+"
    r"|requirements[\w-]*\.txt|cmakelists\.txt|robots\.txt",
    re.IGNORECASE,
)


@dataclass(slots=True)
class Files:
    """Course documents by key, and what was left out on the way."""

    documents: dict[str, Path] = field(default_factory=dict)
    kept_out: list[LeftOut] = field(default_factory=list)
    skipped: list[LeftOut] = field(default_factory=list)


def check_folder(path: Path) -> Path:
    """Return the folder, absolute. Raises `NotFound`, `InvalidInput` for what can't be imported."""
    if not path.exists():
        raise NotFound(f"There is no folder {path}.")
    if path.is_file():
        if path.suffix.casefold() in (".imscc", ".zip"):
            raise InvalidInput(f"{path.name} is a packed course. Import it as it is, or unpack it and give the folder.")
        raise InvalidInput(f"{path.name} is a single file. Give the folder that it is in.")
    if not path.is_dir() or not os.access(path, os.R_OK | os.X_OK):
        raise InvalidInput(f"The folder {path} can't be read.")
    return path.resolve()


def walk(root: Path, skip: list[str]) -> Files:
    """Look through a folder. Links that lead out of it are not followed. Raises `InvalidInput` when it is enormous."""
    files = Files()
    for path, key, fault in _entries(root, files):
        if fault is not None:
            files.skipped.append(LeftOut(key, fault))
        elif any(fnmatch(key, pattern) or fnmatch(path.name, pattern) for pattern in skip):
            files.skipped.append(LeftOut(key, "left out by the course file"))
        elif (secret := reason_to_keep_out(key)) is not None:
            files.kept_out.append(LeftOut(key, secret, path))
        elif (useless := _reason_to_skip(path.name)) is not None:
            files.skipped.append(LeftOut(key, useless))
        else:
            files.documents[key] = path
    return files


def _entries(root: Path, files: Files) -> Iterator[tuple[Path, str, str | None]]:
    """Yield every file with its key and, if it can't be a document whatever its name, why."""
    seen = 0
    for folder, folders, names in os.walk(root, onerror=lambda error: _unreadable(error, root, files)):
        here = Path(folder)
        for name in sorted(folders):
            hidden = name.startswith(".") or name.casefold() in _TOOLS
            if hidden or (here / name).is_symlink():
                folders.remove(name)
                files.skipped.append(LeftOut(_key(here / name, root) + "/", "hidden" if hidden else "a link"))
        for name in sorted(names):
            seen += 1
            if seen > _MOST_FILES:
                raise InvalidInput(f"{root} holds more than {_MOST_FILES:,} files. Is this the course's folder?")
            path = here / name
            key = _key(path, root)
            if here == root and name in NAMES:
                continue
            yield path, key, _fault(path, root)


def _fault(path: Path, root: Path) -> str | None:
    if path.name.startswith((".", "~$")):
        return "hidden"
    try:
        path.name.encode()
        if path.is_symlink() and not path.resolve().is_relative_to(root):
            return "a link that leads out of the folder"
        if not stat.S_ISREG(path.stat().st_mode):
            return "not a regular file"
    except UnicodeEncodeError:
        return "its name is not in UTF-8"
    except (OSError, RuntimeError):  # a broken link, a loop of links
        return "can't be read"
    return None if os.access(path, os.R_OK) else "can't be read"


def _reason_to_skip(name: str) -> str | None:
    if _LEGAL.fullmatch(PurePosixPath(name).stem) or _LEGAL.fullmatch(name):
        return "a licence or notice"
    if _REPOSITORY.fullmatch(name):
        return "about the repository, not the course"
    return None if suffix_of(name) in MEDIA_TYPES else "not a kind of document that can be read"


def _key(path: Path, root: Path) -> str:
    # One name on every system: macOS takes letters and their accents apart.
    key = unicodedata.normalize("NFC", path.relative_to(root).as_posix())
    return key.encode("utf-8", "replace").decode()


def _unreadable(error: OSError, root: Path, files: Files) -> None:
    if error.filename:
        files.skipped.append(LeftOut(_key(Path(error.filename), root) + "/", "can't be read"))
