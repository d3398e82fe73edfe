"""A package's outline as modules with everything straight inside: where each thing stands, and below which page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from adapters.courses.imscc_kinds import ResourceKind, kind_of
from adapters.courses.imscc_manifest import Item, Resource

OWN_MODULE = "."
"""The key of the module for what stands in no module of the package's."""


@dataclass(frozen=True, slots=True)
class Place:
    """One entry of the outline. `below` is the page whose entry stands above it, `where` the module's title."""

    title: str
    module: str
    where: str
    resource: Resource | None = None
    url: str | None = None
    below: str | None = None

    @property
    def label(self) -> str:
        """What the entry is called in a report."""
        return f"{self.where} › {self.title or 'without a title'}" if self.where else self.title or "without a title"


@dataclass(slots=True)
class Outline:
    """Modules by key with their titles, in order, and all places. `headings` have no place in a flat module.

    `gone` are entries whose resource the package does not have, `tools` Canvas's links to external tools.
    """

    modules: dict[str, str] = field(default_factory=dict)
    places: list[Place] = field(default_factory=list)
    headings: list[str] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    tools: list[str] = field(default_factory=list)


def flatten(items: Sequence[Item], resources: Mapping[str, Resource], *, own_title: str) -> Outline:
    """Lay out the outline; what stands beside the modules goes into a module of its own, called `own_title`."""
    made = Outline()
    better = better_forms(resources)
    for item in items:
        alone = bool(item.refers_to or item.url) and not item.items
        module = OWN_MODULE if alone else item.key
        title = own_title if alone else item.title or own_title
        made.modules.setdefault(module, title)
        for each, below, depth in _walk([item] if item.refers_to or item.url else item.items, resources):
            resource = resources.get(better.get(each.refers_to or "", each.refers_to or ""))
            place = Place(each.title, module, made.modules[module], resource, each.url, below)
            if resource is not None or each.url:
                made.places.append(place)
            elif each.is_tool:
                made.tools.append(place.label)
            elif each.refers_to:
                made.gone.append(place.label)
            if not (each.refers_to or each.url or each.is_tool) or (depth and each.items and resource is None):
                made.headings.append(place.label)
    return made


def better_forms(resources: Mapping[str, Resource]) -> dict[str, str]:
    """Return which resource to take for a plain fallback of it that older programs read (Common Cartridge 1.3)."""
    better = {key: resource.stands_in_for or "" for key, resource in resources.items()}
    return {
        key: other
        for key, other in better.items()
        if other in resources and kind_of(resources[other]) is not ResourceKind.OTHER
    }


def _walk(
    items: Sequence[Item], resources: Mapping[str, Resource], below: str | None = None, depth: int = 0
) -> Iterator[tuple[Item, str | None, int]]:
    for item in items:
        yield item, below, depth
        resource = resources.get(item.refers_to or "")
        page = resource.key if resource is not None and kind_of(resource) is ResourceKind.PAGE else below
        yield from _walk(item.items, resources, page, depth + 1)
