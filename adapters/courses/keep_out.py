"""Which files of a course are for its teachers only: answers, solutions, quiz files with their answers inside.

Rather one too many: what is kept out is reported, and a lesson that is meant for students can be renamed.
"""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import PurePosixPath

from adapters.courses.markdown_file import MarkdownFile
from core.content.answer_keys import QUIZ, gives_answers

_WORD = re.compile(r"[^\W\d_]+|\d+")
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_LEADING_NUMBER = re.compile(r"^\d+(?:[.\-_ ]\d+)*[.\-_ ]+")

_TEACHERS = frozenset({
    "teacher", "teachers", "instructor", "instructors", "educator", "educators", "lecturer", "lecturers", "tutor",
    "tutors", "facilitator", "facilitators", "grader", "graders",
})  # fmt: skip
_FOR_TEACHERS = frozenset({
    "copy", "edition", "guide", "handbook", "key", "manual", "material", "materials", "notes", "only", "pack",
    "resources", "solution", "solutions", "version",
})  # fmt: skip
# Words that say it wherever they stand in a name.
_ANSWERS = frozenset({
    "answers", "answerkey", "answerkeys", "answersheet", "solutionkey", "markscheme", "markingscheme", "soln", "solns",
    "rubric", "rubrics",
})  # fmt: skip
_ANSWER = frozenset({"answer", "answers", "solution", "solutions", "marking", "grading", "mark", "model"})
_ANSWER_SHEET = frozenset({"key", "keys", "sheet", "sheets", "scheme", "schemes", "guide", "manual", "answer"})
_LAST = frozenset({"answer", "solution", "solutions", "solved"})
# Words that say it alone (`key.md`) or of a task (`hw1_sols.pdf`).
_SHORT = frozenset({"key", "keys", "sol", "sols"})
# The same in the languages that courses of the sort are most often written in.
_ELSEWHERE = frozenset({
    "antworten", "lösung", "lösungen", "loesung", "loesungen", "musterlösung", "musterlösungen", "musterloesung",
    "corrigé", "corrigés", "corrige", "corriges", "réponses", "reponses", "respuestas", "soluciones", "solucionario",
    "risposte", "soluzioni", "respostas", "soluções", "solucoes", "gabarito", "antwoorden", "oplossingen", "odpowiedzi",
})  # fmt: skip
_TASK = QUIZ | {
    "test", "tests", "final",
    "homework", "hw", "assignment", "assignments", "exercise", "exercises", "worksheet", "problem", "problems", "lab",
    "pset", "ps", "practice", "activity", "week", "wk", "chapter", "ch", "unit", "module", "lesson", "section", "set",
}  # fmt: skip


def reason_to_keep_out(path: str) -> str | None:
    """Say why a file's path (relative, with forward slashes) is not for students, or None."""
    *folders, name = PurePosixPath(path).parts
    if any(_is_teachers_folder(folder) for folder in folders):
        return "in a folder for teachers or of answers"
    stem, suffix = PurePosixPath(name).stem, PurePosixPath(name).suffix.casefold()
    words = _words(stem)
    if _for_teachers(words):
        return "for teachers"
    if _answers(words):
        return "looks like answers"
    quiz = bool({"quiz", "quizzes"} & set(words))
    in_quizzes = any({"quiz", "quizzes"} & set(_words(folder)) for folder in folders)
    data = suffix in (".json", ".xml", ".csv", ".gift", ".qti", ".yaml", ".yml", ".aiken", ".zip")
    if stem.casefold().endswith(".quiz") or ((quiz or in_quizzes) and data):
        return "a quiz file, which holds its answers"
    return None


def markdown_reason(path: str, file: MarkdownFile) -> str | None:
    """Say why a Markdown file's content is not for students, or None; its front matter may say so (`audience`)."""
    if any(_TEACHERS & set(_words(str(file.front.get(name, "")))) for name in ("audience", "visibility")):
        return "for teachers"
    return gives_answers(PurePosixPath(path).name, file.title, file.body)


def _is_teachers_folder(name: str) -> bool:
    words = _words(_LEADING_NUMBER.sub("", name))
    if not words:
        return False
    bare = len(words) == 1 and words[0] in _LAST | _ELSEWHERE | {"sols"}
    return bare or words[0] in _TEACHERS or _for_teachers(words) or _answers(words, folder=True)


def _for_teachers(words: list[str]) -> bool:
    for at, word in enumerate(words):
        if word not in _TEACHERS:
            continue
        before, after = words[at - 1 : at], words[at + 1 : at + 2]
        if at == len(words) - 1 or before == ["for"] or (after and after[0] in _FOR_TEACHERS):
            return True
    return False


def _answers(words: list[str], *, folder: bool = False) -> bool:
    if (_ANSWERS | _ELSEWHERE) & set(words):
        return True
    if any(first in _ANSWER and second in _ANSWER_SHEET for first, second in pairwise(words)):
        return True
    if folder or not words:
        return False
    if any(first in ("solution", "solutions") and second in _TASK for first, second in pairwise(words)):
        return True
    # `lab-solution.ipynb`, `quiz_1_key.pdf`; but a chemistry lesson `04-solutions-and-colloids.md` is none.
    letters = [word for word in words if not word.isdigit()]
    last = letters[-1] if letters else ""
    return last in _LAST or (last in _SHORT and (len(letters) == 1 or bool(_TASK & set(words))))


def _words(name: str) -> list[str]:
    return [word.casefold() for word in _WORD.findall(_CAMEL.sub(" ", name))]
