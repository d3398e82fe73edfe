"""The job queue: PgQueuer in the application's own PostgreSQL, so that jobs commit with what causes them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, cast
from uuid import UUID

import asyncpg
from pgqueuer.adapters.persistence.qb import QueryBuilderEnvironment, QueryQueueBuilder, QuerySchedulerBuilder
from pgqueuer.db import AsyncpgDriver
from pgqueuer.domain.settings import DBSettings
from pgqueuer.queries import Queries
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

PREFIX = "queue_"  # every table, index, sequence, enum, function and trigger of PgQueuer here begins with it


class _Names(DBSettings):
    """PgQueuer's names from here alone: it would also read variables as common as CHANNEL from the environment."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003  (the hook's signature)
        init_settings: PydanticBaseSettingsSource,
        *_: PydanticBaseSettingsSource,
        **__: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return (init_settings,)


NAMES: DBSettings = _Names(prefix=PREFIX)


def queries_on(connection: asyncpg.Connection[Any]) -> Queries:
    """Return PgQueuer's statements under our names, bound to a connection."""
    return Queries(
        AsyncpgDriver(connection),
        QueryBuilderEnvironment(NAMES),
        QueryQueueBuilder(NAMES),
        QuerySchedulerBuilder(NAMES),
    )


async def install_queue(connection: asyncpg.Connection[Any]) -> None:
    """Create PgQueuer's tables in the current schema, or bring them up to date; nothing to do is fine.

    Give it a connection outside any transaction: a new enum label can't be used in the transaction that adds it.
    """
    await queries_on(connection).apply_upgrade()


async def missing_from_queue(connection: asyncpg.Connection[Any]) -> tuple[str, ...]:
    """Return the statements `install_queue` would run; none means that the tables are up to date."""
    return (await queries_on(connection).plan_upgrade()).statements


class PostgresQueue:
    """Implements `core.ports.Queue`."""

    async def enqueue(
        self, session: AsyncSession, entrypoint: str, payload: UUID, *, dedupe: str | None = None
    ) -> None:
        """Add a job in the session's transaction; one that already waits under the key `dedupe` is enough.

        The waiting job stays out of the workers' hands until this transaction ends, so it sees what this one wrote.
        One that runs already may have read too early: then the job is a new one.
        """
        connection = await session.connection()
        raw = (await connection.get_raw_connection()).driver_connection
        driver = cast("asyncpg.Connection[Any]", raw)
        if not driver.is_in_transaction():
            await connection.execute(text("SELECT 1"))  # SQLAlchemy begins the driver's transaction only now
        await queries_on(driver).enqueue(
            entrypoint, str(payload).encode(), dedupe_key=dedupe, on_conflict="update_priority"
        )


async def forget_finished(session: AsyncSession, *, older_than: timedelta) -> None:
    """Delete the log of jobs, and the jobs kept as failed, from before `older_than` ago."""
    old = "< now() - CAST(:age AS interval)"
    for where in (f"{NAMES.queue_table_log} WHERE created", f"{NAMES.queue_table} WHERE status = 'failed' AND updated"):
        await session.execute(text(f"DELETE FROM {where} {old}"), {"age": older_than})
