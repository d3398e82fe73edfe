"""The declarative base, the column habits every table shares, and the engine."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

from pgvector.asyncpg import register_vector
from sqlalchemy import URL, DateTime, ForeignKey, Index, MetaData, Text, event, func, make_url, text
from sqlalchemy.dialects import postgresql
from sqlalchemy.exc import ArgumentError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, declared_attr, mapped_column
from sqlalchemy.types import UserDefinedType

from core.errors import InvalidInput

Sessions = async_sessionmaker[AsyncSession]

# Nothing here waits for ever: a statement that takes a minute, or a transaction that idles for one, is a fault.
SESSION_SETTINGS = {
    "application_name": "homeroom",
    "statement_timeout": "60000",
    "lock_timeout": "10000",
    "idle_in_transaction_session_timeout": "60000",
    "timezone": "UTC",
    "jit": "off",  # compiling a 5 ms search takes longer than running it
}


class Base(DeclarativeBase):
    """Every table's base. Constraint names are derived, so that migrations and models agree on them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {  # noqa: RUF012  (SQLAlchemy's own hook, read once per class)
        datetime: DateTime(timezone=True),
        str: Text,
        dict[str, Any]: postgresql.JSONB,
    }


class Identified:
    """A table with a UUID of its own and the time its rows were made."""

    if TYPE_CHECKING:  # the mapped classes get theirs from the declarative base

        def __init__(self, **columns: Any) -> None: ...  # noqa: ANN401  (any column's value)

    id: Mapped[UUID] = mapped_column(primary_key=True, server_default=text("gen_random_uuid()"), sort_order=-1)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now(), sort_order=90)


class Entity(Identified):
    """A table whose rows are only ever deleted softly; a trigger refuses DELETE on it (principle 4)."""

    deleted_at: Mapped[datetime | None] = mapped_column(sort_order=91)

    @declared_attr
    @classmethod
    def deleted_by_user_id(cls) -> Mapped[UUID | None]:
        """Who deleted it."""
        return mapped_column(ForeignKey("app_users.id"), sort_order=92)


def unique_while_live(name: str, *columns: str, where: str = "") -> Index:
    """Return a unique index over the rows that are not deleted (and that satisfy `where`)."""
    condition = "deleted_at IS NULL" + (f" AND {where}" if where else "")
    return Index(name, *columns, unique=True, postgresql_where=text(condition))


def native_enum(kind: type[Enum], name: str) -> postgresql.ENUM:
    """Return the native PostgreSQL enum for a Python one, stored by name."""
    return postgresql.ENUM(kind, name=name, metadata=Base.metadata)


class Vector(UserDefinedType[Any]):
    """pgvector's `vector(n)`. No bind processor: asyncpg's binary codec takes numpy arrays as they are."""

    cache_ok = True

    def __init__(self, dimension: int) -> None:
        self.dimension = dimension

    def get_col_spec(self, **_: object) -> str:
        """Return the column's type as DDL."""
        return f"vector({self.dimension})"


class Bits(UserDefinedType[Any]):
    """PostgreSQL's `bit(n)`; n may be over a thousand, which SQLAlchemy's own BIT would pass through text."""

    cache_ok = True

    def __init__(self, length: int) -> None:
        self.length = length

    def get_col_spec(self, **_: object) -> str:
        """Return the column's type as DDL."""
        return f"bit({self.length})"


def async_url(url: str) -> URL:
    """Return any PostgreSQL URL (`postgres://`, `postgresql://`, with or without a driver) as one for asyncpg.

    Of libpq's parameters in it, which hosted databases like to add, `sslmode` becomes asyncpg's `ssl`; the others mean
    nothing to asyncpg and go (`server_settings` reads those that set something). Raises `InvalidInput`.
    """
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise InvalidInput("DATABASE_URL is not a URL. It looks like postgresql://user:password@host/name.") from error
    if parsed.get_backend_name() not in ("postgres", "postgresql"):
        raise InvalidInput("DATABASE_URL must lead to PostgreSQL: postgresql://user:password@host/name.")
    query = {name: value for name, value in parsed.query.items() if name in ("ssl", "host", "port")}
    if "sslmode" in parsed.query:
        query["ssl"] = parsed.query["sslmode"]
    return parsed.set(drivername="postgresql+asyncpg", query=query)


def driver_url(url: str) -> str:
    """Return the same as a plain URL for asyncpg itself, without what it does not know. Raises `InvalidInput`."""
    target = async_url(url)
    query = {"sslmode" if name == "ssl" else name: value for name, value in target.query.items()}
    return target.set(drivername="postgresql", query=query).render_as_string(hide_password=False)


def server_settings(url: str) -> dict[str, str]:
    """Return the server settings that a URL asks for: `application_name`, and `options=-c name=value …`."""
    query = make_url(url).query
    wanted = {"application_name": str(query["application_name"])} if "application_name" in query else {}
    return wanted | dict(re.findall(r"-c\s*([\w.]+)=(\S+)", str(query.get("options", ""))))


def create_engine(url: str, *, pool_size: int = 20, prepared_statements: bool = True) -> AsyncEngine:
    """Return an engine with binary vectors, of `pool_size` connections at most.

    They all stay open. One that came and went with each rush would cost more than what it is opened for: the handshake,
    the vectors' type, every statement prepared anew; 150 events a second instead of 260 (`benchmarks.slack_events`).

    `prepared_statements=False` is for a pooler in transaction mode (PgBouncer, Supabase's port 6543): statements get
    names that never meet again, and no settings are sent at the start, which such poolers refuse; give the role its
    timeouts in the database instead. Values never appear in errors, which end in logs. Raises `InvalidInput`.
    """
    target = async_url(url)
    connect_args: dict[str, Any] = {"timeout": 10}
    if prepared_statements:
        connect_args["server_settings"] = SESSION_SETTINGS | server_settings(url)
    else:
        connect_args |= {
            "statement_cache_size": 0,
            "prepared_statement_cache_size": 0,
            "prepared_statement_name_func": lambda: f"homeroom_{uuid4().hex}",
        }
    engine = create_async_engine(
        target, pool_size=pool_size, max_overflow=0, connect_args=connect_args, hide_parameters=True
    )

    @event.listens_for(engine.sync_engine, "connect")
    def _teach_vectors(connection: Any, _record: object) -> None:  # noqa: ANN401  (SQLAlchemy's DBAPI facade)
        connection.run_async(_register_vector_if_there)

    return engine


async def _register_vector_if_there(connection: Any) -> None:  # noqa: ANN401  (asyncpg's connection)
    schema = await connection.fetchval(
        "SELECT n.nspname FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace WHERE t.typname = 'vector'"
    )
    if schema is not None:  # a database that is not migrated yet has no such type
        await register_vector(connection, schema=schema)


def create_sessions(engine: AsyncEngine) -> Sessions:
    """Return the session factory: objects stay readable after their transaction ends."""
    return async_sessionmaker(engine, expire_on_commit=False)


@asynccontextmanager
async def snapshot(sessions: Sessions) -> AsyncIterator[AsyncSession]:
    """Open a session to read with, all of whose statements see the database as it was at its first one.

    One that joins a connection's open transaction sees what that one does.
    """
    async with sessions() as session:
        if not isinstance(session.bind, AsyncConnection):
            await session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
        yield session


@asynccontextmanager
async def autocommit(sessions: Sessions) -> AsyncIterator[AsyncSession]:
    """Open a session whose statements commit one by one: a single statement costs one round trip instead of three."""
    async with sessions() as session:
        await session.connection(execution_options={"isolation_level": "AUTOCOMMIT"})
        yield session
