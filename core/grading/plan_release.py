"""What a release would do: a dry run, person by person, that the release itself is held to."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Uuid, bindparam, text
from sqlalchemy.ext.asyncio import AsyncSession

from core.audit.record import Actor
from core.enums import GradeStatus
from core.errors import NotFound, NotReady
from core.grading.mark import Mark, held_mark, plain
from core.identity.permissions import require_teacher

_BUCKETS = 10  # of ten percent each, and one above for extra credit


@dataclass(frozen=True, slots=True)
class Selection:
    """Which grades of a class: of these assignments (none: of every published one), one section's, one person's."""

    class_id: UUID
    assignment_ids: tuple[UUID, ...] = ()
    section: str | None = None
    student_user_id: UUID | None = None


class LineFate(StrEnum):
    """What a release does to one grade."""

    NEW = "new"  # nothing was released yet
    CHANGED = "changed"
    UNCHANGED = "unchanged"
    UNGRADED = "ungraded"  # nothing to release


@dataclass(frozen=True, slots=True)
class Shown:
    """A grade as a student sees it, or would."""

    mark: Mark
    points: Decimal
    weight: Decimal

    def __str__(self) -> str:
        return f"{self.mark} / {plain(self.points)}" if self.mark.score is not None else str(self.mark)


@dataclass(frozen=True, slots=True)
class ReleaseLine:
    """One student's grade for one assignment: what they see now, and what they would see."""

    fate: LineFate
    assignment_id: UUID
    assignment: str
    student_user_id: UUID
    student: str
    email: str
    section: str
    old: Shown | None
    new: Shown
    feedback_changes: bool
    row_id: UUID | None = None
    state: str = ""  # all that the release depends on

    @property
    def tells(self) -> bool:
        """Whether the student, shown it, would see something else: a weight is not shown."""
        return self.old is None or self.feedback_changes or str(self.old) != str(self.new)

    @property
    def reweighs(self) -> bool:
        """Whether a released grade would count with another weight."""
        return self.old is not None and self.old.weight != self.new.weight


@dataclass(frozen=True, slots=True)
class Bucket:
    """How many of the grades lie from `low` up to, and without, `low` + 10 percent; the topmost: that and above."""

    low: int
    count: int


@dataclass(frozen=True, slots=True)
class ReleasePlan:
    """A dry run, in the class's order and then by name."""

    selection: Selection
    lines: tuple[ReleaseLine, ...]

    def of(self, *fates: LineFate) -> tuple[ReleaseLine, ...]:
        """Return the lines of these fates."""
        return tuple(line for line in self.lines if line.fate in fates)

    @property
    def changes(self) -> tuple[ReleaseLine, ...]:
        """What the release writes."""
        return self.of(LineFate.NEW, LineFate.CHANGED)

    @property
    def missing(self) -> tuple[ReleaseLine, ...]:
        """Of the changes, those that say missing."""
        return tuple(line for line in self.changes if line.new.mark.status is GradeStatus.MISSING)

    @property
    def excused(self) -> tuple[ReleaseLine, ...]:
        """Of the changes, those that say excused."""
        return tuple(line for line in self.changes if line.new.mark.status is GradeStatus.EXCUSED)

    @property
    def students(self) -> tuple[UUID, ...]:
        """Who would be told."""
        return tuple(dict.fromkeys(line.student_user_id for line in self.changes if line.tells))

    @property
    def distribution(self) -> tuple[Bucket, ...]:
        """How the grades are spread that students see after the release, in percent of the points."""
        seen = [line for line in self.lines if line.fate is not LineFate.UNGRADED]
        counts = Counter(
            min(int(10 * shown.mark.score / shown.points), _BUCKETS)
            for shown in (line.new for line in seen)
            if shown.mark.score is not None and shown.points
        )
        return tuple(Bucket(10 * at, counts[at]) for at in range(_BUCKETS + 1))

    @property
    def fingerprint(self) -> str:
        """A short text that is another one for a release that would write something else."""
        return hashlib.sha256("\n".join(sorted(line.state for line in self.changes)).encode()).hexdigest()[:16]


