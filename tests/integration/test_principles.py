"""The four principles of the data model, attacked with plain SQL: the database refuses, whatever a program does."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from sqlalchemy import func, inspect, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from core.audit.models import AuditLog
from core.classes.models import Class
from core.content.kinds import KINDS, Kind
from core.content.revisions import Indexed
from core.db import Base, Entity
from core.enums import ActorKind
from core.models import ChatMessageCitation, MaterialChunk
from core.schema.functions import DELETABLE, IMMUTABLE
from tests import factories as make

ENTITIES = sorted(set(Base.metadata.tables) - DELETABLE)
REFUSED = "23001"  # restrict_violation
TAKEN = "23505"  # unique_violation
FOREIGN = "23503"
CHECKED = "23514"

# A value other than what is there, by the type of the column.
OTHER = {
    "text": "{column} || '!'",
    "uuid": "gen_random_uuid()",
    "integer": "{column} + 1",
    "bigint": "{column} + 1",
    "numeric": "{column} + 1",
    "timestamp with time zone": "coalesce({column}, now()) + interval '1 day'",
    "bytea": "decode('ff', 'hex')",
    "visibility_state": "'DRAFT'",
    "ai_policy": "'OFF'",
}


@asynccontextmanager
async def refused(session: AsyncSession, code: str, saying: str | None = None) -> AsyncIterator[None]:
    """Expect PostgreSQL's error of this code; the transaction goes on as if nothing had been tried."""
    await session.flush()
    with pytest.raises(DBAPIError, match=saying) as raised:
        async with session.begin_nested():
            yield
    assert raised.value.orig is not None
    assert raised.value.orig.sqlstate == code  # type: ignore[attr-defined]


async def run(session: AsyncSession, statement: str, **values: Any) -> int:
    await session.flush()
    return (await session.execute(text(statement), values)).rowcount  # type: ignore[no-any-return, attr-defined]


async def root_of(session: AsyncSession, kind: Kind, class_: Class, *, published: bool = True) -> Any:
    """Make one thing of a kind, with all that it needs."""
    match kind.name:
        case "module":
            return await make.module(session, class_, published=published)
        case "lesson":
            return await make.lesson(session, await make.module(session, class_), published=published)
        case "material":
            return await make.material(session, class_, published=published)
        case _:
            return await make.assignment(session, class_, published=published)


def table_of(kind: type[Entity]) -> str:
    return str(inspect(kind).local_table.name)


def kept(kind: Kind) -> tuple[str, ...]:
    """Return the columns of a published revision that never change."""
    fixed = ("id", kind.revision.root_key, "revision_number", "visibility_state", "published_at")
    return (*fixed, *kind.revision.content_columns)


each_kind = pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)


