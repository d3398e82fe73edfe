"""Takes over what a package's outline lists, entry by entry, and then the pages and tasks that it does not list."""

from __future__ import annotations

from collections.abc import Iterable
from xml.etree.ElementTree import Element

from adapters.courses.imscc_canvas import SYLLABUS
from adapters.courses.imscc_keep_out import module_reason, text_reason
from adapters.courses.imscc_kinds import NOT_CONVERTED, ResourceKind, is_wiki, kind_of, parts_of_others
from adapters.courses.imscc_links import address
from adapters.courses.imscc_manifest import Resource
from adapters.courses.imscc_outline import OWN_MODULE, Place, better_forms
from adapters.courses.imscc_taken import Taken, TakenLesson, WantedFile
from adapters.courses.imscc_tasks import take_assignment
from adapters.courses.imscc_xml import read_xml, text_of
from core.errors import HomeroomError
from core.materials.files import title_from
from core.text import one_line

_BRACKETS = str.maketrans("[]", "()")


def take_listed(taken: Taken, places: Iterable[Place]) -> None:
    """Take over the outline's entries, in order."""
    for place in places:
        over = place.below if place.below in taken.lessons else taken.last_page.get(place.module)
        if place.resource is None:
            _link(taken, place, place.title, place.url or "", over)
            continue
        again = place.resource.key in taken.seen
        taken.seen.add(place.resource.key)
        reason = module_reason(place.where)
        if reason is None and place.below in taken.secret_pages:
            reason = "it stands below what is kept from students"
        if kind_of(place.resource) is ResourceKind.LINK and reason is None:
            _link_file(taken, place.resource, place, over)
        elif again:
            taken.twice.append(place.label)
        elif reason is not None:
            _keep_all_out(taken, place.resource, place, reason)
        else:
            _take(taken, place.resource, place, over)


def _take(taken: Taken, resource: Resource, place: Place, over: str | None) -> None:
    kind = kind_of(resource)
    if kind is ResourceKind.PAGE:
        _page(taken, resource, place)
        if resource.key in taken.lessons:
            taken.last_page[place.module] = resource.key
        else:
            taken.secret_pages.add(resource.key)
    elif kind is ResourceKind.ASSIGNMENT:
        take_assignment(taken, resource, place)
    elif kind in NOT_CONVERTED:
        taken.skip(place.label, f"{_what(taken, resource, kind)}, which is not converted")
    elif not resource.files:
        taken.skip(place.label, "the package does not have its file")
    else:
        title = place.title if len(resource.files) == 1 else ""
        for path in resource.files:
            taken.wanted.setdefault(path, WantedFile(title, over))


def take_unlisted(taken: Taken, *, own_title: str) -> None:
    """Take over what stands in no module; `own_title` is what the module for such pages is called."""
    passed_over = parts_of_others(taken.resources) | set(better_forms(taken.resources))
    for key, resource in taken.resources.items():
        if key in taken.seen or key in passed_over:
            taken.seen.add(key)
            continue
        kind = kind_of(resource)
        if kind is ResourceKind.PAGE and resource.href == SYLLABUS:
            _syllabus(taken, resource)
        elif kind is ResourceKind.PAGE and is_wiki(resource.href):
            _page(taken, resource, Place("", OWN_MODULE, own_title, resource))
        elif kind is ResourceKind.ASSIGNMENT:
            take_assignment(taken, resource, Place("", OWN_MODULE, "", resource))
        elif kind is ResourceKind.LINK:
            _link_file(taken, resource, Place("", OWN_MODULE, "", resource), None)
        elif kind is ResourceKind.TOOL:
            taken.tools += 1
        elif kind is ResourceKind.BANK:
            taken.banks += 1
        elif kind in NOT_CONVERTED:
            title = _own_title(taken, resource) or f"without a title ({key})"
            taken.skip(title, f"{_what(taken, resource, kind)}, which is not converted")
        else:
            continue  # files, which come last
        taken.seen.add(key)


