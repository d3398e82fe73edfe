"""What a running Homeroom is made of: built by bootstrap.py, or by a test out of its own parts."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.secrets import Secrets
from bot.following import Following
from bot.settings import Settings
from core.answering.answer import Answering
from core.db import Sessions
from core.materials.process import Pipeline
from core.ports import OneTimePasswords


@dataclass(frozen=True, slots=True)
class App:
    """The parts that commands, jobs and surfaces share. `listen_url` leads past any pooler, for LISTEN."""

    settings: Settings
    listen_url: str
    engine: AsyncEngine
    sessions: Sessions
    answering: Answering
    pipeline: Pipeline
    secrets: Secrets
    following: Following
    otp: OneTimePasswords | None = None
