"""A PostgreSQL for every test that asks for one: `session`, `sessions` and `connection` leave no trace in it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, TextIO

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession, async_sessionmaker

from core.db import Sessions, create_engine
from tests.databases import (
    at,
    begin_run,
    clean_up,
    copy_of_template,
    create_database,
    drop_database,
    make_supabase_roles,
    server_url,
    unused_name,
)

# What these assert is told as fully as what tests assert themselves.
pytest.register_assert_rewrite("tests.dialogs", "tests.integration", "tests.properties", "tests.surfaces")
HOME = pytest.StashKey[Path]()
HELD = pytest.StashKey[TextIO]()


def pytest_configure(config: pytest.Config) -> None:
    if hasattr(config, "workerinput"):
        config.stash[HOME] = Path(config.workerinput["home"])
    else:
        config.stash[HOME], config.stash[HELD] = begin_run()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the properties, each of which takes half a minute: no worker is to be left alone with them."""
    items.sort(key=lambda item: "properties" not in item.path.parts)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    node.workerinput["home"] = str(node.config.stash[HOME])


def pytest_unconfigure(config: pytest.Config) -> None:
    if HELD in config.stash:  # not a worker of pytest-xdist
        asyncio.run(clean_up(config.stash[HOME]))
        config.stash[HELD].close()


@pytest.fixture(scope="session")
async def server(pytestconfig: pytest.Config) -> str:
    return await server_url(pytestconfig.stash[HOME])


@pytest.fixture(scope="session")
async def supabase_roles(server: str, pytestconfig: pytest.Config) -> None:
    """Make sure that the server has `anon` and `authenticated`, and that we may become them."""
    await make_supabase_roles(server, pytestconfig.stash[HOME])


@pytest.fixture(scope="session")
async def database_url(server: str, pytestconfig: pytest.Config) -> AsyncIterator[str]:
    """Yield this worker's own migrated database."""
    name = await copy_of_template(server, pytestconfig.stash[HOME])
    yield at(server, name)
    await drop_database(server, name)


@pytest.fixture
async def new_database(server: str, pytestconfig: pytest.Config) -> AsyncIterator[Callable[..., Awaitable[str]]]:
    """Yield a function that makes a database for this test alone, empty or `migrated=True`, and returns its URL."""
    async with AsyncExitStack() as made:

        async def make(*, migrated: bool = False) -> str:
            if migrated:
                name = await copy_of_template(server, pytestconfig.stash[HOME])
            else:
                name = unused_name()
                await create_database(server, name)
            made.push_async_callback(drop_database, server, name)
            return at(server, name)

        yield make


@pytest.fixture(scope="session")
async def engine(database_url: str) -> AsyncIterator[AsyncEngine]:
    """Yield an engine whose transactions are real: what a test commits through it, it has to clean up."""
    engine = create_engine(database_url)
    yield engine
    await engine.dispose()


@pytest.fixture
async def connection(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """Yield a connection in a transaction that is rolled back."""
    async with engine.connect() as connection:
        await connection.begin()
        yield connection
        await connection.rollback()


@pytest.fixture
def sessions(connection: AsyncConnection) -> Sessions:
    """Return a session factory on that connection: commits are savepoints, and all of it is rolled back."""
    return async_sessionmaker(connection, expire_on_commit=False, join_transaction_mode="create_savepoint")


@pytest.fixture
async def session(sessions: Sessions) -> AsyncIterator[AsyncSession]:
    async with sessions() as session:
        yield session
