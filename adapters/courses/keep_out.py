"""Which files of a course are for its teachers only: answers, solutions, quiz files with their answers inside.

Rather one too many: what is kept out is reported, and a lesson that is meant for students can be renamed.
"""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import PurePosixPath

from adapters.courses.markdown_file import MarkdownFile

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
_ANSWERS = frozenset({"answers", "answerkey", "answerkeys", "answersheet", "solutionkey", "markscheme"})
_ANSWER = frozenset({"answer", "solution", "solutions", "marking", "grading", "model"})
_ANSWER_SHEET = frozenset({"key", "keys", "sheet", "sheets", "scheme", "schemes", "guide", "manual", "answer"})
_LAST = frozenset({"answer", "solution", "solutions", "solved"})
# The same in the languages that courses of the sort are most often written in.
_ELSEWHERE = frozenset({
    "antworten", "lösung", "lösungen", "loesung", "loesungen", "musterlösung", "musterlösungen", "musterloesung",
    "corrigé", "corrigés", "corrige", "corriges", "réponses", "reponses", "respuestas", "soluciones", "solucionario",
    "risposte", "soluzioni", "respostas", "soluções", "solucoes", "gabarito", "antwoorden", "oplossingen", "odpowiedzi",
})  # fmt: skip
_QUIZ = frozenset({"quiz", "quizzes", "exam", "exams", "midterm"})
_TASK = _QUIZ | {
    "test", "tests", "final",
    "homework", "hw", "assignment", "assignments", "exercise", "exercises", "worksheet", "problem", "problems", "lab",
    "pset", "practice", "activity",
}  # fmt: skip
_MARKED_ANSWER = re.compile(
    r"^\W*(?:(?:correct|right|model)[ \t]+)?(?:answers?|solutions?)(?:[ \t]+key)?\W*[:=]"
    r"|^[ \t]*[-*+][ \t]+\[[xX]\]|\((?:correct|right answer)\)|<details>",
    re.IGNORECASE | re.MULTILINE,
)
_KEY_TITLE = re.compile(r"\b(?:answer|solution|marking)s?[ \t]+(?:key|sheet|scheme|guide)s?\b", re.IGNORECASE)


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


def gives_answers(path: str, file: MarkdownFile) -> str | None:
    """Say why a Markdown file's content is not for students, or None.

    Its front matter may say so (`audience: teachers`), its title, or a quiz may have its answers marked.
    """
    if any(_TEACHERS & set(_words(str(file.front.get(name, "")))) for name in ("audience", "visibility")):
        return "for teachers"
    if _KEY_TITLE.search(file.title or ""):
        return "looks like answers"
    if _QUIZ & set(_words(PurePosixPath(path).stem)) and _MARKED_ANSWER.search(file.body):
        return "a quiz with its answers marked"
    return None


def _is_teachers_folder(name: str) -> bool:
    words = _words(_LEADING_NUMBER.sub("", name))
    if not words:
        return False
    bare = len(words) == 1 and words[0] in _LAST | _ELSEWHERE
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
    # `lab-solution.ipynb`, `quiz_1_key.pdf`; but a chemistry lesson `04-solutions-and-colloids.md` is none.
    last = next((word for word in reversed(words) if not word.isdigit()), "")
    return last in _LAST or (last in ("key", "keys", "sol") and bool(_TASK & set(words)))


def _words(name: str) -> list[str]:
    return [word.casefold() for word in _WORD.findall(_CAMEL.sub(" ", name))]
