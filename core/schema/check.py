"""Compares the migrated schema with the models."""

from __future__ import annotations

from secrets import token_hex

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from core.errors import NotPermitted
from core.materials.models import DEFAULT_DIMENSION
from core.schema.catalog import read_openings, read_schema
from core.schema.create import EXTENSIONS, create_statements


async def differences(connection: AsyncConnection) -> list[str]:
    """Return what differs between the schema this connection uses and the one the models describe, as sentences.

    The models' schema is made beside it, within a savepoint that is rolled back; so the role must be allowed to create
    schemas in this database. Whatever lets outsiders in is listed too, on the tables of other programs as well.
    Raises `NotPermitted` for a role that may not.
    """
    missing = await _missing_extensions(connection)
    if missing:
        return [f"The extension {name} is missing." for name in missing]
    savepoint = await connection.begin_nested()
    try:
        openings = await read_openings(connection)
        live = await _read_alone(connection, str(await connection.scalar(text("SELECT current_schema()"))))
        dimension = await _dimension(connection)
        beside = f"homeroom_check_{token_hex(4)}"
        await _create_schema(connection, beside)
        await _use(connection, beside)
        await _run(connection, [*create_statements(dimension), "SELECT lock_down()"])
        wanted = await read_schema(connection)
    finally:
        await savepoint.rollback()
    return [*compare(live, wanted), *openings]


def compare(live: dict[str, str], wanted: dict[str, str]) -> list[str]:
    """Say what is missing, what is too much and what is otherwise; both map "kind name" to a definition."""
    said = []
    for thing in sorted(live.keys() | wanted.keys()):
        if thing not in live:
            said.append(f"The {thing} is missing: {wanted[thing]}.")
        elif thing not in wanted:
            said.append(f"The {thing} is not in the models: {live[thing]}.")
        elif live[thing] != wanted[thing]:
            said.append(f"The {thing} is {live[thing]}, but should be {wanted[thing]}.")
    return said


async def _read_alone(connection: AsyncConnection, schema: str) -> dict[str, str]:
    await _use(connection, schema)
    return await read_schema(connection)


async def _create_schema(connection: AsyncConnection, name: str) -> None:
    try:
        await connection.execute(text(f"CREATE SCHEMA {name}"))
    except DBAPIError as error:
        raise NotPermitted("Checking needs the right to create a schema in this database.") from error


async def _use(connection: AsyncConnection, schema: str) -> None:
    """Put one schema on the search path, and behind it those of the extensions."""
    await connection.execute(
        text(
            "SELECT set_config('search_path', concat_ws(', ', quote_ident(:schema), ("
            " SELECT string_agg(DISTINCT quote_ident(n.nspname), ', ')"
            " FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace"
            " WHERE e.extname = ANY (:extensions))), true)"
        ),
        {"schema": schema, "extensions": list(EXTENSIONS)},
    )


async def _run(connection: AsyncConnection, statements: list[str]) -> None:
    """Run statements without parameters in one round trip."""
    driver = (await connection.get_raw_connection()).driver_connection
    assert driver is not None  # noqa: S101  (the connection is in a transaction)
    await driver.execute(";\n".join(statements))


async def _missing_extensions(connection: AsyncConnection) -> list[str]:
    installed = set(await connection.scalars(text("SELECT extname FROM pg_extension")))
    return [name for name in EXTENSIONS if name not in installed]


async def _dimension(connection: AsyncConnection) -> int:
    """Return the live embeddings' length; without a table of chunks the default."""
    found = await connection.scalar(
        text(
            "SELECT atttypmod FROM pg_attribute"
            " WHERE attrelid = to_regclass('material_chunks') AND attname = 'embedding' AND atttypmod > 0"
        )
    )
    return int(found or DEFAULT_DIMENSION)
