"""`homeroom doctor` against the local Slack: what is right, what is missing and how to mend it."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from aiohttp.test_utils import unused_port
from slack_sdk.web.async_client import AsyncWebClient
from typer.testing import CliRunner

from adapters.finding import Finding, State
from adapters.slack.check import check_bot
from adapters.slack.manifest import make_manifest
from adapters.slack.scopes import SCOPES
from bot.cli import app as cli
from bot.console.doctor import examine
from bot.console.slack import slash_commands
from bot.settings import read_settings
from tests.fakes.slack_server import SlackServer

APP_TOKEN = "xapp-1-A1-42-abc"


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)  # no .env
    for name in ("SECRET_KEY", "PUBLIC_URL", "OPENAI_API_KEY", "OPENAI_BASE_URL", "SLACK_MODE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOMEROOM_HOME", str(tmp_path))
    monkeypatch.setenv("DATABASE_URL", f"postgresql://nobody@127.0.0.1:{unused_port()}/none")


@pytest.fixture
def configured(slack: SlackServer, monkeypatch: pytest.MonkeyPatch) -> SlackServer:
    slack.app_token = APP_TOKEN
    slack.workspace.scopes = frozenset(SCOPES)
    slack.app.manifest = make_manifest(slash_commands(""))
    monkeypatch.setenv("SLACK_API_URL", slack.api_url)
    monkeypatch.setenv("SLACK_BOT_TOKEN", slack.bot_token)
    monkeypatch.setenv("SLACK_APP_TOKEN", APP_TOKEN)
    monkeypatch.setenv("SLACK_CONFIG_TOKEN", slack.app.config_token)
    return slack


async def found() -> dict[str, Finding]:
    return {finding.check: finding for finding in await examine(read_settings())}


async def test_a_slack_that_is_as_it_should_be(configured: SlackServer) -> None:
    slack = {name: finding for name, finding in (await found()).items() if name.startswith("slack")}
    assert set(slack) == {"slack bot token", "slack scopes", "slack app token", "slack events"}
    assert {finding.state for finding in slack.values()} == {State.OK}, slack
    assert slack["slack bot token"].says == "@homeroom in School (T1)"


async def test_what_slack_lacks_is_named(configured: SlackServer) -> None:
    configured.workspace.scopes = frozenset(SCOPES) - {"reactions:read", "commands"}
    configured.app.manifest["settings"]["event_subscriptions"]["bot_events"].remove("message.im")
    slack = await found()
    assert slack["slack scopes"].state is State.WRONG
    assert slack["slack scopes"].says.startswith("Missing: commands, reactions:read. ")
    assert slack["slack events"].state is State.WRONG
    assert slack["slack events"].says.startswith("The app lacks the event message.im. ")


async def test_tokens_that_do_not_work_are_told_apart(configured: SlackServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-another")
    monkeypatch.setenv("SLACK_APP_TOKEN", "xapp-another")
    slack = await found()
    assert "SLACK_BOT_TOKEN: Slack does not know this token." in slack["slack bot token"].says
    assert "SLACK_APP_TOKEN: Slack does not know this token." in slack["slack app token"].says
    assert "slack scopes" not in slack
    assert slack["slack events"].state is State.NOTICE
    away = AsyncWebClient("xoxb-1", base_url=f"http://127.0.0.1:{unused_port()}/api/")
    (unreachable,) = await check_bot(away)
    assert "Slack can't be reached" in unreachable.says


async def test_without_a_configuration_token_it_says_what_to_look_at(
    configured: SlackServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SLACK_CONFIG_TOKEN")
    events = (await found())["slack events"]
    assert events.state is State.NOTICE
    assert "app_mention" in events.says
    assert "message.channels" in events.says


async def test_http_needs_a_signing_secret_and_an_address(
    configured: SlackServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLACK_MODE", "http")
    slack = await found()
    assert slack["slack signing secret"].state is State.WRONG
    assert slack["public url"].state is State.WRONG
    assert "slack app token" not in slack
    monkeypatch.setenv("SLACK_SIGNING_SECRET", "s")
    monkeypatch.setenv("PUBLIC_URL", "https://homeroom.test")
    slack = await found()
    assert slack["slack signing secret"].state is State.OK
    assert slack["public url"].state is State.OK
    assert slack["secret key"].state is State.WRONG  # links are sealed with it


async def test_a_database_at_hand_and_one_that_is_away(
    monkeypatch: pytest.MonkeyPatch, database_url: str, tmp_path: Path
) -> None:
    away = await found()
    assert away["database"].state is State.WRONG
    assert away["storage"].state is State.OK
    assert (away["secret key"].state, away["model"].state, away["slack"].state) == (State.NOTICE,) * 3
    monkeypatch.setenv("DATABASE_URL", database_url)
    here = await found()
    assert [here[name].state for name in ("database", "schema", "extensions")] == [State.OK] * 3
    monkeypatch.setenv("STORAGE_URL", (tmp_path / "file" / "x").as_uri())
    (tmp_path / "file").write_text("no folder")
    assert (await found())["storage"].state is State.WRONG


@pytest.fixture
def own_log() -> Iterator[None]:
    """Take back what a command does to the process's log."""
    ours, root = structlog.get_config(), logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    structlog.configure(**ours)
    root.handlers[:], root.level = handlers, level


@pytest.mark.usefixtures("own_log")
def test_it_exits_with_one_where_something_is_wrong() -> None:
    said = CliRunner().invoke(cli, ["doctor", "--json"])
    assert said.exit_code == 1
    states = {finding["check"]: finding["state"] for finding in json.loads(said.stdout)}
    assert (states["settings"], states["database"]) == ("ok", "wrong")


def test_a_setting_that_can_not_be_read_is_the_only_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLACK_MODE", "pigeon")
    said = CliRunner().invoke(cli, ["doctor"])
    assert said.exit_code == 1
    assert said.stdout.startswith("WRONG   settings: The setting SLACK_MODE is wrong")
    assert len(said.stdout.splitlines()) == 1


async def test_several_workspaces_over_a_socket_could_not_install_the_app(
    configured: SlackServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SLACK_BOT_TOKEN")
    for name, value in {"SLACK_CLIENT_ID": "1.1", "SLACK_CLIENT_SECRET": "s", "PUBLIC_URL": "https://h.test"}.items():
        monkeypatch.setenv(name, value)
    said = (await found())["slack installation"]
    assert said.state is State.WRONG
    assert "SLACK_MODE=http" in said.says
    monkeypatch.setenv("SLACK_MODE", "http")
    assert (await found())["slack installation"].state is State.OK
