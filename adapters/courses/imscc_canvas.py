"""course_settings/ of a Canvas export: what Canvas says beyond the manifest."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from xml.etree.ElementTree import Element

from adapters.courses.imscc_archive import Archive
from adapters.courses.imscc_manifest import Item, Manifest, name_of
from adapters.courses.imscc_xml import read_xml, text_of
from core.errors import HomeroomError
from core.text import one_line

FOLDER = "course_settings/"
SYLLABUS = FOLDER + "syllabus.html"


@dataclass(frozen=True, slots=True)
class Group:
    """A group of assignments and its share of the course's total, in percent."""

    title: str
    weight: Decimal
    has_rules: bool


@dataclass(slots=True)
class Canvas:
    """What a Canvas export says; all empty for any other package.

    `hidden` files can be reached by links alone, `locked` ones not at all; both hold identifiers. `weighted` says
    whether the groups' weights count. `not_converted` are titles and reasons.
    """

    is_canvas: bool = False
    title: str | None = None
    code: str | None = None
    time_zone: str | None = None
    modules: list[Item] = field(default_factory=list)
    groups: dict[str, Group] = field(default_factory=dict)
    weighted: bool = False
    hidden: set[str] = field(default_factory=set)
    locked: set[str] = field(default_factory=set)
    unpublished: list[str] = field(default_factory=list)
    not_converted: list[tuple[str, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def read_canvas(archive: Archive) -> Canvas:
    """Read what there is; what can't be read is noted and left out."""
    canvas = Canvas(is_canvas=FOLDER + "canvas_export.txt" in archive or FOLDER + "course_settings.xml" in archive)
    if (settings := _load(archive, "course_settings.xml", canvas)) is not None:
        canvas.title = one_line(text_of(settings, "title"), 300) or None
        canvas.code = one_line(text_of(settings, "course_code"), 100) or None
        canvas.time_zone = text_of(settings, "time_zone") or None
        canvas.weighted = text_of(settings, "group_weighting_scheme") == "percent"
    if (modules := _load(archive, "module_meta.xml", canvas)) is not None:
        canvas.modules = [_module(each, canvas) for each in _placed(modules.findall("module"))]
    if (groups := _load(archive, "assignment_groups.xml", canvas)) is not None:
        for each in groups.findall("assignmentGroup"):
            title, rules = one_line(text_of(each, "title"), 300), each.find("rules/rule") is not None
            canvas.groups[name_of(each.get("identifier"))] = Group(title, number(text_of(each, "group_weight")), rules)
    if (files := _load(archive, "files_meta.xml", canvas)) is not None:
        for each in files.iterfind("files/file"):
            for kept, tag in ((canvas.hidden, "hidden"), (canvas.locked, "locked")):
                if text_of(each, tag) == "true":
                    kept.add(name_of(each.get("identifier")))
    for name, path, what in (
        ("rubrics.xml", "rubric", "a rubric"),
        ("learning_outcomes.xml", ".//learningOutcome", "a learning outcome"),
        ("events.xml", "event", "a calendar event"),
    ):
        for each in _all(_load(archive, name, canvas), path):
            canvas.not_converted.append((one_line(text_of(each, "title"), 300) or "without a title", what))
    return canvas


def merge(manifest: Manifest, canvas: Canvas) -> list[Item]:
    """Return the modules in Canvas's order; what only the manifest lists comes after."""
    if not canvas.modules:
        return manifest.items
    listed = {item.key: item for module in manifest.items for item in module.items}
    by_key = {module.key: module for module in manifest.items}
    seen: set[str] = set()
    for module in canvas.modules:
        own = by_key.get(module.key)
        for item in module.items:
            if (same := listed.get(item.key)) is not None:
                # The manifest's reference is the one that it has a resource for.
                item.refers_to = same.refers_to if same.refers_to in manifest.resources else item.refers_to
                item.title = item.title or same.title
            seen.update(filter(None, (item.key, item.refers_to)))
        if own is not None:
            module.title = module.title or own.title
            module.items += [item for item in own.items if item.key not in seen and item.refers_to not in seen]
    known = {module.key for module in canvas.modules}
    return [*canvas.modules, *(module for module in manifest.items if module.key not in known)]


def number(text: str, default: Decimal = Decimal(0)) -> Decimal:
    """Read a number as Canvas writes it, or return the default."""
    try:
        value = Decimal(text)
    except InvalidOperation:
        return default
    return value if value.is_finite() else default


def _module(element: Element, canvas: Canvas) -> Item:
    title = one_line(text_of(element, "title"), 300)
    if text_of(element, "workflow_state") == "unpublished":
        canvas.unpublished.append(f"module {title}")
    items = []
    for each in _placed(element.findall("items/item")):
        key = name_of(each.get("identifier"))
        url = text_of(each, "url")
        items.append(
            Item(
                key=key,
                title=one_line(text_of(each, "title"), 300),
                refers_to=name_of(text_of(each, "identifierref")) or None,
                url=url if text_of(each, "content_type") == "ExternalUrl" else None,
                is_tool=text_of(each, "content_type") == "ContextExternalTool",
            )
        )
    return Item(key=name_of(element.get("identifier")), title=title, items=items)


def _placed(elements: list[Element]) -> list[Element]:
    # A stable sort: what has no position stays where it stands, before the rest.
    return sorted(elements, key=lambda each: number(text_of(each, "position")))


def _load(archive: Archive, name: str, canvas: Canvas) -> Element | None:
    if FOLDER + name not in archive:
        return None
    try:
        return read_xml(archive.read(FOLDER + name), FOLDER + name)
    except HomeroomError as error:
        canvas.notes.append(error.sentence)
        return None


def _all(element: Element | None, path: str) -> Iterator[Element]:
    return iter(()) if element is None else element.iterfind(path)
