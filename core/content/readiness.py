"""What stands in the way of publishing one thing, or a whole module, and what there is to know before."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from itertools import pairwise
from typing import Any
from uuid import UUID

from sqlalchemy import select, union
from sqlalchemy.ext.asyncio import AsyncSession

from core.assignments.models import Assignment, AssignmentRevision
from core.audit.record import Actor
from core.content.diff import Diff, diff_content
from core.content.kinds import LESSON, MODULE, Kind
from core.content.models import LessonUnit, LessonUnitRevision, Module
from core.content.parts import Part, load_root, part_of, parts_of_module
from core.content.publish import is_ready, why_unreadable
from core.content.revisions import Root
from core.content.waiting import waiting_actions
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
    waiting = await waiting_actions(session, {(part.kind.name, part.root.id) for part in parts})
    empty = await _empty_lessons(session, parts)
    hidden = await _hidden(session, parts)
    found: list[Finding] = []
    for part in parts:
        found += _of_text(part)
        if isinstance(part.revision, AssignmentRevision):
            found += _of_dates(part, part.revision, now)
        if part.root.id in empty:
            found.append(_finding(part, "empty", Weight.ASKS, "is empty: no text, no material, no assignment."))
        if (above := hidden.get(part.root.id)) is not None:
            found.append(_finding(part, "hidden", Weight.TELLS, f"is in a {above}, so students won't see it yet."))
        if (action := waiting.get((part.kind.name, part.root.id))) is not None:
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


async def _empty_lessons(session: AsyncSession, parts: Sequence[Part]) -> set[UUID]:
    """Find the lessons without text in which students would find nothing else either."""
    bare = {
        part.root.id
        for part in parts
        if isinstance(part.revision, LessonUnitRevision) and not part.revision.body.strip()
    }
    if not bare:
        return bare
    # Materials and assignments with a draft or a live revision count: the rest is said of them.
    materials = select(LessonUnitMaterial.lesson_unit_id).join(Material, Material.id == LessonUnitMaterial.material_id)
    materials = materials.where(
        LessonUnitMaterial.lesson_unit_id.in_(bare),
        LessonUnitMaterial.deleted_at.is_(None),
        Material.deleted_at.is_(None),
    )
    work = select(Assignment.lesson_unit_id).where(Assignment.lesson_unit_id.in_(bare), Assignment.deleted_at.is_(None))
    return bare - set(await session.scalars(union(materials, work)))


async def _hidden(session: AsyncSession, parts: Sequence[Part]) -> dict[UUID, str]:
    """Say what hides things from students even when all of these are published, by the things' ids."""
    roots = [part.root for part in parts]
    module_of = {root.id: root.module_id for root in roots if isinstance(root, LessonUnit | Assignment)}
    lessons_of = {
        root.id: [root.lesson_unit_id]
        for root in roots
        if isinstance(root, Assignment) and root.module_id is None and root.lesson_unit_id is not None
    }
    if materials := {root.id for root in roots if isinstance(root, Material)}:
        links = await session.execute(
            select(LessonUnitMaterial.material_id, LessonUnitMaterial.lesson_unit_id).where(
                LessonUnitMaterial.material_id.in_(materials), LessonUnitMaterial.deleted_at.is_(None)
            )
        )
        for material_id, lesson_id in links:
            lessons_of.setdefault(material_id, []).append(lesson_id)
    lessons = await _by_id(session, LessonUnit, {each for ids in lessons_of.values() for each in ids})
    modules = await _by_id(session, Module, {*module_of.values(), *(each.module_id for each in lessons.values())})
    appearing = {root.id for root in roots}
    reasons = {
        root_id: [_why_hidden(MODULE, modules[module_id], appearing)]
        for root_id, module_id in module_of.items()
        if module_id is not None
    }
    for root_id, ids in lessons_of.items():
        above = [lessons[each] for each in ids]
        reasons[root_id] = [
            _why_hidden(LESSON, each, appearing) or _why_hidden(MODULE, modules[each.module_id], appearing)
            for each in above
        ]
    return {root_id: found[0] for root_id, found in reasons.items() if found[0] is not None and all(found)}


async def _by_id(session: AsyncSession, table: Any, ids: Collection[UUID | None]) -> dict[UUID, Any]:  # noqa: ANN401  (either root)
    rows = await session.scalars(select(table).where(table.id.in_(ids)))
    return {each.id: each for each in rows}


def _why_hidden(kind: Kind, root: Root, appearing: set[UUID]) -> str | None:
    if root.deleted_at is not None:
        return f"{kind.name} that is deleted"
    if root.published_revision_id is None and root.id not in appearing:
        return f"{kind.name} that is not published"
    return None
