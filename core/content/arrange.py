"""Put several things of one order into another one at once, as an import does."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from core.audit.record import Actor
from core.content.kinds import Kind
from core.content.models import LessonUnit
from core.content.move import Moved, lock_order, lock_siblings, record_move
from core.content.parts import load_root
from core.errors import Conflict
from core.identity.permissions import require_teacher


async def arrange(
    session: AsyncSession, actor: Actor, kind: Kind, root_ids: Sequence[UUID], *, imported: bool = False
) -> list[UUID]:
    """Give modules of a class, or lessons of a module, this order; what stands between them keeps its place.

    Returns those that had to move, the fewest, each with a row in the audit log, marked as an import's own where it is
    `imported`. Raises `NotFound`, `NotPermitted`, `Conflict` (one of them was moved elsewhere or deleted meanwhile).
    """
    if not root_ids:
        return []
    first = await load_root(session, kind, root_ids[0])
    module_id = first.module_id if isinstance(first, LessonUnit) else None
    await require_teacher(session, actor, first.class_id)
    await lock_order(session, first.class_id, module_id)
    siblings = sorted(
        await lock_siblings(session, kind, first.class_id, module_id), key=lambda each: (each.position, each.id)
    )
    here = {each.id: each for each in siblings}
    if not here.keys() >= set(root_ids):
        raise Conflict(f"Somebody moved or deleted a {kind.name} meanwhile.")
    left, ours = iter(root_ids), set(root_ids)
    wanted = [next(left) if each.id in ours else each.id for each in siblings]
    if wanted == [each.id for each in siblings]:
        return []
    stay = longest_rising([wanted.index(each.id) for each in siblings])
    moved = []
    for at, root_id in enumerate(wanted):
        root, before = here[root_id], here[root_id].position
        root.position = at + 1
        if at not in stay:
            moved.append(root_id)
            record_move(session, actor, kind, root, Moved(before, root.position), imported=imported)
    await session.flush()
    return moved


def longest_rising(numbers: Sequence[int]) -> set[int]:
    """Return a longest subsequence that rises, of numbers that differ."""
    best: list[list[int]] = []  # by their last number
    for number in numbers:
        longest: list[int] = []
        for each in best:
            if each[-1] < number and len(each) > len(longest):
                longest = each
        best.append([*longest, number])
    return set(max(best, key=len, default=[]))  # type: ignore[arg-type]