_PLAN = text(
    """
SELECT a.id AS assignment_id, a.title, a.points, a.weight, u.id AS student_user_id, u.name, u.email, s.section,
    g.id AS row_id, g.draft_status, g.draft_score, g.released_at IS NOT NULL AS released, g.published_status,
    g.published_score, g.published_points, g.published_weight,
    g.draft_feedback IS DISTINCT FROM coalesce(g.published_feedback, '') AS feedback_changes,
    concat_ws(' ', g.id, g.draft_status, g.draft_score, md5(g.draft_feedback), a.points, a.weight, g.published_status,
        g.published_score, md5(g.published_feedback), g.published_points, g.published_weight) AS state
FROM published_assignments a
JOIN class_memberships s ON s.class_id = a.class_id AND s.role = 'STUDENT' AND s.deleted_at IS NULL
JOIN app_users u ON u.id = s.app_user_id AND u.deleted_at IS NULL
LEFT JOIN assignment_grade_rows g ON g.assignment_id = a.id AND g.student_user_id = u.id AND g.deleted_at IS NULL
WHERE a.class_id = :class_id
    AND (:every_assignment OR a.id = ANY (:assignment_ids))
    AND (CAST(:section AS text) IS NULL OR lower(s.section) = lower(:section))
    AND (CAST(:student AS uuid) IS NULL OR u.id = :student)
ORDER BY a.position, a.id, u.name, u.id
"""
).bindparams(
    bindparam("class_id", type_=Uuid()),
    bindparam("assignment_ids", type_=ARRAY(Uuid())),
    bindparam("student", type_=Uuid()),
)
_HIDDEN = text(
    "SELECT count(*) FROM unnest(CAST(:assignment_ids AS uuid[])) AS wanted (id)"
    " WHERE NOT EXISTS (SELECT FROM published_assignments a WHERE a.id = wanted.id AND a.class_id = :class_id)"
).bindparams(bindparam("class_id", type_=Uuid()), bindparam("assignment_ids", type_=ARRAY(Uuid())))


async def plan_release(session: AsyncSession, actor: Actor, selection: Selection) -> ReleasePlan:
    """Return what releasing a selection would do now; nothing is changed.

    A grade that is blank is not released, unless something was released before. Raises `NotPermitted`, `NotReady` (an
    assignment that students can't see), `NotFound` (nobody there).
    """
    await require_teacher(session, actor, selection.class_id)
    await session.flush()
    values: dict[str, Any] = {"class_id": selection.class_id, "assignment_ids": list(selection.assignment_ids)}
    if await session.scalar(_HIDDEN, values):
        raise NotReady("Students can't see that assignment; publish it first.")
    rows = await session.execute(
        _PLAN,
        values
        | {
            "every_assignment": not selection.assignment_ids,
            "section": selection.section,
            "student": selection.student_user_id,
        },
    )
    lines = tuple(_line(row) for row in rows)
    if not lines and (selection.section is not None or selection.student_user_id is not None):
        raise NotFound("There is nobody like that in this class, or nothing is published.")
    return ReleasePlan(selection, lines)


def _line(row: Any) -> ReleaseLine:  # noqa: ANN401  (a row of _PLAN, unpacked at once: there may be thousands)
    (
        assignment_id, title, points, weight, student_user_id, name, email, section, row_id, draft_status, draft_score,
        released, published_status, published_score, published_points, published_weight, feedback_changes, state,
    ) = row  # fmt: skip
    old = None
    if released:
        old = Shown(held_mark(published_status, published_score), published_points, published_weight)
    new = Shown(held_mark(draft_status, draft_score), points, weight)
    changes = bool(row_id and feedback_changes)
    return ReleaseLine(
        fate=_fate(old, new, feedback_changes=changes),
        assignment_id=assignment_id,
        assignment=title,
        student_user_id=student_user_id,
        student=name,
        email=str(email),
        section=section,
        old=old,
        new=new,
        feedback_changes=changes,
        row_id=row_id,
        state=state,
    )


def _fate(old: Shown | None, new: Shown, *, feedback_changes: bool) -> LineFate:
    if old is None:
        return LineFate.UNGRADED if new.mark.status is GradeStatus.UNGRADED else LineFate.NEW
    # Points and weight mean nothing where no number counts.
    counts = new.mark.status in (GradeStatus.GRADED, GradeStatus.MISSING)
    same = old == new if counts else old.mark == new.mark
    return LineFate.UNCHANGED if same and not feedback_changes else LineFate.CHANGED
