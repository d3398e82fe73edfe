"""`db check`: every kind of difference between the live schema and the models is found and said."""

from __future__ import annotations

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from core.errors import NotPermitted
from core.schema.check import differences

# What somebody did to the database → how the sentence about it begins. All of it is done at once, for speed.
DONE = (
    ("DROP TABLE notifications", "The table notifications is missing"),
    ("CREATE TABLE notes (id integer)", "The table notes is not in the models"),
    ("ALTER TABLE link_codes SET UNLOGGED", "The table link_codes is unlogged, but should be permanent"),
    ("ALTER TABLE app_users DROP COLUMN time_zone", "The column app_users.time_zone is missing"),
    ("ALTER TABLE app_users ADD COLUMN age integer", "The column app_users.age is not in the models: integer"),
    (
        "ALTER TABLE chats ALTER COLUMN thread_id TYPE varchar(80)",
        "The column chats.thread_id is character varying(80)",
    ),
    (
        "ALTER TABLE classes ALTER COLUMN time_zone SET DEFAULT 'CET'",
        "The column classes.time_zone is text NOT NULL DEFAULT 'CET'::text",
    ),
    (
        "ALTER TABLE app_users ALTER COLUMN name DROP NOT NULL",
        "The column app_users.name is text STORAGE x, but should",
    ),
    (
        "ALTER TABLE material_chunks ALTER COLUMN revision_id DROP EXPRESSION",
        "The column material_chunks.revision_id is uuid",
    ),
    (
        "ALTER TABLE material_chunks ALTER COLUMN bits SET STORAGE EXTENDED",
        "The column material_chunks.bits is bit(1536)",
    ),
    (
        "ALTER TABLE material_chunks DROP CONSTRAINT ck_material_chunks_one_owner",
        "The constraint ck_material_chunks_one_owner on material_chunks is missing",
    ),
    (
        "ALTER TABLE classes ADD CONSTRAINT short CHECK (length(title) < 80)",
        "The constraint short on classes is not in",
    ),
    (
        (
            "ALTER TABLE chats DROP CONSTRAINT fk_chats_class_id, ADD CONSTRAINT fk_chats_class_id FOREIGN KEY "
            "(class_id) REFERENCES classes (id) ON DELETE CASCADE"
        ),
        "The constraint fk_chats_class_id on chats is",
    ),
    ("DROP INDEX uq_app_users_email", "The index uq_app_users_email is missing"),
    (
        "DROP INDEX uq_classes_code; CREATE UNIQUE INDEX uq_classes_code ON classes (code)",
        "The index uq_classes_code is",
    ),
    ("CREATE INDEX quicker ON chats (created_at)", "The index quicker is not in the models"),
    ("DROP TRIGGER refuse_delete ON chats", "The trigger refuse_delete on chats is missing"),
    ("ALTER TABLE audit_logs DISABLE TRIGGER refuse_update", "The trigger refuse_update on audit_logs is "),
    (
        (
            "DROP TRIGGER require_published_target ON modules; CREATE TRIGGER require_published_target BEFORE "
            "UPDATE ON modules FOR EACH ROW EXECUTE FUNCTION require_published_target('module_revisions')"
        ),
        "The trigger require_published_target",
    ),
    ("CREATE TRIGGER more BEFORE UPDATE ON chats FOR EACH ROW EXECUTE FUNCTION refuse_update()", "The trigger more on"),
    ("CREATE RULE silence AS ON DELETE TO chats DO INSTEAD NOTHING", "The rule silence on chats is not in the models"),
    (
        "CREATE OR REPLACE FUNCTION refuse_delete() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN OLD;END'",
        "The function refuse_delete() is RETURNS trigger",
    ),
    ("ALTER FUNCTION refuse_update() SECURITY DEFINER", "The function refuse_update() is RETURNS trigger"),
    (
        "CREATE FUNCTION own() RETURNS integer LANGUAGE sql AS 'SELECT 1'; REVOKE ALL ON FUNCTION own() FROM PUBLIC",
        "The function own() is not in the models",
    ),
    ("DROP VIEW published_grades", "The view published_grades is missing"),
    ("ALTER VIEW published_assignments RESET (security_invoker)", "The view published_assignments is SELECT"),
    ("ALTER VIEW published_modules RENAME COLUMN title TO heading", "The view published_modules is security_invoker"),
    ("CREATE VIEW shortcut AS SELECT 1 AS one", "The view shortcut is not in the models"),
    ("CREATE MATERIALIZED VIEW averages AS SELECT 1 AS one", "The relation averages is not in the models: m"),
    ("CREATE SEQUENCE counter", "The relation counter is not in the models: S"),
    ("ALTER TYPE message_role RENAME VALUE 'USER' TO 'HUMAN'", "The enumeration message_role is HUMAN, ASSISTANT, but"),
    ("CREATE TYPE mood AS ENUM ('GOOD', 'BAD')", "The enumeration mood is not in the models: GOOD, BAD"),
    ("ALTER TABLE chats DISABLE ROW LEVEL SECURITY", "The table chats has row level security off"),
    ("ALTER TABLE queue_pgqueuer DISABLE ROW LEVEL SECURITY", "The table queue_pgqueuer has row level security off"),
    ("CREATE POLICY all_of_it ON chats USING (true)", "The table chats has a policy, all_of_it"),
    ("CREATE POLICY jobs ON queue_pgqueuer USING (true)", "The table queue_pgqueuer has a policy, jobs"),
    ("GRANT SELECT ON chats TO PUBLIC", "The table chats is open to everybody: select"),
    ("GRANT SELECT (email) ON app_users TO anon", "The column app_users.email is open to anon: select"),
    ("GRANT SELECT, UPDATE ON queue_pgqueuer TO anon", "The table queue_pgqueuer is open to anon: select, update"),
    (
        "GRANT SELECT ON published_lesson_units TO authenticated",
        "The view published_lesson_units is open to authenticated",
    ),
    (
        "GRANT EXECUTE ON FUNCTION lock_down() TO authenticated",
        "The function lock_down is open to authenticated: execute",
    ),
    (
        "GRANT USAGE ON SEQUENCE queue_pgqueuer_id_seq TO anon",
        "The sequence queue_pgqueuer_id_seq is open to anon: usage",
    ),
)


