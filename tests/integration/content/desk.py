"""A class, a teacher at work in it, and the verbs over four kinds as one vocabulary."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import class_mapper

from core.audit.models import AuditLog
from core.audit.record import Actor
from core.content.create import create_assignment, create_lesson, create_material, create_module
from core.content.edit import edit_draft
from core.content.fields import AssignmentFields, Fields, FileFields, LessonFields, ModuleFields
from core.content.kinds import KINDS, Kind, draft_of
from core.content.publish import publish
from core.content.revisions import Root
from core.enums import MembershipRole
from core.materials.models import LessonUnitMaterial
from core.models import ScheduledAction
from tests import factories as make
from tests.fakes.queue import RecordingQueue
from tests.processing import fail, finish

each_kind = pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
INDEXED = [kind for kind in KINDS.values() if kind.indexed]
each_indexed = pytest.mark.parametrize("kind", INDEXED, ids=[kind.name for kind in INDEXED])


def fields(kind: Kind, words: str) -> Fields:
    """Return content of a kind that says these words and nothing else."""
    match kind.name:
        case "module":
            return ModuleFields(words, f"{words}, described")
        case "lesson":
            return LessonFields(words, f"{words}, taught")
        case "material":
            return FileFields(words, f"files/{words}", f"{words}.md", "text/markdown", 5, words.encode())
        case _:
            return AssignmentFields(words, f"{words}, to be done")


@dataclass
class Desk:
    """Everything a verb needs. `class_id` is the class, `module_id` a published module of it."""

    session: AsyncSession
    class_id: UUID
    module_id: UUID
    teacher: Actor
    queue: RecordingQueue = field(default_factory=RecordingQueue)

    async def create(self, kind: Kind, words: str = "First", *, actor: Actor | None = None) -> Root:
        actor, content = actor or self.teacher, fields(kind, words)
        match content:
            case ModuleFields():
                return await create_module(self.session, actor, self.class_id, content)
            case LessonFields():
                return await create_lesson(self.session, actor, self.module_id, content, queue=self.queue)
            case FileFields():
                return await create_material(self.session, actor, self.class_id, content, queue=self.queue)
            case AssignmentFields():
                return await create_assignment(self.session, actor, self.class_id, content)

    async def edit(self, kind: Kind, root: Root, words: str, **more: Any) -> Any:
        actor = more.pop("actor", self.teacher)
        content = fields(kind, words)
        return await edit_draft(self.session, actor, kind, root.id, content, queue=self.queue, **more)

    async def ready(self, kind: Kind, root: Root) -> None:
        """Let the workers finish with the draft's text, where it has one to work on."""
        draft = await draft_of(self.session, kind, root.id)
        if kind.indexed and draft is not None:
            await finish(self.session, kind, draft.id, draft.title)

    async def fail(self, kind: Kind, root: Root, why: str) -> None:
        draft = await draft_of(self.session, kind, root.id)
        assert draft is not None
        await fail(self.session, kind, draft.id, why)

    async def publish(self, kind: Kind, root: Root) -> None:
        await self.ready(kind, root)
        await publish(self.session, self.teacher, kind, root.id)

    async def published(self, kind: Kind, *words: str) -> Root:
        """Create a thing and publish each of these words in turn."""
        root = await self.create(kind, words[0])
        await self.publish(kind, root)
        for each in words[1:]:
            await self.edit(kind, root, each)
            await self.publish(kind, root)
        return root

    async def draft(self, kind: Kind, root: Root) -> Any:
        return await draft_of(self.session, kind, root.id)

    async def history(self, kind: Kind, root: Root) -> list[tuple[int, str, str, bool]]:
        """Return all revisions in order: number, title, state, whether deleted."""
        await self.session.flush()
        table = kind.revision
        rows = await self.session.execute(
            select(table.revision_number, table.title, table.visibility_state, table.deleted_at.is_not(None))
            .where(kind.root_column() == root.id)
            .order_by(table.revision_number)
        )
        return [(number, title, state.value, gone) for number, title, state, gone in rows]

    async def shown(self, kind: Kind, root: Root) -> str | None:
        """Return the title that students see, or None."""
        await self.session.flush()
        view = {"lesson": "lesson_units"}.get(kind.name, f"{kind.name}s")
        found: str | None = await self.session.scalar(
            text(f"SELECT title FROM published_{view} WHERE id = :id"), {"id": root.id}
        )
        return found

    async def audit(self) -> list[tuple[str, UUID]]:
        """Return what was done to what."""
        rows = await self.session.execute(select(AuditLog.action, AuditLog.entity_id).order_by(AuditLog.created_at))
        return [(action, entity) for action, entity in rows]

    @asynccontextmanager
    async def records(self, *actions: str) -> AsyncIterator[None]:
        """Expect exactly these audit rows of the teacher's in this class, and no others."""
        seen = set(await self.session.scalars(select(AuditLog.id)))
        yield
        await self.session.flush()
        rows = [
            row
            for row in await self.session.scalars(select(AuditLog).order_by(AuditLog.created_at))
            if row.id not in seen
        ]
        assert [row.action for row in rows] == list(actions)
        for row in rows:
            assert (row.actor_user_id, row.surface, row.class_id) == (self.teacher.user_id, "test", self.class_id)

    @asynccontextmanager
    async def nothing_changes(self) -> AsyncIterator[None]:
        """Expect every row that a content verb could touch to stay as it is."""
        before = await self._everything()
        yield
        self.session.expunge_all()
        assert await self._everything() == before

    async def _everything(self) -> list[str]:
        await self.session.flush()
        tables = [class_mapper(table).local_table for kind in KINDS.values() for table in (kind.root, kind.revision)]
        tables += [class_mapper(table).local_table for table in (AuditLog, ScheduledAction, LessonUnitMaterial)]
        rows = " UNION ALL ".join(f"SELECT '{table}' || to_jsonb(t)::text FROM {table} t" for table in tables)
        return sorted(await self.session.scalars(text(rows)))


async def open_desk(session: AsyncSession) -> Desk:
    class_ = await make.class_(session)
    teacher = await make.person(session, "Teacher")
    await make.enrol(session, class_, teacher, MembershipRole.TEACHER)
    module = await make.module(session, class_)
    return Desk(session, class_.id, module.id, Actor.person(teacher.id, "test"))