def _page(taken: Taken, resource: Resource, place: Place) -> None:
    path = resource.href or ""
    called = place.label if place.title else path
    if resource.for_teachers:
        taken.keep_out(resource.key, called, "for teachers")
        return
    data = taken.load(path, called)
    page = taken.read(data, called) if data is not None else None
    if page is None:
        return
    title = place.title or page.title or title_from(path)
    # What the outline calls a page and what it calls itself can differ; either may tell.
    reason = text_reason(path, title, page.body) or (text_reason(path, page.title, page.body) if page.title else None)
    if reason is not None:
        taken.keep_out(resource.key, f"{place.where} › {title}" if place.where else title, reason)
        return
    taken.lessons[resource.key] = TakenLesson(place.module, title, page.body)
    taken.follow(page, path, resource.key)
    for other in resource.files:
        taken.linked.setdefault(other, resource.key)
    if page.meta.get("workflow_state") == "unpublished":
        taken.canvas.unpublished.append(f"page {title}")


def _syllabus(taken: Taken, resource: Resource) -> None:
    """Make Canvas's syllabus a document of the class, unless it is empty, as it often is."""
    data = taken.load(SYLLABUS, "Syllabus")
    page = taken.read(data, "Syllabus") if data is not None else None
    if page is None or not page.body:
        return
    if reason := text_reason("syllabus.html", "Syllabus", page.body):
        taken.keep_out(resource.key, "Syllabus", reason)
        return
    taken.wanted[SYLLABUS] = WantedFile("Syllabus")
    taken.follow(page, SYLLABUS, None)


def _keep_all_out(taken: Taken, resource: Resource, place: Place, reason: str) -> None:
    if kind_of(resource) is ResourceKind.FILES and len(resource.files) > 1:
        for path in resource.files:
            taken.keep_out(f"{resource.key}/{path}", path, reason)
    else:
        taken.keep_out(resource.key, place.label, reason)


def _link_file(taken: Taken, resource: Resource, place: Place, lesson: str | None) -> None:
    path = resource.href or ""
    data = taken.load(path, place.label if place.title else path)
    if data is None:
        return
    try:
        root = read_xml(data, path)
    except HomeroomError as error:
        taken.skip(place.label if place.title else path, error.sentence)
        return
    url = root.find("url")
    title = place.title or one_line(text_of(root, "title"), 300)
    _link(taken, place, title, (url.get("href") or "") if url is not None else "", lesson)


def _link(taken: Taken, place: Place, title: str, url: str, lesson: str | None) -> None:
    """Keep a web link as a line of the lesson above it."""
    where = address(url)
    if where is None or lesson is None:
        said = one_line(where or url, 200) or "without an address"
        taken.skip(
            place.label if place.title else title or "without a title", f"a web link with no page above it: {said}"
        )
        return
    taken.lessons[lesson].links.append(f"- [{title.translate(_BRACKETS) or where}]({where})")


def _what(taken: Taken, resource: Resource, kind: ResourceKind) -> str:
    """Name what is not converted; Canvas says in a file beside a discussion that it is an announcement."""
    if kind is ResourceKind.DISCUSSION and any(
        text_of(root, "type") == "announcement" for root in _beside(taken, resource)
    ):
        return "an announcement"
    return kind.value


def _own_title(taken: Taken, resource: Resource) -> str:
    """Return what a quiz or a discussion is called; a quiz's questions are never opened, only the settings beside."""
    return next((title for root in _beside(taken, resource) if (title := one_line(text_of(root, "title"), 300))), "")


def _beside(taken: Taken, resource: Resource) -> Iterable[Element]:
    paths = [path for key in resource.depends_on if key in taken.resources for path in taken.resources[key].files]
    if kind_of(resource) is ResourceKind.DISCUSSION:
        paths += resource.files
    for path in paths:
        if path.endswith(".xml") and "qti" not in path:
            try:
                yield read_xml(taken.archive.read(path), path)
            except HomeroomError:
                continue
