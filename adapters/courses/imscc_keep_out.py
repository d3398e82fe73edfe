"""What of a package is for its teachers only. Rather one too many: the report lists what is kept out."""

from __future__ import annotations

import re

from adapters.courses.keep_out import reason_to_keep_out
from core.content.answer_keys import gives_answers

# “Meet your instructor” is for students; “Instructor notes” is not.
_ABOUT_PEOPLE = re.compile(r"\b(?:about|ask|contact|email|from|meet|message|my|our|welcome|your)\b", re.IGNORECASE)
_TEACHERS = "for teachers"
_FOLDER = "web_resources/"


def module_reason(title: str) -> str | None:
    """Say why everything in a module of that title is not for students, or None."""
    if _ABOUT_PEOPLE.search(title):
        return None
    return "in a module for teachers or of answers" if reason_to_keep_out(f"{_flat(title)}/page.html") else None


def text_reason(path: str, title: str, text: str) -> str | None:
    """Say why a page or an assignment is not for students, or None."""
    for name in (path.rpartition("/")[2], f"{_flat(title)}.html"):
        reason = reason_to_keep_out(name)
        if reason and not (reason == _TEACHERS and _ABOUT_PEOPLE.search(title)):
            return reason
    return gives_answers(path.rpartition("/")[2], title, text)


def file_reason(path: str, title: str) -> str | None:
    """Say why a file is not for students, by its path and what the outline calls it, or None."""
    return reason_to_keep_out(path.removeprefix(_FOLDER)) or (reason_to_keep_out(_flat(title)) if title else None)


def _flat(title: str) -> str:
    return title.replace("/", " ").replace("\\", " ").strip(". ") or "untitled"
