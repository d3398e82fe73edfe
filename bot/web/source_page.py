"""Source pages and the files behind them: every opening asks core again who may see what."""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable
from pathlib import PurePosixPath

import structlog
from aiohttp import web
from jinja2 import Environment
from sqlalchemy.exc import SQLAlchemyError

from bot.app import App
from bot.web.files import file_response
from bot.web.links import FILE, PAGE, Link, file_token, page_token, unseal
from bot.web.pages import html
from core.errors import HomeroomError, NotFound, Unavailable
from core.materials.files import MEDIA_TYPES
from core.materials.source_page import Neighbour, Original, open_original, open_page

log = structlog.get_logger(__name__)

_EXPIRED = "This link has expired or is not whole. Press the citation in the chat again, or ask again, for a new one."
_PRIVATE = {
    "Cache-Control": "private, no-store",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex, nofollow",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}

Handler = Callable[[web.Request], Awaitable[web.Response]]


def source_routes(app: App, pages: Environment) -> list[web.RouteDef]:
    """Return /source/{token}, the page a citation stands on, and /file/{token}, the file it was read from."""

    async def source(request: web.Request) -> web.Response:
        link = _unseal(app, PAGE, request)
        async with app.sessions() as session:
            page = await open_page(session, link.viewer_id, link.chunk_id, answer_id=link.answer_id, marked=link.marked)
        return html(
            pages,
            "source.html",
            page=page,
            quoted=any(run.quoted for block in page.blocks for run in block.runs),
            marked=link.marked,
            own=link.viewer_id is not None,
            before=_turn(app, link, page.before),
            after=_turn(app, link, page.after),
            original=_original(app, link, page.original),
            until=link.until,
        )

    async def file(request: web.Request) -> web.Response:
        link = _unseal(app, FILE, request)
        if link.viewer_id is None:
            raise NotFound(_EXPIRED)
        async with app.sessions() as session:
            original = await open_original(session, link.viewer_id, link.chunk_id)
        data = await app.pipeline.storage.get(original.storage_key)
        return file_response(data, original.filename, original.media_type)

    return [
        web.get("/source/{token}", answering(source, pages)),
        web.get("/file/{token}", answering(file, pages)),
    ]


# The addresses are relative, so that the pages can live under any path.


def _turn(app: App, link: Link, to: Neighbour | None) -> dict[str, str] | None:
    return {"href": page_token(app.secrets, link, to.chunk_id), "place": to.place} if to else None


def _original(app: App, link: Link, original: Original | None) -> dict[str, str] | None:
    if original is None:
        return None
    shown = original.media_type == MEDIA_TYPES[".pdf"]
    kind = PurePosixPath(original.filename).suffix.lstrip(".").upper()
    anchor = f"#page={original.page}" if shown and original.page else ""
    return {
        "href": f"../file/{file_token(app.secrets, link)}{anchor}",
        "label": f"{'Open' if shown else 'Download'} the original" + (f" ({kind})" if kind else ""),
    }


def _unseal(app: App, purpose: str, request: web.Request) -> Link:
    try:
        return unseal(app.secrets, purpose, request.match_info["token"])
    except NotFound:
        raise NotFound(_EXPIRED) from None


def answering(handler: Handler, pages: Environment) -> Handler:
    """Let a handler's errors be pages with a sentence, and keep all it says private. No token is logged."""

    @functools.wraps(handler)
    async def answer(request: web.Request) -> web.Response:
        try:
            response = await handler(request)
        except NotFound as error:
            response = _message(pages, 404, error.sentence)
        except (Unavailable, SQLAlchemyError, OSError) as error:
            log.warning("source_page_unavailable", error=type(error).__name__, reason=str(error).partition("\n")[0])
            response = _message(pages, 503, Unavailable().sentence)
        except Exception:
            log.exception("source_page_failed")
            response = _message(pages, 500, HomeroomError().sentence)
        response.headers.update(_PRIVATE)
        return response

    return answer


def _message(pages: Environment, status: int, sentence: str) -> web.Response:
    return html(pages, "message.html", status=status, sentence=sentence, failed=status >= 500)  # noqa: PLR2004  (HTTP)
