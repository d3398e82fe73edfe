"""Order and parents: they belong to the roots, so that moving something shows at once, whatever drafts there are.

What stands in one order (a class's modules, materials, assignments; a module's lessons) is numbered under one lock, the
class's or the module's. Creating and restoring take it too, so that no number is given twice.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from core.assignments.find import list_work
from core.assignments.models import Assignment
from core.audit.record import Actor, record
from core.classes.models import Class
from core.content.kinds import ASSIGNMENT, LESSON, MATERIAL, MODULE, Kind, lock_root
from core.content.models import LessonUnit
from core.content.parts import load_root
from core.content.revisions import Root
from core.errors import Conflict, InvalidInput, NotFound
from core.identity.permissions import require_teacher
from core.materials.models import LessonUnitMaterial, Material


@dataclass(frozen=True, slots=True)
class Moved:
    """Where a thing stood and stands: its position, and for a lesson or an assignment what it belongs to."""

    before: int
    after: int
    parent_before: UUID | None = None
    parent_after: UUID | None = None
    renumbered: int = 0  # other things whose number is another one now


async def move(
    session: AsyncSession, actor: Actor, kind: Kind, root_id: UUID, to: int, *, imported: bool = False
) -> Moved:
    """Give a thing another place among its own: a module, material or assignment in its class, a lesson in its module.

    `to` is the number it has afterwards, 1 the first; a larger one than there are means last. Of assignments it is the
    number that people see, which counts the published ones (find.py); a draft goes where it gets that number once it is
    published. What stands between moves on by one, and gaps in the numbers close. `imported` marks a move in the audit
    log as an import's own. Raises `NotFound`, `NotPermitted`, `InvalidInput`, `Conflict` (it was moved elsewhere at
    this very moment).
    """
    _check_place(to)
    place = await load_root(session, kind, root_id)
    module_id = place.module_id if isinstance(place, LessonUnit) else None
    await require_teacher(session, actor, place.class_id)
    await lock_order(session, place.class_id, module_id)
    siblings = await lock_siblings(session, kind, place.class_id, module_id)
    root = next((each for each in siblings if each.id == root_id), None)
    if root is None:
        raise Conflict(f"Somebody else moved or deleted this {kind.name} meanwhile.")
    moved = _renumber(siblings, root, to, await _counted(session, kind, siblings))
    if moved.before != moved.after or moved.renumbered:
        record_move(session, actor, kind, root, moved, imported=imported)
    await session.flush()
    return moved


async def move_lesson(
    session: AsyncSession,
    actor: Actor,
    lesson_id: UUID,
    module_id: UUID,
    to: int | None = None,
    *,
    imported: bool = False,
) -> Moved:
    """Move a lesson into another module of its class, at number `to` or last. In a hidden module it is hidden.

    What it leaves keeps its numbers. Raises as `move` does.
    """
    if to is not None:
        _check_place(to)
    place = await load_root(session, LESSON, lesson_id)
    await require_teacher(session, actor, place.class_id)
    old_id = place.module_id if isinstance(place, LessonUnit) else module_id
    if old_id == module_id:
        return await move(session, actor, LESSON, lesson_id, to or _LAST, imported=imported)
    for each in sorted({old_id, module_id}):
        module = await lock_root(session, MODULE, each, deleted=each == old_id)
        if module.class_id != place.class_id:
            raise InvalidInput("A lesson can only be moved within its class.")
    lesson = await lock_root(session, LESSON, lesson_id)
    if not isinstance(lesson, LessonUnit) or lesson.module_id != old_id:
        raise Conflict("Somebody else moved this lesson meanwhile.")
    there = await lock_siblings(session, LESSON, lesson.class_id, module_id)
    before, lesson.module_id, lesson.position = lesson.position, module_id, _LAST
    moved = _renumber(there, lesson, to or _LAST)
    moved = Moved(before, moved.after, old_id, module_id, moved.renumbered)
    record_move(session, actor, LESSON, lesson, moved, imported=imported)
    await session.flush()
    return moved


async def move_assignment(
    session: AsyncSession,
    actor: Actor,
    assignment_id: UUID,
    *,
    module_id: UUID | None = None,
    lesson_unit_id: UUID | None = None,
    to: int | None = None,
    imported: bool = False,
) -> Moved:
    """Let an assignment belong to a module or a lesson of its class, or with neither to the class itself.

    With `to` it gets that number in the class, too, as by `move`. Raises `NotFound`, `NotPermitted`, `InvalidInput`.
    """
    if to is not None:
        _check_place(to)
    if module_id is not None and lesson_unit_id is not None:
        raise InvalidInput("An assignment belongs to a module or to a lesson, not to both.")
    class_id = (await load_root(session, ASSIGNMENT, assignment_id)).class_id
    await require_teacher(session, actor, class_id)
    if to is not None:
        await lock_order(session, class_id)
    for kind, parent_id in ((MODULE, module_id), (LESSON, lesson_unit_id)):
        if parent_id is not None and (await lock_root(session, kind, parent_id)).class_id != class_id:
            raise InvalidInput(f"That {kind.name} is in another class.")
    siblings = await lock_siblings(session, ASSIGNMENT, class_id, None) if to is not None else []
    work = await lock_root(session, ASSIGNMENT, assignment_id)
    if not isinstance(work, Assignment):
        raise NotFound
    before, parent = work.module_id or work.lesson_unit_id, module_id or lesson_unit_id
    work.module_id, work.lesson_unit_id = module_id, lesson_unit_id
    await session.flush()  # what it belongs to can hide it, and then it has no number
    moved = Moved(work.position, work.position)
    if to is not None:
        moved = _renumber(siblings, work, to, await _counted(session, ASSIGNMENT, siblings))
    moved = replace(moved, parent_before=before, parent_after=parent)
    if before != parent or moved.before != moved.after or moved.renumbered:
        record_move(session, actor, ASSIGNMENT, work, moved, imported=imported)
        await session.flush()
    return moved


async def move_in_lesson(session: AsyncSession, actor: Actor, lesson_id: UUID, material_id: UUID, to: int) -> Moved:
    """Give a material another place in a lesson, among what is not deleted.

    Raises `NotFound`, `NotPermitted`, `InvalidInput`.
    """
    _check_place(to)
    lesson = await lock_root(session, LESSON, lesson_id)
    await require_teacher(session, actor, lesson.class_id)
    links = await session.scalars(
        select(LessonUnitMaterial)
        .join(Material, Material.id == LessonUnitMaterial.material_id)
        .where(
            LessonUnitMaterial.lesson_unit_id == lesson_id,
            LessonUnitMaterial.deleted_at.is_(None),
            Material.deleted_at.is_(None),
        )
        .order_by(LessonUnitMaterial.id)
        .with_for_update(of=LessonUnitMaterial)
        .execution_options(populate_existing=True)
    )
    placed = list(links)
    mine = next((link for link in placed if link.material_id == material_id), None)
    if mine is None:
        raise NotFound("This material is not in that lesson.")
    moved = _renumber(placed, mine, to, {each.id for each in placed})
    if moved.before != moved.after:
        record(
            session, actor, f"{MATERIAL.name}.move", "lesson_unit_material", mine.id, class_id=lesson.class_id,
            lesson=lesson_id, material=material_id, before=moved.before, after=moved.after,
        )  # fmt: skip
    await session.flush()
    return moved


async def lock_order(session: AsyncSession, class_id: UUID, module_id: UUID | None = None) -> None:
    """Let what changes the order of a class's things, or of a module's lessons, follow one another.

    Taken before any root's lock but the module's own. Raises `NotFound`.
    """
    if module_id is not None:
        await lock_root(session, MODULE, module_id, deleted=True)
        return
    found = await session.scalar(select(Class.id).where(Class.id == class_id).with_for_update(key_share=True))
    if found is None:
        raise NotFound("There is no such class.")


_LAST = 2**31 - 1


def _check_place(to: int) -> None:
    if to < 1:
        raise InvalidInput("Places are counted from 1.")


async def lock_siblings(session: AsyncSession, kind: Kind, class_id: UUID, module_id: UUID | None) -> Sequence[Any]:
    """Return the living things of one order, locked by id as everybody does who locks several."""
    where = [kind.root.class_id == class_id, kind.root.deleted_at.is_(None)]
    if module_id is not None:
        where.append(LessonUnit.module_id == module_id)
    rows = await session.scalars(
        select(kind.root)
        .where(*where)
        .order_by(kind.root.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return rows.all()


async def _counted(session: AsyncSession, kind: Kind, siblings: Sequence[Any]) -> set[UUID] | None:
    """Return the things that people count to say a number, or None where the number is the position."""
    if kind is MATERIAL:  # nobody sees their positions
        return {each.id for each in siblings}
    if kind is ASSIGNMENT and siblings:
        return {each.id for each in await list_work(session, siblings[0].class_id)}
    return None


def _renumber(siblings: Sequence[Any], mine: Any, to: int, counted: Collection[UUID] | None = None) -> Moved:  # noqa: ANN401  (roots, or links)
    """Give things the numbers from 1 without gaps, `mine` at `to`; of two with one number the older id stays first.

    `to` is a position, or with `counted` a number among those.
    """
    before = mine.position
    others = sorted((each for each in siblings if each.id != mine.id), key=lambda each: (each.position, each.id))
    if counted is None:
        # Numbers may have gaps: what is before the one that is there now goes before, when it moves up; after, when
        # down.
        index = sum(1 for each in others if (each.position < to if to <= before else each.position <= to))
    else:
        index = _index_after([each.id in counted for each in others], to - 1)
    renumbered = 0
    for position, each in enumerate([*others[:index], mine, *others[index:]], start=1):
        if each.position != position:
            each.position = position
            renumbered += each is not mine
    return Moved(before, mine.position, renumbered=renumbered)


def _index_after(counts: Sequence[bool], number: int) -> int:
    """Return the index behind the thing with a number. What follows the last that counts is counted on after it."""
    last = max((index for index, each in enumerate(counts) if each), default=-1)
    numbered = [index for index, each in enumerate(counts) if each or index > last]
    return numbered[min(number, len(numbered)) - 1] + 1 if number and numbered else 0


def record_move(session: AsyncSession, actor: Actor, kind: Kind, root: Root, moved: Moved, *, imported: bool) -> None:
    """Leave one row, for what was moved: the others' numbers follow from it."""
    more = {"parent_before": moved.parent_before, "parent_after": moved.parent_after, "imported": imported or None}
    record(
        session, actor, f"{kind.name}.move", kind.name, root.id, class_id=root.class_id,
        before=moved.before, after=moved.after, **{name: each for name, each in more.items() if each is not None},
    )  # fmt: skip
