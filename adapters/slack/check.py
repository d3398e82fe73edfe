"""Whether Slack knows the app as this version needs it: tokens, scopes, events, commands."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from slack_sdk.web.async_client import AsyncWebClient

from adapters.finding import Finding, State
from adapters.slack.failures import TROUBLE, read_failure
from adapters.slack.scopes import SCOPES

_REASONS = {
    "invalid_auth": "Slack does not know this token",
    "not_authed": "Slack does not know this token",
    "account_inactive": "the workspace or the bot is deactivated",
    "token_revoked": "the token was revoked",
    "token_expired": "the token has expired",
    "not_allowed_token_type": "this is another kind of token",
    "missing_scope": "the token lacks the scope connections:write",
}
_APP_TOKEN = re.compile(r"xapp-\d+-(A[A-Z0-9]+)-")


async def check_bot(client: AsyncWebClient) -> list[Finding]:
    """Ask Slack whose the client's bot token is, and compare the scopes granted with those that are needed.

    Slack tells the scopes in a header: https://docs.slack.dev/authentication/tokens#headers
    """
    try:
        answer = await client.auth_test()
    except TROUBLE as error:
        mend = "Copy the Bot User OAuth Token from the app's page “OAuth & Permissions”."
        return [Finding("slack bot token", State.WRONG, f"SLACK_BOT_TOKEN: {_reason(error)}. {mend}")]
    who = f"@{answer.get('user')} in {answer.get('team')} ({answer.get('team_id')})"
    header = next((str(value) for name, value in answer.headers.items() if name.lower() == "x-oauth-scopes"), "")
    granted = {scope.strip() for scope in header.split(",") if scope.strip()}
    missing = [scope for scope in SCOPES if scope not in granted]
    if missing:
        mend = "Update the app from `homeroom slack manifest` and install it again."
        scopes = Finding("slack scopes", State.WRONG, f"Missing: {', '.join(missing)}. {mend}")
    else:
        scopes = Finding("slack scopes", State.OK, f"{len(SCOPES)} granted")
    return [Finding("slack bot token", State.OK, who), scopes]


async def check_socket(client: AsyncWebClient, app_token: str) -> Finding:
    """Ask for a Socket Mode connection, and leave it unused."""
    try:
        await client.apps_connections_open(app_token=app_token)
    except TROUBLE as error:
        mend = (
            "Make one with the scope connections:write on the app's page “Basic Information”, and turn Socket Mode on."
        )
        return Finding("slack app token", State.WRONG, f"SLACK_APP_TOKEN: {_reason(error)}. {mend}")
    return Finding("slack app token", State.OK, "opens a socket")


async def check_registration(
    client: AsyncWebClient, config_token: str | None, app_token: str | None, wanted: Mapping[str, Any]
) -> Finding:
    """Compare events, commands and ways in with the manifest `wanted`, where Slack tells them.

    It does so for an app configuration token only: https://docs.slack.dev/reference/methods/apps.manifest.export
    """
    found = _APP_TOKEN.match(app_token or "")
    if config_token is None or found is None:
        events = ", ".join(wanted["settings"]["event_subscriptions"]["bot_events"])
        token = "SLACK_CONFIG_TOKEN" if config_token is None else "SLACK_APP_TOKEN, which names the app"
        return Finding(
            "slack events",
            State.NOTICE,
            f"Not compared without {token}. The app's page “Event Subscriptions” should list: {events}.",
        )
    try:
        answer = await client.apps_manifest_export(app_id=found[1], token=config_token)
    except TROUBLE as error:
        mend = "Make a new one at https://api.slack.com/apps; they live for twelve hours."
        return Finding("slack events", State.WRONG, f"SLACK_CONFIG_TOKEN: {_reason(error)}. {mend}")
    lacking = compare_manifests(wanted, answer.get("manifest") or {})
    if lacking:
        mend = "Paste `homeroom slack manifest` into the app's page “App Manifest”."
        return Finding("slack events", State.WRONG, f"The app lacks {'; '.join(lacking)}. {mend}")
    return Finding("slack events", State.OK, "events, commands and interactivity are as they should be")


def compare_manifests(wanted: Mapping[str, Any], there: Mapping[str, Any]) -> list[str]:
    """Return what the registered manifest lacks of the wanted one, in words."""
    settings, features = there.get("settings") or {}, there.get("features") or {}
    events = (settings.get("event_subscriptions") or {}).get("bot_events") or ()
    commands = [command.get("command") for command in features.get("slash_commands") or ()]
    lacking = [
        f"the event {event}" for event in wanted["settings"]["event_subscriptions"]["bot_events"] if event not in events
    ]
    lacking += [
        f"the command {command['command']}"
        for command in wanted["features"]["slash_commands"]
        if command["command"] not in commands
    ]
    if not (settings.get("interactivity") or {}).get("is_enabled"):
        lacking.append("interactivity")
    home = features.get("app_home") or {}
    if not home.get("home_tab_enabled") or not home.get("messages_tab_enabled"):
        lacking.append("the Home or the Messages tab")
    if wanted["settings"]["socket_mode_enabled"] and not settings.get("socket_mode_enabled"):
        lacking.append("Socket Mode")
    return lacking


def _reason(error: Exception) -> str:
    code = read_failure(error).code
    return _REASONS.get(code, f"Slack answered {code}" if "_" in code else f"Slack can't be reached ({code})")
