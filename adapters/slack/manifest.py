"""The app's manifest: all that Slack has to know, from what this version listens to, calls and offers.

https://docs.slack.dev/reference/app-manifest
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from adapters.slack.listen import SUBSCRIPTIONS
from adapters.slack.oauth import REDIRECT_PATH
from adapters.slack.scopes import SCOPES
from adapters.slack.transports import EVENTS_PATH
from core.errors import InvalidInput

NAME = "Homeroom"
_NAME_LENGTH, _HELP_LENGTH, _HINT_LENGTH, _COMMAND_LENGTH, _COMMANDS = 35, 2_000, 1_000, 32, 50
_DESCRIPTION = "Answers from your class's own material, with the page they come from."
_WELCOME = "Ask me about your class. I answer from its material and say where each answer comes from."


@dataclass(frozen=True, slots=True)
class SlashCommand:
    """A slash command as Slack lists it: its name without the slash, what it does, and what may follow it."""

    name: str
    help: str
    hint: str = ""


def make_manifest(commands: Sequence[SlashCommand], *, url: str | None = None, name: str = NAME) -> dict[str, Any]:
    """Return the manifest, for HTTP where `url` says where Slack reaches us, else for Socket Mode.

    Raises `InvalidInput` for a name or URL that Slack would not take, and for more commands than it allows.
    """
    if not 1 <= len(name.strip()) <= _NAME_LENGTH:
        raise InvalidInput(f"Slack wants a name of at most {_NAME_LENGTH} characters.")
    if url is not None and not url.startswith("https://"):
        raise InvalidInput("Slack posts to https:// only. Without --url the manifest is for Socket Mode.")
    if len(commands) > _COMMANDS or any(len(command.name) >= _COMMAND_LENGTH for command in commands):
        raise InvalidInput(f"Slack takes {_COMMANDS} commands of at most {_COMMAND_LENGTH} characters.")
    root = url.rstrip("/") if url is not None else None
    posted = {"request_url": root + EVENTS_PATH} if root is not None else {}
    oauth: dict[str, Any] = {"scopes": {"bot": list(SCOPES)}}
    if root is not None:
        oauth["redirect_urls"] = [root + REDIRECT_PATH]
    return {
        "_metadata": {"major_version": 1, "minor_version": 1},
        "display_information": {"name": name.strip(), "description": _DESCRIPTION},
        "features": {
            "app_home": {
                "home_tab_enabled": True,
                "messages_tab_enabled": True,
                "messages_tab_read_only_enabled": False,
            },
            "agent_view": {"agent_description": _WELCOME, "suggested_prompts": []},  # set when the tab is opened
            "bot_user": {"display_name": name.strip(), "always_online": True},
            "slash_commands": [_command(command, root) for command in commands],
        },
        "oauth_config": oauth,
        "settings": {
            "event_subscriptions": {**posted, "bot_events": sorted(SUBSCRIPTIONS)},
            "interactivity": {"is_enabled": True, **posted},
            "org_deploy_enabled": False,
            "socket_mode_enabled": root is None,
            "token_rotation_enabled": False,
        },
    }


def _command(command: SlashCommand, root: str | None) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "command": f"/{command.name}",
        "description": command.help[:_HELP_LENGTH],
        "should_escape": False,
    }
    if command.hint:
        entry["usage_hint"] = command.hint[:_HINT_LENGTH]
    if root is not None:
        entry["url"] = root + EVENTS_PATH
    return entry
