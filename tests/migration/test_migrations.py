"""The migrations: from nothing to the models' schema, whole or not at all, by any number of processes at once."""

from __future__ import annotations

import ast
import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
from alembic import command
from alembic.script import ScriptDirectory

import migrations
from adapters.queue import install_queue
from core.db import create_engine
from core.errors import DatabaseUnavailable, InvalidInput
from core.schema.catalog import read_schema
from core.schema.check import differences
from migrations.upgrade import newest_revision, upgrade
from tests.databases import at

NewDatabase = Callable[..., Awaitable[str]]
VERSIONS = sorted((Path(str(migrations.__file__)).parent / "versions").glob("[!_]*.py"))


async def value(url: str, query: str) -> Any:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()


async def schema(url: str) -> tuple[dict[str, str], list[str]]:
    """Return what the database has, and how that differs from the models."""
    engine = create_engine(url)
    async with engine.connect() as connection:
        found = await read_schema(connection), await differences(connection)
    await engine.dispose()
    return found


@pytest.mark.parametrize(
    ("dimension", "index"),
    [
        (384, "ivfflat (embedding vector_cosine_ops)"),
        (1536, "ivfflat (embedding vector_cosine_ops)"),
        (3072, "ivfflat (((embedding)::halfvec(3072)) halfvec_cosine_ops)"),
    ],
)
async def test_from_nothing_the_migrations_give_the_models_schema(
    new_database: NewDatabase, dimension: int, index: str
) -> None:
    url = await new_database()
    await upgrade(url, embedding_model="mini-lm", embedding_dimension=dimension, install_queue=install_queue)
    found, different = await schema(url)
    assert different == []
    assert found["column material_chunks.embedding"].startswith(f"vector({dimension}) NOT NULL")
    assert index in await value(url, "SELECT pg_get_indexdef('ix_material_chunks_embedding'::regclass)")
    settings = await value(
        url, "SELECT (embedding_model, embedding_dimension, chunk_size, top_k)::text FROM admin_knowledge_settings"
    )
    assert settings == f"(mini-lm,{dimension},1000,8)"


async def test_upgrading_again_changes_nothing(new_database: NewDatabase) -> None:
    url = await new_database(migrated=True)
    before, _ = await schema(url)
    await upgrade(url, embedding_dimension=384, install_queue=install_queue)  # the dimension counts the first time only
    assert await schema(url) == (before, [])
    assert await value(url, "SELECT count(*) FROM admin_knowledge_settings") == 1


async def test_processes_that_upgrade_at_once_take_turns(new_database: NewDatabase) -> None:
    url = await new_database()
    await asyncio.gather(*(upgrade(url, install_queue=install_queue) for _ in range(3)))
    assert await schema(url) == (await schema(await new_database(migrated=True)))
    assert await value(url, "SELECT version_num FROM alembic_version") == newest_revision()


async def test_an_upgrade_that_fails_leaves_nothing_behind(new_database: NewDatabase) -> None:
    url = await new_database()
    await value(url, "CREATE TABLE admin_models (id integer)")  # in the way of one of the last revisions
    with pytest.raises(DatabaseUnavailable, match=r'relation "admin_models" already exists\.$'):
        await upgrade(url)
    assert await value(url, "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace") == 1


async def test_a_role_that_may_not_create_extensions_is_told_which_to_ask_for(
    new_database: NewDatabase, server: str
) -> None:
    url, role = await new_database(), f"limited_{uuid4().hex[:8]}"
    await value(url, "CREATE EXTENSION citext")
    await value(url, f"CREATE ROLE {role} LOGIN PASSWORD 'limited'")
    await value(url, f"GRANT CREATE ON SCHEMA public TO {role}")
    try:
        limited = at(server, url.rsplit("/", 1)[-1], user=role, password="limited")
        with pytest.raises(DatabaseUnavailable) as raised:
            await upgrade(limited)
    finally:
        await value(url, f"REVOKE ALL ON SCHEMA public FROM {role}")
        await value(url, f"DROP ROLE {role}")
    assert "CREATE EXTENSION IF NOT EXISTS pgcrypto; CREATE EXTENSION IF NOT EXISTS vector;" in raised.value.sentence
    assert "citext" not in raised.value.sentence
    assert "Dashboard, Database, Extensions" in raised.value.sentence


