from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from core.db import create_engine, create_sessions
from tests.integration.content.desk import Desk, open_desk
from tests.integration.content.school import School


@pytest.fixture
async def desk(session: AsyncSession) -> Desk:
    return await open_desk(session)


@pytest.fixture
async def school(new_database: Callable[..., Awaitable[str]]) -> AsyncIterator[School]:
    engine = create_engine(await new_database(migrated=True), pool_size=4)
    sessions = create_sessions(engine)
    async with sessions.begin() as session:
        desk = await open_desk(session)
    yield School(engine, sessions, desk.class_id, desk.module_id, desk.teacher)
    await engine.dispose()
