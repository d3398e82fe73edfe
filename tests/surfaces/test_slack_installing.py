"""The app comes into workspaces by OAuth and leaves them again; its tokens and its manifest."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, urlsplit

import aiohttp
import pytest
from slack_bolt.async_app import AsyncApp, AsyncBoltRequest
from slack_bolt.oauth.async_oauth_settings import AsyncOAuthSettings
from slack_sdk.oauth.installation_store import FileInstallationStore
from slack_sdk.oauth.state_store import FileOAuthStateStore
from slack_sdk.web.async_client import AsyncWebClient

from tests.fakes.slack_server import SlackServer, slack_server
from tests.surfaces.conftest import Run
from tests.surfaces.echo import Clock, client, code

# slack_sdk sends the client's secret with what aiohttp is about to drop.
pytestmark = pytest.mark.filterwarnings("ignore:BasicAuth is deprecated:DeprecationWarning")


def redeem(slack: SlackServer, given: str, **more: Any) -> Any:
    keys = {"client_id": slack.app.client_id, "client_secret": slack.app.client_secret} | more
    return AsyncWebClient(base_url=slack.api_url).oauth_v2_access(code=given, **keys)


async def test_a_code_is_worth_a_token_once(slack: SlackServer) -> None:
    given = slack.authorise("T2", user="U7", scopes=("chat:write", "users:read"))
    assert await code(redeem(slack, given, client_secret="wrong")) == "bad_client_secret"
    assert await code(redeem(slack, given, client_id="wrong")) == "invalid_client_id"
    installed = await redeem(slack, given)
    assert (installed["token_type"], installed["team"]["id"], installed["bot_user_id"]) == ("bot", "T2", "UBOT")
    assert (installed["scope"], installed["authed_user"]["id"]) == ("chat:write,users:read", "U7")
    assert await code(redeem(slack, given)) == "invalid_code"
    web = client(slack, installed["access_token"])
    tested = await web.auth_test()
    assert (tested["team_id"], tested.headers["x-oauth-scopes"]) == ("T2", "chat:write,users:read")
    assert await code(web.conversations_open(users="U1")) == "missing_scope"
    assert (await client(slack).auth_test()).headers["x-oauth-scopes"] == ",".join(sorted(slack.scopes))
    bound = slack.authorise("T3", redirect_uri="https://h.test/back")
    assert await code(redeem(slack, bound, redirect_uri="https://evil.test/")) == "bad_redirect_uri"


async def test_a_code_is_good_for_ten_minutes() -> None:
    clock = Clock()
    async with slack_server(clock=clock) as slack:
        given = slack.authorise("T2")
        clock.now += 601
        assert await code(redeem(slack, given)) == "invalid_code"


async def test_a_token_that_rotates_ends_and_is_exchanged_once() -> None:
    clock = Clock()
    async with slack_server(clock=clock) as slack:
        slack.authorisations.rotates = 3_600
        installed = await redeem(slack, slack.authorise("T1"))
        assert installed["expires_in"] == 3_600
        clock.now += 3_601
        assert await code(client(slack, installed["access_token"]).auth_test()) == "token_expired"
        rotation = {"grant_type": "refresh_token", "refresh_token": installed["refresh_token"]}
        renewed = await redeem(slack, "", **rotation)
        assert (await client(slack, renewed["access_token"]).auth_test())["team_id"] == "T1"
        assert await code(redeem(slack, "", **rotation)) == "invalid_refresh_token"


async def test_bolts_own_flow_installs_into_several_workspaces(slack: SlackServer, tmp_path: Any) -> None:
    store = FileInstallationStore(base_dir=str(tmp_path / "installed"))
    settings = AsyncOAuthSettings(
        client_id=slack.app.client_id,
        client_secret=slack.app.client_secret,
        scopes=["chat:write"],
        redirect_uri="https://h.test/slack/oauth_redirect",
        authorization_url=f"{slack.origin}oauth/v2/authorize",
        installation_store=store,
        state_store=FileOAuthStateStore(expiration_seconds=60, base_dir=str(tmp_path / "states")),
        state_validation_enabled=False,
    )
    app = AsyncApp(signing_secret=slack.signing_secret, oauth_settings=settings, client=client(slack, ""))
    flow = app.oauth_flow
    assert flow is not None

    async def allow(session: aiohttp.ClientSession, team: str) -> dict[str, str]:
        url = await flow.build_authorize_url("a state", AsyncBoltRequest(body="", query={"team": team}))
        async with session.get(url, allow_redirects=False) as page:
            assert page.status == 302
            return dict(parse_qsl(urlsplit(page.headers["Location"]).query))

    async with aiohttp.ClientSession() as session:
        for team in ("T2", "T3"):
            back = await allow(session, team)
            assert back["state"] == "a state"
            done = await flow.handle_callback(AsyncBoltRequest(body="", query=back))
            assert done.status == 200
            again = await flow.handle_callback(AsyncBoltRequest(body="", query=back))
            assert again.status == 401
        slack.authorisations.denies = True
        assert (await allow(session, "T4"))["error"] == "access_denied"
        async with session.get(f"{slack.origin}oauth/v2/authorize?client_id=wrong") as page:
            assert page.status == 400
    for team in ("T2", "T3"):
        found = await store.async_find_bot(enterprise_id=None, team_id=team)
        assert found is not None
        assert (await client(slack, found.bot_token).auth_test())["team_id"] == team


async def test_an_uninstalled_app_is_told_and_locked_out(slack: SlackServer, run: Run) -> None:
    app = AsyncApp(client=client(slack), signing_secret=slack.signing_secret)
    heard: list[dict[str, Any]] = []

    async def hear(body: dict[str, Any]) -> None:
        heard.append(body)

    async def ignore() -> None:
        return

    app.event("message")(ignore)
    app.event("tokens_revoked")(hear)
    app.event("app_uninstalled")(hear)
    async with run(slack, app):
        # Bolt looks its token up at its first event and remembers what it found.
        await slack.people.say("U1", "C1", "hello").done()
        for delivery in slack.people.uninstall():
            await delivery.done()
        await slack.until(lambda: len(heard) == 2)
    events = {body["event"]["type"]: body for body in heard}
    assert events["tokens_revoked"]["event"]["tokens"] == {"oauth": [], "bot": ["UBOT"]}
    assert events["app_uninstalled"]["team_id"] == "T1"
    old = slack.bot_token
    assert await code(client(slack, old).auth_test()) == "account_inactive"
    assert slack.people.say("U1", "C1", "hello").deliveries == ()
    installed = await redeem(slack, slack.authorise("T1"))
    assert installed["access_token"] != old
    assert (await client(slack).auth_test())["ok"]
    assert await code(client(slack, old).auth_test()) == "token_revoked"
    assert slack.people.say("U1", "C1", "hello").deliveries


async def test_the_app_can_take_itself_out(slack: SlackServer) -> None:
    web, keys = client(slack), {"client_id": slack.app.client_id, "client_secret": slack.app.client_secret}
    assert await code(web.apps_uninstall(client_id="wrong", client_secret="wrong")) == "invalid_client_id"
    assert (await web.auth_revoke(test=True))["revoked"] is False
    await web.apps_uninstall(**keys)
    assert await code(web.auth_test()) == "account_inactive"
    kinds = [sent.payload["event"]["type"] for sent in slack.courier.sent]
    assert kinds == ["tokens_revoked", "app_uninstalled"]


async def test_a_revoked_token_is_told_without_an_uninstall(slack: SlackServer) -> None:
    slack.people.revoke_token()
    assert await code(client(slack).auth_test()) == "token_revoked"
    assert [sent.payload["event"]["type"] for sent in slack.courier.sent] == ["tokens_revoked"]


async def test_a_manifest_is_for_the_configuration_token(slack: SlackServer) -> None:
    slack.app.manifest = {"display_information": {"name": "Homeroom"}}
    web = client(slack, slack.app.config_token)
    exported = await web.apps_manifest_export(app_id="A1")
    assert exported["manifest"] == slack.app.manifest
    assert await code(web.apps_manifest_export(app_id="A2")) == "app_not_found"
    assert await code(web.apps_manifest_export(app_id="1")) == "invalid_app_id"
    assert await code(client(slack).apps_manifest_export(app_id="A1")) == "not_allowed_token_type"
    assert await code(client(slack, "xoxe.xoxp-1-old").apps_manifest_export(app_id="A1")) == "invalid_auth"
