"""A model of what is published by itself: when its text is ready, at its moment, or with the rest of its module.

Each function does to the model what should happen, and returns the audit rows that it should leave: action, thing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from tests.properties.school import School
from tests.properties.things import Batch, Thing, Version

Row = tuple[str, Thing]
Rows = list[Row]
_SOON = timedelta(seconds=20)


def row(thing: Thing, action: str) -> Row:
    """Return the audit row that an action on a thing leaves."""
    return f"{thing.kind}.{action}", thing


def show(things: Iterable[Thing]) -> Rows:
    """Publish things together."""
    shown = list(things)
    for each in shown:
        each.show()
    return [row(each, "publish") for each in shown]


def queue(things: Sequence[Thing], batch: Batch | None = None) -> Rows:
    """Let things wait for their texts; what waited for a moment is wanted now."""
    for each in things:
        each.wait(batch=batch)
    return [row(each, "queue_publication") for each in things]


def processed(school: School, thing: Thing, version: Version, now: datetime) -> Rows:
    """End the processing of a text; what waited for it is shown."""
    version.ready, version.passages = not version.broken, () if version.broken else (version.mark,)
    rows = [row(thing, "process")]
    draft = thing.draft
    if not thing.deleted and thing.batch is None and thing.is_due(now) and draft is not None:
        if draft.ready:
            rows += show([thing])
        elif draft.ready is False and thing.queued:
            thing.wait_no_longer()
    if thing.batch is not None and thing.is_due(now):
        rows += _run(_group(school, thing), now)
    return rows


def tick(school: School, now: datetime) -> Rows:
    """Do what is due, the oldest first."""
    rows: Rows = []
    due = [((each.retry or each.due) if each.due else None, each, False) for each in school.things]
    due += [(each.hides_at, each, True) for each in school.things]
    ready = [(at, each, hides) for at, each, hides in due if at is not None and at <= now]
    for _, thing, hides in sorted(ready, key=lambda each: each[0]):
        if hides:
            if thing.waiting and (thing.due is None or (thing.hides_at is not None and thing.due <= thing.hides_at)):
                thing.wait_no_longer()
            thing.hides_at = None
            if thing.shown is not None:
                thing.shown = None
                rows.append(row(thing, "unpublish"))
        elif thing.waiting:  # perhaps not any more, where it was published with others
            rows += _run(_group(school, thing), now)
    for batch in {each.batch for each in school.things if each.batch is not None and each.queued}:
        rows += _run([each for each in school.things if each.batch is batch], now)
    for thing in [each for each in school.things if each.queued and each.batch is None]:
        rows += _run([thing], now)
    return rows


def _group(school: School, thing: Thing) -> list[Thing]:
    return [thing] if thing.batch is None else [each for each in school.things if each.batch is thing.batch]


def _run(group: Sequence[Thing], now: datetime) -> Rows:
    """Publish what is due of a group, if all of it can be; a text that can't be read ends the wait for texts."""
    due = [each for each in group if each.is_due(now) and (each.retry is None or each.retry <= now)]
    showing = [each for each in due if each.to_publish is not None]
    if any(_state(each) is False for each in showing):
        for each in due:
            if each.queued:
                each.wait_no_longer()
            else:
                each.retry = now + _SOON
        return []
    for each in due:
        if each not in showing:
            each.wait_no_longer()
    return show(showing) if all(_state(each) for each in showing) else []


def _state(thing: Thing) -> bool | None:
    version = thing.to_publish
    return version.ready if thing.indexed and version is not None else True


def call_off(school: School, thing: Thing) -> Rows:
    """Call off what a thing waits for; of a module also what was to come with it."""
    waiting = [thing] if thing.waiting else []
    waiting += [each for each in school.things if each.batch and each.batch.module is thing and each is not thing]
    for each in waiting:
        each.wait_no_longer()
    return [row(each, "call_off_publication") for each in waiting]