async def test_extensions_stay_out_of_the_served_schema_where_there_is_a_place_for_them(
    new_database: NewDatabase,
) -> None:
    url = await new_database()
    database = url.rsplit("/", 1)[-1]
    await value(url, "CREATE SCHEMA extensions")
    await value(url, f'ALTER DATABASE {database} SET search_path TO "$user", public, extensions')
    await upgrade(url, install_queue=install_queue)
    homes = "SELECT array_agg(DISTINCT extnamespace::regnamespace::text) FROM pg_extension WHERE extname <> 'plpgsql'"
    assert await value(url, homes) == ["extensions"]
    assert (await schema(url))[1] == []


async def test_a_database_of_a_newer_release_is_named_as_such(new_database: NewDatabase) -> None:
    url = await new_database(migrated=True)
    await value(url, "UPDATE alembic_version SET version_num = 'from_the_future'")
    with pytest.raises(DatabaseUnavailable, match="newer version of Homeroom"):
        await upgrade(url)


async def test_grades_without_a_score_become_ungraded_and_the_audit_log_says_so(
    new_database: NewDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, to = await new_database(), command.upgrade
    with monkeypatch.context() as before:
        before.setattr(command, "upgrade", lambda config, _: to(config, "reminders"))
        await upgrade(url, install_queue=install_queue)
    await value(
        url,
        """
        WITH person AS (INSERT INTO app_users (email, name) VALUES ('ada@school.example', 'Ada') RETURNING id),
            class AS (INSERT INTO classes (code, title) VALUES ('ASTRO', 'Astronomy') RETURNING id),
            work AS (INSERT INTO assignments (class_id) SELECT class.id FROM class, generate_series(1, 3) RETURNING id)
        INSERT INTO assignment_grade_rows (
            assignment_id, student_user_id, draft_status, draft_score, published_status, published_score,
            published_feedback, released_at
        )
        SELECT work.id, person.id, 'GRADED', score, CASE WHEN place > 1 THEN 'GRADED'::grade_status END,
            CASE WHEN place > 1 THEN score END, CASE WHEN place > 1 THEN '' END, CASE WHEN place > 1 THEN now() END
        FROM person, (SELECT id, row_number() OVER () AS place FROM work) work
        JOIN (VALUES (1, NULL), (2, NULL), (3, 7)) scores (nth, score) ON nth = place
        """,
    )
    await upgrade(url, install_queue=install_queue)
    assert (await schema(url))[1] == []
    kept = "SELECT array_agg(concat_ws(' ', draft_status, draft_score, published_status) ORDER BY draft_status)"
    assert await value(url, f"{kept} FROM assignment_grade_rows") == ["UNGRADED", "UNGRADED", "GRADED 7.00 GRADED"]
    assert await value(url, "SELECT array_agg(action ORDER BY action) FROM audit_logs") == [
        "grade.retract", "grade.save", "grade.save",
    ]  # fmt: skip


async def test_an_unreachable_database_is_named_as_such(server: str) -> None:
    with pytest.raises(DatabaseUnavailable, match=r"could not be upgraded: .*does not exist"):
        await upgrade(at(server, "there_is_no_such_database"))
    with pytest.raises(DatabaseUnavailable, match="can't be reached"):
        await upgrade("postgresql://somebody@127.0.0.1:1/somewhere")  # nobody listens there


@pytest.mark.parametrize("dimension", [0, 4001])
async def test_a_dimension_that_can_not_be_is_refused(dimension: int) -> None:
    with pytest.raises(InvalidInput, match=str(dimension)):
        await upgrade("postgresql://nowhere.invalid/none", embedding_dimension=dimension)


def test_history_is_one_line() -> None:
    directory = ScriptDirectory(str(VERSIONS[0].parents[1]))
    assert directory.get_heads() == [newest_revision()]
    assert not [each.revision for each in directory.walk_revisions() if each.is_merge_point or each.is_branch_point]


@pytest.mark.parametrize("path", VERSIONS, ids=lambda path: path.stem)
def test_a_revision_is_named_after_what_it_changes_and_imports_nothing_of_ours(path: Path) -> None:
    tree = ast.parse(path.read_text())
    imported = {
        name.split(".")[0]
        for node in ast.walk(tree)
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    assert imported <= {"alembic", "sqlalchemy"}
    assert f'revision = "{path.stem}"' in path.read_text()
