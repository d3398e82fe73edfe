"""What a person is told when Discord fails."""

from __future__ import annotations

from types import SimpleNamespace
from typing import cast

import aiohttp
import discord
import pytest

from adapters.discord.failures import our_error


@pytest.mark.parametrize(
    ("code", "said"), [(4004, "token"), (4014, "intent was switched off"), (4013, "Start Homeroom again")]
)
def test_why_discord_ended_the_connection_is_said_with_what_to_do(code: int, said: str) -> None:
    socket = cast("aiohttp.ClientWebSocketResponse", SimpleNamespace(close_code=code))
    error = our_error(discord.ConnectionClosed(socket, shard_id=0, code=code))
    assert said in error.sentence
    assert "try again" not in error.sentence
