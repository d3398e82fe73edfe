"""Safe on Supabase: whoever comes in through its API sees nothing, although Supabase grants its roles everything."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, TypeAlias

import asyncpg
import pytest

from adapters.queue import install_queue
from core.schema.create import EXTENSIONS, create_statements
from migrations.upgrade import upgrade
from tests.databases import SUPABASE_ROLES

# As a new Supabase project has it, for the role that owns the tables.
DEFAULTS = """
GRANT USAGE ON SCHEMA public TO anon, authenticated;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT ALL ON TABLES TO anon, authenticated;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT ALL ON SEQUENCES TO anon, authenticated;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT ALL ON FUNCTIONS TO anon, authenticated;
CREATE SCHEMA auth;
CREATE TABLE auth.users (id uuid PRIMARY KEY, email text);
"""

EVERYTHING = """
SELECT c.relkind::text AS kind, c.oid::regclass::text AS name FROM pg_class c
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm', 'S')
    AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e')
UNION ALL
SELECT 'function', format('%I(%s)', p.proname, (
    SELECT string_agg(format('NULL::%s', t::regtype), ', ' ORDER BY place)
    FROM unnest(p.proargtypes) WITH ORDINALITY AS u (t, place)
)) FROM pg_proc p
WHERE p.pronamespace = 'public'::regnamespace
    AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')
"""

Connection: TypeAlias = "asyncpg.Connection[Any]"
NewDatabase = Callable[..., Awaitable[str]]


async def supabase(url: str) -> Connection:
    """Make an empty database like a new Supabase project, and return a connection of its owner."""
    owner: Connection = await asyncpg.connect(url)
    await owner.execute(DEFAULTS)
    return owner


@pytest.fixture
async def owner(supabase_roles: None, new_database: NewDatabase) -> AsyncIterator[Connection]:
    """Yield a connection to such a database, migrated, with a queue and a person in it."""
    url = await new_database()
    owner = await supabase(url)
    await upgrade(url, install_queue=install_queue)
    await owner.execute("INSERT INTO app_users (email, name) VALUES ('ada@example.org', 'Ada')")
    yield owner
    await owner.close()


async def open_to(owner: Connection, role: str) -> set[str]:
    """Return what the role is not refused: it reads every table, view and sequence and calls every function."""
    found = set()
    for kind, name in await owner.fetch(EVERYTHING):
        attempt = f"SELECT {name}" if kind == "function" else f"SELECT * FROM {name} LIMIT 1"
        if await allowed(owner, role, attempt):
            found.add(name)
    return found


async def allowed(owner: Connection, role: str, statement: str) -> bool:
    """Whether the role may run the statement at all; one that then fails for another reason counts as allowed."""
    transaction = owner.transaction()
    await transaction.start()
    try:
        await owner.execute(f"SET LOCAL ROLE {role}")
        await owner.execute(statement)
    except asyncpg.InsufficientPrivilegeError:
        return False
    except asyncpg.PostgresError:  # a trigger's function, say, is not called like this by anybody
        return True
    finally:
        await transaction.rollback()
    return True


@pytest.mark.parametrize("role", SUPABASE_ROLES)
async def test_nothing_is_open_to_the_api(owner: Connection, role: str) -> None:
    names = {name for _, name in await owner.fetch(EVERYTHING)}
    assert {"app_users", "published_chunks", "alembic_version", "queue_pgqueuer", "lock_down()"} <= names
    assert await open_to(owner, role) == set()


async def test_everything_would_be_open_without_the_lock_down(supabase_roles: None, new_database: NewDatabase) -> None:
    owner = await supabase(await new_database())
    for extension in EXTENSIONS:
        await owner.execute(f"CREATE EXTENSION {extension}")
    await owner.execute(";".join(create_statements()))
    names = {name for _, name in await owner.fetch(EVERYTHING)}
    assert await open_to(owner, "anon") == names
    await owner.execute("SELECT lock_down()")
    assert await open_to(owner, "anon") == set()
    await owner.close()


@pytest.mark.parametrize("role", SUPABASE_ROLES)
async def test_row_level_security_hides_every_row_even_from_a_role_with_grants(owner: Connection, role: str) -> None:
    await owner.execute("GRANT SELECT, INSERT ON ALL TABLES IN SCHEMA public TO anon, authenticated")
    assert await owner.fetchval("SELECT count(*) FROM app_users") == 1
    transaction = owner.transaction()
    await transaction.start()
    await owner.execute(f"SET LOCAL ROLE {role}")
    for kind, name in await owner.fetch(EVERYTHING):
        if kind in {"r", "v"}:
            assert await owner.fetchval(f"SELECT count(*) FROM {name}") == 0, name
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security"):
        await owner.execute("INSERT INTO app_users (email, name) VALUES ('eve@example.org', 'Eve')")
    await transaction.rollback()


async def test_views_check_row_level_security_as_the_reader(owner: Connection) -> None:
    trusting = await owner.fetch(
        "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'v'"
        " AND NOT coalesce('security_invoker=true' = ANY (reloptions), false)"
    )
    assert trusting == []


async def test_a_person_refers_to_their_account_and_outlives_it(owner: Connection) -> None:
    account = "00000000-0000-0000-0000-000000000001"
    link = "UPDATE app_users SET auth_user_id = $1"
    with pytest.raises(asyncpg.ForeignKeyViolationError, match="fk_app_users_auth_user_id"):
        await owner.execute(link, account)
    await owner.execute("INSERT INTO auth.users VALUES ($1)", account)
    await owner.execute(link, account)
    await owner.execute("DELETE FROM auth.users")
    assert await owner.fetch("SELECT name, auth_user_id FROM app_users") == [("Ada", None)]


async def test_a_table_that_only_looks_like_supabases_is_left_alone(new_database: NewDatabase) -> None:
    url = await new_database()
    other: Connection = await asyncpg.connect(url)
    await other.execute("CREATE SCHEMA auth; CREATE TABLE auth.users (id bigint PRIMARY KEY)")
    await upgrade(url)
    assert not await other.fetchval("SELECT count(*) FROM pg_constraint WHERE conname = 'fk_app_users_auth_user_id'")
    await other.close()
