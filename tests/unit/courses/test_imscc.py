from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from adapters.courses.imscc import open_package
from core.content.course_plan import CoursePlan
from core.errors import InvalidInput
from tests.packages import SECRET, canvas_course, item, link, manifest, pack, page, resource


def plan(folder: Path, files: dict[str, str | bytes]) -> CoursePlan:
    with open_package(pack(folder / "course.imscc", files), title="Astronomy 101") as made:
        return made


def web(folder: Path, items: str, resources: list[str], files: dict[str, str | bytes]) -> CoursePlan:
    return plan(folder, {"imsmanifest.xml": manifest(items, resources), **files})


def test_a_canvas_export_becomes_modules_lessons_files_and_assignments(tmp_path: Path) -> None:
    made = plan(tmp_path, canvas_course())
    assert (made.source, made.about.title) == ("imscc:g1234567890abcdef12", "The Sky")
    assert [(each.key, each.title) for each in made.modules] == [("m1", "The Sky"), ("m2", "Tools")]
    assert [(each.key, each.module, each.title) for each in made.lessons] == [
        ("p1", "m1", "The Moon"), ("p3", "m2", "Telescopes"),
    ]  # fmt: skip
    assert made.lessons[0].body == (
        "## Phases\n\nThe Moon circles the **Earth**. See telescopes and [a page](https://example.org/moon%20%281%29).\n\n"
        "*(Picture: The Moon at first quarter)*\n\n- [A live map](https://example.org/map)"
    )
    assert {each.key: (each.path.name, each.lesson, each.title) for each in made.materials} == {
        "f1": ("map.txt", "p1", None), "f2": ("optics.txt", "p3", None),
    }  # fmt: skip
    diary, essay = made.assignments
    assert (diary.title, diary.module, diary.instructions) == ("Moon diary", "m1", "Draw it every night.")
    assert [diary.points, diary.weight, essay.points, essay.weight] == [50, 60, 10, 40]
    assert diary.due == datetime(2026, 10, 5, 21, 59, tzinfo=UTC)
    assert (diary.opens, diary.closes) == (datetime(2026, 9, 1, 22, tzinfo=UTC), None)
    assert (essay.module, essay.lesson) == (None, None)


def test_what_is_not_converted_is_listed_and_answers_are_never_read(tmp_path: Path) -> None:
    made = plan(tmp_path, canvas_course())
    assert {each.path: each.reason for each in made.skipped} == {
        "The Sky › Moon quiz": "a quiz, which is not converted",
        "The Sky › Chat": "an announcement, which is not converted",
        "The Sky › Simulator": "an external tool, which is not converted",
        "Essay rubric": "a rubric, which is not converted",
    }
    assert [(each.path, each.called, each.reason) for each in made.kept_out] == [
        ("p2", "More pages › Week 1 Answer Key", "looks like answers")
    ]
    assert SECRET not in repr(made)
    assert [note.partition(":")[0] for note in made.notes] == [
        "Headings inside modules were left out; what stood under them is straight in the module",
        "Not published in Canvas; publishing here would show them like everything else",
        "Pictures that stayed behind (a page keeps a picture's description, if it has one)",
        "Weights follow Canvas's groups of assignments, without the quizzes in them.",
    ]


def test_nested_items_of_any_cartridge_are_flattened(tmp_path: Path) -> None:
    made = web(
        tmp_path,
        item("u1", "Unit 1", inside=item("w1", "Week 1", inside=item("a", "Moon", "r1", item("b", "Notes", "r2"))))
        + item("top", "Welcome", "r3"),
        [
            resource("r1", "webcontent", "moon/index.html", "moon/extra.txt"),
            resource("r2", "webcontent", "notes.txt"),
            resource("r3", "webcontent", "hello.html"),
        ],
        {
            "moon/index.html": page("Untitled", "<p>Round.</p>"), "moon/extra.txt": "More.", "notes.txt": "Notes.",
            "hello.html": page("Hi", "<p>Hello.</p>"),
        },
    )  # fmt: skip
    assert [(each.key, each.title) for each in made.modules] == [("u1", "Unit 1"), (".", "More pages")]
    assert [(each.key, each.module, each.title) for each in made.lessons] == [
        ("r1", "u1", "Moon"),
        ("r3", ".", "Welcome"),
    ]
    assert {each.key: (each.path.name, each.lesson) for each in made.materials} == {
        "r1/moon/extra.txt": ("extra.txt", "r1"), "r2": ("notes.txt", "r1"),
    }  # fmt: skip
    assert made.notes == (
        "Headings inside modules were left out; what stood under them is straight in the module: Unit 1 › Week 1.",
    )


