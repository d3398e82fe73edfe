from __future__ import annotations

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from tests.integration.grading.room import Room, open_room


@pytest.fixture
async def room(session: AsyncSession) -> Room:
    return await open_room(session)
