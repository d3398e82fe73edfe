"""Course packages as Canvas and other programs export them, of our own writing, packed by tests as they need them."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path

SECRET = "The magnitude is minus twelve."
_CANVAS = 'xmlns="http://canvas.instructure.com/xsd/cccv1p0"'
_LAR = "associatedcontent/imscc_xmlv1p1/learning-application-resource"


def pack(path: Path, files: Mapping[str, str | bytes]) -> Path:
    """Write a package of these files."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as package:
        for name, content in files.items():
            package.writestr(name, content)
    return path


def manifest(
    items: str = "", resources: Iterable[str] = (), *, identifier: str = "g1234567890abcdef12", title: str = "The Sky"
) -> str:
    """Write imsmanifest.xml of Common Cartridge 1.3, with the root item that it asks for."""
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<manifest identifier="{identifier}" xmlns="http://www.imsglobal.org/xsd/imsccv1p3/imscp_v1p1"
  xmlns:lom="http://ltsc.ieee.org/xsd/imsccv1p3/LOM/resource"
  xmlns:cpx="http://www.imsglobal.org/xsd/imsccv1p3/imscp_extensionv1p2"
  xmlns:lomimscc="http://ltsc.ieee.org/xsd/imsccv1p3/LOM/manifest">
  <metadata><schema>IMS Common Cartridge</schema><schemaversion>1.3.0</schemaversion>
    <lomimscc:lom><lomimscc:general><lomimscc:title><lomimscc:string>{title}</lomimscc:string></lomimscc:title>
    </lomimscc:general></lomimscc:lom></metadata>
  <organizations><organization identifier="org_1" structure="rooted-hierarchy">
    <item identifier="LearningModules">{items}</item></organization></organizations>
  <resources>{"".join(resources)}</resources>
</manifest>"""


def resource(key: str, kind: str, *files: str, inside: str = "") -> str:
    """Write one resource of a manifest; its first file opens it."""
    inside += "".join(f'<file href="{file}"/>' for file in files)
    href = f' href="{files[0]}"' if files else ""
    return f'<resource identifier="{key}" type="{kind}"{href}>{inside}</resource>'


def item(key: str, title: str, refers_to: str = "", inside: str = "") -> str:
    """Write one item of an outline."""
    reference = f' identifierref="{refers_to}"' if refers_to else ""
    return f'<item identifier="{key}"{reference}><title>{title}</title>{inside}</item>'


def page(title: str, body: str, *, state: str = "active") -> str:
    """Write a page as Canvas does."""
    return (
        f'<html><head><meta http-equiv="Content-Type" content="text/html; charset=utf-8"/><title>{title}</title>'
        f'<meta name="workflow_state" content="{state}"/></head><body>{body}</body></html>'
    )


def settings(title: str, more: str = "") -> str:
    """Write a Canvas assignment's settings."""
    return f'<assignment identifier="a" {_CANVAS}><title>{title}</title>{more}</assignment>'


def link(title: str, url: str) -> str:
    """Write a web link's file."""
    space = "http://www.imsglobal.org/xsd/imsccv1p1/imswl_v1p1"
    return f'<webLink xmlns="{space}"><title>{title}</title><url href="{url}"/></webLink>'


