"""What nobody expected, as people are told of it."""

from __future__ import annotations

from uuid import uuid4

import pytest
from sqlalchemy.exc import DBAPIError

from bot.dispatch import convert_error
from core.errors import DatabaseUnavailable, HomeroomError


class Refused(Exception):
    """What PostgreSQL says, with its code."""

    def __init__(self, sqlstate: str) -> None:
        super().__init__(sqlstate)
        self.sqlstate = sqlstate


@pytest.mark.parametrize(
    ("statement", "sqlstate", "kind"),
    [
        (None, "55000", DatabaseUnavailable),  # “not currently accepting connections”
        ("SELECT 1", "55000", HomeroomError),
        ("UPDATE", "40P01", DatabaseUnavailable),  # a deadlock: trying again helps
        ("UPDATE", "57014", DatabaseUnavailable),
        ("UPDATE", "22012", HomeroomError),
    ],
)
def test_errors_of_the_database(statement: str | None, sqlstate: str, kind: type[HomeroomError]) -> None:
    assert type(convert_error(DBAPIError(statement, None, Refused(sqlstate)), uuid4())) is kind
