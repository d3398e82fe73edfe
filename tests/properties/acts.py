"""A model of what teachers can do to a thing: each act changes it, or is refused.

Acts return the audit rows they should leave (see waiting.py), or None where they are refused and change nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from tests.properties.school import School
from tests.properties.things import Batch, Thing, Version
from tests.properties.waiting import Rows, queue, row, show

_ORDER = ("module", "lesson", "material", "assignment")
Fingerprint = tuple[tuple[UUID, tuple[int, int]], ...]


@dataclass(frozen=True)
class Content:
    """What somebody writes. What is None is left as it is."""

    title: str | None = None
    mark: str | None = None
    wording: int = 0
    points: int | None = None
    broken: bool = False


def write(thing: Thing, content: Content, seen: tuple[int, int]) -> Rows | None:
    """Save a draft, by somebody who had `seen` the text that stood there."""
    if not thing.reachable:
        return None
    newest, filed = thing.newest, thing.kind == "material" and content.mark is not None
    wanted = (content.title or newest.title, content.mark or newest.mark, content.points or newest.points)
    same = wanted == newest.says()
    if same and (filed or not thing.waiting):
        return []
    if thing.waiting or seen != newest.seen:
        return None
    draft = thing.draft
    if draft is None:
        draft = newest.copy(len(thing.versions) + 1)
        thing.versions.append(draft)
    else:
        draft.version, draft.ready = draft.version + 1, None
    draft.title, draft.mark, draft.points = wanted
    if content.mark is not None:
        draft.wording, draft.broken = content.wording, content.broken
    return [row(thing, "edit")]


def publish(thing: Thing, seen: tuple[int, int], now: datetime, hours: int = 0) -> Rows | None:
    """Publish what was seen, now or in some hours."""
    version = thing.to_publish
    if not thing.reachable or version is None or version.seen != seen or (thing.indexed and version.ready is False):
        return None
    if hours:
        if thing.waiting:
            return None
        thing.wait(now + timedelta(hours=hours))
        return [row(thing, "schedule_publication")]
    if not thing.indexed or version.ready:
        return show([thing])
    if thing.batch is None and thing.is_due(now):
        return []
    return queue([thing])


def parts(school: School, module: Thing) -> list[Thing]:
    """Return what is published with a module, in order."""
    return sorted(school.parts(module), key=lambda each: (_ORDER.index(each.kind), each.position))


def fingerprint(things: Sequence[Thing]) -> Fingerprint:
    """Name the texts that are to be published together."""
    return tuple((each.id, each.to_publish.seen) for each in things if each.to_publish)


def unready(things: Sequence[Thing]) -> bool:
    """Whether a text among them is not processed yet."""
    return any(each.indexed and each.to_publish and each.to_publish.ready is None for each in things)


def unreadable(things: Sequence[Thing]) -> bool:
    """Whether a text among them can't be read."""
    return any(each.indexed and each.to_publish and each.to_publish.ready is False for each in things)


def publish_module(
    school: School, module: Thing, seen: Fingerprint, now: datetime, hours: int = 0, *, when_ready: bool
) -> Rows | None:
    """Publish a module with all that is in it."""
    if module.deleted:
        return None
    wanted = parts(school, module)
    if not wanted or fingerprint(wanted) != seen or unreadable(wanted):
        return None
    if hours:
        free = [each for each in wanted if not each.waiting]
        if not free or any(each.batch and each.batch.module is module for each in school.things):
            return None
        batch = Batch(module)
        for each in free:
            each.wait(now + timedelta(hours=hours), batch)
        return [row(each, "schedule_publication") for each in free]
    if not unready(wanted):
        return show(wanted)
    return queue(wanted, Batch(module)) if when_ready else None


def unpublish(thing: Thing, now: datetime, hours: int = 0) -> Rows | None:
    """Hide a thing, now or half an hour after some hours."""
    if not thing.reachable:
        return None
    if hours:
        if thing.hides_at is not None or (thing.shown is None and not thing.waiting):
            return None
        thing.hides_at = now + timedelta(hours=hours, minutes=30)
        return [row(thing, "schedule_unpublishing")]
    if thing.shown is None and not thing.is_due(now):
        return None
    thing.shown = None
    if thing.is_due(now):
        thing.wait_no_longer()
    return [row(thing, "unpublish")]


def revert(thing: Thing, number: int, seen: tuple[int, int]) -> Rows | None:
    """Bring an old revision back as a draft."""
    if not thing.reachable or thing.waiting or thing.newest.seen != seen:
        return None
    old = revision(thing, number)
    if old is None:
        return None
    if thing.draft is not None:
        thing.draft.deleted = True
    thing.versions.append(old.copy(len(thing.versions) + 1))
    return [row(thing, "revert")]


def revision(thing: Thing, number: int) -> Version | None:
    """Return a revision of any standing, or None."""
    return next((each for each in thing.versions if each.number == number), None)


def delete(thing: Thing) -> Rows | None:
    """Delete a thing."""
    if not thing.reachable:
        return None
    thing.delete()
    return [row(thing, "delete")]


def restore(school: School, thing: Thing) -> Rows | None:
    """Bring a thing back, last where its place is taken."""
    if not thing.deleted or (thing.kind == "lesson" and thing.parent is not None and thing.parent.deleted):
        return None
    siblings = school.siblings(thing.kind, thing.room, thing.parent)
    if any(each.position == thing.position for each in siblings):
        thing.position = school.last_place(thing.kind, thing.room, thing.parent)
    thing.deleted = False
    return [row(thing, "restore")]


def move(school: School, thing: Thing, to: int, parent: Thing | None = None) -> Rows | None:
    """Give a thing another place among its own, a lesson perhaps in another module."""
    if not thing.reachable or (parent is not None and parent is not thing.parent and parent.deleted):
        return None
    return [row(thing, "move")] if school.put(thing, to, parent or thing.parent) else []


def give(work: Thing, parent: Thing | None) -> Rows | None:
    """Let an assignment belong to something else."""
    if work.deleted or (parent is not None and not parent.reachable):
        return None
    if work.parent is parent:
        return []
    work.parent = parent
    return [row(work, "move")]


def link(school: School, material: Thing, lesson: Thing, *, linked: bool) -> Rows | None:
    """Put a material into a lesson, or take it out."""
    if material.deleted or not lesson.reachable or (not linked and lesson not in material.lessons):
        return None
    if linked and lesson in material.lessons:
        return []
    if linked:
        school.join(material, lesson)
    else:
        del material.lessons[lesson]
    return [row(material, "link" if linked else "unlink")]


def move_in_lesson(school: School, material: Thing, lesson: Thing, to: int) -> Rows | None:
    """Give a material another place in a lesson."""
    if material.deleted or lesson.deleted or lesson not in material.lessons:
        return None
    return [row(material, "move")] if school.put_in_lesson(material, lesson, to) else []
