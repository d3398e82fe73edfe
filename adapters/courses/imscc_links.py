"""Where the links of a package's pages lead: out of the course, or to a file of the package."""

from __future__ import annotations

import posixpath
import re
from urllib.parse import quote, unquote

from adapters.courses.imscc_archive import Archive

_FILES = "web_resources"
_BASE = re.compile(r"\$IMS[-_]CC[-_]FILEBASE\$/*", re.IGNORECASE)
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_SAFE = "%/:?#@!$&'*+,;=~[]-._"  # what an address may keep; brackets and blanks would end a Markdown link


def address(written: str) -> str | None:
    """Return a link's address as Markdown takes it, when it leads out of the course to the web or to a mailbox."""
    link = written.strip()
    if link.startswith("//"):
        link = f"https:{link}"
    if not link.casefold().startswith(("http://", "https://", "mailto:")):
        return None
    return quote(link, safe=_SAFE)


def file_behind(written: str, page: str, archive: Archive) -> str | None:
    """Return the path of the file in the package that a link on a page leads to, or None."""
    link = unquote(written.partition("#")[0].partition("?")[0]).strip()
    based = _BASE.match(link)
    if based:
        rest = link[based.end() :]
        candidates = [posixpath.join(_FILES, rest), rest]
    elif link.startswith(("$", "/")) or _SCHEME.match(link) or not link:
        return None
    else:
        candidates = [posixpath.join(posixpath.dirname(page), link)]
    return next((path for each in candidates if (path := archive.find(each)) is not None), None)
