"""What a material's file is: checked before it is stored, by what its name and its first bytes say."""

from __future__ import annotations

import hashlib
from pathlib import PurePosixPath
from uuid import uuid4

from core.content.fields import FileFields
from core.errors import Empty, Oversized, WrongType
from core.ports import Storage
from core.text import one_line

LARGEST_FILE = 50 * 1024 * 1024
"""Bytes."""

_OFFICE = "application/vnd.openxmlformats-officedocument"
MEDIA_TYPES = {
    ".pdf": "application/pdf",
    ".pptx": f"{_OFFICE}.presentationml.presentation",
    ".docx": f"{_OFFICE}.wordprocessingml.document",
    ".ipynb": "application/x-ipynb+json",
    **dict.fromkeys((".md", ".markdown", ".mdown", ".mkd", ".qmd", ".rmd", ".mdx"), "text/markdown"),
    **dict.fromkeys((".html", ".htm", ".xhtml"), "text/html"),
    **dict.fromkeys((".txt", ".text", ".rst", ".tex"), "text/plain"),
}
MARKDOWN = frozenset(suffix for suffix, media_type in MEDIA_TYPES.items() if media_type == "text/markdown")


WITHOUT_NOTES = "; notes=none"
"""What a presentation's media type ends in when its speaker notes are not to be read, so that no worker does."""


def suffix_of(filename: str) -> str:
    """Return the file name's ending in lower case, with its dot, or nothing."""
    return PurePosixPath(filename.replace("\\", "/")).suffix.lower()


def media_type_of(data: bytes, filename: str) -> str:
    """Return the media type; what a file is goes before what it is called.

    Raises `Empty`, `Oversized`, `WrongType`: what can be known without opening it.
    """
    if not data:
        raise Empty("This file is empty.")
    if len(data) > LARGEST_FILE:
        raise Oversized(
            f"This file has {len(data) / 2**20:,.1f} MB; at most {LARGEST_FILE / 2**20:,.0f} MB can be taken. "
            "Split it into parts and upload those."
        )
    if data.lstrip()[:5] == b"%PDF-":
        return MEDIA_TYPES[".pdf"]
    media_type = MEDIA_TYPES.get(suffix_of(filename))
    if media_type is None:
        raise WrongType
    return media_type


def material_type(data: bytes, filename: str, *, speaker_notes: bool = True) -> str:
    """Return the media type as a material has it. Raises as `media_type_of` does."""
    media_type = media_type_of(data, filename)
    return media_type + (WITHOUT_NOTES if media_type == MEDIA_TYPES[".pptx"] and not speaker_notes else "")


async def store_file(
    storage: Storage, data: bytes, filename: str, title: str, *, speaker_notes: bool = True
) -> FileFields:
    """Check a file and store it under a fresh key. Raises `Empty`, `Oversized`, `WrongType`, `StorageUnavailable`.

    A transaction that fails afterwards leaves a file without a row, never a row without its file.
    """
    fields = FileFields(
        title=title,
        storage_key=f"materials/{uuid4()}",
        filename=PurePosixPath(filename.replace("\\", "/")).name,
        media_type=material_type(data, filename, speaker_notes=speaker_notes),
        byte_size=len(data),
        sha256=hashlib.sha256(data).digest(),
    )
    await storage.put(fields.storage_key, data)
    return fields


def title_from(filename: str) -> str:
    """Make a title of a file's name: `03-star_hopping.slides.pdf` becomes `Star hopping slides`."""
    stem = PurePosixPath(filename.replace("\\", "/")).name
    while suffix_of(stem) in MEDIA_TYPES:
        stem = stem[: -len(suffix_of(stem))]
    words = one_line(stem.replace("-", " ").replace("_", " ").replace(".", " "), 200)
    number, _, rest = words.partition(" ")
    words = rest if number.isdigit() and rest else words
    return words[:1].upper() + words[1:] or "Untitled"
