"""The manifest follows from what is listened to, called and offered; nothing is written down twice unchecked."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from slack_sdk.web.async_client import AsyncWebClient
from typer.testing import CliRunner

import adapters.slack
from adapters.slack.check import compare_manifests
from adapters.slack.listen import HEARD, LEFT, SUBSCRIPTIONS, build_bolt_app
from adapters.slack.manifest import SlashCommand, make_manifest
from adapters.slack.receive import receive_event
from adapters.slack.scopes import EVENT_SCOPES, METHOD_SCOPES, SCOPES
from bot.cli import app as cli
from bot.commands import COMMANDS
from bot.console.slack import slash_commands
from core.errors import InvalidInput
from core.ports import Responder
from tests.fakes.slack import conversation_methods
from tests.fakes.slack_server import METHODS

# What one call of the SDK's makes of itself, where it is several methods or goes through a name of its own.
SEVERAL = {"files_upload_v2": ("files.getUploadURLExternal", "files.completeUploadExternal")}
# Called on every platform by what is not ours: bolt's and the SDK's own code.
BY_THE_SDK = {"apps.connections.open"}


def methods_called() -> set[str]:
    """Return every method of the Web API that a file of the room calls, by the SDK's names or by Slack's."""
    called = set(BY_THE_SDK)
    for path in Path(str(adapters.slack.__path__[0])).glob("*.py"):
        source = path.read_text()
        for name in re.findall(r"\.([a-z]+_\w+)\b", source):
            if hasattr(AsyncWebClient, name) and name not in ("api_call", "oauth_v2_access"):
                called |= set(SEVERAL.get(name, (name.replace("_", "."),)))
        called |= set(re.findall(r"api_call\(\s*\"([\w.]+)\"", source))
    return called


def test_every_method_called_has_its_scopes_listed_and_no_other() -> None:
    assert methods_called() == set(METHOD_SCOPES)


def test_the_scopes_are_those_that_slack_asks_for() -> None:
    for method, scopes in METHOD_SCOPES.items():
        if method.startswith("conversations.") and method != "conversations.open":
            assert set(scopes) <= conversation_methods.SCOPES
            assert len(scopes) == 4
        elif method in METHODS:
            needed = METHODS[method][1]
            assert needed is None or needed in scopes, method
    assert {"commands", "users:read.email", "files:read", "app_mentions:read"} <= set(SCOPES)
    assert not {scope for scope in SCOPES if scope.endswith((":join", ":manage", "admin"))}


async def unopened(*_: object) -> Responder:
    raise AssertionError("nothing is answered here")


class Nobody:
    async def accept(self, *_: Any) -> bool:
        raise AssertionError("nothing is sent here")


def test_every_subscribed_event_is_heard_and_every_heard_one_subscribed() -> None:
    app = build_bolt_app(Nobody(), unopened, commands=(), token="xoxb-1")
    manifest = make_manifest([])
    subscribed = manifest["settings"]["event_subscriptions"]["bot_events"]
    assert sorted(subscribed) == sorted(SUBSCRIPTIONS) == sorted(EVENT_SCOPES)
    assert {name.partition(".")[0] for name in subscribed} == {*HEARD, *LEFT}
    # One listener each, and those for commands, actions and views.
    assert len(app._async_listeners) == len(HEARD) + len(LEFT) + 2
    # What nobody reads need not be sent.
    common = {"user": "U1", "channel": "D1", "ts": "1.1", "event_ts": "1.1", "tab": "home", "text": "why?"}
    item = {"item": {"type": "message", "channel": "C1", "ts": "1.1"}}
    for name in HEARD:
        assert receive_event({"team_id": "T1", "event": {"type": name, **common, **item}}) is not None, name


def test_every_event_and_command_brings_its_scope() -> None:
    granted = set(SCOPES)
    assert all(set(scopes) <= granted for scopes in EVENT_SCOPES.values())
    assert make_manifest([])["oauth_config"]["scopes"]["bot"] == list(SCOPES)


def test_the_manifest_offers_the_registry_under_its_prefix() -> None:
    offered = make_manifest(slash_commands("hr-"))["features"]["slash_commands"]
    assert [command["command"] for command in offered] == [f"/hr-{name}" for name in COMMANDS]
    assert all(command["description"] and "url" not in command for command in offered)
    (ask,) = [command for command in offered if command["command"] == "/hr-ask"]
    assert ask["usage_hint"].startswith("<question>")


def test_one_manifest_is_for_sockets_the_other_for_http() -> None:
    socket, http = (
        make_manifest([SlashCommand("ask", "Ask")]),
        make_manifest([SlashCommand("ask", "Ask")], url="https://x.org/"),
    )
    assert socket["settings"]["socket_mode_enabled"] is True
    assert "request_url" not in json.dumps(socket)
    assert http["settings"]["socket_mode_enabled"] is False
    assert http["settings"]["interactivity"] == {"is_enabled": True, "request_url": "https://x.org/slack/events"}
    assert http["settings"]["event_subscriptions"]["request_url"] == "https://x.org/slack/events"
    assert http["features"]["slash_commands"][0]["url"] == "https://x.org/slack/events"
    assert http["oauth_config"]["redirect_urls"] == ["https://x.org/slack/oauth_redirect"]


@pytest.mark.parametrize("more", [{"name": "x" * 36}, {"name": " "}, {"url": "http://x.org"}])
def test_what_slack_would_not_take_is_refused(more: dict[str, str]) -> None:
    with pytest.raises(InvalidInput):
        make_manifest([], **more)
    with pytest.raises(InvalidInput):
        make_manifest([SlashCommand("x" * 32, "Too long")])


def test_a_registered_app_lacks_what_was_added_since() -> None:
    wanted = make_manifest([SlashCommand("ask", "Ask"), SlashCommand("link", "Link")])
    assert compare_manifests(wanted, wanted) == []
    there = make_manifest([SlashCommand("ask", "Ask")], url="https://x.org")
    there["settings"]["event_subscriptions"]["bot_events"].remove("reaction_removed")
    there["features"]["app_home"]["home_tab_enabled"] = False
    assert compare_manifests(wanted, there) == [
        "the event reaction_removed",
        "the command /link",
        "the Home or the Messages tab",
        "Socket Mode",
    ]
    assert "interactivity" in compare_manifests(wanted, {})


def test_the_command_prints_json_and_nothing_else() -> None:
    said = CliRunner().invoke(cli, ["slack", "manifest", "--name", "Class bot"])
    assert said.exit_code == 0
    assert json.loads(said.stdout)["display_information"]["name"] == "Class bot"
