"""What kind of document some bytes are: their content decides, the file's name only between kinds of text."""

from __future__ import annotations

import re
from enum import StrEnum
from pathlib import PurePath

from adapters.documents.archive import check_archive
from adapters.documents.text import is_binary
from core.errors import Corrupt, Encrypted, WrongType


class Format(StrEnum):
    """The formats that can be read."""

    PDF = "PDF"
    PPTX = "PPTX"
    DOCX = "DOCX"
    MARKDOWN = "Markdown"
    HTML = "HTML"
    NOTEBOOK = "Jupyter notebook"
    TEXT = "text"


_PDF_HEAD = 1_024  # bytes: where readers look for the header, ISO 32000-1 annex H.3.4.1
_ZIP = (b"PK\x03\x04", b"PK\x05\x06")
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"  # Microsoft's compound file: old Office formats, and encrypted new ones
_PICTURES = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"II*\0", b"MM\0*", b"RIFF", b"\0\0\1\0")
_PROGRAMS = (b"\x7fELF", b"MZ\x90", b"\xca\xfe\xba\xbe", b"\xcf\xfa\xed\xfe", b"\xce\xfa\xed\xfe")
_SAVE_AS = "Open it and save a copy as {format}, then upload that."
_HTML_START = re.compile(
    r"\s*(?:<\?xml[^>]*>\s*)?(?:<!--(?:[^-]|-(?!->))*-->\s*)*<(?:!doctype\s+html|html[\s>])", re.IGNORECASE | re.DOTALL
)
_NOTEBOOK_START = re.compile(r"\s*\{")
_SVG_START = re.compile(
    r"\s*(?:<\?xml[^>]*>\s*)?(?:<!--(?:[^-]|-(?!->))*-->\s*)*(?:<!doctype\s+svg[^>]*>\s*)?<svg[\s>]",
    re.IGNORECASE | re.DOTALL,
)
_BY_SUFFIX = {
    ".md": Format.MARKDOWN, ".markdown": Format.MARKDOWN, ".mdown": Format.MARKDOWN, ".mkd": Format.MARKDOWN,
    ".qmd": Format.MARKDOWN, ".rmd": Format.MARKDOWN, ".mdx": Format.MARKDOWN,
    ".html": Format.HTML, ".htm": Format.HTML, ".xhtml": Format.HTML,
    ".ipynb": Format.NOTEBOOK,
}  # fmt: skip
_BINARY_SUFFIXES = {".pdf": "PDF", ".docx": "DOCX", ".pptx": "PPTX"}


def detect(data: bytes, filename: str) -> Format:
    """Name the format. A PDF called `notes.txt` is read as a PDF: what counts is that the text gets in.

    Raises `WrongType` for what can't be read, `Encrypted` for password-protected Office files, `ZipBomb`, and
    `Corrupt` where the name promises a format that the content lacks.
    """
    suffix = PurePath(filename.replace("\\", "/")).suffix.lower()
    head = data[:_PDF_HEAD]
    if head.lstrip().startswith(b"%PDF-") or (b"%PDF-" in head and (suffix == ".pdf" or is_binary(data))):
        return Format.PDF
    if data.startswith(_ZIP):
        return Format(check_archive(data).upper())
    _refuse(data, suffix)
    if suffix in _BINARY_SUFFIXES:
        raise Corrupt(
            f"The name says {_BINARY_SUFFIXES[suffix]}, but the content is something else. "
            "Export the file again from the program that made it."
        )
    if is_binary(data):
        raise WrongType
    start = data[:4_096].replace(b"\0", b"").decode("latin-1").removeprefix("ï»¿").lstrip("ÿþ")
    if _SVG_START.match(start):
        raise WrongType("This is a picture, not a document. Upload a document with text.")
    if _HTML_START.match(start):
        return Format.HTML
    if suffix in (".json", ".txt", "") and _NOTEBOOK_START.match(start) and b'"nbformat"' in data:
        return Format.NOTEBOOK
    return _BY_SUFFIX.get(suffix, Format.TEXT)


def _refuse(data: bytes, suffix: str) -> None:
    """Raise for well-known files that hold no readable text, with the way out where there is one."""
    if data.startswith(_OLE):
        if "EncryptedPackage".encode("utf-16-le") in data:
            raise Encrypted
        if "WordDocument".encode("utf-16-le") in data:
            raise WrongType("This is Word's old format (.doc). " + _SAVE_AS.format(format="DOCX or PDF"))
        if "PowerPoint Document".encode("utf-16-le") in data:
            raise WrongType("This is PowerPoint's old format (.ppt). " + _SAVE_AS.format(format="PPTX or PDF"))
        if suffix in _BINARY_SUFFIXES:
            raise Corrupt
        raise WrongType
    if data.startswith(b"{\\rtf"):
        raise WrongType("RTF files can't be read. " + _SAVE_AS.format(format="DOCX or PDF"))
    if data.startswith(_PICTURES) and is_binary(data):
        raise WrongType("This is a picture, not a document. Upload a document with text.")
    if data.startswith(_PROGRAMS):
        raise WrongType("This is a program, not a document.")
