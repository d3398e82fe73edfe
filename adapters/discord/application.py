"""What Discord says about the application whose token is set, asked before anything is opened."""

from __future__ import annotations

from dataclasses import dataclass

import aiohttp
import discord

from core.errors import InvalidInput, Unavailable

_OK, _UNAUTHORISED = 200, 401
_SECONDS = 15


@dataclass(frozen=True, slots=True)
class Application:
    """`reads_all`: it may ask for the text of messages that do not mention it. `public`: anybody may invite it."""

    id: str
    name: str
    reads_all: bool
    public: bool
    interactions_url: str = ""


async def read_application(session: aiohttp.ClientSession, token: str, api_url: str) -> Application:
    """Return the application of a bot token. Raises `InvalidInput` (no such token), `Unavailable`."""
    address = f"{api_url.rstrip('/')}/oauth2/applications/@me"
    try:
        async with session.get(
            address, headers={"Authorization": f"Bot {token}"}, timeout=aiohttp.ClientTimeout(total=_SECONDS)
        ) as response:
            if response.status == _UNAUTHORISED:
                raise InvalidInput(
                    "Discord does not know DISCORD_BOT_TOKEN. Copy it from the application's page “Bot” "
                    "(https://discord.com/developers/applications)."
                )
            if response.status != _OK:
                raise Unavailable(f"Discord does not answer as it should (status {response.status}).")
            found = await response.json()
    except (aiohttp.ClientError, OSError, ValueError) as error:
        raise Unavailable(f"Discord can't be reached ({type(error).__name__}).") from error
    flags = discord.ApplicationFlags._from_value(int(found.get("flags") or 0))  # noqa: SLF001  (no other way in)
    return Application(
        id=str(found["id"]),
        name=str(found.get("name") or ""),
        reads_all=flags.gateway_message_content or flags.gateway_message_content_limited,
        public=bool(found.get("bot_public")),
        interactions_url=str(found.get("interactions_endpoint_url") or ""),
    )
