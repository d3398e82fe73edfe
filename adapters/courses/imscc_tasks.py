"""Takes over the assignments of a package."""

from __future__ import annotations

import posixpath

from adapters.courses.imscc_assignment import Assignment, read_assignment
from adapters.courses.imscc_keep_out import text_reason
from adapters.courses.imscc_kinds import ASSIGNMENT_FILES, is_page
from adapters.courses.imscc_manifest import Resource
from adapters.courses.imscc_outline import OWN_MODULE, Place
from adapters.courses.imscc_page import Page
from adapters.courses.imscc_taken import Taken, WantedFile
from adapters.courses.imscc_xml import read_xml
from core.content.course_plan import PlannedAssignment
from core.errors import HomeroomError


def take_assignment(taken: Taken, resource: Resource, place: Place) -> None:
    """Take over one assignment: of the lesson that it stands below, else of its module, else of the class."""
    settings = (
        next((path for path in resource.files if path.rpartition("/")[2] in ASSIGNMENT_FILES), resource.href) or ""
    )
    called = place.label if place.title else resource.key
    said = _settings(taken, settings, called)
    if said is None:
        return
    title = said.title or place.title or "Assignment"
    if said.is_quiz:
        taken.skip(title, "a quiz, which is not converted")
        return
    html = next((path for path in resource.files if is_page(path)), None)
    page = _task(taken, said, html, title)
    if page is None:
        return
    reason = "for teachers" if resource.for_teachers else text_reason(html or settings, title, page.body)
    if reason:
        taken.keep_out(resource.key, title, reason)
        return
    lesson = place.below if place.below in taken.lessons else None
    _attach(taken, said, settings, lesson)
    taken.follow(page, html or settings, lesson)
    taken.faults += [f"The assignment “{title}”: {fault}." for fault in said.faults]
    if said.by_tool:
        taken.by_tool.append(title)
    if not said.published:
        taken.canvas.unpublished.append(f"assignment {title}")
    plain = PlannedAssignment(resource.key, title, page.body)
    planned = PlannedAssignment(
        key=resource.key,
        title=title,
        instructions=page.body,
        lesson=lesson,
        module=None if lesson or place.module == OWN_MODULE else place.module,
        points=plain.points if said.points is None else said.points,
        opens=said.opens,
        due=said.due,
        closes=said.closes,
    )
    taken.assignments.append((planned, said))


def _settings(taken: Taken, path: str, called: str) -> Assignment | None:
    data = taken.load(path, called)
    if data is None:
        return None
    try:
        return read_assignment(read_xml(data, path))
    except HomeroomError as error:
        taken.skip(called, error.sentence)
        return None


def _task(taken: Taken, said: Assignment, html: str | None, title: str) -> Page | None:
    if said.text:
        return Page(None, said.text)
    if said.html or html is None:
        return taken.read(said.html, title)
    data = taken.load(html, title)
    return taken.read(data, title) if data is not None else None


def _attach(taken: Taken, said: Assignment, settings: str, lesson: str | None) -> None:
    """Want the files that students get with the task, and leave the teachers' to them."""
    for hrefs, for_teachers in ((said.teachers_files, True), (said.attachments, False)):
        for href in hrefs:
            beside = posixpath.join(posixpath.dirname(settings), href)
            path = taken.archive.find(beside) or taken.archive.find(href)
            if path is None:
                taken.faults.append(f"The assignment “{said.title}” names {href}, which is not in the package.")
            elif for_teachers:
                taken.teachers_files.add(path)
            else:
                taken.wanted.setdefault(path, WantedFile(lesson=lesson))
