"""The addresses bytes go over: one to put up a file, one to fetch it with a token."""

from __future__ import annotations

from aiohttp import BodyPartReader, web

from tests.fakes.slack.files import LOGIN_PAGE
from tests.fakes.slack.workspace import Workspace


async def take_upload(place: Workspace, request: web.Request) -> web.Response:
    """Take the bytes of a file, raw or as a multipart form's only part. The address works once."""
    upload = place.uploads.get(request.match_info["key"])
    if upload is None or upload.arrived:
        return web.Response(status=404, text="not found")
    content = b""
    if request.content_type == "multipart/form-data":
        part = await (await request.multipart()).next()
        if isinstance(part, BodyPartReader):
            content = bytes(await part.read())
    else:
        content = await request.read()
    if len(content) != upload.length:
        return web.Response(status=400, text="length mismatch")
    upload.file.content, upload.arrived = content, True
    return web.Response(text=f"OK - {len(content)}")


def give_file(place: Workspace | None, file_id: str, request: web.Request, scopes: frozenset[str]) -> web.Response:
    """Give a file's bytes; a page to sign in, with status 200, to whoever brings no token for them."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    alive = place is not None and not place.revoked and not place.uninstalled
    if place is None or not alive or scheme != "Bearer" or token != place.bot_token or "files:read" not in scopes:
        return web.Response(text=LOGIN_PAGE, content_type="text/html")
    file = place.files.get(file_id)
    if file is None or file.deleted or not place.sees(file):
        return web.Response(status=404, text="<html>There is no such file</html>", content_type="text/html")
    disposition = {"Content-Disposition": f'attachment; filename="{file.id}"'} if "/download/" in request.path else {}
    return web.Response(body=file.content, content_type=file.mimetype, headers=disposition)