def test_an_assignment_of_common_cartridge_and_its_fallback_are_one(tmp_path: Path) -> None:
    task = """<assignment xmlns="http://www.imsglobal.org/xsd/imscc_extensions/assignment" identifier="a">
      <title>Essay</title><instructor_text texttype="text/html">Give full marks for dust.</instructor_text>
      <text texttype="text/html">&lt;p&gt;Why is it &lt;em&gt;dark&lt;/em&gt;?&lt;/p&gt;</text>
      <attachments><attachment href="guide.txt" role="Learner"/>
      <attachment href="marks.txt" role="Instructor"/></attachments>
      <gradable points_possible="12.5">true</gradable></assignment>"""
    made = web(
        tmp_path,
        item("m", "Unit", inside=item("i", "Essay", "a_fallback")),
        [
            resource("a_fallback", "webcontent", "a/essay.html", inside='<cpx:variant identifierref="a"/>'),
            resource("a", "assignment_xmlv1p0", "a/assignment.xml", "a/guide.txt", "a/marks.txt"),
        ],
        {
            "a/assignment.xml": task, "a/essay.html": page("Essay", "Why?"), "a/guide.txt": "Look up.",
            "a/marks.txt": "Dust.",
        },
    )  # fmt: skip
    (essay,) = made.assignments
    assert [essay.key, essay.module, essay.points, essay.weight] == ["a", "m", Decimal("12.5"), 1]
    assert essay.instructions == "Why is it *dark*?"
    assert [each.path.name for each in made.materials] == ["guide.txt"]
    assert [each.called for each in made.kept_out] == ["a/marks.txt"]
    assert not made.lessons


def test_what_is_for_teachers_stays_with_them(tmp_path: Path) -> None:
    role = (
        "<metadata><lom:lom><lom:educational><lom:intendedEndUserRole><lom:value>Instructor</lom:value>"
        "</lom:intendedEndUserRole></lom:educational></lom:lom></metadata>"
    )
    names = ("marked", "inside", "solutions", "quiz", "staff")
    made = web(
        tmp_path,
        item("m1", "Instructor Resources", inside=item("i1", "Plan", "inside"))
        + item("m2", "Unit", inside=item("i2", "Meet your instructor", "staff") + item("i3", "Check", "quiz")),
        [
            resource("marked", "webcontent", "marked.txt", inside=role),
            resource("inside", "webcontent", "inside.html"),
            resource("solutions", "webcontent", "web_resources/Solutions/week1.txt"),
            resource("staff", "webcontent", "staff.html"),
            resource("quiz", "webcontent", "quiz.html"),
        ],
        {
            "marked.txt": SECRET, "inside.html": page("Plan", SECRET), "web_resources/Solutions/week1.txt": SECRET,
            "staff.html": page("Staff", "<p>I am Vega.</p>"),
            "quiz.html": page("Check", f"<p>Who?</p><p>Correct answer: {SECRET}</p><p>Correct answer: B</p>"),
        },
    )  # fmt: skip
    assert {each.path for each in made.kept_out} == set(names) - {"staff"}
    assert [each.key for each in made.lessons] == ["staff"]
    assert not made.materials
    assert SECRET not in repr(made)


def test_hidden_files_of_canvas_come_only_where_a_page_leads_to_them(tmp_path: Path) -> None:
    files = canvas_course()
    files["course_settings/files_meta.xml"] = (
        '<fileMeta><files><file identifier="f1"><locked>true</locked></file>'
        '<file identifier="f2"><hidden>true</hidden></file><file identifier="f4"><hidden>true</hidden></file>'
        "</files></fileMeta>"
    )
    files["web_resources/draft.txt"] = "Not yet."
    listed = str(files["imsmanifest.xml"])
    files["imsmanifest.xml"] = listed.replace(
        "</resources>", resource("f4", "webcontent", "web_resources/draft.txt") + "</resources>"
    )
    made = plan(tmp_path, files)
    assert [each.key for each in made.materials] == ["f2"]
    assert {each.path: each.reason for each in made.kept_out if each.path != "p2"} == {
        "f1": "not available to students in Canvas",
        "f4": "hidden from students in Canvas, and no page leads to it",
    }


def test_missing_doubled_and_dangling_things_are_told(tmp_path: Path) -> None:
    made = web(
        tmp_path,
        item(
            "m", "Unit",
            inside=item("i1", "Moon", "p") + item("i2", "Moon again", "p") + item("i3", "Gone", "x")
            + item("i4", "Lost page", "lost") + item("i5", "Site", "w") + item("i6", "Trap", "w2"),
        ),
        [
            resource("p", "webcontent", "moon.html"), resource("p", "webcontent", "other.txt"),
            resource("lost", "webcontent", "lost.html"), resource("w", "imswl_xmlv1p1", "w.xml"),
            resource("w2", "imswl_xmlv1p1", "w2.xml"),
        ],
        {
            "moon.html": page("Moon", "<p>Round.</p>"), "other.txt": "Other.", "w.xml": link("Site", "//example.org"),
            "w2.xml": link("Trap", "javascript:alert(1)"),
        },
    )  # fmt: skip
    assert made.lessons[0].body == "Round.\n\n- [Site](https://example.org)"
    assert [each.key for each in made.materials] == ["p~2"]
    assert [each.path for each in made.skipped] == ["Unit › Lost page", "Unit › Trap"]
    assert (
        len(
            [
                note
                for note in made.notes
                if "Gone" in note or "Moon again" in note or "lost.html" in note or "p~2" in note
            ]
        )
        == 4
    )


def test_a_package_with_nothing_for_a_class_says_so(tmp_path: Path) -> None:
    quiz = [resource("q", "imsqti_xmlv1p2/imscc_xmlv1p1/assessment", "q.xml")]
    with pytest.raises(InvalidInput, match="no pages, documents or assignments"):
        web(tmp_path, item("m", "Unit", inside=item("i", "Quiz", "q")), quiz, {"q.xml": SECRET})
