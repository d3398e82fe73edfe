"""One import into a class at a time: two would create everything twice, or undo each other."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from core.db import Sessions, autocommit
from core.errors import Conflict

_KEY = "hashtextextended('homeroom import ' || CAST(:class AS text), 0)"


@asynccontextmanager
async def only_import(sessions: Sessions, class_id: UUID) -> AsyncIterator[None]:
    """Hold the class's import lock. Raises `Conflict` at once when another import holds it.

    It is an advisory lock of a session on a connection of its own: no transaction stays open however long the import
    takes, and PostgreSQL lets go of it when the connection ends, with the process or without.
    """
    key = {"class": str(class_id)}
    async with autocommit(sessions) as session:
        if not await session.scalar(text(f"SELECT pg_try_advisory_lock({_KEY})"), key):
            raise Conflict("An import into this class is running. Wait until it is done.")
        try:
            yield
        finally:
            with contextlib.suppress(DBAPIError):  # the connection broke, and the lock went with it
                await session.execute(text(f"SELECT pg_advisory_unlock({_KEY})"), key)
