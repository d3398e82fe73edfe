from __future__ import annotations

import os
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from adapters.courses.folder import read_folder
from core.content.answer_keys import reading_gives_answers
from core.content.course_plan import CoursePlan
from core.documents import Chunk, Locator, Reading
from core.enums import AiPolicy
from core.errors import InvalidInput, NotFound


def course(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return root


def plan(root: Path, files: dict[str, str]) -> CoursePlan:
    return read_folder(course(root, files), title="Astronomy 101")


def lessons(plan: CoursePlan) -> list[tuple[str, str, str]]:
    return [(lesson.module, lesson.key, lesson.title) for lesson in plan.lessons]


def test_lesson_folders_in_numbered_modules(tmp_path: Path) -> None:
    made = plan(
        tmp_path,
        {
            "README.md": "# Welcome",
            "1-start/README.md": "# Getting *Started*\n\nFirst things.",
            "1-start/lessons/2-second/README.md": "![pic](a.png)\n\n# The [Second](x.md)\n\nTwo.",
            "1-start/lessons/10-tenth/README.md": "# Ten\n\nX.",
            "1-start/lessons/2-second/assignment.md": "# Do it",
            "1-start/lessons/2-second/wiring/pi.md": "# Pi",
            "1-start/lessons/2-second/board.pdf": "%PDF-",
            "1-start/lessons/2-second/main.py": "print()",
            "LICENSE": "MIT",
        },
    )
    assert [(m.key, m.title, m.description) for m in made.modules] == [("1-start", "Getting Started", "First things.")]
    assert lessons(made) == [
        ("1-start", "1-start/lessons/2-second/README.md", "The Second"),
        ("1-start", "1-start/lessons/10-tenth/README.md", "Ten"),
    ]
    assert made.lessons[0].body == "![pic](a.png)\n\n\nTwo."
    second = "1-start/lessons/2-second/README.md"
    assert {m.key: m.lesson for m in made.materials} == {
        "README.md": None,
        "1-start/lessons/2-second/wiring/pi.md": second,
        "1-start/lessons/2-second/board.pdf": second,
    }
    assert [(a.key, a.lesson, a.module) for a in made.assignments] == [
        ("1-start/lessons/2-second/assignment.md", second, None)
    ]
    assert {left.path for left in made.skipped} == {"LICENSE", "1-start/lessons/2-second/main.py"}


def test_flat_lessons_in_modules_and_their_companions(tmp_path: Path) -> None:
    made = plan(
        tmp_path,
        {
            "01-sky/01-stars.md": "# Stars",
            "01-sky/01-stars.assignment.md": "Count them.",
            "01-sky/01-stars.slides.pptx": "PK",
            "01-sky/01-stars-map.pdf": "%PDF-",
            "01-sky/01-stars.notes.md": "Notes",
            "01-sky/project.assignment.md": "# Project",
            "01-sky/extra.docx": "PK",
            "01-sky/materials/table.md": "Table",
            "materials/glossary.md": "# Glossary",
            "final-assignment.md": "# Not one by its name",
        },
    )
    star = "01-sky/01-stars.md"
    assert lessons(made) == [("01-sky", star, "Stars")]
    assert [(m.key, m.title) for m in made.modules] == [("01-sky", "Sky")]
    assert {m.key: m.lesson for m in made.materials} == {
        "01-sky/01-stars.slides.pptx": star,
        "01-sky/01-stars-map.pdf": star,
        "01-sky/01-stars.notes.md": star,
        "01-sky/extra.docx": None,
        "01-sky/materials/table.md": None,
        "materials/glossary.md": None,
        "final-assignment.md": None,
    }
    assert [(a.key, a.title, a.lesson, a.module) for a in made.assignments] == [
        ("01-sky/01-stars.assignment.md", "Assignment: Stars", star, None),
        ("01-sky/project.assignment.md", "Project", None, "01-sky"),
    ]


@pytest.mark.parametrize(
    ("files", "modules", "keys"),
    [
        ({"b-2.md": "B", "b-10.md": "C", "a.txt": "A"}, [(".", "Astronomy 101")], ["b-2.md", "b-10.md"]),
        (
            {"1-a/README.md": "# A", "2-b/README.md": "# B"},
            [(".", "Astronomy 101")],
            ["1-a/README.md", "2-b/README.md"],
        ),
        ({"x/one.md": "1", "y/deep/two.md": "2"}, [("x", "X"), ("y", "Y")], ["x/one.md", "y/deep/two.md"]),
        ({"x/one.txt": "1", "y/two.pdf": "2"}, [], []),
    ],
    ids=["flat", "lesson folders without modules", "topics", "no Markdown"],
)
def test_folders_that_nobody_meant_as_a_course(
    tmp_path: Path, files: dict[str, str], modules: list[tuple[str, str]], keys: list[str]
) -> None:
    made = plan(tmp_path, files)
    assert [(m.key, m.title) for m in made.modules] == modules
    assert [lesson.key for lesson in made.lessons] == keys
    assert {m.key for m in made.materials} == files.keys() - set(keys)


@pytest.mark.parametrize(
    "name",
    [
        "m/01-a.quiz.json", "m/01-a.answer-key.json", "m/01-a.answer-key.md", "m/01-a.answers.md", "m/AnswerKey.pdf",
        "m/lab1_solution.ipynb", "m/quiz-1-key.pdf", "solutions/week1.md", "m/solution/app.md", "instructor/guide.md",
        "teacher-notes/x.md", "for-teachers.md", "m/01-a.instructor.md", "quizzes/en.json", "m/01-a-teacher-guide.pdf",
        "m/Musterlösung.pdf", "m/homework3_sol.pdf", "m/worksheet answers.docx", "m/01-a.quiz.md",
        "m/soln.md", "m/hw1_sols.pdf", "m/key.md", "m/rubric.md", "m/week2-solns.html", "m/lab3-marking-scheme.docx",
        "m/solutions-hw2.pdf", "m/week1_key.txt", "sols/one.txt",
    ],
)  # fmt: skip
def test_what_students_must_not_see_is_kept_out(tmp_path: Path, name: str) -> None:
    made = plan(tmp_path, {"m/01-a.md": "# A", name: "# The answer\n\nIt is 42."})
    assert [left.path for left in made.kept_out] == [name]
    assert [lesson.key for lesson in made.lessons] == ["m/01-a.md"]
    assert not made.materials
    assert not made.assignments


@pytest.mark.parametrize(
    "name", ["m/11-solutions-and-colloids.md", "m/6-keep-your-plant-secure.md", "m/public-key.md", "m/quiz-yourself.md"]
)
def test_lessons_that_only_sound_like_answers_are_imported(tmp_path: Path, name: str) -> None:
    made = plan(tmp_path, {name: "# A lesson\n\nSome text."})
    assert [lesson.key for lesson in made.lessons] == [name]


@pytest.mark.parametrize(
    "text",
    [
        "---\naudience: instructors\n---\n# How to teach this",
        "# Answer key: week 1\n\n1. B",
    ],
)
def test_content_can_say_that_it_is_for_teachers(tmp_path: Path, text: str) -> None:
    made = plan(tmp_path, {"m/a.md": "# A", "m/b.md": text})
    assert [left.path for left in made.kept_out] == ["m/b.md"]


@pytest.mark.parametrize(
    ("name", "title", "text", "kept_out"),
    [
        ("quiz-1.txt", None, "1. Which?\nA) this\nB) that\nAnswer: B", True),
        ("quiz-2.html", "Quiz", "Which? Correct answer: B", True),
        ("week1.docx", "Week 1 Answer Key", "1. B", True),
        ("week1.docx", None, "Week 1 Answer Key\n\n1. B", True),
        ("week1.docx", "Solutions to Homework 2", "1. B", True),
        ("week1.pdf", None, "1. Which? Answer: B 2. What? Answer: (C)", True),
        ("week1.pdf", None, "**Answer:** B\n\nWhy?\n\n**Answer:** True", True),
        ("quiz-1.txt", None, "1. Which?\nAnswer: ________\n2. And why?\nAnswer: ......", False),
        ("quiz-1.txt", None, "The answer: it depends.", False),
        ("talk.txt", None, "Is it far? The answer: it depends.\nAnswer: A sensor measures.\nAnswer: Do it.", False),
        ("lesson.md", "The answer to everything", "What is the correct answer? Nobody knows.", False),
        ("lesson.md", "Solutions and colloids", "A solution: salt in water.", False),
    ],
)
def test_answers_are_told_by_their_words_whatever_the_format(
    name: str, title: str | None, text: str, *, kept_out: bool
) -> None:
    reading = Reading((Chunk(text, Locator()),), title)
    assert (reading_gives_answers(name, None, reading) is not None) is kept_out


def test_a_mistake_in_the_front_matter_hides_no_word_about_its_audience(tmp_path: Path) -> None:
    for at, fault in enumerate(("title: [broken", "a: &a 1\nb: *a", "deep: " + "[" * 5000)):
        made = plan(tmp_path / str(at), {"m/a.md": "# A", "m/b.md": f"---\n{fault}\naudience: Teachers\n---\n# B"})
        assert [left.path for left in made.kept_out] == ["m/b.md"], fault


@pytest.mark.parametrize(
    ("said", "included", "notes"), [("", True, 0), ("false", False, 0), ("true", True, 0), ("maybe", False, 1)]
)
def test_course_yaml_can_keep_speaker_notes_out(tmp_path: Path, said: str, notes: int, *, included: bool) -> None:
    files = {"m/a.md": "# A", "m/a.pptx": "PK", "instructor/b.pptx": "PK"}
    made = plan(tmp_path, files | ({"course.yaml": f"speaker_notes: {said}"} if said else {}))
    assert [(material.key, material.speaker_notes) for material in made.materials] == [("m/a.pptx", included)]
    assert len(made.notes) == notes


def test_a_quiz_in_markdown_is_kept_out_only_with_its_answers(tmp_path: Path) -> None:
    made = plan(
        tmp_path,
        {
            "m/a.md": "# A",
            "m/quiz-1.md": "# Quiz\n\n1. Which?\n   - [ ] this\n   - [x] that",
            "m/quiz-2.md": "# Quiz\n\n1. Which?",
            "m/a.assignment.md": "# Try it\n\n## Quiz\n\nAnswer: in your own words.",
        },
    )
    assert [left.path for left in made.kept_out] == ["m/quiz-1.md"]
    assert [a.key for a in made.assignments] == ["m/a.assignment.md"]


def test_course_yaml_overrides(tmp_path: Path) -> None:
    made = plan(
        tmp_path,
        {
            "course.yaml": """
title: The Night Sky
code: SKY
time_zone: Europe/London
modules:
  - path: 02-late
    title: Comes first
    lessons: [b.md, {path: a.md, title: Named}]
assignments:
  - path: 01-early/task.md
    points: 12.5
    weight: 3
    due: +14d
    opens: 2026-09-01
    ai_policy: off
    lesson: 02-late/a.md
  - {path: 02-late/b.assignment.md, points: lots, due: soon}
  - {path: gone.md}
skip: ["*.txt"]
""",
            "01-early/x.md": "# X",
            "01-early/task.md": "# Task",
            "02-late/a.md": "# A",
            "02-late/b.md": "# B",
            "02-late/b.assignment.md": "# B",
            "scratch.txt": "no",
        },
    )
    assert made.source == "folder:sky"
    assert (made.about.title, made.about.code, made.about.time_zone) == ("The Night Sky", "SKY", "Europe/London")
    assert [(m.key, m.title) for m in made.modules] == [("02-late", "Comes first"), ("01-early", "Early")]
    assert [(key, title) for _, key, title in lessons(made)] == [
        ("02-late/b.md", "B"),
        ("02-late/a.md", "Named"),
        ("01-early/x.md", "X"),
    ]
    task, other = made.assignments
    assert (task.points, task.weight, task.due, task.opens) == (
        Decimal("12.5"),
        Decimal(3),
        timedelta(days=14),
        date(2026, 9, 1),
    )
    assert (task.lesson, task.ai_policy) == ("02-late/a.md", AiPolicy.OFF)
    assert (other.lesson, other.points, other.due) == ("02-late/b.md", Decimal(100), None)
    assert [left.path for left in made.skipped] == ["scratch.txt"]
    assert len(made.notes) == 3
    assert "gone.md" in made.notes[-1]


def test_course_json_names_modules_and_lessons(tmp_path: Path) -> None:
    made = plan(
        tmp_path,
        {
            "course.json": '{"title": "Mind", "modules": [{"module": "The Brain", "dir": "01-brain",'
            ' "lessons": [{"title": "Nerve Cells", "file": "01-cells.md"}]}]}',
            "01-brain/01-cells.md": "No heading here.",
        },
    )
    assert (made.source, made.modules[0].title, made.lessons[0].title) == ("folder:mind", "The Brain", "Nerve Cells")


def test_odd_files_are_reported_and_harm_nothing(tmp_path: Path) -> None:
    outside = tmp_path / "secret.md"
    outside.write_text("# Secret")
    root = course(
        tmp_path / "course", {"m/a.md": "---\ntitle: [broken\n---\n# A", ".git/x.md": "x", "m/.hidden.md": "x"}
    )
    (root / "m/link.md").symlink_to(outside)
    (root / "m/broken.md").symlink_to(root / "nowhere")
    os.mkfifo(root / "m/pipe.md")
    (root / "m/latin.md").write_bytes("# Caf\xe9".encode("latin-1"))
    made = read_folder(root, title="T")
    assert [lesson.key for lesson in made.lessons] == ["m/a.md", "m/latin.md"]
    assert {left.path for left in made.skipped} == {".git/", "m/.hidden.md", "m/link.md", "m/broken.md", "m/pipe.md"}


def test_paths_that_are_no_course(tmp_path: Path) -> None:
    file = tmp_path / "course.imscc"
    file.write_bytes(b"PK")
    bomb = course(tmp_path / "bomb", {"course.yaml": "title: &a [x]\nskip: [*a, *a]", "a.md": "A"})
    itself = course(tmp_path / "itself", {"course.yaml": "modules: &a\n  - *a", "a.md": "A"})
    broken = course(tmp_path / "broken", {"course.yaml": "title: [", "a.md": "A"})
    (tmp_path / "empty").mkdir()
    secret = course(tmp_path / "secret", {"answers.md": "42"})
    with pytest.raises(NotFound, match="no folder"):
        read_folder(tmp_path / "missing", title="T")
    for path, sentence in (
        (file, "unpack it"),
        (broken, "line 1"),
        (bomb, r"line 2.*alias \*a.*write the value out"),
        (itself, r"line 2.*alias \*a"),
        (tmp_path / "empty", "empty"),
        (secret, "teachers"),
    ):
        with pytest.raises(InvalidInput, match=sentence):
            read_folder(path, title="T")