def canvas_course() -> dict[str, str | bytes]:
    """Return a small Canvas export: two modules, pages, a file, assignments, and things that are not converted."""
    quiz = f"<questestinterop><item><mattext>{SECRET}</mattext></item></questestinterop>"
    modules = "".join(
        f'<module identifier="{key}"><title>{title}</title><workflow_state>{state}</workflow_state>'
        f"<position>{position}</position><items>{items}</items></module>"
        for key, title, state, position, items in (
            ("m2", "Tools", "unpublished", 2, listed("i7", "WikiPage", "Telescopes", "p3", 1)),
            (
                "m1", "The Sky", "active", 1,
                listed("i2", "Attachment", "map.txt", "f1", 3)
                + listed("i1", "WikiPage", "The Moon", "p1", 2)
                + listed("i0", "ContextModuleSubHeader", "Start here", "", 1)
                + listed("i3", "Assignment", "Moon diary", "a1", 4)
                + listed("i4", "Quizzes::Quiz", "Moon quiz", "q1", 5)
                + listed("i5", "ExternalUrl", "A live map", "i5", 6, "<url>https://example.org/map</url>")
                + listed("i6", "ContextExternalTool", "Simulator", "t1", 7, "<url>https://tool.example</url>"),
            ),
        )
    )  # fmt: skip
    return {
        "imsmanifest.xml": manifest(
            item("m2", "Tools", inside=item("i7", "Telescopes", "p3"))
            + item(
                "m1", "The Sky",
                inside=item("i1", "The Moon", "p1") + item("i2", "map.txt", "f1") + item("i3", "Moon diary", "a1")
                + item("i4", "Moon quiz", "q1") + item("i5", "A live map", "w1") + item("i8", "Chat", "d1"),
            ),
            [
                resource("s", _LAR, "course_settings/canvas_export.txt", "course_settings/module_meta.xml"),
                resource("p1", "webcontent", "wiki_content/the-moon.html"),
                resource("p2", "webcontent", "wiki_content/week-1-answer-key.html"),
                resource("p3", "webcontent", "wiki_content/telescopes.html"),
                resource("f1", "webcontent", "web_resources/map.txt"),
                resource("f2", "webcontent", "web_resources/optics.txt"),
                resource("f3", "webcontent", "web_resources/moon.png"),
                resource("a1", _LAR, "a1/moon-diary.html", "a1/assignment_settings.xml"),
                resource("a2", _LAR, "a2/essay.html", "a2/assignment_settings.xml"),
                resource("q1", "imsqti_xmlv1p2/imscc_xmlv1p1/assessment", "q1/qti.xml", inside=_needs("qm")),
                resource("qm", _LAR, "q1/assessment_meta.xml", "non_cc_assessments/q1.xml.qti"),
                resource("w1", "imswl_xmlv1p1", "w1.xml"),
                resource("d1", "imsdt_xmlv1p1", "d1.xml", inside=_needs("dm")),
                resource("dm", _LAR, "dm.xml"),
            ],
        ),
        "course_settings/canvas_export.txt": "Q: What did the panda say?",
        "course_settings/module_meta.xml": f"<modules {_CANVAS}>{modules}</modules>",
        "course_settings/course_settings.xml": (
            f"<course {_CANVAS}><title>The Sky</title><group_weighting_scheme>percent</group_weighting_scheme></course>"
        ),
        "course_settings/assignment_groups.xml": (
            f'<assignmentGroups {_CANVAS}><assignmentGroup identifier="g1"><title>Diaries</title>'
            '<group_weight>60.0</group_weight></assignmentGroup><assignmentGroup identifier="g2"><title>Essays</title>'
            "<group_weight>40.0</group_weight></assignmentGroup></assignmentGroups>"
        ),
        "course_settings/rubrics.xml": "<rubrics><rubric><title>Essay rubric</title></rubric></rubrics>",
        "wiki_content/the-moon.html": page(
            "The Moon",
            "<h2>Phases</h2><p>The Moon circles the <strong>Earth</strong>. See "
            '<a href="$WIKI_REFERENCE$/pages/telescopes">telescopes</a> and '
            '<a href="https://example.org/moon (1)">a page</a>.</p>'
            '<p><img src="$IMS-CC-FILEBASE$/moon.png" alt="The Moon at first quarter"></p>',
        ),
        "wiki_content/week-1-answer-key.html": page("Week 1 Answer Key", f"<p>{SECRET}</p>"),
        "wiki_content/telescopes.html": page(
            "Telescopes",
            '<p>Bigger is better: <a href="%24IMS-CC-FILEBASE%24/optics.txt?canvas_download=1">optics</a>.</p>',
            state="unpublished",
        ),
        "web_resources/map.txt": "Map of the Moon, with its seas.",
        "web_resources/optics.txt": "A lens bends light.",
        "web_resources/moon.png": b"\x89PNG",
        "a1/moon-diary.html": page("Moon diary", "<p>Draw it every night.</p>"),
        "a1/assignment_settings.xml": settings(
            "Moon diary",
            "<due_at>2026-10-05T21:59:00</due_at><unlock_at>2026-09-01T22:00:00</unlock_at><lock_at/>"
            "<points_possible>50.0</points_possible><assignment_group_identifierref>g1</assignment_group_identifierref>",
        ),
        "a2/essay.html": page("Essay", "<p>Why is the sky dark?</p>"),
        "a2/assignment_settings.xml": settings(
            "Essay",
            "<points_possible>10</points_possible><assignment_group_identifierref>g2</assignment_group_identifierref>",
        ),
        "q1/qti.xml": quiz,
        "non_cc_assessments/q1.xml.qti": quiz,
        "q1/assessment_meta.xml": f"<quiz {_CANVAS}><title>Moon quiz</title></quiz>",
        "w1.xml": link("A live map", "https://example.org/map"),
        "d1.xml": "<topic><title>Chat</title></topic>",
        "dm.xml": f"<topicMeta {_CANVAS}><title>Chat</title><type>announcement</type></topicMeta>",
    }  # fmt: skip


def _needs(key: str) -> str:
    return f'<dependency identifierref="{key}"/>'


def listed(key: str, kind: str, title: str, refers_to: str, position: int, more: str = "") -> str:
    """Write one item of a Canvas module."""
    return (
        f'<item identifier="{key}"><content_type>{kind}</content_type><title>{title}</title>'
        f"<identifierref>{refers_to}</identifierref>{more}<position>{position}</position></item>"
    )
