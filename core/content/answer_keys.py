"""Tells by its words whether a text gives away answers: an answer key, or a quiz that marks what is right.

Rather one too many: what is kept out is reported, and a lesson that is meant for students can be reworded.
"""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from core.documents import Reading

QUIZ = frozenset({"quiz", "quizzes", "exam", "exams", "midterm", "midterms"})

_WORD = re.compile(r"[^\W\d_]+")
_OPENING = 3  # lines
_HEADING_LENGTH = 100  # characters
_SEVERAL = 2  # a lesson may discuss one answer; a list of them is a key
_KEY_TITLE = re.compile(
    r"\b(?:answer|solution|marking|grading)s?[ \t]+(?:key|sheet|scheme)s?\b|\bmarking guide\b|\bmodel answers\b"
    r"|^\W*(?:answers|solutions|solutions? (?:to|for) .*|answers (?:to|for) .*)\W*$",
    re.IGNORECASE,
)
_BLANK = r"(?![ \t]*(?:[_.…]{2,}|<))"  # a line for students to write on
# In a quiz, whatever stands after "Answer:".
_MARKED = re.compile(
    rf"^\W*(?:(?:correct|right|model)[ \t]+)?(?:answers?|solutions?)(?:[ \t]+key)?\W*[:=]{_BLANK}"
    rf"|^[ \t]*[-*+•][ \t]+\[[xX]\]|^[ \t]*☒|\((?:correct|right answer)\)|<details>"
    rf"|\bcorrect answers?[ \t]*[:=]{_BLANK}",
    re.IGNORECASE | re.MULTILINE,
)
# Anywhere else only what no prose says: "Answer: B", "Correct answer: …".
_CERTAIN = re.compile(
    rf"\b(?i:correct|right|model)[ \t]+(?i:answers?)\W{{0,3}}[:=]{_BLANK}"
    r"|\b(?i:answers?)\W{0,3}[:=]\W{0,4}(?:[A-H]|(?i:true|false))(?=[.):;,*]|[ \t]*$|\s+\W?\d)",
    re.MULTILINE,
)


def gives_answers(name: str, title: str | None, text: str) -> str | None:
    """Say why a text of this file name (without folders) and title is not for students, or None."""
    lines = (line.strip(" \t#*_") for line in text.splitlines())
    opening = [line for line in lines if line][:_OPENING]
    if any(_KEY_TITLE.search(line) for line in (title or "", *opening) if len(line) <= _HEADING_LENGTH):
        return "looks like answers"
    named = {word.casefold() for word in _WORD.findall(f"{PurePosixPath(name).stem} {title or ''}".replace("_", " "))}
    if QUIZ & named and _MARKED.search(text):
        return "a quiz with its answers marked"
    if len(_CERTAIN.findall(text)) >= _SEVERAL:
        return "gives the answers to its questions"
    return None


def reading_gives_answers(name: str, title: str | None, reading: Reading) -> str | None:
    """Say why what was read of a file is not for students, or None; `title` is the course's, if it has one."""
    first = reading.chunks[0] if reading.chunks else None
    for called in (title, reading.title, first.heading.partition(" › ")[0] if first else None):
        if reason := gives_answers(name, called, "\n".join(chunk.text for chunk in reading.chunks)):
            return reason
    return None
