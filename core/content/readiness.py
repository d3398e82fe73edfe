"""What stands in the way of publishing one thing, or a whole module, and what there is to know before."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from itertools import pairwise
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from core.assignments.models import Assignment, AssignmentRevision
from core.audit.record import Actor
from core.content.diff import Diff, diff_content
from core.content.kinds import LESSON, MODULE, Kind
from core.content.models import LessonUnit, LessonUnitRevision, Module
from core.content.parts import Part, load_root, part_of, parts_of_module
from core.content.publish import is_ready, why_unreadable
from core.content.revisions import Root
from core.content.waiting import waiting_action
from core.errors import NotReady
from core.identity.permissions import require_teacher
from core.materials.models import LessonUnitMaterial, Material

_MOST_SAID = 10


class Weight(StrEnum):
    """What a finding means for publishing."""

    STOPS = "stops"  # it can't be published like this
    WAITS = "waits"  # it can be published as soon as this is done
    ASKS = "asks"  # probably a mistake: it is published if the teacher says so
    TELLS = "tells"  # worth knowing


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was found; `sentence` is for the teacher and names the thing."""

    code: str
    weight: Weight
    kind: str
    root_id: UUID
    title: str
    sentence: str


@dataclass(frozen=True, slots=True)
class PartPlan:
    """A thing that would be published: what it is called then, and what changes for students."""

    kind: str
    root_id: UUID
    title: str
    diff: Diff


@dataclass(frozen=True, slots=True)
class Plan:
    """What publishing would do, and what speaks against it. `fingerprint` is another one when any text is."""

    parts: tuple[PartPlan, ...]
    findings: tuple[Finding, ...]
    fingerprint: str

    def of(self, weight: Weight) -> tuple[Finding, ...]:
        """Return the findings of a weight."""
        return tuple(each for each in self.findings if each.weight is weight)


async def plan_publication(
    session: AsyncSession, actor: Actor, kind: Kind, root_id: UUID, *, whole: bool = False
) -> Plan:
    """Say what publishing a thing (a module as a `whole`: with all in it) would show, and what stands in the way.

    For its teachers. Raises `NotFound`, `NotPermitted`.
    """
    root = await load_root(session, kind, root_id)
    await require_teacher(session, actor, root.class_id)
    if whole and kind is MODULE:
        parts = await parts_of_module(session, root, lock=False)
    else:
        part = await part_of(session, kind, root)
        parts = [part] if part is not None else []
    plans = tuple(_plan(part) for part in parts)
    return Plan(plans, tuple(await find(session, parts)), fingerprint(parts))


def fingerprint(parts: Sequence[Part]) -> str:
    """Return a short text that is another one for other texts."""
    return hashlib.sha256("\n".join(part.name for part in parts).encode()).hexdigest()[:16]


def refuse_unready(kind: Kind, findings: Sequence[Finding], *weights: Weight) -> None:
    """Raise `NotReady` with those findings in its data, if there are any of these weights."""
    against = [each for each in findings if each.weight in weights]
    if against:
        said = [f"- {each.sentence}" for each in against[:_MOST_SAID]]
        said += [f"- … and {len(against) - _MOST_SAID} more."] if len(against) > _MOST_SAID else []
        raise NotReady(f"This {kind.name} can't be published like this:\n" + "\n".join(said), findings=tuple(against))


async def find(session: AsyncSession, parts: Sequence[Part]) -> list[Finding]:
    """Look for what speaks against publishing these together, in their order."""
    if not parts:
        return []
    now = datetime.now(UTC)
    appearing = {part.root.id for part in parts}
    found: list[Finding] = []
    for part in parts:
        found += _of_text(part)
        if isinstance(part.revision, AssignmentRevision):
            found += _of_dates(part, part.revision, now)
        if isinstance(part.root, LessonUnit) and isinstance(part.revision, LessonUnitRevision):
            found += await _of_emptiness(session, part, part.root, part.revision)
        found += await _of_parents(session, part, appearing)
        action = await waiting_action(session, part.kind, part.root.id)
        if action is not None:
            what = "as soon as its text is ready" if action.details.get("queued") else "at a moment"
            found.append(_finding(part, "waits", Weight.TELLS, f"is to be published {what} already."))
    return found


