"""The bot tokens of the workspaces that installed the app, encrypted at rest and refreshed before they expire."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog
from slack_sdk.errors import SlackApiError, SlackTokenRotationError
from slack_sdk.oauth.installation_store import Bot, Installation
from slack_sdk.oauth.installation_store.async_installation_store import AsyncInstallationStore
from slack_sdk.oauth.token_rotation.async_rotator import AsyncTokenRotator
from slack_sdk.web.async_client import AsyncWebClient

from adapters.secrets import Secrets
from adapters.slack.failures import TROUBLE, in_our_words
from core.audit.record import Actor
from core.db import Sessions, autocommit
from core.enums import Platform
from core.errors import HomeroomError, InvalidInput, NotFound, Unavailable
from core.identity.models import Workspace
from core.identity.workspaces import admit_workspace, find_workspace, revoke_workspace

log = structlog.get_logger(__name__)

_CALL_SECONDS = 10
# A token that rotates lives twelve hours (https://docs.slack.dev/authentication/using-token-rotation). Refreshing is
# tried from three hours before its end, once a minute, so that an hour without Slack costs nobody anything.
_EARLY_SECONDS = 3 * 3600
_RETRY_SECONDS = 60
_DEAD = frozenset({"invalid_auth", "not_authed", "token_revoked", "token_expired", "account_inactive", "team_disabled"})


@dataclass(frozen=True, slots=True)
class SlackApp:
    """What an app that many workspaces install needs to know about itself; `public_url` is where people reach it."""

    client_id: str
    client_secret: str
    public_url: str
    api_url: str = "https://slack.com/api/"


class Installations(AsyncInstallationStore):
    """One installation a workspace, kept with the workspace: bolt's store, and `token_for` for whoever answers.

    Nothing here uses a person's token, so none is kept. Every method raises what the database raises, and
    `InvalidInput` when SECRET_KEY does not fit.
    """

    def __init__(self, sessions: Sessions, secrets: Secrets, app: SlackApp) -> None:
        self.app = app
        self.secrets = secrets
        self._sessions = sessions
        self._client = AsyncWebClient(base_url=app.api_url, timeout=_CALL_SECONDS)
        self._rotator = AsyncTokenRotator(client_id=app.client_id, client_secret=app.client_secret, client=self._client)
        self._tried: dict[str, float] = {}  # when a refresh last failed, by team

    async def token_for(self, team_id: str) -> str:
        """Return a workspace's bot token. Raises `NotFound` (not installed there), `Unavailable` (expired)."""
        found = await self._find(team_id)
        if found is None or not found.bot_token:
            raise NotFound("Homeroom is not installed in this Slack workspace.")
        return found.bot_token

    async def async_find_bot(
        self,
        *,
        enterprise_id: str | None,  # noqa: ARG002  (bolt's interface, here and below; a team's id is its own)
        team_id: str | None,
        is_enterprise_install: bool | None = False,  # noqa: ARG002
    ) -> Bot | None:
        """Return a workspace's bot, its token fresh; None where the app is not installed."""
        found = await self._find(team_id)
        return found.to_bot() if found is not None else None

    async def async_find_installation(
        self,
        *,
        enterprise_id: str | None,  # noqa: ARG002
        team_id: str | None,
        user_id: str | None = None,
        is_enterprise_install: bool | None = False,  # noqa: ARG002
    ) -> Installation | None:
        """Return a workspace's installation; None where there is none, or where `user_id` did not make it."""
        found = await self._find(team_id)
        return found if found is not None and user_id in (None, found.user_id) else None

    async def async_save(self, installation: Installation) -> None:
        """Keep an installation; the workspace is admitted, or comes back.

        Raises `InvalidInput` for one of a whole organisation, or without a bot.
        """
        if installation.is_enterprise_install or not installation.team_id:
            raise InvalidInput(
                "Homeroom is installed in one workspace at a time, not in a whole organisation. "
                "Choose a workspace when you install it."
            )
        if not installation.bot_token:
            raise InvalidInput("Slack gave no bot token: the app needs bot scopes.")
        sealed = self._seal(installation)
        name = installation.team_name or ""
        async with self._sessions.begin() as session:
            await admit_workspace(session, _system(), Platform.SLACK, installation.team_id, name, sealed)
        self._tried.pop(installation.team_id, None)

    async def async_delete_all(self, *, enterprise_id: str | None, team_id: str | None) -> None:  # noqa: ARG002
        """Revoke the workspace, whose app was uninstalled or whose bot lost its token.

        Slack repeats such notices for minutes: one that comes after the next install, whose token works, is too late.
        Raises `Unavailable` when Slack can't be asked.
        """
        if not team_id:
            return
        async with autocommit(self._sessions) as session:
            workspace = await find_workspace(session, Platform.SLACK, team_id)
            sealed = workspace.installation if workspace is not None else None
        try:
            kept = self._open(workspace)
        except InvalidInput:  # nobody can read it, so nobody loses it
            kept = None
        if kept is not None and await self._works(kept):
            log.warning("slack_revocation_ignored", workspace=team_id)
            return
        async with self._sessions.begin() as session:
            workspace = await find_workspace(session, Platform.SLACK, team_id, lock=True)
            if workspace is not None and workspace.installation == sealed:  # or it has come back meanwhile
                await revoke_workspace(session, _system(), Platform.SLACK, team_id)

    async def async_delete_bot(self, *, enterprise_id: str | None, team_id: str | None) -> None:
        """Do as `async_delete_all`: without its bot there is nothing left."""
        await self.async_delete_all(enterprise_id=enterprise_id, team_id=team_id)

    async def async_delete_installation(
        self, *, enterprise_id: str | None, team_id: str | None, user_id: str | None = None
    ) -> None:
        """Forget a person's token: none is kept, and the bot's stays."""
        if user_id is None:
            await self.async_delete_all(enterprise_id=enterprise_id, team_id=team_id)

    async def _find(self, team_id: str | None) -> Installation | None:
        kept = await self._read(team_id) if team_id else None
        if team_id is None or kept is None or not self._ends_within(_EARLY_SECONDS, kept):
            return kept
        expired = self._ends_within(0, kept)
        if not expired and time.time() - self._tried.get(team_id, 0) < _RETRY_SECONDS:
            return kept
        return await self._refresh(team_id, kept, expired=expired)

    async def _read(self, team_id: str) -> Installation | None:
        async with autocommit(self._sessions) as session:
            return self._open(await find_workspace(session, Platform.SLACK, team_id))

    async def _refresh(self, team_id: str, known: Installation, *, expired: bool) -> Installation | None:
        """Exchange the refresh token, which works once: the row is locked meanwhile, and who can do without waits not.

        Returns what is to be used now; the `known` one while it lives. Raises `Unavailable`.
        """
        async with self._sessions.begin() as session:
            workspace = await find_workspace(session, Platform.SLACK, team_id, lock=True, wait=expired)
            if workspace is None:  # another process is at it
                return known
            kept = self._open(workspace)
            if kept is None or not self._ends_within(_EARLY_SECONDS, kept):
                return kept
            try:
                bot = await self._rotator.perform_bot_token_rotation(
                    bot=kept.to_bot(), minutes_before_expiration=_EARLY_SECONDS // 60 + 1
                )
            except (SlackTokenRotationError, *TROUBLE) as error:
                self._tried[team_id] = time.time()
                log.error("slack_token_not_refreshed", workspace=team_id, expired=expired, reason=_reason(error))  # noqa: TRY400  (a trace would say no more)
                if expired:
                    raise Unavailable(
                        "Slack does not renew Homeroom's token; an operator may have to install the app again."
                    ) from error
                return kept
            if bot is not None:
                kept.bot_token, kept.bot_refresh_token = bot.bot_token, bot.bot_refresh_token
                kept.bot_token_expires_at = bot.bot_token_expires_at
                await admit_workspace(session, _system(), Platform.SLACK, team_id, workspace.name, self._seal(kept))
        self._tried.pop(team_id, None)
        return kept

    async def _works(self, installation: Installation) -> bool:
        try:
            await self._client.auth_test(token=installation.bot_token)
        except SlackApiError as error:
            if error.response.get("error") in _DEAD:
                return False
            raise Unavailable from error
        except TROUBLE as error:
            raise Unavailable from error
        return True

    def _ends_within(self, seconds: float, installation: Installation) -> bool:
        ends = installation.bot_token_expires_at
        return bool(installation.bot_refresh_token) and ends is not None and ends <= time.time() + seconds

    def _seal(self, installation: Installation) -> bytes:
        kept: dict[str, Any] = installation.to_dict_for_copying()
        kept |= {"user_token": None, "user_refresh_token": None, "user_token_expires_at": None}
        return self.secrets.encrypt(json.dumps(kept, default=_as_text).encode())

    def _open(self, workspace: Workspace | None) -> Installation | None:
        if workspace is None or workspace.revoked_at is not None or workspace.installation is None:
            return None
        try:
            return Installation(**json.loads(self.secrets.decrypt(workspace.installation)))
        except HomeroomError as error:
            log.error("slack_tokens_unreadable", workspace=workspace.external_id, reason=error.sentence)  # noqa: TRY400  (as above)
            raise


async def admit_own_workspace(client: AsyncWebClient, sessions: Sessions) -> Workspace:
    """Make the workspace of a configured SLACK_BOT_TOKEN one of ours; the token stays in the environment alone.

    Raises `InvalidInput` (no bot of one workspace), `Unavailable` (Slack refuses the token, or can't be reached).
    """
    with in_our_words():
        answer = await client.auth_test()
    if not answer.get("bot_id") or answer.get("is_enterprise_install"):
        raise InvalidInput("SLACK_BOT_TOKEN must be the bot token of one workspace; it begins with xoxb-.")
    async with sessions.begin() as session:
        return await admit_workspace(
            session, _system(), Platform.SLACK, str(answer["team_id"]), str(answer.get("team") or ""), None
        )


def _system() -> Actor:
    return Actor.system("slack")


def _as_text(moment: datetime) -> str:
    return moment.isoformat()


def _reason(error: Exception) -> str:
    cause = error.api_error if isinstance(error, SlackTokenRotationError) else error
    return str(cause.response.get("error")) if isinstance(cause, SlackApiError) else type(cause).__name__
