"""Installing the app in many workspaces by OAuth, with tokens that nobody can read at rest, and losing them again."""

from __future__ import annotations

import asyncio
import base64
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer, unused_port
from slack_bolt.async_app import AsyncApp
from slack_sdk.oauth.installation_store import Installation
from slack_sdk.web.async_client import AsyncWebClient
from sqlalchemy import select, text
from yarl import URL

from adapters.secrets import Secrets, no_key
from adapters.slack.installations import Installations, SlackApp, admit_own_workspace
from adapters.slack.oauth import InstallStates, install_routes, oauth_settings
from core.audit.models import AuditLog
from core.db import Sessions, create_engine, create_sessions
from core.enums import Platform
from core.errors import InvalidInput, NotFound, Unavailable
from core.identity.models import Workspace
from core.identity.workspaces import find_workspace
from tests.fakes.slack_server import Failure, SlackServer
from tests.surfaces.conftest import Run

OLD, NEW = "the former key and long enough it is", "the present key and long enough it is"
SCOPES = ("chat:write", "users:read", "channels:history")
HALF_A_DAY = 12 * 3600

# slack_sdk sends the app's id and secret by a class that aiohttp will give up.
pytestmark = pytest.mark.filterwarnings("ignore:BasicAuth is deprecated:DeprecationWarning")


@dataclass
class Site:
    """Homeroom as people who install it see it, with a browser of theirs."""

    url: str
    slack: SlackServer
    secrets: Secrets
    sessions: Sessions
    installations: Installations
    bolt: AsyncApp
    browser: aiohttp.ClientSession

    async def get(self, path: str) -> tuple[int, str]:
        async with self.browser.get(URL(f"{self.url}{path}", encoded=True)) as response:
            page = await response.text()
            assert response.content_type == "text/html"
            assert "Traceback" not in page
            return response.status, page

    async def install(self, team: str = "T1") -> str:
        """Go all the way, and return the page at its end."""
        status, page = await self.get(f"/slack/install?team={team}")
        assert status == 200, page
        return page

    async def way_back(self) -> str:
        """Begin, allow it at Slack, and return where Slack sends the browser, without going there."""
        url = URL(f"{self.url}/slack/install")
        for _ in range(2):
            async with self.browser.get(url, allow_redirects=False) as response:
                assert response.status == 302
                url = URL(response.headers["Location"], encoded=True)
        return str(url).removeprefix(self.url)

    async def workspace(self, team: str = "T1") -> Workspace:
        async with self.sessions() as session:
            found = await find_workspace(session, Platform.SLACK, team)
        assert found is not None
        return found

    async def actions(self) -> list[str]:
        async with self.sessions() as session:
            return list(await session.scalars(select(AuditLog.action).order_by(AuditLog.created_at)))

    def another(self, secrets: Secrets) -> Installations:
        """Return the installations as another process sees them."""
        return Installations(self.sessions, secrets, slack_app(self.slack, self.url))


def slack_app(slack: SlackServer, url: str) -> SlackApp:
    return SlackApp(slack.app.client_id, slack.app.client_secret, url, slack.api_url)


@pytest.fixture
async def sessions(new_database: Callable[..., Awaitable[str]]) -> AsyncIterator[Sessions]:
    engine = create_engine(await new_database(migrated=True), pool_size=4)
    yield create_sessions(engine)
    await engine.dispose()


@pytest.fixture
async def site(slack: SlackServer, sessions: Sessions) -> AsyncIterator[Site]:
    port = unused_port()
    url, secrets = f"http://127.0.0.1:{port}", Secrets(lambda: OLD)
    app = slack_app(slack, url)
    installations = Installations(sessions, secrets, app)
    settings = oauth_settings(installations, SCOPES)
    bolt = AsyncApp(
        client=AsyncWebClient(base_url=slack.api_url), signing_secret=slack.signing_secret, oauth_settings=settings
    )
    bolt.enable_token_revocation_listeners()

    async def echo(event: dict[str, Any], client: AsyncWebClient) -> None:
        if not event.get("bot_id"):
            await client.chat_postMessage(channel=event["channel"], text=f"heard {event['text']}")

    bolt.event("message")(echo)
    assert bolt.oauth_flow is not None
    application = web.Application()
    application.add_routes(install_routes(bolt.oauth_flow))
    # Bolt's cookie is for https only; the test's browser takes this server for safe.
    jar = aiohttp.CookieJar(unsafe=True, treat_as_secure_origin=[URL(url)])
    async with TestServer(application, port=port), aiohttp.ClientSession(cookie_jar=jar) as browser:
        yield Site(url, slack, secrets, sessions, installations, bolt, browser)


