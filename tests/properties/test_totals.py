"""Totals of lessons, modules and classes on random gradebooks, beside paper: right to the cent."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

import hypothesis.strategies as st
from hypothesis import given, settings
from sqlalchemy import func
from sqlalchemy.ext.asyncio import AsyncSession

from core.assignments.models import Assignment
from core.audit.record import Actor
from core.enums import GradeStatus
from core.grading.aggregate import draft_totals, published_totals
from core.grading.models import AssignmentGradeRow
from tests import factories as make
from tests.properties.grades import RULES, Item, Rules, cents, percent
from tests.properties.world import World, opened

POINTS = st.sampled_from(["0", "0.03", "1", "3", "7", "9.99", "10", "12.5", "33.33", "100"]).map(Decimal)
WEIGHTS = st.sampled_from(["0", "0.3333", "0.5", "1", "1.5", "2", "7", "30"]).map(Decimal)
STATUSES = st.sampled_from(["GRADED"] * 4 + ["EXCUSED", "MISSING", "UNGRADED"])


@st.composite
def items(draw: Any) -> Item:
    status = draw(STATUSES)
    return Item(status, draw(cents(2000)) if status == "GRADED" else None, draw(POINTS), draw(WEIGHTS))


@dataclass(frozen=True)
class Sheet:
    """One assignment: where it hangs (0 class, 1 module, 2 lesson of it), whether seen, drafts and releases."""

    place: int
    seen: bool
    points: Decimal
    weight: Decimal
    drafts: tuple[Item, ...]  # one a student; points and weight are the assignment's
    released: tuple[Item | None, ...]


@st.composite
def sheets(draw: Any) -> Sheet:
    points, weight = draw(POINTS), draw(WEIGHTS)
    drafts = []
    for _ in range(2):
        found = draw(items())
        drafts.append(Item(found.status, found.score, points, weight))
    released = tuple(draw(st.none() | items()) for _ in range(2))
    return Sheet(draw(st.integers(0, 2)), draw(st.sampled_from([True] * 5 + [False])), points, weight,
                 tuple(drafts), released)  # fmt: skip


def test_totals_are_what_paper_says_to_the_cent(database_url: str) -> None:
    with opened(database_url) as world:

        @settings(settings(), max_examples=settings().max_examples // 2)
        @given(st.lists(sheets(), max_size=7), RULES)
        def check(book: list[Sheet], rules: Rules) -> None:
            world.run(check_totals(world, book, rules))

        check()


async def check_totals(world: World, book: list[Sheet], rules: Rules) -> None:
    savepoint = await world.connection.begin_nested()
    async with world.sessions() as session:
        class_ = await make.class_(session)
        class_.settings = rules.settings()
        module = await make.module(session, class_)
        lesson = await make.lesson(session, module)
        students = [await make.person(session, name) for name in ("Ada", "Bo")]
        for student in students:
            await make.enrol(session, class_, student)
        for sheet in book:
            parent = {1: {"module_id": module.id}, 2: {"lesson_unit_id": lesson.id}}.get(sheet.place, {})
            root = await make.add(session, Assignment(class_id=class_.id, **parent))
            await make.revision(session, root, published=sheet.seen, points=sheet.points, weight=sheet.weight)
            for student, draft, released in zip(students, sheet.drafts, sheet.released, strict=True):
                await write_row(session, root.id, student.id, draft, released)
        system = Actor.system()
        drafts = await draft_totals(session, system, class_.id)
        published = await published_totals(session, system, class_.id)
        for at, student in enumerate(students):
            for scope, places in ((class_.id, {0, 1, 2}), (module.id, {1, 2}), (lesson.id, {2})):
                there = [sheet for sheet in book if sheet.seen and sheet.place in places]
                shown = [found for sheet in there if (found := sheet.released[at]) is not None]
                for totals, counted in ((drafts, [sheet.drafts[at] for sheet in there]), (published, shown)):
                    total = totals.get(student.id, {}).get(scope)
                    assert (total and total.percent) == percent(counted, rules), (at, scope)
    await savepoint.rollback()


async def write_row(
    session: AsyncSession, assignment_id: UUID, student_id: UUID, draft: Item, released: Item | None
) -> None:
    row = AssignmentGradeRow(assignment_id=assignment_id, student_user_id=student_id)
    if released is not None:
        row.draft_status, row.draft_score, row.draft_feedback = GradeStatus(released.status), released.score, ""
        row.published_status, row.published_score, row.published_feedback = row.draft_status, row.draft_score, ""
        row.published_points, row.published_weight = released.points, released.weight
        row.released_at = func.now()
    await make.add(session, row)
    row.draft_status, row.draft_score = GradeStatus(draft.status), draft.score
    await session.flush()