class TestRootAndRevision:
    @pytest.mark.parametrize(
        ("kind", "column"),
        [pytest.param(kind, column, id=f"{name}-{column}") for name, kind in KINDS.items() for column in kept(kind)],
    )
    async def test_a_published_revision_never_changes(self, session: AsyncSession, kind: Kind, column: str) -> None:
        table = table_of(kind.revision)
        root = await root_of(session, kind, await make.class_(session))
        draft = await make.revision(session, root)
        of_type = await session.scalar(
            text("SELECT atttypid::regtype::text FROM pg_attribute WHERE attrelid = to_regclass(:t) AND attname = :c"),
            {"t": table, "c": column},
        )
        change = f"UPDATE {table} SET {column} = {OTHER[str(of_type)].format(column=column)} WHERE id = :id"
        async with refused(session, REFUSED, rf"never changes \({table}\.{column}\)"):
            await run(session, change, id=root.published_revision_id)
        if column in kind.revision.content_columns:  # the very same statement is fine on a draft
            assert await run(session, change, id=draft.id) == 1

    @each_kind
    async def test_every_column_is_either_kept_or_about_the_row(self, kind: Kind) -> None:
        about_the_row = {"version", "created_at", "updated_at", "created_by_user_id", "updated_by_user_id"}
        about_the_row |= {"deleted_at", "deleted_by_user_id"}
        about_its_text = {"processing_status", *(name for name in Indexed.__annotations__)}
        columns = set(Base.metadata.tables[table_of(kind.revision)].columns.keys())
        assert columns - set(kept(kind)) - about_the_row - about_its_text == set()

    @each_kind
    async def test_a_root_has_one_draft(self, session: AsyncSession, kind: Kind) -> None:
        root = await root_of(session, kind, await make.class_(session), published=False)
        async with refused(session, TAKEN, "one_draft"):
            await make.revision(session, root)

    @each_kind
    async def test_a_deleted_draft_makes_room_but_keeps_its_number(self, session: AsyncSession, kind: Kind) -> None:
        root = await root_of(session, kind, await make.class_(session))
        table = table_of(kind.revision)
        draft = await make.revision(session, root)
        await run(session, f"UPDATE {table} SET deleted_at = now() WHERE id = :id", id=draft.id)
        next_draft = await make.revision(session, root)
        async with refused(session, TAKEN, "revision_number"):
            reuse = f"UPDATE {table} SET revision_number = :n WHERE id = :id"
            await run(session, reuse, n=draft.revision_number, id=next_draft.id)

    @each_kind
    async def test_students_are_never_pointed_at_a_draft(self, session: AsyncSession, kind: Kind) -> None:
        root = await root_of(session, kind, await make.class_(session))
        draft = await make.revision(session, root)
        point = f"UPDATE {table_of(kind.root)} SET published_revision_id = :to WHERE id = :id"
        async with refused(session, REFUSED, "only be shown a published revision"):
            await run(session, point, to=draft.id, id=root.id)

    @each_kind
    async def test_students_are_never_pointed_at_a_deleted_revision(self, session: AsyncSession, kind: Kind) -> None:
        root = await root_of(session, kind, await make.class_(session))
        old = root.published_revision_id
        await make.revision(session, root, published=True)
        await run(session, f"UPDATE {table_of(kind.revision)} SET deleted_at = now() WHERE id = :id", id=old)
        point = f"UPDATE {table_of(kind.root)} SET published_revision_id = :to WHERE id = :id"
        async with refused(session, REFUSED, "only be shown a published revision"):
            await run(session, point, to=old, id=root.id)

    @each_kind
    async def test_students_are_never_pointed_at_another_things_revision(
        self, session: AsyncSession, kind: Kind
    ) -> None:
        class_ = await make.class_(session)
        root, other = await root_of(session, kind, class_), await root_of(session, kind, class_)
        point = f"UPDATE {table_of(kind.root)} SET published_revision_id = :to WHERE id = :id"
        async with refused(session, FOREIGN, "published_revision"):
            await run(session, point, to=other.published_revision_id, id=root.id)


class TestGradesSideBySide:
    PUBLISHED = "published_score, published_feedback, published_status, published_points, published_weight, released_at"

    @pytest.fixture
    async def row(self, session: AsyncSession) -> Any:
        assignment = await make.assignment(session, await make.class_(session))
        return (await make.grade(session, assignment, await make.person(session), released=True)).id

    async def test_saving_a_draft_touches_nothing_published(self, session: AsyncSession, row: Any) -> None:
        before = (await session.execute(text(f"SELECT {self.PUBLISHED} FROM assignment_grade_rows"))).one()
        save = "UPDATE assignment_grade_rows SET draft_score = 12, draft_feedback = 'Hm.', draft_status = 'MISSING'"
        assert await run(session, save) == 1
        assert (await session.execute(text(f"SELECT {self.PUBLISHED} FROM assignment_grade_rows"))).one() == before

    @pytest.mark.parametrize("change", ["score = 99", "feedback = 'Excellent.'", "status = 'EXCUSED'", "score = NULL"])
    async def test_nothing_is_published_that_is_not_the_draft(
        self, session: AsyncSession, row: Any, change: str
    ) -> None:
        async with refused(session, REFUSED, "released by copying its draft"):
            await run(session, f"UPDATE assignment_grade_rows SET published_{change}")

    async def test_a_release_copies_the_draft(self, session: AsyncSession, row: Any) -> None:
        await run(session, "UPDATE assignment_grade_rows SET draft_score = 91")
        release = "UPDATE assignment_grade_rows SET published_score = draft_score, released_at = now()"
        assert await run(session, release) == 1

    async def test_a_row_is_not_born_released_with_something_else(self, session: AsyncSession, row: Any) -> None:
        async with refused(session, REFUSED, "released by copying its draft"):
            await run(
                session,
                "INSERT INTO assignment_grade_rows (assignment_id, student_user_id, draft_score, published_score,"
                " published_status, released_at) SELECT assignment_id, :student, 1, 2, 'GRADED', now()"
                " FROM assignment_grade_rows",
                student=(await make.person(session)).id,
            )

    async def test_who_is_graded_has_a_score(self, session: AsyncSession, row: Any) -> None:
        clear = "UPDATE assignment_grade_rows SET draft_score = NULL"
        publish = "published_score = draft_score, published_status = draft_status"
        async with refused(session, CHECKED, "draft_graded_with_score"):
            await run(session, clear)
        async with refused(session, CHECKED, "published_graded_with_score"):  # past the draft's own constraint
            drop = "ALTER TABLE assignment_grade_rows DROP CONSTRAINT ck_assignment_grade_rows_draft_graded_with_score"
            await run(session, drop)
            await run(session, clear)
            await run(session, f"UPDATE assignment_grade_rows SET {publish}")
        for status in ("EXCUSED", "MISSING", "UNGRADED"):
            assert await run(session, f"{clear}, draft_status = '{status}'") == 1
            assert await run(session, f"UPDATE assignment_grade_rows SET {publish}") == 1

    @pytest.mark.parametrize("left", ["score", "feedback", "points", "weight"])
    async def test_a_release_is_taken_back_whole(self, session: AsyncSession, row: Any, left: str) -> None:
        columns = {"score", "feedback", "points", "weight"} - {left}
        clear = ", ".join(f"published_{column} = NULL" for column in sorted(columns))
        take_back = f"UPDATE assignment_grade_rows SET released_at = NULL, published_status = NULL, {clear}"
        async with refused(session, CHECKED, "unreleased_empty"):
            await run(session, take_back)
        assert await run(session, f"{take_back}, published_{left} = NULL") == 1


