"""Which descriptions of pictures are worth reading."""

from __future__ import annotations

import re

_BADGE = re.compile(r"shields\.io|badge|travis-ci|codecov|mybinder", re.IGNORECASE)
_NO_DESCRIPTION = re.compile(
    r"(?:image|img|picture|pic|photo|figure|screenshot|logo|icon|diagram|graphic|bild|grafik|imagen)?[\s_-]*\d*"
    r"|\S+\.(?:png|jpe?g|gif|svg|webp|bmp|tiff?|emf|wmf)",
    re.IGNORECASE,
)
# What Office writes by itself: a guess, often a wrong one.
_GENERATED = re.compile(r"description automatically generated|may be incorrect\.?$", re.IGNORECASE)


def alt_text(description: str | None, source: str | None = None) -> str:
    """Return a picture's description if a person wrote it, else an empty string; a badge has none."""
    text = " ".join((description or "").split())
    if _NO_DESCRIPTION.fullmatch(text) or _GENERATED.search(text) or _BADGE.search(source or ""):
        return ""
    return text
