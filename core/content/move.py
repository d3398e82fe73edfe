"""Order and parents: they belong to the roots, so that moving something shows at once, whatever drafts there are.

What stands in one order (a class's modules, materials, assignments; a module's lessons) is numbered under one lock, the
class's or the module's. Creating and restoring take it too, so that no number is given twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

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

    `to` is the number it has afterwards, 1 the first; a larger one than there are means last. What stands between moves
    on by one, and gaps in the numbers close. `imported` marks a move in the audit log as an import's own. Raises
    `NotFound`, `NotPermitted`, `InvalidInput`, `Conflict` (it was
    moved elsewhere at this very moment).
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
    moved = _renumber(siblings, root, to)
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
    imported: bool = False,
) -> Moved:
    """Let an assignment belong to a module or a lesson of its class, or with neither to the class itself.

    Raises `NotFound`, `NotPermitted`, `InvalidInput`.
    """
    if module_id is not None and lesson_unit_id is not None:
        raise InvalidInput("An assignment belongs to a module or to a lesson, not to both.")
    class_id = (await load_root(session, ASSIGNMENT, assignment_id)).class_id
    await require_teacher(session, actor, class_id)
    for kind, parent_id in ((MODULE, module_id), (LESSON, lesson_unit_id)):
        if parent_id is not None and (await lock_root(session, kind, parent_id)).class_id != class_id:
            raise InvalidInput(f"That {kind.name} is in another class.")
    work = await lock_root(session, ASSIGNMENT, assignment_id)
    if not isinstance(work, Assignment):
        raise NotFound
    before = work.module_id or work.lesson_unit_id
    moved = Moved(work.position, work.position, before, module_id or lesson_unit_id)
    if before != moved.parent_after:
        work.module_id, work.lesson_unit_id = module_id, lesson_unit_id
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
    for place, each in enumerate(sorted(placed, key=lambda each: (each.position, each.id)), start=1):
        each.position = place  # nobody sees these numbers, so people count what they see
    moved = _renumber(placed, mine, to)
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


def _renumber(siblings: Sequence[Any], mine: Any, to: int) -> Moved:  # noqa: ANN401  (roots, or links)
    """Give things the numbers from 1 without gaps, `mine` at `to`; of two with one number the older id stays first."""
    before = mine.position
    others = sorted((each for each in siblings if each.id != mine.id), key=lambda each: (each.position, each.id))
    # Numbers may have gaps: what is before the one that is there now goes before, when it moves up; after, when down.
    index = sum(1 for each in others if (each.position < to if to <= before else each.position <= to))
    renumbered = 0
    for position, each in enumerate([*others[:index], mine, *others[index:]], start=1):
        if each.position != position:
            each.position = position
            renumbered += each is not mine
    return Moved(before, mine.position, renumbered=renumbered)


def record_move(session: AsyncSession, actor: Actor, kind: Kind, root: Root, moved: Moved, *, imported: bool) -> None:
    """Leave one row, for what was moved: the others' numbers follow from it."""
    more = {"parent_before": moved.parent_before, "parent_after": moved.parent_after, "imported": imported or None}
    record(
        session, actor, f"{kind.name}.move", kind.name, root.id, class_id=root.class_id,
        before=moved.before, after=moved.after, **{name: each for name, each in more.items() if each is not None},
    )  # fmt: skip
