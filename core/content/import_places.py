"""Where an import's things stand: what the course moved is moved here, too, unless somebody has moved it here since.

Who moved what is read from the audit log: an import's own moves are marked there.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from core.assignments.models import Assignment
from core.audit.models import AuditLog
from core.audit.record import Actor
from core.content.arrange import arrange
from core.content.course_plan import CoursePlan, Planned
from core.content.import_parents import parent_of
from core.content.import_report import Entry, Fate
from core.content.import_writing import act_on_each
from core.content.kinds import ASSIGNMENT, LESSON, MODULE, Kind
from core.content.models import LessonUnit
from core.content.move import move_assignment, move_lesson
from core.content.revisions import Root
from core.db import Sessions
from core.errors import HomeroomError

Ids = Mapping[tuple[str, str], UUID]


@dataclass(frozen=True, slots=True)
class Places:
    """What a course says of places. `ids` are the roots of what is here, by kind and key; `fresh` came just now."""

    plan: CoursePlan
    ids: Ids
    fresh: Collection[tuple[str, str]]
    class_id: UUID
    publish: bool


@dataclass(frozen=True, slots=True)
class Hand:
    """What people did to a thing's place since an import put it there.

    `left` is where it was before the first of them took it elsewhere: empty, or that one parent, None for the class.
    """

    moved: bool = False
    left: tuple[UUID | None, ...] = ()


@dataclass(frozen=True, slots=True)
class _Away:
    """A thing that the course has in another parent."""

    kind: Kind
    key: str
    root_id: UUID
    into: tuple[Kind, UUID] | None


@dataclass(frozen=True, slots=True)
class _Order:
    """Things of one parent in the order of the course, which is another one: their keys by their ids."""

    kind: Kind
    keys: Mapping[UUID, str]


@dataclass(slots=True)
class Followed:
    """What was moved, and what was not."""

    entries: list[Entry] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


async def follow_places(sessions: Sessions, actor: Actor, places: Places) -> Followed:
    """Move things into the module or lesson where the course has them now, and into its order; say what was left."""
    followed = Followed()
    followed.entries += await _follow_parents(sessions, actor, places, followed)
    await _follow_order(sessions, actor, places, followed)
    return followed


async def _follow_parents(sessions: Sessions, actor: Actor, places: Places, followed: Followed) -> list[Entry]:
    away: list[_Away] = []
    async with sessions() as session:
        for kind, planned in ((LESSON, places.plan.lessons), (ASSIGNMENT, places.plan.assignments)):
            here, hands = await _roots(session, kind, places.class_id), await hands_on(session, kind, places.class_id)
            for each in planned:
                root = here.get(places.ids.get((kind.name, each.key)))
                into = _wanted(places.ids, each)
                if root is None or into is _LOST or _parent(root) == (into[1] if into else None):
                    continue
                hand = hands.get(root.id, Hand())
                if not hand.left:
                    away.append(_Away(kind, each.key, root.id, into))
                elif hand.left != ((into[1] if into else None),):  # else the course has it where it always had it
                    followed.entries.append(Entry(Fate.CONFLICT, kind.name, each.key, _MOVED_BY_BOTH))

    async def act(session: AsyncSession, thing: _Away) -> Entry:
        return Entry(Fate.MOVED, thing.kind.name, thing.key, await _move(session, actor, thing, publish=places.publish))

    def failed(thing: _Away, error: HomeroomError) -> Entry:
        return Entry(Fate.CONFLICT, thing.kind.name, thing.key, f"It could not be moved. {error.sentence}")

    return await act_on_each(sessions, away, act, failed)


_MOVED_BY_BOTH = "The course has it somewhere else now, but somebody moved it here since. It was left where it is."
_LOST: tuple[Kind, UUID] = (MODULE, UUID(int=0))  # in something that is not here


def _wanted(ids: Ids, planned: Planned) -> tuple[Kind, UUID] | None:
    parent = parent_of(planned)
    if parent is None:
        return None
    found = ids.get((parent[0].name, parent[1]))
    return (parent[0], found) if found is not None else _LOST


def _parent(root: Root) -> UUID | None:
    if isinstance(root, Assignment):
        return root.module_id or root.lesson_unit_id
    return root.module_id if isinstance(root, LessonUnit) else None


async def _move(session: AsyncSession, actor: Actor, thing: _Away, *, publish: bool) -> str:
    """Move a thing into its parent, and return what is to be said of it."""
    into, to = thing.into or (None, None)
    if thing.kind is ASSIGNMENT:
        await move_assignment(
            session, actor, thing.root_id, imported=True,
            module_id=to if into is MODULE else None, lesson_unit_id=to if into is LESSON else None,
        )  # fmt: skip
    elif to is not None:
        await move_lesson(session, actor, thing.root_id, to, imported=True)
    root = await session.get_one(thing.kind.root, thing.root_id)
    over = await session.get(into.root, to) if into is not None else None
    hides = root.published_revision_id is not None and over is not None and over.published_revision_id is None
    where = f"another {into.name}" if into is not None else "the whole class"
    unseen = f" Students don't see it until that {into.name} is published." if into and hides and not publish else ""
    return f"It belongs to {where} now, as in the course.{unseen}"


async def _follow_order(sessions: Sessions, actor: Actor, places: Places, followed: Followed) -> None:
    orders: list[_Order] = []
    async with sessions() as session:
        for kind, planned in ((MODULE, places.plan.modules), (LESSON, places.plan.lessons)):
            here, hands = await _roots(session, kind, places.class_id), await hands_on(session, kind, places.class_id)
            by_parent: dict[UUID | None, dict[UUID, str]] = {}
            for each in planned:
                root = here.get(places.ids.get((kind.name, each.key)))
                into = _wanted(places.ids, each)
                if root is not None and _parent(root) == (into[1] if into else None):
                    by_parent.setdefault(_parent(root), {})[root.id] = each.key
            for parent, keys in by_parent.items():
                if [*keys] == sorted(keys, key=lambda root_id: (here[root_id].position, root_id)):
                    continue
                if any(hands.get(root_id, Hand()).moved for root_id in keys):
                    followed.notes.append(_arranged(places, parent))
                else:
                    orders.append(_Order(kind, keys))

    async def act(session: AsyncSession, order: _Order) -> list[Entry]:
        moved = await arrange(session, actor, order.kind, [*order.keys], imported=True)
        found = [(order.kind.name, order.keys[root_id]) for root_id in moved]
        return [
            Entry(Fate.MOVED, *each, "It has another place in the order now, as in the course.")
            for each in found
            if each not in places.fresh
        ]

    def failed(order: _Order, error: HomeroomError) -> list[Entry]:
        key = next(iter(order.keys.values()))
        return [Entry(Fate.CONFLICT, order.kind.name, key, f"It could not be put into order. {error.sentence}")]

    said = {(entry.kind, entry.key) for entry in followed.entries}
    done = [entry for entries in await act_on_each(sessions, orders, act, failed) for entry in entries]
    followed.entries += [entry for entry in done if (entry.kind, entry.key) not in said]


def _arranged(places: Places, module_id: UUID | None) -> str:
    titles = {places.ids.get((MODULE.name, each.key)): each.title for each in places.plan.modules}
    what = f"lessons of module “{titles.get(module_id, '')}”" if module_id else "modules"
    return f"The {what} stand in another order here than in the course, because somebody arranged them; that was left."


async def _roots(session: AsyncSession, kind: Kind, class_id: UUID) -> dict[UUID | None, Root]:
    rows = await session.scalars(
        select(kind.root).where(kind.root.class_id == class_id, kind.root.deleted_at.is_(None))
    )
    return {root.id: root for root in rows}


async def hands_on(session: AsyncSession, kind: Kind, class_id: UUID) -> dict[UUID, Hand]:
    """Return what people did to the places of a class's things since an import put them there."""
    rows = await session.execute(
        select(AuditLog.entity_id, AuditLog.details)
        .where(AuditLog.class_id == class_id, AuditLog.entity_type == kind.name, AuditLog.action == f"{kind.name}.move")
        .order_by(AuditLog.created_at, AuditLog.id)
    )
    hands: dict[UUID, Hand] = {}
    for root_id, details in rows:
        if details.get("imported"):
            hands.pop(root_id, None)
            continue
        left = hands.get(root_id, Hand()).left
        if not left and details.keys() & {"parent_before", "parent_after"}:
            before = details.get("parent_before")
            left = (UUID(before) if before else None,)
        hands[root_id] = Hand(moved=True, left=left)
    return hands
