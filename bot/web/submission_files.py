"""Files that were handed in, where a chat does not take them: behind a sealed link, for one person and one day."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from aiohttp import web
from jinja2 import Environment

from adapters.secrets import Secrets
from bot.app import App
from bot.settings import Settings
from bot.web.files import file_response
from bot.web.source_page import answering
from core.assignments.find import submission_for
from core.audit.record import Actor
from core.errors import InvalidInput, NotFound, NotPermitted

LIFETIME = timedelta(days=1)
_PURPOSE = "submitted file"
_GONE = "This link has expired, or the file is not yours to see. Ask for it again in the chat."
_TO_KEEP = "application/octet-stream"  # whatever a student hands in is never shown by the browser


def submission_link(settings: Settings, secrets: Secrets, submission_id: UUID, place: int, user_id: UUID) -> str | None:
    """Return the address of a file of an attempt, for one person; None where no page can be served."""
    if not settings.public_url:
        return None
    try:
        token = secrets.seal(_PURPOSE, f"{submission_id.hex}.{place}.{user_id.hex}", LIFETIME)
    except InvalidInput:  # no SECRET_KEY
        return None
    return f"{settings.public_url.rstrip('/')}/submission/{token}"


def submission_routes(app: App, pages: Environment) -> list[web.RouteDef]:
    """Return /submission/{token}; each opening asks again whether that person still may see the file."""

    async def file(request: web.Request) -> web.Response:
        try:
            submission, place, user = app.secrets.open(_PURPOSE, request.match_info["token"]).split(".")
            async with app.sessions() as session:
                work = await submission_for(session, Actor.person(UUID(user), "web"), UUID(submission))
        except (NotFound, NotPermitted):
            raise NotFound(_GONE) from None
        found = work.files[int(place)]
        data = await app.pipeline.storage.get(str(found["storage_key"]))
        return file_response(data, str(found["filename"]), _TO_KEEP)

    return [web.get("/submission/{token}", answering(file, pages))]
