"""Installing the app in a workspace: https://docs.slack.dev/authentication/installing-with-oauth."""

from __future__ import annotations

import html
import secrets as random
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from urllib.parse import quote, urljoin

import structlog
from aiohttp import web
from slack_bolt.adapter.aiohttp import to_aiohttp_response, to_bolt_request
from slack_bolt.oauth.async_callback_options import AsyncCallbackOptions, AsyncFailureArgs, AsyncSuccessArgs
from slack_bolt.oauth.async_oauth_flow import AsyncOAuthFlow
from slack_bolt.oauth.async_oauth_settings import AsyncOAuthSettings
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse
from slack_sdk.oauth.state_store.async_state_store import AsyncOAuthStateStore

from adapters.secrets import Secrets
from adapters.slack.installations import Installations
from core.errors import HomeroomError, NotFound

log = structlog.get_logger(__name__)

INSTALL_PATH = "/slack/install"
REDIRECT_PATH = "/slack/oauth_redirect"
_STATE_LIFETIME = timedelta(minutes=10)
_STATE = "slack install"
_FAILED = "Homeroom was not installed"
_HEADERS = {
    "Content-Type": "text/html; charset=utf-8",
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",  # the address holds the code and the state
}
# By bolt's and Slack's name of what went wrong.
_REASONS = {
    "access_denied": "You cancelled the installation. Nothing was changed.",
    "invalid_browser": "The installation was begun in another browser, or too long ago.",
    "invalid_state": "The installation was begun too long ago, or finished already.",
    "missing_code": "Slack sent no code along.",
    "invalid_code": "Slack did not accept the installation. Its code may have been used already.",
}


class InstallStates(AsyncOAuthStateStore):
    """The `state` of an installation under way, sealed instead of stored, so that any process can check it.

    It expires in ten minutes. A process takes each one once; across processes it is bolt's cookie that ties it to the
    browser that began, and Slack's code that works once.
    """

    def __init__(self, secrets: Secrets) -> None:
        self._secrets = secrets
        self._used: dict[str, float] = {}  # when they may be forgotten

    async def async_issue(self, *_: object, **__: object) -> str:
        """Return a new state. Raises `InvalidInput` without a SECRET_KEY."""
        return self._secrets.seal(_STATE, random.token_urlsafe(16), _STATE_LIFETIME)

    async def async_consume(self, state: str) -> bool:
        """Say whether a state is one of ours that has not expired, and was not consumed here before."""
        try:
            nonce = self._secrets.open(_STATE, state)
        except NotFound:
            return False
        now = time.time()
        self._used = {used: until for used, until in self._used.items() if until > now}
        if nonce in self._used:
            return False
        self._used[nonce] = now + _STATE_LIFETIME.total_seconds()
        return True


def oauth_settings(installations: Installations, scopes: Sequence[str]) -> AsyncOAuthSettings:
    """Return what bolt needs to install the app anywhere; `scopes` are the bot's.

    The page that asks for permission is on the host of the app's `api_url`. Raises `InvalidInput` without a SECRET_KEY.
    """
    app = installations.app
    installations.secrets.encrypt(b"")  # told at the start, not to the first who installs
    return AsyncOAuthSettings(
        client_id=app.client_id,
        client_secret=app.client_secret,
        scopes=list(scopes),
        user_scopes=[],
        redirect_uri=app.public_url.rstrip("/") + REDIRECT_PATH,
        install_path=INSTALL_PATH,
        install_page_rendering_enabled=False,  # straight to Slack's page, which says all there is to say
        redirect_uri_path=REDIRECT_PATH,
        authorization_url=urljoin(app.api_url, "/oauth/v2/authorize"),
        installation_store=installations,
        installation_store_bot_only=True,
        state_store=InstallStates(installations.secrets),
        state_expiration_seconds=int(_STATE_LIFETIME.total_seconds()),
        callback_options=AsyncCallbackOptions(success=_installed, failure=_not_installed),
    )


def install_routes(flow: AsyncOAuthFlow) -> list[web.RouteDef]:
    """Return the two routes of the installation; `flow` is bolt's, made of `oauth_settings`.

    Whatever goes wrong, the person who installs reads a sentence.
    """

    def served(work: Callable[[AsyncBoltRequest], Awaitable[BoltResponse]]) -> Callable[..., Awaitable[web.Response]]:
        async def serve(request: web.Request) -> web.Response:
            try:
                answer = await work(await to_bolt_request(request))
            except HomeroomError as error:
                log.error("slack_install_refused", reason=error.code)  # noqa: TRY400  (foreseen, so there is nothing to trace)
                answer = _page(400, _FAILED, error.sentence, again=True)
            except Exception as error:  # noqa: BLE001  (Slack away, the database away: the person can but try again)
                log.error("slack_install_failed", reason=type(error).__name__)  # noqa: TRY400  (a trace could show tokens)
                answer = _page(503, _FAILED, "Something did not answer just now. Please try again.", again=True)
            return await to_aiohttp_response(answer)

        return serve

    return [
        web.get(flow.install_path, served(flow.handle_installation)),
        web.get(flow.redirect_uri_path, served(flow.handle_callback)),
    ]


async def _installed(args: AsyncSuccessArgs) -> BoltResponse:
    team, app_id = args.installation.team_id or "", args.installation.app_id or ""
    name = args.installation.team_name or "your workspace"
    page = _page(
        200,
        "Homeroom is installed",
        f"It is at home in {name} now. Invite it to a class's channel, or write to it directly.",
        link=(f"slack://app?team={quote(team, safe='')}&id={quote(app_id, safe='')}", "Open Slack"),
    )
    return _without_state(page, args.settings)


async def _not_installed(args: AsyncFailureArgs) -> BoltResponse:
    reason = _REASONS.get(args.reason, "Slack refused the installation.")
    log.warning("slack_not_installed", reason=args.reason if args.reason in _REASONS else "other")
    return _without_state(_page(args.suggested_status_code, _FAILED, reason, again=True), args.settings)


def _without_state(page: BoltResponse, settings: AsyncOAuthSettings) -> BoltResponse:
    page.headers["set-cookie"] = [settings.state_utils.build_set_cookie_for_deletion()]
    return page


def _page(
    status: int, title: str, text: str, *, link: tuple[str, str] | None = None, again: bool = False
) -> BoltResponse:
    """Return a small page. `again` links to the beginning, which is beside this page whatever is in front of us."""
    if again:
        link = (INSTALL_PATH.rpartition("/")[2], "Begin again")
    below = f'<p><a href="{html.escape(link[0])}">{html.escape(link[1])}</a></p>' if link else ""
    body = (
        '<!doctype html><html lang="en"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{html.escape(title)}</title>"
        "<style>body{font:1rem/1.5 system-ui,sans-serif;max-width:34rem;margin:4rem auto;padding:0 1rem}</style>"
        f"<h1>{html.escape(title)}</h1><p>{html.escape(text)}</p>{below}</html>"
    )
    return BoltResponse(status=status, body=body, headers={**_HEADERS})
