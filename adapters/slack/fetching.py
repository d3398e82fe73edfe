"""Files that people sent in Slack, fetched with the bot's token, which goes to Slack alone."""

from __future__ import annotations

from contextlib import AsyncExitStack
from urllib.parse import urljoin, urlsplit

import aiohttp
from slack_sdk.web.async_client import AsyncWebClient

from adapters.slack.failures import in_our_words, read_failure
from adapters.slack.posting import Posting
from core.errors import NotFound, Oversized, Unavailable
from core.events import Attachment

LARGEST_FILE = 20_000_000  # bytes
GONE = "That file is no longer in Slack, or I may not read it."
_HOST = "slack.com"
_SECONDS = 60
_PIECE = 64 * 1024
_REDIRECTS = 3
_ABSENT = frozenset({"file_not_found", "file_deleted", "not_visible", "access_denied"})


async def fetch_file(posting: Posting, attachment: Attachment) -> bytes:
    """Return the file that an attachment's reference means: its private address, or Slack's id of it.

    Raises `Oversized`, `NotFound` (deleted, not for us, or an address that is none of Slack's), `Unavailable`.
    """
    if attachment.size > LARGEST_FILE:
        raise Oversized
    address = attachment.reference
    if not address.startswith(("http://", "https://")):
        address = await _look_up(posting, address)
    with in_our_words():
        return await _download(posting.client, address, attachment.name)


async def _look_up(posting: Posting, file_id: str) -> str:
    with in_our_words():
        try:
            answer = await posting.insist("files.info", lambda: posting.client.files_info(file=file_id), tries=3)
        except Exception as error:
            if read_failure(error).code in _ABSENT:
                raise NotFound(GONE) from error
            raise
    file = answer.get("file") or {}
    if int(file.get("size") or 0) > LARGEST_FILE:
        raise Oversized
    return str(file.get("url_private_download") or file.get("url_private") or "")


async def _download(client: AsyncWebClient, address: str, name: str) -> bytes:
    async with AsyncExitStack() as opened:
        session = client.session
        if session is None or session.closed:
            session = await opened.enter_async_context(aiohttp.ClientSession())
        for _ in range(_REDIRECTS):
            if not is_slacks(address, client.base_url):
                raise NotFound(GONE)
            response = await opened.enter_async_context(
                session.get(
                    address,
                    headers={"Authorization": f"Bearer {client.token}"},
                    allow_redirects=False,  # each address is looked at before the token goes there
                    proxy=client.proxy,
                    ssl=client.ssl if client.ssl is not None else True,
                    timeout=aiohttp.ClientTimeout(total=_SECONDS),
                )
            )
            if response.status in (301, 302, 303, 307, 308):
                address = urljoin(address, response.headers.get("Location", ""))
                continue
            return await _read(response, name)
    raise NotFound(GONE)


async def _read(response: aiohttp.ClientResponse, name: str) -> bytes:
    if response.status in (401, 403, 404, 410):
        raise NotFound(GONE)
    if response.status != 200:  # noqa: PLR2004  (HTTP's OK)
        raise Unavailable("Slack does not hand out files at the moment. Please try again.", status=response.status)
    # Who may not read a file gets a page to sign in, with a status of 200.
    is_page = response.content_type == "text/html"
    sent_as_file = response.headers.get("Content-Disposition", "").startswith("attachment")
    if is_page and not (name.lower().endswith((".html", ".htm")) and sent_as_file):
        raise NotFound(GONE)
    data = bytearray()
    async for piece in response.content.iter_chunked(_PIECE):
        data += piece
        if len(data) > LARGEST_FILE:
            raise Oversized
    return bytes(data)


def is_slacks(address: str, base_url: str) -> bool:
    """Say whether an address may be sent the token: it is Slack's, or where the API itself is called."""
    try:
        parts, api = urlsplit(address), urlsplit(base_url)
        if (parts.scheme, parts.hostname, parts.port) == (api.scheme, api.hostname, api.port):
            return True
        host = parts.hostname or ""
        return parts.scheme == "https" and parts.port in (None, 443) and (host == _HOST or host.endswith(f".{_HOST}"))
    except ValueError:
        return False
