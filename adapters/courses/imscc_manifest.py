"""imsmanifest.xml: what a course package holds and in what order (1EdTech Common Cartridge 1.0 to 1.3)."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from dataclasses import dataclass, field
from xml.etree.ElementTree import Element

from adapters.courses.imscc_archive import Archive
from adapters.courses.imscc_xml import read_xml, text_of
from core.errors import Corrupt, InvalidInput
from core.text import one_line

MANIFEST = "imsmanifest.xml"
_NAME_LENGTH = 200  # characters of an identifier


@dataclass(frozen=True, slots=True)
class Resource:
    """One thing of the package: its type, the file that opens it (`href`) and all its files.

    `key` is its identifier, told apart where the manifest gives one identifier twice. `depends_on` are identifiers.
    """

    key: str
    type: str
    href: str | None
    files: tuple[str, ...]
    depends_on: tuple[str, ...] = ()
    for_teachers: bool = False
    stands_in_for: str | None = None  # the resource that this one is the plain fallback of


@dataclass(slots=True)
class Item:
    """A place in the course's outline: a title, what it shows, what is below it."""

    key: str
    title: str
    refers_to: str | None = None
    url: str | None = None
    is_tool: bool = False
    items: list[Item] = field(default_factory=list)


@dataclass(slots=True)
class Manifest:
    """A package's outline and resources by identifier; `missing` are files that it names and does not have."""

    identifier: str
    title: str | None
    language: str | None
    description: str
    items: list[Item]
    resources: dict[str, Resource]
    missing: list[str]
    notes: list[str]


def read_manifest(archive: Archive) -> Manifest:
    """Read the manifest. Raises `InvalidInput` (none), `Corrupt`, `ZipBomb`."""
    if MANIFEST not in archive:
        nested = next((path for path in archive if path.endswith("/" + MANIFEST)), None)
        if nested:
            raise InvalidInput(f"The package was packed with its folder around it: {nested} must be at the top.")
        raise InvalidInput(f"This is no course package: it has no {MANIFEST}.")
    root = read_xml(archive.read(MANIFEST), MANIFEST)
    if root.tag != "manifest":
        raise Corrupt(f"{MANIFEST} is no manifest of a course package.")
    missing: list[str] = []
    notes: list[str] = []
    general = root.find("metadata/lom/general")
    organization = root.find("organizations/organization")
    return Manifest(
        identifier=name_of(root.get("identifier")),
        title=one_line(text_of(general, "title/string") or text_of(general, "title/langstring"), 300) or None,
        language=one_line(text_of(general, "language"), 40) or None,
        description=text_of(general, "description/string"),
        items=_items(organization) if organization is not None else [],
        resources=_resources(root, archive, missing, notes),
        missing=missing,
        notes=notes,
    )


def name_of(identifier: str | None) -> str:
    """Return an identifier as it is kept."""
    return one_line(identifier or "", _NAME_LENGTH)


def _items(organization: Element) -> list[Item]:
    """Return the outline's first level: below the one root that the specification asks for, where there is one."""
    top = [_item(element, f"item-{at}") for at, element in enumerate(organization.findall("item"), 1)]
    return top[0].items if len(top) == 1 and _is_root(top[0]) else top


def _is_root(item: Item) -> bool:
    """Say whether an item is no module: it has no title, or (as some write it) the course's, over items with items."""
    return not item.refers_to and (not item.title or any(inner.items for inner in item.items))


def _item(element: Element, place: str) -> Item:
    return Item(
        key=name_of(element.get("identifier")) or place,
        title=one_line(text_of(element, "title"), 300),
        refers_to=name_of(element.get("identifierref")) or None,
        items=[_item(inner, f"{place}.{at}") for at, inner in enumerate(element.findall("item"), 1)],
    )


def _resources(root: Element, archive: Archive, missing: list[str], notes: list[str]) -> dict[str, Resource]:
    parent = root.find("resources")
    found: dict[str, Resource] = {}
    if parent is None:
        return found
    base = parent.get("base") or ""
    for at, element in enumerate(parent.findall("resource"), 1):
        key = name_of(element.get("identifier")) or f"resource-{at}"
        if key in found:
            again = sum(other.partition("~")[0] == key for other in found) + 1
            notes.append(f"The package names two things {key}; the second is known as {key}~{again}.")
            key = f"{key}~{again}"
        found[key] = _resource(element, key, posixpath.join(base, element.get("base") or ""), archive, missing)
    return found


def _resource(element: Element, key: str, base: str, archive: Archive, missing: list[str]) -> Resource:
    hrefs = [href for each in element.findall("file") if (href := each.get("href"))]
    files = list(dict.fromkeys(_found(hrefs, base, archive, missing)))
    href = element.get("href")
    opened = next(_found([href], base, archive, missing if href not in hrefs else []), None) if href else None
    roles = {
        text_of(each, "value").casefold() for each in element.iterfind("metadata/lom/educational/intendedEndUserRole")
    }
    variant = element.find("variant")
    return Resource(
        key=key,
        type=element.get("type", "").casefold(),
        href=opened or (files[0] if files else None),
        files=tuple(files if opened is None or opened in files else [opened, *files]),
        depends_on=tuple(name_of(each.get("identifierref")) for each in element.findall("dependency")),
        for_teachers=bool(roles) and not roles & {"learner", "student"},
        stands_in_for=name_of(variant.get("identifierref")) if variant is not None else None,
    )


def _is_setting(href: str) -> bool:
    """Say whether a file is one of Canvas's settings, whose absence takes nothing away from the course."""
    return href.startswith("course_settings/")


def _found(hrefs: list[str], base: str, archive: Archive, missing: list[str]) -> Iterator[str]:
    for href in hrefs:
        path = archive.find(posixpath.join(base, href)) or archive.find(posixpath.join(base, href.partition("?")[0]))
        if path is not None:
            yield path
        elif "://" not in href and not _is_setting(href):
            missing.append(href)
