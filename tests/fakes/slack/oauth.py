"""Installing the app by OAuth: the page where somebody allows it, and the code that is worth a token once.

https://docs.slack.dev/authentication/installing-with-oauth
"""

from __future__ import annotations

import binascii
import uuid
from base64 import b64decode
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from aiohttp import web

from tests.fakes.slack.blocks import Refused
from tests.fakes.slack.workspace import Json, Workspace

CODE_SECONDS = 600.0


@dataclass(slots=True)
class Registration:
    """The app as it is registered with Slack. `manifest` is what `apps.manifest.export` gives to `config_token`."""

    app_id: str = "A1"
    client_id: str = "111.222"
    client_secret: str = "a client secret"
    config_token: str = "xoxe.xoxp-1-config"
    manifest: Json = field(default_factory=dict)

    def check_client(self, arguments: Json, authorization: str = "") -> None:
        """Check id and secret, from a Basic header or among the arguments. Raises `Refused`."""
        client_id, secret = arguments.get("client_id"), arguments.get("client_secret")
        scheme, _, basic = authorization.partition(" ")
        if scheme == "Basic":
            try:
                client_id, _, secret = b64decode(basic).decode().partition(":")
            except (binascii.Error, UnicodeDecodeError) as error:
                raise Refused("invalid_client_id") from error
        if client_id != self.client_id:
            raise Refused("invalid_client_id")
        if secret != self.client_secret:
            raise Refused("bad_client_secret")

    def export(self, token: str | None, arguments: Json) -> Json:
        """Answer `apps.manifest.export`. Raises `Refused`."""
        if token is None:
            raise Refused("not_authed")
        if token != self.config_token:
            raise Refused("not_allowed_token_type" if token.startswith(("xoxb-", "xapp-")) else "invalid_auth")
        if not str(arguments.get("app_id", "")).startswith("A"):
            raise Refused("invalid_app_id")
        if arguments["app_id"] != self.app_id:
            raise Refused("app_not_found")
        return {"manifest": self.manifest}


@dataclass(slots=True)
class _Grant:
    team_id: str
    user: str
    scopes: frozenset[str] | None
    redirect_uri: str | None
    expires: float


class Authorisations:
    """The codes that were given out. `team_id` is where whoever opens the page installs; `denies` that they cancel.

    With `rotates`, tokens live so many seconds and come with a refresh token, good for one exchange; then the former
    token is dead at once, where Slack lets it live on to its end. `organisation` makes it an installation of all of it.
    """

    def __init__(self, app: Registration, clock: Callable[[], float]) -> None:
        self.team_id = "T1"
        self.denies = False
        self.rotates: int | None = None
        self.organisation = False
        self._app = app
        self._clock = clock
        self._grants: dict[str, _Grant] = {}
        self._refresh: dict[str, Workspace] = {}

    def grant(
        self, team_id: str, *, user: str = "U1", scopes: Iterable[str] | None = None, redirect_uri: str | None = None
    ) -> str:
        """Return a code for one token, good for ten minutes."""
        code = f"{uuid.uuid4().int % 10**10}.{uuid.uuid4().hex}"
        granted = None if scopes is None else frozenset(scopes)
        self._grants[code] = _Grant(team_id, user, granted, redirect_uri, self._clock() + CODE_SECONDS)
        return code

    def redeem(self, arguments: Json, authorization: str, install: Callable[[str], Workspace], all_scopes: Any) -> Json:
        """Answer `oauth.v2.access`: `install` puts the app into a workspace. Raises `Refused`."""
        self._app.check_client(arguments, authorization)
        if arguments.get("grant_type") == "refresh_token":
            return self._exchange(str(arguments.get("refresh_token", "")), all_scopes)
        grant = self._grants.pop(str(arguments.get("code", "")), None)
        if grant is None or self._clock() > grant.expires:
            raise Refused("invalid_code")
        if grant.redirect_uri != arguments.get("redirect_uri"):
            raise Refused("bad_redirect_uri")
        place = install(grant.team_id)
        place.scopes = grant.scopes
        token = self._token(place, all_scopes) | {"authed_user": {"id": grant.user}}
        if self.organisation:
            token |= {"team": None, "enterprise": {"id": "E1", "name": "All schools"}, "is_enterprise_install": True}
        return token

    def _exchange(self, refresh_token: str, all_scopes: Any) -> Json:
        place = self._refresh.pop(refresh_token, None)
        if place is None:
            raise Refused("invalid_refresh_token")
        place.old_tokens.add(place.bot_token)
        place.bot_token = f"xoxe.xoxb-{place.team_id}-{len(place.old_tokens) + 1}"
        return self._token(place, all_scopes)

    def _token(self, place: Workspace, all_scopes: Any) -> Json:
        token: Json = {
            "access_token": place.bot_token,
            "token_type": "bot",
            "scope": ",".join(sorted(all_scopes if place.scopes is None else place.scopes)),
            "bot_user_id": place.bot_user,
            "app_id": place.app_id,
            "team": {"id": place.team_id, "name": f"School {place.team_id}"},
            "enterprise": None,
            "is_enterprise_install": False,
        }
        place.token_ends = None if self.rotates is None else self._clock() + self.rotates
        if self.rotates is not None:
            refresh_token = f"xoxe-1-{uuid.uuid4().hex}"
            self._refresh[refresh_token] = place
            token |= {"refresh_token": refresh_token, "expires_in": self.rotates}
        return token

    async def serve(self, request: web.Request) -> web.Response:
        """The page at `oauth/v2/authorize`, on which whoever opens it decides at once."""
        query = request.query
        if query.get("client_id") != self._app.client_id:
            return web.Response(status=400, text="Invalid client_id parameter")
        if not query.get("scope"):
            return web.Response(status=400, text="Invalid permissions requested")
        if "redirect_uri" not in query:
            return web.Response(status=400, text="redirect_uri did not match any configured URIs")
        uri = query["redirect_uri"]
        if self.denies:
            answer = {"error": "access_denied"}
        else:
            team = query.get("team") or self.team_id
            answer = {"code": self.grant(team, scopes=query["scope"].split(","), redirect_uri=uri)}
        if "state" in query:
            answer["state"] = query["state"]
        raise web.HTTPFound(f"{uri}{'&' if '?' in uri else '?'}{urlencode(answer)}")
