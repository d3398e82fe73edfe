"""An original file as a response that no browser runs anything of."""

from __future__ import annotations

import re
from urllib.parse import quote

from aiohttp import web

from core.materials.files import MEDIA_TYPES, suffix_of
from core.text import one_line

_PDF = MEDIA_TYPES[".pdf"]
_LONGEST_NAME = 120  # characters
_UNSAFE = re.compile(r'[\\/:*?"<>|%\u200e\u200f\u202a-\u202e\u2066-\u2069]')  # paths, and what turns text around
_NOT_ASCII = re.compile(r"[^\x20-\x7e]")
# A sandbox would keep Chromium's own viewer from showing a PDF.
_POLICY = {_PDF: "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"}
_SANDBOX = "default-src 'none'; sandbox; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"


def file_response(data: bytes, filename: str, media_type: str) -> web.Response:
    """Return a file under its own name and type: a PDF to look at, everything else to keep."""
    if media_type not in MEDIA_TYPES.values():
        media_type = "application/octet-stream"
    charset = "; charset=utf-8" if media_type.startswith("text/") else ""
    return web.Response(
        body=data,
        headers={
            "Content-Type": media_type + charset,
            "Content-Disposition": disposition(filename, media_type),
            "Content-Security-Policy": _POLICY.get(media_type, _SANDBOX),
        },
    )


def disposition(filename: str, media_type: str) -> str:
    """Return a Content-Disposition (RFC 6266) with a name that is safe to save under and ends as its type does."""
    name = one_line(_UNSAFE.sub(" ", filename.replace("\\", "/").rpartition("/")[2]), _LONGEST_NAME).strip(". ")
    endings = [suffix for suffix, known in MEDIA_TYPES.items() if known == media_type]
    if endings and suffix_of(name) not in endings:
        name = f"{name or 'file'}{endings[0]}"
    name = name or "file"
    kind = "inline" if media_type == _PDF else "attachment"
    plain = _NOT_ASCII.sub("_", name)
    return f"{kind}; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
