"""Files that people sent in Discord, which lie at addresses of its own that need no token and end after a day."""

from __future__ import annotations

from urllib.parse import urlsplit

import aiohttp

from adapters.discord.limits import LARGEST_FILE
from core.errors import NotFound, Oversized, Unavailable
from core.events import Attachment

GONE = "That file is no longer in Discord. Please send it again."
_HOSTS = frozenset({"cdn.discordapp.com", "media.discordapp.net"})
_SECONDS = 60
_PIECE = 64 * 1024
_OK, _SERVER_ERROR, _TOO_MANY = 200, 500, 429


async def fetch_file(session: aiohttp.ClientSession, attachment: Attachment, api_url: str) -> bytes:
    """Return a file; only from Discord, or from where its API is called.

    Raises `Oversized`, `NotFound` (expired, or an address that is none of Discord's), `Unavailable`.
    """
    if attachment.size > LARGEST_FILE:
        raise Oversized
    if not is_discords(attachment.reference, api_url):
        raise NotFound(GONE)
    try:
        async with session.get(
            attachment.reference, allow_redirects=False, timeout=aiohttp.ClientTimeout(total=_SECONDS)
        ) as response:
            if response.status >= _SERVER_ERROR or response.status == _TOO_MANY:
                raise Unavailable("Discord does not hand out files at the moment. Please try again.")
            if response.status != _OK:
                raise NotFound(GONE)
            data = bytearray()
            async for piece in response.content.iter_chunked(_PIECE):
                data += piece
                if len(data) > LARGEST_FILE:
                    raise Oversized
            return bytes(data)
    except (aiohttp.ClientError, OSError) as error:
        raise Unavailable("Discord does not hand out files at the moment. Please try again.") from error


def is_discords(address: str, api_url: str) -> bool:
    """Say whether a file lies where Discord keeps files, or where the API itself is called."""
    try:
        parts, api = urlsplit(address), urlsplit(api_url)
        of_api = (parts.scheme, parts.hostname, parts.port) == (api.scheme, api.hostname, api.port)
        ours = parts.scheme == "https" and parts.port in (None, 443) and parts.hostname in _HOSTS
    except ValueError:
        return False
    return of_api or ours