class TestComputedAggregates:
    async def test_no_grade_of_a_lesson_or_module_is_stored(self, session: AsyncSession) -> None:
        stored = await session.scalars(
            text(
                "SELECT c.relname || '.' || a.attname FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid"
                " WHERE c.relnamespace = current_schema()::regnamespace AND a.attnum > 0"
                " AND (c.relkind = 'm' OR c.relkind = 'r' AND a.attname ~ 'score|grade|average|percent')"
            )
        )
        # Each student's own grade for one assignment, and how near a cited passage is to the question.
        assert set(stored) == {
            "assignment_grade_rows.draft_score",
            "assignment_grade_rows.published_score",
            "assignment_grade_rows.graded_submission_id",
            "chat_message_citations.score",
        }


class TestSoftDelete:
    @pytest.mark.parametrize("table", ENTITIES)
    @pytest.mark.parametrize("attack", ["DELETE FROM {}", "TRUNCATE {} CASCADE"], ids=["delete", "truncate"])
    async def test_no_row_of_an_entity_is_ever_deleted(self, session: AsyncSession, table: str, attack: str) -> None:
        async with refused(session, REFUSED, "never deleted"):
            await run(session, attack.format(table))

    async def test_only_the_inbox_and_expired_codes_are_swept(self, session: AsyncSession) -> None:
        assert {"inbox_events", "link_codes"} == DELETABLE
        for table in DELETABLE:
            await run(session, f"DELETE FROM {table}")

    def test_every_other_table_can_delete_softly_or_never_changes(self) -> None:
        soft = {table_of(mapper.class_) for mapper in Base.registry.mappers if issubclass(mapper.class_, Entity)}
        # A post's address goes with its answer.
        assert set(ENTITIES) - soft - IMMUTABLE == {"message_deliveries"}

    async def test_no_foreign_key_deletes_or_changes_rows_behind_our_back(self, session: AsyncSession) -> None:
        acting = await session.scalars(
            text(
                "SELECT conname FROM pg_constraint WHERE connamespace = current_schema()::regnamespace"
                " AND contype = 'f' AND (confdeltype <> 'a' OR confupdtype <> 'a')"
                " AND conrelid::regclass::text !~ '^queue_'"
            )
        )
        assert list(acting) == []

    async def test_unique_keys_hold_among_the_living_only(self, session: AsyncSession) -> None:
        strict = await session.scalars(
            text(
                "SELECT i.indexrelid::regclass::text FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid"
                " JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'deleted_at'"
                " WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'r' AND i.indisunique"
                " AND NOT i.indisprimary AND coalesce(pg_get_expr(i.indpred, i.indrelid), '') !~ 'deleted_at IS NULL'"
            )
        )
        # Numbers are never reused, and the pointer's target needs a key of its own.
        revisions = [table_of(kind.revision) for kind in KINDS.values()]
        assert set(strict) == {f"uq_{t}_{key}" for t in revisions for key in ("revision_number", "root_and_id")}

    async def test_what_a_deleted_row_held_is_free_and_its_restore_collides(self, session: AsyncSession) -> None:
        class_ = await make.class_(session, "astro")
        student = await make.person(session, email="ada@example.org")
        membership = await make.enrol(session, class_, student)
        enrol = (
            "INSERT INTO class_memberships (class_id, app_user_id, role)"
            " SELECT class_id, app_user_id, role FROM class_memberships"
        )
        for table, row, again in (
            ("classes", class_, "INSERT INTO classes (code, title) VALUES ('ASTRO', 'Again')"),
            ("app_users", student, "INSERT INTO app_users (email, name) VALUES ('ADA@example.org', 'Ada')"),
            ("class_memberships", membership, enrol),
        ):
            async with refused(session, TAKEN, "uq_"):
                await run(session, again)
            await run(session, f"UPDATE {table} SET deleted_at = now() WHERE id = :id", id=row.id)
            assert await run(session, again) == 1
            async with refused(session, TAKEN, "uq_"):
                await run(session, f"UPDATE {table} SET deleted_at = NULL WHERE id = :id", id=row.id)


