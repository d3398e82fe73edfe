"""The rows that hold grades: made where there were none, locked in one order, of work and students of the class."""

from __future__ import annotations

from collections.abc import Collection
from decimal import Decimal
from uuid import UUID

from sqlalchemy import ARRAY, TableValuedAlias, Uuid, any_, column, func, literal, select
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from core.assignments.models import Assignment, AssignmentRevision
from core.classes.models import ClassMembership
from core.enums import MembershipRole
from core.errors import NotFound
from core.grading.models import AssignmentGradeRow
from core.identity.models import AppUser

Pair = tuple[UUID, UUID]  # an assignment and a student


async def make_rows(session: AsyncSession, pairs: Collection[Pair]) -> None:
    """Make sure that each of these pairs has a row, blank and of version 0 where there was none."""
    if not pairs:
        return
    wanted = _table(sorted(pairs))  # in one order, so that two who make the same rows wait for one another at most
    await session.execute(
        postgresql.insert(AssignmentGradeRow)
        .from_select(
            ["assignment_id", "student_user_id", "version"],
            select(wanted.c.assignment_id, wanted.c.student_user_id, literal(0)),
        )
        .on_conflict_do_nothing()
    )


async def lock_rows(session: AsyncSession, pairs: Collection[Pair]) -> dict[Pair, AssignmentGradeRow]:
    """Return the living rows of these pairs, locked until the transaction ends, as they are now."""
    wanted = _table(pairs)
    rows = await session.scalars(
        select(AssignmentGradeRow)
        .join(
            wanted,
            (AssignmentGradeRow.assignment_id == wanted.c.assignment_id)
            & (AssignmentGradeRow.student_user_id == wanted.c.student_user_id),
        )
        .where(AssignmentGradeRow.deleted_at.is_(None))
        .order_by(AssignmentGradeRow.id)
        .with_for_update(of=AssignmentGradeRow)
        .execution_options(populate_existing=True)
    )
    return {(row.assignment_id, row.student_user_id): row for row in rows}


def _table(pairs: Collection[Pair]) -> TableValuedAlias:
    """Two parameters for any number of pairs; a list of parameters has a limit."""
    columns = [literal([pair[at] for pair in pairs], ARRAY(Uuid())) for at in (0, 1)]
    return (
        func.unnest(*columns)
        .table_valued(column("assignment_id", Uuid()), column("student_user_id", Uuid()), name="pairs")
        .render_derived()
    )


async def points_of(session: AsyncSession, class_id: UUID, assignment_ids: Collection[UUID]) -> dict[UUID, Decimal]:
    """Return what each assignment is out of: as published, else as its newest revision has it. Raises `NotFound`."""
    revision, newer = AssignmentRevision, aliased(AssignmentRevision)
    newest = (
        select(newer.id)
        .where(newer.assignment_id == Assignment.id, newer.deleted_at.is_(None))
        .order_by(newer.revision_number.desc())
        .limit(1)
        .scalar_subquery()
    )
    rows = await session.execute(
        select(Assignment.id, revision.points)
        .join(revision, revision.id == func.coalesce(Assignment.published_revision_id, newest))
        .where(
            Assignment.id == any_(literal(list(assignment_ids), ARRAY(Uuid()))),
            Assignment.class_id == class_id,
            Assignment.deleted_at.is_(None),
        )
    )
    points = {row.id: row.points for row in rows}
    if len(points) != len(assignment_ids):
        raise NotFound("There is no such assignment in this class.")
    return points


async def require_assignment(session: AsyncSession, class_id: UUID, assignment_id: UUID) -> None:
    """Raise `NotFound` unless the class has this assignment."""
    await points_of(session, class_id, {assignment_id})


async def require_students(session: AsyncSession, class_id: UUID, user_ids: Collection[UUID]) -> None:
    """Raise `NotFound` unless all of these are students of the class."""
    found = await session.scalar(
        select(func.count())
        .select_from(ClassMembership)
        .join(AppUser, AppUser.id == ClassMembership.app_user_id)
        .where(
            ClassMembership.class_id == class_id,
            ClassMembership.app_user_id == any_(literal(list(user_ids), ARRAY(Uuid()))),
            ClassMembership.role == MembershipRole.STUDENT,
            ClassMembership.deleted_at.is_(None),
            AppUser.deleted_at.is_(None),
        )
    )
    if found != len(user_ids):
        raise NotFound("There is no such student in this class.")
