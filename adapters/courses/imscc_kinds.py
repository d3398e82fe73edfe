"""What a resource of a course package is, by its type and its files' names; nothing is opened to tell."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

from adapters.courses.imscc_canvas import FOLDER, SYLLABUS
from adapters.courses.imscc_manifest import Resource
from core.materials.files import suffix_of

ASSIGNMENT_FILES = ("assignment_settings.xml", "assignment.xml")
_PAGES = (".html", ".htm", ".xhtml")
_WIKI = "wiki_content/"


class ResourceKind(Enum):
    """What becomes of a resource; the values of what is not converted are what the report calls it."""

    PAGE = "a page"
    FILES = "files"
    ASSIGNMENT = "an assignment"
    LINK = "a web link"
    QUIZ = "a quiz"
    BANK = "a question bank"
    DISCUSSION = "a discussion"
    TOOL = "an external tool"
    OTHER = "a kind of content that is not known here"
    PART = "a part of something else"


NOT_CONVERTED = frozenset({
    ResourceKind.QUIZ, ResourceKind.BANK, ResourceKind.DISCUSSION, ResourceKind.TOOL, ResourceKind.OTHER,
})  # fmt: skip


_BY_TYPE = (
    ("imsqti", ResourceKind.QUIZ),
    ("imsdt", ResourceKind.DISCUSSION),
    ("imsbasiclti", ResourceKind.TOOL),
    ("imswl", ResourceKind.LINK),
    ("assignment_xml", ResourceKind.ASSIGNMENT),
)


def kind_of(resource: Resource) -> ResourceKind:
    """Say what a resource is. Canvas keeps its own things as “learning application resources”."""
    for prefix, kind in _BY_TYPE:
        if resource.type.startswith(prefix):
            return ResourceKind.BANK if "question-bank" in resource.type else kind
    names = {path.rpartition("/")[2].casefold() for path in resource.files}
    if names & set(ASSIGNMENT_FILES):
        return ResourceKind.ASSIGNMENT
    if resource.type.startswith("associatedcontent") or not resource.type:
        return _associated(resource, names)
    if resource.type.startswith("webcontent"):
        return ResourceKind.PAGE if is_page(resource.href) else ResourceKind.FILES
    return ResourceKind.OTHER


def is_page(path: str | None) -> bool:
    """Say whether a file is HTML by its name."""
    return path is not None and suffix_of(path) in _PAGES


def is_wiki(path: str | None) -> bool:
    """Say whether a file is one of Canvas's pages, which are lessons also where no module lists them."""
    return path is not None and path.startswith(_WIKI) and is_page(path)


def parts_of_others(resources: Mapping[str, Resource]) -> set[str]:
    """Return the resources that only serve another: a quiz's settings, a discussion's."""
    kinds = {key: kind_of(resource) for key, resource in resources.items()}
    return {
        needed
        for key, resource in resources.items()
        if kinds[key] in NOT_CONVERTED
        for needed in resource.depends_on
        if needed in resources and resources[needed].type.startswith("associatedcontent")
    }


def _associated(resource: Resource, names: set[str]) -> ResourceKind:
    if any(name.endswith(".qti") for name in names):
        return ResourceKind.BANK
    if SYLLABUS in resource.files or is_page(resource.href):
        return ResourceKind.PAGE
    if any(path.startswith(FOLDER) for path in resource.files) or all(name.endswith(".xml") for name in names):
        return ResourceKind.PART
    return ResourceKind.FILES
