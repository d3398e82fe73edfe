"""Looks into a zip before anything unpacks it: what kind of document it is, and whether it is safe to open."""

from __future__ import annotations

import io
import re
import zipfile

from core.errors import Corrupt, Encrypted, WrongType, ZipBomb

_ENTRIES = 10_000
_UNPACKED = 1024 * 1024 * 1024  # bytes in all; pictures and films hardly shrink, so honest files stay near their size
_XML_UNPACKED = 100 * 1024 * 1024  # bytes of XML in all, which a parser holds in memory several times over
_RATIO = 200  # deflate reaches 1,032; office XML is about 10, and stays below 100 in long tables
_SMALL = 10 * 1024 * 1024  # bytes: below this no ratio can do harm
_HEAD = 2_048
_ENCRYPTED_FLAG = 0x1
_DOCTYPE = re.compile(rb"<!\s*(?:DOCTYPE|ENTITY)", re.IGNORECASE)
_READ_ERRORS = (zipfile.BadZipFile, OSError, EOFError, ValueError, NotImplementedError, RuntimeError, KeyError)


def check_archive(data: bytes) -> str:
    """Return `docx` or `pptx`. Raises `ZipBomb`, `Encrypted`, `Corrupt`, or `WrongType` for any other zip."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = archive.infolist()
            _check_sizes(entries)
            kind = _kind({entry.filename for entry in entries})
            for entry in entries:
                if entry.flag_bits & _ENCRYPTED_FLAG:
                    raise Encrypted
                if _is_xml(entry):
                    with archive.open(entry) as part:
                        _check_head(part.read(_HEAD))
    except _READ_ERRORS as error:
        raise Corrupt from error
    except zipfile.zlib.error as error:  # type: ignore[attr-defined]
        raise Corrupt from error
    return kind


def _check_sizes(entries: list[zipfile.ZipInfo]) -> None:
    """Judge by the declared sizes; a reader never gets more than an entry declares."""
    unpacked = sum(entry.file_size for entry in entries)
    packed = sum(entry.compress_size for entry in entries)
    xml = sum(entry.file_size for entry in entries if _is_xml(entry))
    if len(entries) > _ENTRIES or unpacked > _UNPACKED or xml > _XML_UNPACKED:
        raise ZipBomb
    if unpacked > _SMALL and unpacked > _RATIO * max(packed, 1):
        raise ZipBomb
    if any(entry.filename.startswith("/") or ".." in entry.filename.split("/") for entry in entries):
        raise Corrupt


def _is_xml(entry: zipfile.ZipInfo) -> bool:
    return entry.filename.lower().endswith((".xml", ".rels", ".vml"))


def _check_head(head: bytes) -> None:
    """Refuse document type declarations: office files have none, and entities can grow without bound."""
    if _DOCTYPE.search(head.replace(b"\0", b"")):  # without the zeros of UTF-16
        raise Corrupt


def _kind(names: set[str]) -> str:
    if any(name.startswith("word/") for name in names):
        return "docx"
    if any(name.startswith("ppt/") for name in names):
        return "pptx"
    if any(name.startswith("xl/") for name in names):
        raise WrongType("This is a spreadsheet, which can't be read. Save the sheet as PDF and upload that.")
    if "content.xml" in names:
        raise WrongType("OpenDocument files can't be read. Save a copy as DOCX, PPTX or PDF and upload that.")
    if "imsmanifest.xml" in names:
        raise WrongType("This is a whole course. Import it as a course instead of uploading it as a document.")
    if "[Content_Types].xml" in names:
        raise Corrupt
    raise WrongType("Archives can't be read. Unpack it and upload the documents inside.")