async def run(connection: AsyncConnection, statements: str) -> None:
    for statement in statements.split("; "):
        await connection.exec_driver_sql(statement)


async def test_a_migrated_database_is_as_the_models_say_and_the_check_leaves_no_trace(
    connection: AsyncConnection,
) -> None:
    state = text("SELECT (SELECT count(*) FROM pg_namespace), current_setting('search_path')")
    before = (await connection.execute(state)).one()
    assert await differences(connection) == []
    assert (await connection.execute(state)).one() == before


@pytest.fixture(scope="module")
async def found(engine: AsyncEngine, supabase_roles: None) -> list[str]:
    async with engine.connect() as connection:
        await connection.begin()
        for statements, _ in DONE:
            await run(connection, statements)
        found = await differences(connection)
        await connection.rollback()
    return found


@pytest.mark.parametrize(("done", "said"), DONE, ids=lambda each: each[:60])
def test_a_difference_is_said(found: list[str], done: str, said: str) -> None:
    assert [sentence for sentence in found if sentence.startswith(said)], found


async def test_a_missing_extension_is_said(connection: AsyncConnection) -> None:
    await run(connection, "DROP EXTENSION pgcrypto")
    assert await differences(connection) == ["The extension pgcrypto is missing."]


async def test_without_migrations_everything_is_missing(connection: AsyncConnection) -> None:
    await run(connection, "CREATE SCHEMA bare; SET LOCAL search_path TO bare, public")
    found = await differences(connection)
    assert "The enumeration visibility_state is missing: DRAFT, PUBLISHED." in found
    assert all("is missing" in sentence for sentence in found)


async def test_a_role_that_may_not_check_is_told_so(connection: AsyncConnection) -> None:
    await run(connection, "CREATE ROLE reader; GRANT reader TO CURRENT_USER; SET LOCAL ROLE reader")
    with pytest.raises(NotPermitted, match="right to create a schema"):
        await differences(connection)
