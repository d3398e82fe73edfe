"""A school that reads documents, with a database of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from adapters.documents.reader import SeparateReader
from tests.pipelines import School, open_school


@pytest.fixture(scope="module")
async def read() -> AsyncIterator[SeparateReader]:
    async with SeparateReader() as reader:
        yield reader


@pytest.fixture
async def school(
    new_database: Callable[..., Awaitable[str]], tmp_path: Path, read: SeparateReader
) -> AsyncIterator[School]:
    async with open_school(await new_database(migrated=True), tmp_path, read) as opened:
        yield opened
