"""Measures a release for 1,000 students beside a bare SQL UPDATE of the same rows, in turns, on one database.

    python -m benchmarks.release [--students 1000] [--rounds 15]

A release is one transaction: it locks the grades, works out who gets what and whether that is still what was agreed to,
copies the drafts, and writes an audit row for each grade and a notification for each student. The bare UPDATE copies
the same columns of the same rows, and commits. The dry run before it is measured apart.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from decimal import Decimal
from uuid import UUID

import asyncpg
import numpy as np
from sqlalchemy import func, text

from benchmarks.scratch import add_class, scratch_database
from core.assignments.models import Assignment, AssignmentRevision
from core.audit.models import AuditLog
from core.audit.record import Actor
from core.classes.models import ClassMembership
from core.db import SESSION_SETTINGS, Sessions, create_engine, create_sessions
from core.enums import GradeStatus, MembershipRole, VisibilityState
from core.grading.models import AssignmentGradeRow
from core.grading.plan_release import Selection, plan_release
from core.grading.release import release
from core.identity.models import AppUser
from core.inbox.models import Notification
from core.models import Base

BARE = """
UPDATE assignment_grade_rows SET published_score = draft_score, published_feedback = draft_feedback,
    published_status = draft_status, published_points = 100, published_weight = 1, released_at = now()
WHERE assignment_id = $1
"""
HIDE = """
UPDATE assignment_grade_rows SET published_score = NULL, published_feedback = NULL, published_status = NULL,
    published_points = NULL, published_weight = NULL, released_at = NULL, released_by_user_id = NULL
"""


async def fill(sessions: Sessions, students: int) -> tuple[UUID, UUID]:
    """Make a class of so many students, all of them graded in one assignment; return both ids."""
    assert Base.metadata.tables
    async with sessions.begin() as session:
        class_id = await add_class(session, "RELEASE")
        people = [AppUser(name=f"Student {at}", email=f"s{at}@example.org") for at in range(students)]
        root = Assignment(class_id=class_id, position=1)
        session.add_all([*people, root])
        await session.flush()
        revision = AssignmentRevision(
            assignment_id=root.id, revision_number=1, title="Essay", points=Decimal(100),
            visibility_state=VisibilityState.PUBLISHED, published_at=func.now(),
        )  # fmt: skip
        session.add(revision)
        session.add_all(
            ClassMembership(class_id=class_id, app_user_id=each.id, role=MembershipRole.STUDENT) for each in people
        )
        session.add_all(
            AssignmentGradeRow(
                assignment_id=root.id, student_user_id=each.id, draft_status=GradeStatus.GRADED,
                draft_score=Decimal(at % 101), draft_feedback="Well argued; the second part could be shorter.",
            )
            for at, each in enumerate(people)
        )  # fmt: skip
        await session.flush()
        root.published_revision_id = revision.id
    return class_id, root.id


async def measure(url: str, students: int, rounds: int) -> None:
    engine = create_engine(url)
    sessions = create_sessions(engine)
    class_id, assignment_id = await fill(sessions, students)
    selection, actor = Selection(class_id, (assignment_id,)), Actor.system("benchmark")
    raw = await asyncpg.connect(url, server_settings=SESSION_SETTINGS)
    await raw.execute("ANALYZE")  # as the server does by itself after a while
    times: dict[str, list[float]] = {"bare UPDATE": [], "dry run": [], "release": []}
    for number in range(rounds + 1):
        await raw.execute(HIDE)
        await raw.execute("VACUUM ANALYZE assignment_grade_rows")
        begun = time.perf_counter()
        await raw.execute(BARE, assignment_id)
        bare = time.perf_counter() - begun
        await raw.execute(HIDE)
        await raw.execute("VACUUM ANALYZE assignment_grade_rows")
        begun = time.perf_counter()
        async with sessions() as session:
            plan = await plan_release(session, actor, selection)
        dry = time.perf_counter() - begun
        begun = time.perf_counter()
        async with sessions.begin() as session:
            done = await release(session, actor, selection, fingerprint=plan.fingerprint)
        released = time.perf_counter() - begun
        assert done.released == students
        if number:  # the first round warms up
            for name, seconds in zip(times, (bare, dry, released), strict=True):
                times[name].append(1000 * seconds)
    async with sessions() as session:
        for table in (AuditLog, Notification):
            count = await session.scalar(text(f"SELECT count(*) FROM {table.__tablename__}"))
            assert count == students * (rounds + 1)
    await raw.close()
    await engine.dispose()
    base = np.percentile(times["bare UPDATE"], [50, 95])
    print(
        f"{students} students, {rounds} rounds\n\n| | p50 ratio | p95 ratio | p50 ms | p95 ms |\n|---|---|---|---|---|"
    )
    for name, taken in times.items():
        p50, p95 = np.percentile(taken, [50, 95])
        print(f"| {name} | {p50 / base[0]:.2f} | {p95 / base[1]:.2f} | {p50:.1f} | {p95:.1f} |")


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--students", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=15)
    options = parser.parse_args()
    async with scratch_database(384) as url:
        await measure(url, options.students, options.rounds)


if __name__ == "__main__":
    asyncio.run(main())
