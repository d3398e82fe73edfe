"""Links to source pages and files: sealed, good for one person, one passage and some days."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from adapters.secrets import Secrets
from bot.settings import Settings
from core.errors import InvalidInput

LIFETIME = timedelta(days=7)
"""How long a link in a chat opens. Whether its reader still may see the page is asked every time."""

PAGE = "source page"
FILE = "source file"
_ON_PAGE = timedelta(hours=1)  # links on the page itself, which is reloaded sooner than that or opened again


@dataclass(frozen=True, slots=True)
class Link:
    """What a link stands for: a passage, as one person may see it; a passage never leaves its class.

    Without a viewer it is the link in a public answer, which opens that page for whoever reads it there.
    With `answer_id` what that answer quotes is marked; without `marked` nothing is. Links that are made on the page end
    when the link that led to it does (`until`), so that nobody can go on from link to link for ever.
    """

    chunk_id: UUID
    viewer_id: UUID | None
    until: datetime
    answer_id: UUID | None = None
    marked: bool = True


def source_link(
    settings: Settings, secrets: Secrets, chunk_id: UUID, viewer_id: UUID | None, answer_id: UUID
) -> str | None:
    """Return the address of a cited passage's page; None where no page can be served.

    With a viewer it is that person's own: show it to nobody else. In public it is without one.
    """
    if not settings.public_url:
        return None
    link = Link(chunk_id, viewer_id, datetime.now(UTC) + LIFETIME, answer_id)
    try:
        token = seal(secrets, PAGE, link, LIFETIME)
    except InvalidInput:  # no SECRET_KEY
        return None
    return f"{settings.public_url.rstrip('/')}/source/{token}#cited"


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
        link.viewer_id.hex if link.viewer_id else "",
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
        UUID(viewer_id) if viewer_id else None,
        datetime.fromtimestamp(int(until), UTC),
        UUID(answer_id) if answer_id else None,
        bool(marked),
    )
