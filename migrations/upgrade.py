"""Brings a database to the newest schema: migrations, the queue's tables, and then the lock-down."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import asyncpg
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.script.revision import ResolutionError
from alembic.util import CommandError
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from core.db import create_engine
from core.errors import DatabaseUnavailable, InvalidInput
from core.materials.models import DEFAULT_DIMENSION

DEFAULT_MODEL = "lexical-v1"  # the embedded one
MOST_DIMENSIONS = 4000  # what pgvector can index, as halfvec

# What a queue does to its own tables, on a connection outside any transaction.
InstallQueue = Callable[["asyncpg.Connection[Any]"], Awaitable[None]]

# Any number, the same for ever: programs that upgrade the same database wait for one another on it.
_TURN = 0x686F6D65726F6F6D
_TURN_WAIT = "10min"
# A migration that can't have its lock soon gives up, for whoever queues behind it waits too.
_LOCK_WAIT = "10s"


async def upgrade(
    database_url: str,
    *,
    embedding_model: str = DEFAULT_MODEL,
    embedding_dimension: int = DEFAULT_DIMENSION,
    install_queue: InstallQueue | None = None,
) -> None:
    """Bring the database to the newest revision; nothing to do is fine. All revisions happen, or none.

    The embedding model and its dimension count only when the table of chunks is made. Processes that upgrade at once take turns.
    Raises `InvalidInput` for a dimension that can't be, `DatabaseUnavailable` with what an operator can do.
    """
    if not 1 <= embedding_dimension <= MOST_DIMENSIONS:
        raise InvalidInput(f"Embeddings have between 1 and {MOST_DIMENSIONS} dimensions, not {embedding_dimension}.")
    engine = create_engine(database_url, pool_size=2)
    try:
        # A lock of a transaction that stays open, as a session's lock would not survive a pooler.
        async with engine.begin() as turn:
            await _set_limits(turn, lock=_TURN_WAIT)
            await turn.execute(text("SELECT pg_advisory_xact_lock(:turn)"), {"turn": _TURN})
            await _take_turn(engine, (embedding_model, embedding_dimension), install_queue)
    except CommandError as error:
        if isinstance(error.__cause__, ResolutionError):
            raise DatabaseUnavailable(
                "The database was upgraded by a newer version of Homeroom. Install that version, or restore a backup."
            ) from error
        raise DatabaseUnavailable(str(error)) from error
    except OSError as error:
        raise DatabaseUnavailable from error
    except (DBAPIError, asyncpg.PostgresError) as error:
        raise DatabaseUnavailable(f"The database could not be upgraded: {_reason(error)}") from error
    finally:
        await engine.dispose()


def newest_revision() -> str:
    """Return the id of the revision that this program needs."""
    return str(ScriptDirectory.from_config(_config()).get_current_head())


async def _take_turn(engine: AsyncEngine, embedding: tuple[str, int], install_queue: InstallQueue | None) -> None:
    async with engine.begin() as connection:
        await _set_limits(connection, lock=_LOCK_WAIT)
        await connection.run_sync(_migrate, *embedding)
    if install_queue is not None:
        async with engine.connect() as connection:
            driver = (await connection.get_raw_connection()).driver_connection
            assert driver is not None  # noqa: S101  (it was connected a line ago)
            await install_queue(driver)
    async with engine.begin() as connection:
        await _set_limits(connection, lock=_LOCK_WAIT)
        await connection.execute(text("SELECT lock_down()"))


def _migrate(connection: Connection, embedding_model: str, embedding_dimension: int) -> None:
    config = _config()
    config.attributes |= {
        "connection": connection,
        "embedding_model": embedding_model,
        "embedding_dimension": embedding_dimension,
    }
    command.upgrade(config, "head")


def _config() -> Config:
    return Config(Path(__file__).with_name("alembic.ini"))


async def _set_limits(connection: AsyncConnection, *, lock: str) -> None:
    await connection.execute(
        text(
            "SELECT set_config('lock_timeout', :lock, true), set_config('statement_timeout', '0', true),"
            " set_config('idle_in_transaction_session_timeout', '0', true)"
        ),
        {"lock": lock},
    )


def _reason(error: BaseException) -> str:
    """Return the database's own first line, without SQL or driver names."""
    cause = error
    while cause.__cause__ is not None:  # SQLAlchemy wraps asyncpg's error twice
        cause = cause.__cause__
    if isinstance(cause, asyncpg.LockNotAvailableError):
        return "something else holds what it needs. Try again when it is quiet."
    line = (str(cause).strip() or type(cause).__name__).splitlines()[0].rstrip(".")
    return f"{line}."
