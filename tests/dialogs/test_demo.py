"""The demo's class, made on a database of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from sqlalchemy import text

from bot.bootstrap import open_app
from bot.console.demo import prepare
from tests.dialogs.conftest import settings_for


async def test_two_first_demos_at_once_make_one_class(
    new_database: Callable[..., Awaitable[str]], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    settings = settings_for(await new_database(migrated=True), tmp_path)
    async with open_app(settings) as one, open_app(settings) as other:
        await asyncio.gather(prepare(one), prepare(other))
        async with one.sessions() as session:
            counts = (
                await session.execute(
                    text(
                        "SELECT (SELECT count(*) FROM app_users) AS people, (SELECT count(*) FROM classes) AS classes, "
                        "(SELECT count(*) FROM materials) AS materials, (SELECT count(*) FROM lesson_units) AS lessons"
                    )
                )
            ).one()
    assert (counts.people, counts.classes) == (2, 1)
    assert counts.materials
    said = [line for line in capfd.readouterr().err.splitlines() if "[info" not in line]
    assert said == [f"Imported the sample course: {counts.lessons} lessons, {counts.materials} materials."]