def an_installation(team: str = "T1", **more: Any) -> Installation:
    return Installation(
        **{"app_id": "A1", "team_id": team, "team_name": "School", "user_id": "U1", "bot_token": f"xoxb-{team}"}
        | {"bot_id": "BBOT", "bot_user_id": "UBOT", "bot_scopes": list(SCOPES)}
        | more
    )


async def test_two_workspaces_install_and_each_is_answered_with_its_own_token(site: Site, run: Run) -> None:
    assert "It is at home in School T1 now" in await site.install("T1")
    assert "It is at home in School T2 now" in await site.install("T2")
    tokens = [await site.installations.token_for(team) for team in ("T1", "T2")]
    assert tokens == [site.slack.team(team).workspace.bot_token for team in ("T1", "T2")]
    assert len(set(tokens)) == 2
    assert await site.actions() == ["workspace.admit", "workspace.admit"]
    second = site.slack.team("T2")
    second.workspace.add_person("U9", name="Zoe")
    second.workspace.add_channel("C9", "U9")
    async with run(site.slack, site.bolt):
        site.slack.people.say("U1", "C1", "one")
        second.say("U9", "C9", "two")
        await site.slack.until(lambda: site.slack.workspace.shown("C1") and second.workspace.shown("C9"))
    assert [post.text for post in site.slack.workspace.shown("C1")] == ["heard one"]
    assert [post.text for post in second.workspace.shown("C9")] == ["heard two"]


