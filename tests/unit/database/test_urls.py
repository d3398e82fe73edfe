"""Database URLs as hosts hand them out lead where they say, whatever libpq parameters they carry."""

from __future__ import annotations

import pytest

from core.db import async_url, driver_url, server_settings
from core.errors import InvalidInput

PLAIN = "postgresql+asyncpg://u:p%40ss@db.example:5432/school"


def shown(url: str) -> str:
    return async_url(url).render_as_string(hide_password=False)


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+asyncpg", "postgresql+psycopg"])
def test_every_spelling_of_postgresql_is_understood(scheme: str) -> None:
    assert shown(f"{scheme}://u:p%40ss@db.example:5432/school") == PLAIN


@pytest.mark.parametrize(
    "query",
    ["channel_binding=require", "pgbouncer=true", "connect_timeout=5", "gssencmode=disable", "options=-c%20x.y=z"],
)
def test_parameters_that_asyncpg_does_not_know_are_left_out(query: str) -> None:
    assert shown(f"postgresql://u:p%40ss@db.example:5432/school?{query}") == PLAIN
    assert "?" not in driver_url(f"postgresql://u:p%40ss@db.example/school?{query}")


def test_encryption_asked_for_is_kept() -> None:
    url = "postgresql://u:p@db.example/school?sslmode=require&channel_binding=require"
    assert async_url(url).query == {"ssl": "require"}
    assert driver_url(url).endswith("?sslmode=require")


def test_settings_in_the_url_are_sent_to_the_server() -> None:
    url = "postgresql://db.example/school?application_name=bio&options=-c%20search_path%3Dschool%20-c%20jit%3Don"
    assert server_settings(url) == {"application_name": "bio", "search_path": "school", "jit": "on"}


@pytest.mark.parametrize("url", ["mysql://db.example/x", "nonsense", "http://db.example"])
def test_what_is_no_postgresql_is_refused(url: str) -> None:
    with pytest.raises(InvalidInput):
        async_url(url)
