"""Every scenario is run wherever it can happen."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from tests.fakes.openai_server import OpenAIServer
from tests.fakes.supabase_server import SupabaseServer, supabase_server
from tests.surfaces.scenarios.where import Surface, surfaces_for
from tests.surfaces.school import School


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "surface" in metafunc.fixturenames:
        surfaces = surfaces_for(metafunc.function)
        metafunc.parametrize("surface", surfaces, ids=[surface.name.replace(" ", "-") for surface in surfaces])


@pytest.fixture
async def world(surface: Surface) -> AsyncIterator[Any]:
    """Yield the platform, where the surface has one."""
    async with surface.world() as world:
        yield world


@pytest.fixture
async def school(
    surface: Surface, world: Any, provider: OpenAIServer, database: str, tmp_path: Path
) -> AsyncIterator[School]:
    async with surface.open(world, provider, database, tmp_path) as school:
        yield school


@pytest.fixture
async def supabase() -> AsyncIterator[SupabaseServer]:
    async with supabase_server() as server:
        yield server


@pytest.fixture
async def mailing(
    surface: Surface, world: Any, provider: OpenAIServer, supabase: SupabaseServer, database: str, tmp_path: Path
) -> AsyncIterator[School]:
    """Yield a school that mails codes."""
    more: dict[str, Any] = {"supabase_url": supabase.url, "supabase_service_role_key": SecretStr(supabase.key)}
    async with surface.open(world, provider, database, tmp_path, **more) as school:
        yield school