async def test_nobody_reads_a_token_in_the_database(site: Site) -> None:
    site.slack.authorisations.rotates = HALF_A_DAY
    await site.install()
    async with site.sessions() as session:
        tables = await session.scalars(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'"))
        dump = b""
        for table in tables.all():
            for row in await session.scalars(text(f'SELECT t::text FROM "{table}" t')):  # bytea as \\x and hex digits
                dump += row.encode() + b"".join(map(bytes.fromhex, re.findall(r"\\+x((?:[0-9a-f]{2})+)", row)))
    assert b"workspace.admit" in dump
    assert b"School T1" in dump
    fernets = re.findall(rb"gAAAA[\w-]+=*", dump)
    assert fernets
    dump += b"".join(map(base64.urlsafe_b64decode, fernets))
    for secret in (b"xoxb", b"xoxe", site.slack.app.client_secret.encode()):
        assert secret not in dump
    # Whoever has the key reads it, in any process; whoever has another is told so.
    assert await site.another(Secrets(lambda: f"{NEW},{OLD}")).token_for("T1") == "xoxb-T1"
    stranger = site.another(Secrets(lambda: NEW))
    with pytest.raises(InvalidInput, match="SECRET_KEY does not fit what is stored"):
        await stranger.token_for("T1")
    with pytest.raises(InvalidInput, match="Set SECRET_KEY"):
        oauth_settings(site.another(Secrets(no_key)), SCOPES)


class TestWhatCanGoWrong:
    async def test_who_cancels_reads_so_and_can_begin_again(self, site: Site) -> None:
        site.slack.authorisations.denies = True
        status, page = await site.get("/slack/install")
        assert (status, "You cancelled the installation" in page, 'href="install"' in page) == (200, True, True)
        site.slack.authorisations.denies = False
        await site.install()

    async def test_the_way_back_is_open_to_the_browser_that_began_and_once(self, site: Site) -> None:
        back = await site.way_back()
        async with aiohttp.ClientSession() as other, other.get(URL(site.url + back, encoded=True)) as response:
            assert response.status == 400
            assert "begun in another browser" in await response.text()
        assert (await site.get(back))[0] == 200
        assert (await site.get(back))[0] == 400  # its cookie is gone
        cookie = {"Cookie": f"slack-app-oauth-state={URL(back, encoded=True).query['state']}"}
        async with (
            aiohttp.ClientSession(headers=cookie) as kept,
            kept.get(URL(site.url + back, encoded=True)) as response,
        ):
            assert response.status == 401
            assert "finished already" in await response.text()
        assert await site.actions() == ["workspace.admit"]

    @pytest.mark.parametrize(
        "query", ["", "?code=x", "?error=%3Cscript%3E", "?state=%FF&code=%00", "?state=a.b&code=x"]
    )
    async def test_addresses_that_somebody_made_up_get_a_page(self, site: Site, query: str) -> None:
        status, page = await site.get(f"/slack/oauth_redirect{query}")
        assert status in (200, 400)
        assert "was not installed" in page
        assert "script" not in page

    @pytest.mark.parametrize(
        ("method", "failure", "status"),
        [
            ("oauth.v2.access", Failure(500), 503),
            ("oauth.v2.access", Failure(error="invalid_code"), 401),
            ("auth.test", Failure(error="fatal_error"), 401),
        ],
    )
    async def test_slack_fails(self, site: Site, method: str, failure: Failure, status: int) -> None:
        site.slack.fail(method, failure)
        answered, page = await site.get("/slack/install")
        assert "was not installed" in page
        assert answered in (status, 401)
        assert await site.actions() == []

    async def test_a_whole_organisation_is_refused(self, site: Site) -> None:
        site.slack.authorisations.organisation = True
        status, page = await site.get("/slack/install")
        assert status == 400
        assert "one workspace at a time, not in a whole organisation" in page
        assert await site.actions() == []

    async def test_names_are_shown_as_they_are_written(self, site: Site) -> None:
        flow = site.bolt.oauth_flow
        assert flow is not None
        assert flow.settings.callback_options is not None

        async def named(code: str) -> Installation:
            return an_installation(team_name="<b>School</b> & Co")

        flow.run_installation = named  # type: ignore[method-assign]  # the local Slack's names are plain
        assert "&lt;b&gt;School&lt;/b&gt; &amp; Co" in await site.install()


async def test_a_state_expires_and_is_taken_once() -> None:
    now = [1000.0]
    secrets = Secrets(lambda: OLD, clock=lambda: now[0])
    states = InstallStates(secrets)
    one, other, late = [await states.async_issue() for _ in range(3)]
    assert [await states.async_consume(each) for each in (one, one, other, other)] == [True, False, True, False]
    assert not await states.async_consume(secrets.seal("source page", "x", timedelta(minutes=1)))
    now[0] += 600
    assert not await states.async_consume(late)


class TestLeaving:
    async def test_an_app_that_is_uninstalled_forgets_its_token_and_comes_back(self, site: Site, run: Run) -> None:
        await site.install()
        async with run(site.slack, site.bolt):
            for delivery in site.slack.people.uninstall():
                await delivery.done()
            await until_revoked(site)
        gone = await site.workspace()
        assert gone.installation is None
        with pytest.raises(NotFound, match="not installed in this Slack workspace"):
            await site.installations.token_for("T1")
        assert (await site.actions()).count("workspace.revoke") == 1
        await site.install()
        assert (await site.workspace()).id == gone.id
        assert await site.installations.token_for("T1") == site.slack.workspace.bot_token != "xoxb-T1"
        # What Slack repeats of the former installation does not end the new one.
        await site.installations.async_delete_all(enterprise_id=None, team_id="T1")
        assert (await site.workspace()).revoked_at is None

    async def test_an_app_that_comes_back_while_a_notice_is_looked_into_stays(
        self, site: Site, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        await site.install()

        async def works(_: Installation) -> bool:
            await site.install()
            return False

        monkeypatch.setattr(site.installations, "_works", works)
        await site.installations.async_delete_all(enterprise_id=None, team_id="T1")
        assert (await site.workspace()).revoked_at is None
        assert await site.installations.token_for("T1") == site.slack.workspace.bot_token

    async def test_a_revoked_bot_token_is_the_end_and_a_persons_is_not(self, site: Site, run: Run) -> None:
        await site.install()
        async with run(site.slack, site.bolt):
            persons = site.slack.people.emit({"type": "tokens_revoked", "tokens": {"oauth": ["U1"], "bot": []}})
            assert persons is not None
            await persons.done()
            assert await site.installations.token_for("T1") == "xoxb-T1"
            bots = site.slack.people.revoke_token()
            assert bots is not None
            await bots.done()
            await until_revoked(site)

    async def test_a_notice_that_cannot_be_checked_is_no_reason_yet(self, site: Site) -> None:
        await site.install()
        site.slack.fail("auth.test", Failure(500))
        with pytest.raises(Unavailable):
            await site.installations.async_delete_all(enterprise_id=None, team_id="T1")
        assert (await site.workspace()).revoked_at is None
        # A token that nobody can read is no loss.
        await site.another(Secrets(lambda: NEW)).async_delete_all(enterprise_id=None, team_id="T1")
        assert (await site.workspace()).revoked_at is not None


async def until_revoked(site: Site) -> None:
    """Wait for a listener that bolt runs after it has acknowledged."""
    async with asyncio.timeout(10):
        while (await site.workspace()).revoked_at is None:  # noqa: ASYNC110  (only the database knows)
            await asyncio.sleep(0)


class TestRotatingTokens:
    async def test_a_token_is_renewed_before_its_end_once(self, site: Site) -> None:
        site.slack.authorisations.rotates = HALF_A_DAY
        await site.install()
        assert await site.installations.token_for("T1") == "xoxb-T1"
        kept = await site.installations.async_find_installation(enterprise_id=None, team_id="T1")
        assert kept is not None
        assert kept.bot_token_expires_at is not None
        kept.bot_token_expires_at -= HALF_A_DAY + 60  # a minute ago
        await site.installations.async_save(kept)
        processes = [site.another(site.secrets) for _ in range(3)]
        await asyncio.gather(*(site.workspace() for _ in processes))  # connected already: they are at it at once
        site.slack.answer_delay = 0.1
        tokens = await asyncio.gather(*(each.token_for("T1") for each in processes))
        assert set(tokens) == {site.slack.workspace.bot_token} == {"xoxe.xoxb-T1-2"}
        renewed = await site.installations.async_find_installation(enterprise_id=None, team_id="T1")
        assert renewed is not None
        assert renewed.bot_refresh_token not in (None, kept.bot_refresh_token)
        assert ("oauth.v2.access", "invalid_refresh_token") not in site.slack.refusals
        assert await site.actions() == ["workspace.admit", "workspace.refresh", "workspace.refresh"]

    async def test_while_slack_is_away_a_token_serves_to_its_end(self, site: Site) -> None:
        site.slack.authorisations.rotates = 3600
        site.slack.fail("oauth.v2.access", Failure(error="internal_error"), Failure(500), Failure(error="fatal_error"))
        soon = an_installation(bot_refresh_token="xoxe-1-x", bot_token_expires_in=3600)
        await site.installations.async_save(soon)
        # One try, and no other for a while.
        assert [await site.installations.token_for("T1") for _ in range(3)] == ["xoxb-T1"] * 3
        over = an_installation(bot_refresh_token="xoxe-1-x", bot_token_expires_in=-1)
        await site.installations.async_save(over)
        for _ in range(2):
            with pytest.raises(Unavailable, match="install the app again"):
                await site.installations.token_for("T1")
        with pytest.raises(Unavailable, match="install the app again"):  # the failures are over: the token is wrong
            await site.installations.token_for("T1")
        assert site.slack.refusals == [("oauth.v2.access", "invalid_refresh_token")]


class TestOneWorkspace:
    async def test_the_workspace_of_a_configured_token_is_ours_without_the_token(
        self, slack: SlackServer, sessions: Sessions
    ) -> None:
        client = AsyncWebClient(token=slack.bot_token, base_url=slack.api_url)
        workspace = await admit_own_workspace(client, sessions)
        assert (workspace.external_id, workspace.name, workspace.installation) == ("T1", "School", None)
        assert (await admit_own_workspace(client, sessions)).id == workspace.id
        async with sessions() as session:
            assert list(await session.scalars(select(AuditLog.action))) == ["workspace.admit"]

    async def test_a_token_that_slack_refuses_is_the_operators_to_mend(
        self, slack: SlackServer, sessions: Sessions
    ) -> None:
        with pytest.raises(Unavailable, match="no longer accepts Homeroom's token"):
            await admit_own_workspace(AsyncWebClient(token="xoxb-none", base_url=slack.api_url), sessions)
        slack.workspace.bot_id = ""
        with pytest.raises(InvalidInput, match="begins with xoxb-"):
            await admit_own_workspace(AsyncWebClient(token=slack.bot_token, base_url=slack.api_url), sessions)
