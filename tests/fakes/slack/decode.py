"""A Web API request as Slack reads it: a query, a form or JSON; the token in the header, a form or a query."""

from __future__ import annotations

import json
from typing import Any

from aiohttp import web

from tests.fakes.slack.blocks import Refused

# Arguments that a form or a query carries as JSON.
_NESTED = ("blocks", "view", "metadata", "chunks", "attachments", "prompts", "loading_messages", "files")


async def read_request(request: web.Request) -> tuple[str | None, dict[str, Any]]:
    """Return the token and the arguments. Raises `Refused`."""
    arguments: dict[str, Any] = dict(request.query)
    if request.content_type == "application/json":
        try:
            body = json.loads(await request.text() or "{}")
        except ValueError as error:
            raise Refused("invalid_json") from error
        if not isinstance(body, dict):
            raise Refused("json_not_object")
        arguments |= {name: value for name, value in body.items() if value is not None}
    elif request.can_read_body:
        if request.content_type not in ("application/x-www-form-urlencoded", "multipart/form-data"):
            raise Refused("invalid_post_type")
        arguments |= dict(await request.post())
    for name in _NESTED:
        if isinstance(arguments.get(name), str) and arguments[name][:1] in ("[", "{"):
            arguments[name] = json.loads(arguments[name])
    scheme, _, bearer = request.headers.get("Authorization", "").partition(" ")
    token = arguments.pop("token", None)
    return (bearer if scheme == "Bearer" else token), arguments


def require(arguments: dict[str, Any], *names: str) -> None:
    """Raise `Refused` as Slack does for arguments that are missing."""
    missing = [name for name in names if arguments.get(name) in (None, "")]
    if missing:
        raise Refused("invalid_arguments", *(f"[ERROR] missing required field: {name}" for name in missing))
