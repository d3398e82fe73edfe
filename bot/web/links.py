"""Links to source pages and files: sealed, good for one person, one passage and some days."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from adapters.secrets import Secrets
from bot.app import App
from core.errors import InvalidInput

LIFETIME = timedelta(days=7)
"""How long a link in a chat opens. Whether its reader still may see the page is asked every time."""

PAGE = "source page"
FILE = "source file"
_ON_PAGE = timedelta(hours=1)  # links on the page itself, which is reloaded sooner than that or opened again


@dataclass(frozen=True, slots=True)
class Link:
    """What a link stands for: a passage, as one person may see it; a passage never leaves its class.

    With `answer_id` what that answer quotes is marked; without `marked` nothing is. Links that are made on the page end
    when the link that led to it does (`until`), so that nobody can go on from link to link for ever.
    """

    chunk_id: UUID
    viewer_id: UUID
    until: datetime
    answer_id: UUID | None = None
    marked: bool = True


def source_link(app: App, chunk_id: UUID, viewer_id: UUID, answer_id: UUID | None = None) -> str | None:
    """Return the address of a cited passage's page for one person; None where no page can be served.

    It is that person's own: show it to nobody else.
    """
    if not app.settings.public_url:
        return None
    link = Link(chunk_id, viewer_id, datetime.now(UTC) + LIFETIME, answer_id)
    try:
        token = seal(app.secrets, PAGE, link, LIFETIME)
    except InvalidInput:  # no SECRET_KEY
        return None
    return f"{app.settings.public_url.rstrip('/')}/source/{token}#cited"


def page_token(secrets: Secrets, link: Link, chunk_id: UUID) -> str:
    """Return the token of another page of the same text, reached from this one."""
    return seal(secrets, PAGE, replace(link, chunk_id=chunk_id, marked=False), _ON_PAGE)


def file_token(secrets: Secrets, link: Link) -> str:
    """Return the token of the file that a page was read from."""
    return seal(secrets, FILE, link, _ON_PAGE)


def seal(secrets: Secrets, purpose: str, link: Link, lifetime: timedelta) -> str:
    """Return a token for a link. Raises `InvalidInput` without a SECRET_KEY."""
    fields = (
        link.chunk_id.hex,
        link.viewer_id.hex,
        link.answer_id.hex if link.answer_id else "",
        "1" if link.marked else "",
        str(int(link.until.timestamp())),
    )
    return secrets.seal(purpose, ".".join(fields), min(lifetime, link.until - datetime.now(UTC)))


def unseal(secrets: Secrets, purpose: str, token: str) -> Link:
    """Return what a token stands for. Raises `NotFound` when it is forged, expired or for another purpose."""
    chunk_id, viewer_id, answer_id, marked, until = secrets.open(purpose, token).split(".")
    return Link(
        UUID(chunk_id),
        UUID(viewer_id),
        datetime.fromtimestamp(int(until), UTC),
        UUID(answer_id) if answer_id else None,
        bool(marked),
    )
