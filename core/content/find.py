"""Finds what teachers write as they name it, drafts and what is deleted included. Students' finder is browse.py."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from core.assignments.find import list_work
from core.assignments.models import Assignment
from core.audit.record import Actor
from core.content.kinds import ASSIGNMENT, KINDS, LESSON, MODULE, Kind
from core.content.models import LessonUnit, Module
from core.content.parts import IN_ORDER
from core.content.same_name import tell_apart
from core.enums import VisibilityState
from core.errors import Ambiguous, InvalidInput, NotFound
from core.identity.permissions import require_teacher
from core.text import one_line

_MOST_CANDIDATES = 25  # of one menu on Discord
_PLACE = re.compile(r"#?\d{1,4}(?:\.\d{1,4})?\.?")


@dataclass(frozen=True, slots=True)
class Thing:
    """A module, lesson, material or assignment. `number` is what people call it by, empty where it has none.

    `live` says that it is published (what is above it may hide it still), `draft` that it has one. `detail` tells it
    from others of its number and title, and is empty where there are none.
    """

    kind: Kind
    id: UUID
    class_id: UUID
    number: str
    title: str
    live_title: str | None
    draft: bool
    place: tuple[int, ...]
    detail: str = ""

    @property
    def live(self) -> bool:
        """Whether it is published."""
        return self.live_title is not None

    @property
    def label(self) -> str:
        """Return what a menu shows among its own kind, which also names it."""
        detail = f" ({self.detail})" if self.detail else ""
        return f"{self.number} {self.title}{detail}".strip()

    @property
    def full_label(self) -> str:
        """Return what a menu shows among other kinds, which also names it."""
        return f"{self.kind.name} {self.label}"


async def list_things(
    session: AsyncSession, actor: Actor, class_id: UUID, *kinds: Kind, deleted: bool = False
) -> list[Thing]:
    """Return a class's things of these kinds (or of all) in outline order, for its teachers. Raises `NotPermitted`.

    With `deleted` those that are deleted instead.
    """
    await require_teacher(session, actor, class_id)
    found: list[Thing] = []
    for kind in IN_ORDER:
        if not kinds or kind in kinds:
            found += await _of_kind(session, class_id, kind, deleted=deleted)
    return found


async def find_thing(
    session: AsyncSession, actor: Actor, class_id: UUID, reference: str, *kinds: Kind, deleted: bool = False
) -> Thing:
    """Return the thing of these kinds (or of any) that a teacher names.

    Raises `NotPermitted`, `NotFound`, `InvalidInput`, and `Ambiguous` with the candidates' `ids` in its data.
    """
    things = await list_things(session, actor, class_id, *kinds, deleted=deleted)
    return pick_thing(things, reference, *kinds)


async def thing_of(session: AsyncSession, actor: Actor, kind: Kind, root_id: UUID) -> Thing:
    """Return a thing by its id, deleted or not, for its teachers. Raises `NotFound`, `NotPermitted`."""
    root = await session.get(kind.root, root_id, populate_existing=True)
    if root is None:
        raise NotFound(f"There is no such {kind.name}.")
    deleted = root.deleted_at is not None
    things = await list_things(session, actor, root.class_id, kind, deleted=deleted)
    found = next((each for each in things if each.id == root_id), None)
    if found is None:  # deleted or restored at this very moment
        raise NotFound(f"There is no such {kind.name}.")
    return found


def pick_thing(things: Sequence[Thing], reference: str, *kinds: Kind) -> Thing:
    """Pick by outline number (`2`, `2.3`), by id, by title, or by a unique beginning or part of it.

    Among several kinds, a kind's name may come first: `lesson 2.3`. Raises as `find_thing` does.
    """
    what = kinds[0].name if len(kinds) == 1 else "thing"
    wanted = one_line(reference, 320).casefold()
    if not wanted:
        raise InvalidInput(f"Say which {what}: by its number or its title.", field="name")
    first, _, rest = wanted.partition(" ")
    found: list[Thing] = []
    if rest and first in KINDS:
        found = _fitting([each for each in things if each.kind is KINDS[first]], rest.strip())
    found = found or _fitting(things, wanted)
    if not found:
        raise NotFound(f"There is no {what} “{one_line(reference, 60)}” here.", field="name")
    if len(found) > 1:
        named = found[:_MOST_CANDIDATES]
        several = len({each.kind for each in named}) > 1 or len(kinds) != 1
        raise Ambiguous(
            f"Several {what}s fit “{one_line(reference, 60)}”:",
            candidates=tuple(each.full_label if several else each.label for each in named),
            ids=tuple(each.id for each in named),
            things=tuple(named),
        )
    return found[0]


def _fitting(things: Sequence[Thing], wanted: str) -> list[Thing]:
    found: list[Thing] = []
    if _PLACE.fullmatch(wanted):
        number = wanted.strip("#.")
        numbered = [each for each in things if each.number == number]
        # A bare number is a module's; an assignment's only where no module is meant.
        found = [each for each in numbered if each.kind is not ASSIGNMENT] if "#" not in wanted else []
        found = found or numbered
    found = found or [each for each in things if wanted in _names(each)]
    for fits in (str.startswith, str.__contains__):
        found = found or [each for each in things if any(fits(title, wanted) for title in _titles(each))]
    return found


def _titles(thing: Thing) -> tuple[str, ...]:
    return tuple(title.casefold() for title in (thing.title, thing.live_title) if title)


def _names(thing: Thing) -> tuple[str, ...]:
    titles = _titles(thing)
    return thing.id.hex, str(thing.id), thing.label.casefold(), *titles, *(f"{thing.number} {each}" for each in titles)


async def _of_kind(session: AsyncSession, class_id: UUID, kind: Kind, *, deleted: bool) -> list[Thing]:
    newest, live = aliased(kind.revision), aliased(kind.revision)
    key = kind.revision.root_key
    number = (
        select(func.max(kind.revision.revision_number))
        .where(kind.root_column() == kind.root.id, kind.revision.deleted_at.is_(None))
        .correlate(kind.root)
        .scalar_subquery()
    )
    columns: list[Any] = [
        kind.root.id, kind.root.position, newest.title, live.title.label("live_title"), newest.visibility_state,
    ]  # fmt: skip
    statement = (
        select(*columns)
        .select_from(kind.root)
        .join(newest, (getattr(newest, key) == kind.root.id) & (newest.revision_number == number))
        .outerjoin(live, live.id == kind.root.published_revision_id)
    )
    if kind is LESSON:
        statement = statement.add_columns(Module.position.label("above")).join(
            Module, Module.id == LessonUnit.module_id
        )
        if not deleted:  # a deleted module takes its lessons out of sight, and a new one has its number
            statement = statement.where(Module.deleted_at.is_(None))
    gone = kind.root.deleted_at.is_not(None) if deleted else kind.root.deleted_at.is_(None)
    rows = (await session.execute(statement.where(kind.root.class_id == class_id, gone))).all()
    numbers: dict[UUID, str] = {}
    if kind is ASSIGNMENT:  # counted as students and graders count them
        numbers = {work.id: str(work.number) for work in await list_work(session, class_id)}
    things = []
    for row in rows:
        place = (row.above, row.position) if kind is LESSON else (row.position,)
        if kind in (MODULE, LESSON):
            numbers[row.id] = ".".join(str(each) for each in place)
        draft = row.visibility_state is VisibilityState.DRAFT
        things.append(Thing(kind, row.id, class_id, numbers.get(row.id, ""), row.title, row.live_title, draft, place))
    things.sort(key=lambda each: (each.place, each.id))
    named: dict[str, list[UUID]] = {}
    for each in things:
        named.setdefault(each.label.casefold(), []).append(each.id)
    details = await tell_apart(session, kind, [ids for ids in named.values() if len(ids) > 1])
    return [replace(each, detail=details.get(each.id, "")) for each in things]


async def parent_of(session: AsyncSession, thing: Thing) -> str:
    """Return what a lesson or an assignment belongs to, as people name it: “module 2”, “lesson 2.3”, or nothing."""
    root = await session.get(thing.kind.root, thing.id)
    if isinstance(root, LessonUnit):
        return f"module {thing.place[0]}"
    if not isinstance(root, Assignment):
        return ""
    if root.module_id is not None:
        return f"module {(await session.get_one(Module, root.module_id)).position}"
    if root.lesson_unit_id is None:
        return "the whole class"
    lesson = await session.get_one(LessonUnit, root.lesson_unit_id)
    module = await session.get_one(Module, lesson.module_id)
    return f"lesson {module.position}.{lesson.position}"
