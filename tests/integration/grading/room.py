"""A class with a teacher and students, and the grading verbs over it as one vocabulary."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from core.assignments.models import Assignment
from core.audit.models import AuditLog
from core.audit.record import Actor
from core.classes.models import Class
from core.content.models import LessonUnit, Module
from core.enums import MembershipRole
from core.grading.grade import DraftGrade, GradeEdit, save_grade
from core.grading.mark import Mark, read_mark
from core.grading.my_grades import MyGrades, my_grades
from core.grading.plan_release import Selection, plan_release
from core.grading.release import Release, release
from core.grading.retract import HOME_CHANGED, Retraction, retract
from core.identity.models import AppUser
from core.models import Notification
from tests import factories as make


@dataclass
class Room:
    """The class, its teachers Hedy and Ida, and its students Ada (section A), Bo and Cy (section B)."""

    session: AsyncSession
    class_: Class
    teacher: Actor
    second: Actor
    ada: AppUser
    bo: AppUser
    cy: AppUser

    @property
    def id(self) -> UUID:
        return self.class_.id

    async def assignment(
        self,
        title: str = "Essay",
        *,
        points: Decimal | int = 10,
        weight: Decimal | int = 1,
        in_module: Module | None = None,
        in_lesson: LessonUnit | None = None,
        published: bool = True,
        **more: Any,
    ) -> Assignment:
        parents = {"module_id": in_module and in_module.id, "lesson_unit_id": in_lesson and in_lesson.id}
        root = await make.add(self.session, Assignment(class_id=self.id, **parents))
        await make.revision(
            self.session, root, title=title, published=published, points=Decimal(points), weight=Decimal(weight), **more
        )
        return root

    async def save(
        self, of: Assignment, student: AppUser, mark: str | Mark | None = None, *, by: Actor | None = None, **more: Any
    ) -> DraftGrade:
        mark = read_mark(mark) if isinstance(mark, str) else mark
        return await save_grade(self.session, by or self.teacher, self.id, GradeEdit(of.id, student.id, mark, **more))

    def selection(self, *works: Assignment, section: str | None = None, student: AppUser | None = None) -> Selection:
        return Selection(self.id, tuple(work.id for work in works), section, student.id if student else None)

    async def release(self, *works: Assignment, **which: Any) -> Release:
        chosen = self.selection(*works, **which)
        plan = await plan_release(self.session, self.teacher, chosen)
        return await release(self.session, self.teacher, chosen, fingerprint=plan.fingerprint)

    async def retract(self, *works: Assignment, **which: Any) -> Retraction:
        return await retract(self.session, self.teacher, self.selection(*works, **which))

    async def seen(self, student: AppUser) -> MyGrades:
        return await my_grades(self.session, student.id, self.id)

    async def shown(self, student: AppUser) -> dict[str, str]:
        """Return what a student sees, by title: “8.5 / 10”."""
        grades = (await self.seen(student)).grades
        return {
            each.title: f"{each.score:f} / {each.points:f}" if each.score is not None else each.status.value
            for each in grades
        }

    async def overall(self, student: AppUser) -> Decimal | None:
        total = (await self.seen(student)).overall
        return total.percent if total else None

    async def set(self, **settings: Any) -> None:
        self.class_.settings = self.class_.settings | settings
        await self.session.flush()

    async def audit(self, *actions: str) -> list[AuditLog]:
        await self.session.flush()
        rows = await self.session.scalars(select(AuditLog).where(AuditLog.action.in_(actions)).order_by(AuditLog.id))
        return list(rows)

    async def told(self) -> list[Notification]:
        """Return what is to be told or taken away, without the pages that are to be shown anew."""
        rows = await self.session.scalars(
            select(Notification)
            .where(Notification.deleted_at.is_(None), Notification.kind != HOME_CHANGED)
            .order_by(Notification.created_at, Notification.kind)
            .execution_options(populate_existing=True)
        )
        return list(rows)


async def open_room(session: AsyncSession) -> Room:
    class_ = await make.class_(session)
    hedy, ida = await make.person(session, "Hedy"), await make.person(session, "Ida")
    for teacher in (hedy, ida):
        await make.enrol(session, class_, teacher, MembershipRole.TEACHER)
    students = [await make.person(session, name) for name in ("Ada", "Bo", "Cy")]
    for student, section in zip(students, "ABB", strict=True):
        membership = await make.enrol(session, class_, student)
        membership.section = section
    await session.flush()
    return Room(session, class_, Actor.person(hedy.id, "test"), Actor.person(ida.id, "test"), *students)


async def hide(session: AsyncSession, root: Assignment) -> None:
    await session.execute(update(Assignment).where(Assignment.id == root.id).values(published_revision_id=None))
