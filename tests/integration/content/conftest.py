from __future__ import annotations

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from tests.integration.content.desk import Desk, open_desk


@pytest.fixture
async def desk(session: AsyncSession) -> Desk:
    return await open_desk(session)