class TestImmutableRows:
    @pytest.fixture
    async def entry(self, session: AsyncSession) -> AuditLog:
        entry = AuditLog(
            actor_kind=ActorKind.SYSTEM,
            surface="test",
            request_id=await session.scalar(func.gen_random_uuid()),
            action="class.create",
            entity_type="class",
            entity_id=await session.scalar(func.gen_random_uuid()),
        )
        return await make.add(session, entry)

    @pytest.mark.parametrize(
        "attack",
        [
            "UPDATE audit_logs SET action = 'nothing'",
            "UPDATE audit_logs SET action = action WHERE false",
            "DELETE FROM audit_logs",
            "TRUNCATE audit_logs",
            "INSERT INTO audit_logs SELECT * FROM audit_logs ON CONFLICT (id) DO UPDATE SET action = 'nothing'",
            "MERGE INTO audit_logs a USING audit_logs b ON a.id = b.id WHEN MATCHED THEN UPDATE SET action = 'nothing'",
            "MERGE INTO audit_logs a USING audit_logs b ON a.id = b.id WHEN MATCHED THEN DELETE",
        ],
    )
    async def test_the_audit_log_only_grows(self, session: AsyncSession, entry: AuditLog, attack: str) -> None:
        async with refused(session, REFUSED):
            await run(session, attack)

    @pytest.mark.parametrize("kind", [MaterialChunk, ChatMessageCitation], ids=lambda kind: kind.__tablename__)
    async def test_chunks_and_citations_never_change(self, session: AsyncSession, kind: type[Base]) -> None:
        async with refused(session, REFUSED, "never change"):
            await run(session, f"UPDATE {kind.__tablename__} SET created_at = now()")

    async def test_a_chunk_has_exactly_one_owner(self, session: AsyncSession) -> None:
        class_ = await make.class_(session)
        lesson = await make.lesson(session, await make.module(session, class_))
        material = await make.material(session, class_)
        revision = await make.published_revision(session, material)
        await make.chunks(session, revision, "The Moon.", class_id=class_.id)
        copy = (
            "INSERT INTO material_chunks (material_revision_id, lesson_unit_revision_id, class_id, generation,"
            " ordinal, language, context, text, locator, embedding)"
            " SELECT :material, :lesson, class_id, 9, 0, language, context, text, locator, embedding"
            " FROM material_chunks"
        )
        both = {"material": revision.id, "lesson": lesson.published_revision_id}
        async with refused(session, CHECKED, "one_owner"):
            await run(session, copy, **both)
        assert await run(session, copy, **both | {"material": None}) == 1

    async def test_a_chunk_without_an_owner_is_refused(self, session: AsyncSession) -> None:
        class_ = await make.class_(session)
        async with refused(session, "23502"):
            await run(
                session,
                "INSERT INTO material_chunks"
                " (class_id, generation, ordinal, language, context, text, locator, embedding) VALUES"
                " (:class_id, 1, 0, 'english', '', 'x', '{}', array_fill(0.1::real, ARRAY[1536])::vector)",
                class_id=class_.id,
            )
