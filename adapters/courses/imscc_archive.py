"""The zip that a course package is: opened without trusting what it says about itself."""

from __future__ import annotations

import posixpath
import re
import stat
import unicodedata
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from urllib.parse import unquote

from core.errors import Corrupt, Encrypted, InvalidInput, NotFound, ZipBomb
from core.materials.files import LARGEST_FILE

_ENTRIES = 50_000
_TEXT = 20 * 1024 * 1024  # bytes of one XML file or page, which a parser holds in memory several times over
_UNPACKED = 2 * 1024 * 1024 * 1024  # bytes of all that one import unpacks
_RATIO = 200  # deflate reaches 1,032; pages and XML stay near 10
_SMALL = 10 * 1024 * 1024  # bytes: below this no ratio can do harm
_ENCRYPTED_FLAG = 0x1
_UTF8_FLAG = 0x800
_DRIVE = re.compile(r"[A-Za-z]:")
_FAULTS = (zipfile.BadZipFile, zlib.error, OSError, EOFError, ValueError, NotImplementedError, RuntimeError)


class Archive:
    """A package's files by their path inside it. Paths that lead out of it, and links, are listed in `refused`."""

    def __init__(self, opened: zipfile.ZipFile, into: Path) -> None:
        """Take the open zip and the folder for the files that are unpacked. Raises `ZipBomb`."""
        self.refused: list[str] = []
        self._zip = opened
        self._into = into
        self._unpacked = self._files = 0
        self._entries: dict[str, zipfile.ZipInfo] = {}
        if len(opened.infolist()) > _ENTRIES:
            raise ZipBomb(f"This package holds more than {_ENTRIES:,} files. Is it a course?")
        for entry in opened.infolist():
            if entry.is_dir():
                continue
            path = _safe(_named(entry))
            if path is None or stat.S_ISLNK(entry.external_attr >> 16):
                self.refused.append(entry.filename)
            else:
                self._entries[path] = entry  # of two files with one name the last counts, as when it is unpacked

    def __contains__(self, path: str) -> bool:
        """Say whether there is a file of that path."""
        return path in self._entries

    def __iter__(self) -> Iterator[str]:
        """Yield all paths, in the package's order."""
        return iter(self._entries)

    def find(self, href: str) -> str | None:
        """Return the path that a reference means, or None; some exporters write it percent-encoded."""
        for candidate in (href, unquote(href)):
            path = _safe(candidate)
            if path is not None and path in self._entries:
                return path
        return None

    def size(self, path: str) -> int:
        """Return a file's declared size in bytes; no more than that is ever read of it."""
        return self._entries[path].file_size

    def read(self, path: str) -> bytes:
        """Return a file of text. Raises `NotFound`, `Encrypted`, `ZipBomb`, `Corrupt`."""
        if path not in self._entries:
            raise NotFound(f"The package has no file {path}.")
        return self._load(path, _TEXT)

    def unpack(self, path: str) -> Path:
        """Write a file into the folder, under its own name, and return where. Raises as `read` does."""
        data = self._load(path, LARGEST_FILE)
        self._files += 1
        folder = self._into / str(self._files)
        folder.mkdir()
        # The path inside the package is never used as a path here; its last part has no slash in it.
        target = folder / _short(PurePosixPath(path).name)
        target.write_bytes(data)
        return target

    def _load(self, path: str, most: int) -> bytes:
        entry = self._entries[path]
        if entry.flag_bits & _ENCRYPTED_FLAG:
            raise Encrypted(f"{path} is protected by a password. Export the course again without one.")
        size, packed = entry.file_size, max(1, entry.compress_size)
        if size > most or (size > _SMALL and size > _RATIO * packed):
            raise ZipBomb(f"{path} unpacks to {size / 2**20:,.0f} MB, which is more than can be taken.")
        try:
            with self._zip.open(entry) as file:
                data = file.read(most + 1)
        except _FAULTS as error:
            raise Corrupt(f"{path} in the package is damaged. Export the course again.") from error
        if len(data) > most:
            raise ZipBomb(f"{path} unpacks to more than can be taken.")
        self._unpacked += len(data)
        if self._unpacked > _UNPACKED:
            raise ZipBomb(f"This package unpacks to more than {_UNPACKED // 2**30} GB.")
        return data


@contextmanager
def open_archive(path: Path, into: Path) -> Iterator[Archive]:
    """Open a package; `into` is an empty folder of ours. Raises `NotFound`, `InvalidInput`, `ZipBomb`, `Corrupt`."""
    if not path.exists():
        raise NotFound(f"There is no file {path}.")
    if not path.is_file():
        raise InvalidInput(f"{path} is not a file.")
    try:
        opened = zipfile.ZipFile(path)
    except _FAULTS as error:
        raise Corrupt(f"{path.name} can't be opened: it is not a zip file, or it is damaged.") from error
    with opened:
        yield Archive(opened, into)


def _named(entry: zipfile.ZipInfo) -> str:
    """Return an entry's name; many programs write UTF-8 without saying so, which then reads as code page 437."""
    if entry.flag_bits & _UTF8_FLAG:
        return entry.filename
    try:
        return entry.filename.encode("cp437").decode()
    except UnicodeError:
        return entry.filename


def _safe(name: str) -> str | None:
    """Return a path inside the package, or None for one that leads out of it."""
    name = unicodedata.normalize("NFC", name.replace("\\", "/"))
    if not name or name.startswith("/") or _DRIVE.match(name) or any(map(_is_control, name)):
        return None
    path = posixpath.normpath(name)
    return None if path.startswith("../") or path in ("..", ".") else path


def _is_control(character: str) -> bool:
    return unicodedata.category(character) in ("Cc", "Cs")


def _short(name: str) -> str:
    """Return a file name that every file system takes, with its ending."""
    suffix = PurePosixPath(name).suffix[:20]
    stem = name[: len(name) - len(suffix)] if suffix else name
    return stem.encode()[: 200 - len(suffix.encode())].decode(errors="ignore") + suffix