def _plan(part: Part) -> PartPlan:
    content, live = (
        {name: getattr(revision, name) for name in part.kind.revision.content_columns} if revision else None
        for revision in (part.revision, part.live)
    )
    return PartPlan(part.kind.name, part.root.id, part.revision.title, diff_content(live, content or {}))


def _finding(part: Part, code: str, weight: Weight, what: str) -> Finding:
    title = part.revision.title
    return Finding(code, weight, part.kind.name, part.root.id, title, f"{part.kind.name.capitalize()} “{title}” {what}")


def _of_text(part: Part) -> list[Finding]:
    if (reason := why_unreadable(part.revision)) is not None:
        return [_finding(part, "failed", Weight.STOPS, f"could not be processed: {reason}")]
    if not is_ready(part.revision):
        return [_finding(part, "processing", Weight.WAITS, "is still being processed.")]
    return []


def _of_dates(part: Part, work: AssignmentRevision, now: datetime) -> list[Finding]:
    found = []
    named = (("opens", work.opens_at), ("is due", work.due_at), ("closes", work.closes_at))
    given = [(name, at) for name, at in named if at is not None]
    for (name, at), (later, then) in pairwise(given):
        if at > then:
            found.append(_finding(part, "dates", Weight.ASKS, f"{name} after it {later}."))
    if work.due_at is None:
        found.append(_finding(part, "undated", Weight.TELLS, "has no due date."))
    elif work.due_at < now:
        found.append(_finding(part, "past", Weight.TELLS, "is due in the past."))
    if work.closes_at is not None and work.closes_at < now:
        found.append(_finding(part, "closed", Weight.TELLS, "closes in the past: nobody can hand in."))
    return found


async def _of_emptiness(
    session: AsyncSession, part: Part, lesson: LessonUnit, revision: LessonUnitRevision
) -> list[Finding]:
    """Find a lesson without text in which students would find nothing else either."""
    if revision.body.strip():
        return []
    # Materials and assignments with a draft or a live revision count: the rest is said of them.
    materials = select(LessonUnitMaterial.id).join(Material, Material.id == LessonUnitMaterial.material_id)
    materials = materials.where(
        LessonUnitMaterial.lesson_unit_id == lesson.id,
        LessonUnitMaterial.deleted_at.is_(None),
        Material.deleted_at.is_(None),
    )
    work = select(Assignment.id).where(Assignment.lesson_unit_id == lesson.id, Assignment.deleted_at.is_(None))
    if await session.scalar(select(materials.exists() | work.exists())):
        return []
    return [_finding(part, "empty", Weight.ASKS, "is empty: no text, no material, no assignment.")]


async def _of_parents(session: AsyncSession, part: Part, appearing: set[UUID]) -> list[Finding]:
    """Find what hides a thing from students even when it is published."""
    root = part.root
    hidden = None
    if isinstance(root, LessonUnit | Assignment) and root.module_id is not None:
        hidden = await _hiding_module(session, root.module_id, appearing)
    elif isinstance(root, Assignment) and root.lesson_unit_id is not None:
        hidden = await _hiding_lesson(session, root.lesson_unit_id, appearing)
    elif isinstance(root, Material):
        places = await session.scalars(
            select(LessonUnitMaterial.lesson_unit_id).where(
                LessonUnitMaterial.material_id == root.id, LessonUnitMaterial.deleted_at.is_(None)
            )
        )
        reasons = [await _hiding_lesson(session, lesson_id, appearing) for lesson_id in places]
        hidden = reasons[0] if reasons and all(reasons) else None
    if hidden is None:
        return []
    return [_finding(part, "hidden", Weight.TELLS, f"is in a {hidden}, so students won't see it yet.")]


async def _hiding_module(session: AsyncSession, module_id: UUID, appearing: set[UUID]) -> str | None:
    return _why_hidden(MODULE, await session.get_one(Module, module_id), appearing)


async def _hiding_lesson(session: AsyncSession, lesson_id: UUID, appearing: set[UUID]) -> str | None:
    lesson = await session.get_one(LessonUnit, lesson_id)
    return _why_hidden(LESSON, lesson, appearing) or await _hiding_module(session, lesson.module_id, appearing)


def _why_hidden(kind: Kind, root: Root, appearing: set[UUID]) -> str | None:
    if root.deleted_at is not None:
        return f"{kind.name} that is deleted"
    if root.published_revision_id is None and root.id not in appearing:
        return f"{kind.name} that is not published"
    return None
