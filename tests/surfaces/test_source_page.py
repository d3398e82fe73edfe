"""The web process as a browser meets it: source pages, files, health."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import html
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast
from uuid import UUID, uuid4

import pytest
from aiohttp import ClientConnectionError, ClientResponse, web
from aiohttp.test_utils import TestClient, TestServer, unused_port
from sqlalchemy import func, update
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from adapters.models.extractive import ExtractiveChat
from adapters.models.lexical import LexicalEmbedder
from adapters.queue import PostgresQueue
from adapters.secrets import Secrets, no_key
from adapters.storage import open_storage
from bot.app import App
from bot.following import Following
from bot.settings import Settings
from bot.web.app import make_web, run_web
from bot.web.files import disposition
from bot.web.links import FILE, LIFETIME, PAGE, Link, seal, source_link
from core.answering.answer import Answering
from core.classes.models import ClassMembership
from core.db import Sessions, create_engine, create_sessions
from core.documents import Chunk, Locator
from core.errors import InvalidInput
from core.materials.files import MEDIA_TYPES
from core.materials.process import Pipeline
from core.ports import DocumentReader
from tests import factories as make
from tests.cited import QUOTE, Shelf, shelve, write

ADDRESS = "https://class.example.org"
EVIL = '<script>alert(1)</script><img src=x onerror="alert(2)">'
PDF = b"%PDF-1.7 the whole moon"


async def _read_nothing(_: object) -> object:
    raise AssertionError("no page reads a file again")


@pytest.fixture
def app(engine: AsyncEngine, sessions: Sessions, tmp_path: Path) -> App:
    secrets = Secrets(lambda: "a-key-for-tests-alone-and-long-enough")
    embedder = LexicalEmbedder()
    reader = cast("DocumentReader", _read_nothing)
    return App(
        settings=Settings(public_url=f"{ADDRESS}/", port=unused_port()),
        listen_url="",
        engine=engine,
        sessions=sessions,
        answering=Answering(sessions, (ExtractiveChat(),), embedder),
        pipeline=Pipeline(sessions, open_storage(tmp_path.as_uri()), reader, embedder, PostgresQueue()),
        secrets=secrets,
        following=Following(sessions),
    )


@dataclass(frozen=True)
class Browser:
    app: App
    client: TestClient[web.Request, web.Application]

    async def follow(self, address: str | None) -> ClientResponse:
        assert address is not None
        assert address.startswith(f"{ADDRESS}/source/")
        return await self.client.get(address.removeprefix(ADDRESS).partition("#")[0])

    def link(self, shelf: Shelf, viewer_id: UUID | None) -> str:
        address = source_link(self.app.settings, self.app.secrets, shelf.cited.id, viewer_id, shelf.answer_id)
        assert address
        return address

    async def read(self, shelf: Shelf) -> ClientResponse:
        return await self.follow(self.link(shelf, shelf.student.id))


@pytest.fixture
async def browser(app: App) -> AsyncIterator[Browser]:
    async with TestClient(TestServer(make_web(app))) as client:
        yield Browser(app, client)


def file_link(page: str) -> str:
    found = re.search(r'href="\.\.(/file/[^"]*)"', page)
    assert found
    return found.group(1).partition("#")[0]


async def assert_shut(response: ClientResponse) -> str:
    """Check that a page says nothing of any material, and return what it says."""
    page = await response.text()
    assert response.status == 404
    assert response.headers["Cache-Control"] == "private, no-store"
    for secret in ("Moon notes", "Tides", "bulges", "Astronomy", "moon.pdf"):
        assert secret not in page
    found = re.search(r"<main.*</h1>\s*<p>(.*?)</p>", page, re.DOTALL)
    assert found
    return html.unescape(found.group(1))


async def test_a_citation_opens_its_page_with_the_file_one_click_away(browser: Browser, session: AsyncSession) -> None:
    shelf = await shelve(session)
    revision = await make.published_revision(session, shelf.material)
    await browser.app.pipeline.storage.put(revision.storage_key, PDF)
    address = browser.link(shelf, shelf.student.id)
    assert address
    assert address.endswith("#cited")
    response = await browser.follow(address)
    page = await response.text()
    assert response.status == 200
    assert response.headers["Referrer-Policy"] == "no-referrer"
    assert response.headers["X-Robots-Tag"] == "noindex, nofollow"
    assert f'<mark class="quote" id="cited">{QUOTE}</mark>' in page
    assert page.count('id="cited"') == 1
    assert "Tides follow the Moon. <mark>Two bulges form. </mark>" in page
    assert "replaced" not in page
    assert 'href="../file/' in page
    assert '#page=2"' in page
    assert "<script" not in page
    assert not re.search(r'(?:src|href)="(?:https?:)?//', page)

    file = await browser.client.get(file_link(page))
    assert await file.read() == PDF
    assert file.headers["Content-Type"] == "application/pdf"
    assert file.headers["Content-Disposition"].startswith('inline; filename="moon.pdf"')
    assert file.headers["X-Content-Type-Options"] == "nosniff"
    assert "Server" not in file.headers

    onward = re.search(r'rel="next" href="([\w-]+)"', page)
    assert onward
    after = await (await browser.client.get(f"/source/{onward.group(1)}")).text()
    assert "the Moon turns red" in after
    assert "<mark" not in after


async def test_the_policy_allows_the_pages_own_style_and_nothing_else(browser: Browser, session: AsyncSession) -> None:
    response = await browser.read(await shelve(session))
    style = re.search(r"<style>(.*?)</style>", await response.text(), re.DOTALL)
    assert style
    digest = base64.b64encode(hashlib.sha256(style.group(1).encode()).digest()).decode()
    policy = response.headers["Content-Security-Policy"]
    assert policy.startswith(f"default-src 'none'; style-src 'sha256-{digest}';")
    assert "unsafe" not in policy


async def test_no_link_can_be_made_up_kept_or_used_for_something_else(browser: Browser, session: AsyncSession) -> None:
    shelf = await shelve(session)
    secrets = browser.app.secrets
    link = Link(shelf.cited.id, shelf.student.id, datetime.now(UTC) + LIFETIME, shelf.answer_id)
    good = seal(secrets, PAGE, link, LIFETIME)
    assert (await browser.client.get(f"/source/{good}")).status == 200
    other = Secrets(lambda: "another-key-for-tests-and-long-enough")
    past = replace(link, until=datetime.now(UTC) - timedelta(seconds=1))
    bad = {
        "changed": good[:60] + ("A" if good[60] != "A" else "B") + good[61:],
        "cut": good[:-4],
        "longer": good + "A",
        "expired": seal(secrets, PAGE, past, LIFETIME),
        "a file's": seal(browser.app.secrets, FILE, link, LIFETIME),
        "another key's": seal(other, PAGE, link, LIFETIME),
        "nothing": "x",
        "odd": "%00%2e%2e%2fé",
    }
    said = {name: await assert_shut(await browser.client.get(f"/source/{token}")) for name, token in bad.items()}
    assert set(said.values()) == {
        "This link has expired or is not whole. Press the citation in the chat again, or ask again, for a new one."
    }
    await assert_shut(await browser.client.get(f"/file/{good}"))


async def test_links_on_a_page_end_with_the_link_that_led_to_it(browser: Browser, session: AsyncSession) -> None:
    shelf = await shelve(session)
    until = datetime.now(UTC) + timedelta(minutes=5)
    token = seal(browser.app.secrets, PAGE, Link(shelf.cited.id, shelf.student.id, until), LIFETIME)
    page = await (await browser.client.get(f"/source/{token}")).text()
    links = re.findall(r'href="(?:\.\./file/)?([\w-]{40,})', page)
    assert len(links) == 3
    later = Secrets(browser.app.secrets._read_keys, clock=lambda: until.timestamp() + 1)
    for each in links:
        for purpose in (PAGE, FILE):
            with pytest.raises(Exception, match="not valid any more"):
                later.open(purpose, each)


async def test_every_opening_asks_again_who_may_see_it(browser: Browser, session: AsyncSession) -> None:
    shelf = await shelve(session)
    revision = await make.published_revision(session, shelf.material)
    await browser.app.pipeline.storage.put(revision.storage_key, PDF)
    address = browser.link(shelf, shelf.student.id)
    file = file_link(await (await browser.follow(address)).text())

    shelf.material.published_revision_id = None
    await session.flush()
    said = await assert_shut(await browser.follow(address))
    assert await assert_shut(await browser.client.get(file)) == said
    shelf.material.published_revision_id = revision.id
    await session.flush()
    assert (await browser.follow(address)).status == 200

    members = update(ClassMembership).where(ClassMembership.app_user_id == shelf.student.id)
    await session.execute(members.values(deleted_at=func.now()))
    assert await assert_shut(await browser.follow(address)) == said
    assert await assert_shut(await browser.client.get(file)) == said


async def test_a_replaced_material_says_so(browser: Browser, session: AsyncSession) -> None:
    shelf = await shelve(session)
    newer = await make.revision(session, shelf.material, published=True, processing_status="READY")
    await write(session, newer, shelf.class_.id, Chunk("All new.", Locator(page=2)))
    page = await (await browser.read(shelf)).text()
    assert "This material has been replaced by a newer version." in page
    assert QUOTE in page
    assert "All new." not in page


async def test_nothing_that_people_write_becomes_markup(browser: Browser, session: AsyncSession) -> None:
    shelf = await shelve(
        session,
        Chunk(f"Before. {EVIL}\n\n{QUOTE} {EVIL}", Locator(headings=(EVIL,))),
        *(Chunk(f"Paragraph {n}.", Locator(headings=(EVIL,))) for n in range(12)),
        title=EVIL,
        filename=f"x.{EVIL}",
        media_type=MEDIA_TYPES[".txt"],
    )
    shelf.class_.title = EVIL
    await session.flush()
    page = await (await browser.read(shelf)).text()
    assert "<script" not in page
    assert "<img" not in page
    assert page.count("alert(2)") >= 6
    assert "onerror=&#34;" in page


@pytest.mark.parametrize("suffix", [".ipynb", ".pptx", ".html"])
async def test_files_that_may_hide_answers_are_the_teachers(
    browser: Browser, session: AsyncSession, suffix: str
) -> None:
    shelf = await shelve(session, media_type=MEDIA_TYPES[suffix], filename=f"lab{suffix}")
    revision = await make.published_revision(session, shelf.material)
    await browser.app.pipeline.storage.put(revision.storage_key, b"<script>alert(1)</script> # SOLUTION")
    page = await (await browser.read(shelf)).text()
    assert QUOTE in page
    assert "/file/" not in page
    link = Link(shelf.cited.id, shelf.student.id, datetime.now(UTC) + LIFETIME)
    await assert_shut(await browser.client.get(f"/file/{seal(browser.app.secrets, FILE, link, LIFETIME)}"))

    page = await (await browser.follow(browser.link(shelf, shelf.teacher.id))).text()
    file = await browser.client.get(file_link(page))
    assert file.status == 200
    assert file.headers["Content-Type"].partition(";")[0] == MEDIA_TYPES[suffix]
    assert file.headers["Content-Disposition"].startswith(f'attachment; filename="lab{suffix}"')
    assert "sandbox" in file.headers["Content-Security-Policy"]
    assert file.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    ("filename", "media_type", "header"),
    [
        ("../../etc/moon.pdf", ".pdf", "inline; filename=\"moon.pdf\"; filename*=UTF-8''moon.pdf"),
        ("C:\\temp\\moon.txt", ".txt", "attachment; filename=\"moon.txt\"; filename*=UTF-8''moon.txt"),
        ("..", ".txt", "attachment; filename=\"file.txt\"; filename*=UTF-8''file.txt"),
        ('a"; x="b\r\nSet-Cookie: c.txt', ".txt", 'attachment; filename="a ; x= b Set-Cookie c.txt"'),
        ("moon.html", ".pdf", 'inline; filename="moon.html.pdf"'),  # a PDF whatever it is called
        ("cod\u202etxt.exe", ".txt", 'attachment; filename="cod txt.exe.txt"'),
        (
            "Mond über See.pdf",
            ".pdf",
            "inline; filename=\"Mond _ber See.pdf\"; filename*=UTF-8''Mond%20%C3%BCber%20See.pdf",
        ),
        ("x" * 500 + ".md", ".md", 'attachment; filename="' + "x" * 100),
    ],
)
def test_file_names_are_safe_to_save_under(filename: str, media_type: str, header: str) -> None:
    made = disposition(filename, MEDIA_TYPES[media_type])
    assert made.startswith(header)
    assert made.isascii()
    assert made.isprintable()
    assert len(made) < 1000


async def test_a_file_that_is_lost_is_no_page_of_its_own(browser: Browser, session: AsyncSession) -> None:
    shelf = await shelve(session)
    response = await browser.client.get(file_link(await (await browser.read(shelf)).text()))
    assert await assert_shut(response) == "This file is no longer in the file store."


async def test_a_link_needs_an_address_and_a_key(app: App) -> None:
    assert source_link(app.settings, app.secrets, uuid4(), uuid4(), uuid4())
    assert source_link(Settings(public_url=None), app.secrets, uuid4(), uuid4(), uuid4()) is None
    assert source_link(app.settings, Secrets(no_key), uuid4(), uuid4(), uuid4()) is None


async def test_health_tells_a_living_process_from_a_ready_one(
    app: App, new_database: Callable[..., Awaitable[str]]
) -> None:
    empty = create_engine(await new_database())
    gone = create_engine(f"postgresql://nobody:secret@127.0.0.1:{unused_port()}/none")
    expected = {app.engine: (200, "ready\n"), empty: (503, "the database's schema is not this version's\n")}
    expected[gone] = (503, "the database does not answer\n")
    try:
        for engine, (status, said) in expected.items():
            async with TestClient(TestServer(make_web(replace(app, engine=engine)))) as client:
                response = await client.get("/readyz")
                assert (response.status, await response.text()) == (status, said)
                assert (await client.get("/healthz")).status == 200
    finally:
        await empty.dispose()
        await gone.dispose()


async def test_a_database_that_does_not_answer_is_a_sentence(app: App) -> None:
    gone = create_engine(f"postgresql://nobody:secret@127.0.0.1:{unused_port()}/none")
    address = source_link(app.settings, app.secrets, uuid4(), uuid4(), uuid4())
    async with TestClient(TestServer(make_web(replace(app, sessions=create_sessions(gone))))) as client:
        response = await Browser(app, client).follow(address)
        page = await response.text()
    await gone.dispose()
    assert response.status == 503
    assert "Please try again in a moment." in page
    assert "nobody" not in page


async def test_it_serves_what_slack_calls_until_it_is_told_to_stop(app: App) -> None:
    async def events(_: web.Request) -> web.Response:
        return web.Response(text="taken")

    stop = asyncio.Event()
    serving = asyncio.create_task(run_web(app, stop, slack_routes=[web.post("/slack/events", events)]))
    url = f"http://127.0.0.1:{app.settings.port}"
    async with TestClient(TestServer(web.Application())) as client:
        session = client.session
        alive = 0
        while not alive and not serving.done():
            with suppress(ClientConnectionError):  # until it is up
                alive = (await session.get(f"{url}/healthz")).status
        assert alive == 200
        posted = await session.post(f"{url}/slack/events")
        assert await posted.text() == "taken"
        with pytest.raises(InvalidInput, match=f"PORT {app.settings.port} can't be served"):
            await run_web(app, asyncio.Event())
        stop.set()
        await serving
        with pytest.raises(ClientConnectionError):
            await session.get(f"{url}/healthz")


async def test_the_link_of_a_public_answer_opens_that_page_alone(session: AsyncSession, browser: Browser) -> None:
    shelf = await shelve(session)
    revision = await make.published_revision(session, shelf.material)
    await browser.app.pipeline.storage.put(revision.storage_key, PDF)
    address = browser.link(shelf, None)
    page = await (await browser.follow(address)).text()
    assert "<mark" in page
    assert "/file/" not in page
    assert 'rel="next"' not in page
    assert "This link opens until" in page, "it is nobody's own"
    link = Link(shelf.cited.id, None, datetime.now(UTC) + LIFETIME)
    await assert_shut(await browser.client.get(f"/file/{seal(browser.app.secrets, FILE, link, LIFETIME)}"))
    shelf.material.published_revision_id = None
    await session.flush()
    await assert_shut(await browser.follow(address))
