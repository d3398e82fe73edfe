"""/link and /unlink through the whole dispatch: what is said, to whom, and what stands afterwards."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from itertools import count
from types import SimpleNamespace
from typing import Any, cast

import pytest
from sqlalchemy import func, select

from adapters.supabase import SupabaseAuth
from bot.app import App
from bot.dispatch import dispatch
from core.audit.record import Actor
from core.classes.models import ClassWorkspace
from core.db import Sessions, create_engine, create_sessions
from core.enums import GlobalRole, Platform
from core.errors import LinkingUnavailable
from core.events import Command, Control, Event, Place, Sender
from core.identity.link_codes import make_code
from core.identity.models import Workspace, WorkspaceIdentity
from core.identity.people import change_role, get_person
from core.ports import Profile
from core.replies import Audience, Choices, Form, Reply
from tests import factories as make
from tests.fakes.supabase_server import SupabaseServer, supabase_server

ADA, BEN = "ada@school.test", "ben@school.test"
OPERATOR = Actor.command_line()


@dataclass
class Somebody:
    """Types commands in Slack, and keeps what is said to them."""

    app: App
    user: str = "U1"
    team: str = "T1"
    platform: Platform = Platform.SLACK
    word: Profile | None = None
    heard: list[Reply] = field(default_factory=list)
    on_sending: Callable[[], None] = lambda: None
    _keys: Any = field(default_factory=count)

    async def types(self, name: str, text: str = "") -> Reply:
        return await self._do(Command(**self._who(), name=name, text=text))

    async def presses(self, label: str) -> Reply:
        choices = [choice for part in self.heard[-1].parts if isinstance(part, Choices) for choice in part.choices]
        choice = next(choice for choice in choices if choice.label == label)
        return await self._do(Control(**self._who(), action=choice.action, value=choice.value))

    async def sends(self, typed: str) -> Reply:
        """Fill the one field of the form that was shown last."""
        form = self.form()
        (only,) = form.fields
        return await self._do(Control(**self._who(), action=form.action, value=form.value, fields={only.name: typed}))

    def form(self) -> Form:
        return next(part for reply in reversed(self.heard) for part in reply.parts if isinstance(part, Form))

    async def _do(self, event: Event) -> Reply:
        before = len(self.heard)
        await dispatch(self.app, event, cast("Any", self))
        (reply,) = self.heard[before:]
        assert reply.audience is Audience.PERSON
        return reply

    def _who(self) -> dict[str, Any]:
        sender = Sender(self.platform, self.user, self.team)
        return {"key": f"{self.user}-{next(self._keys)}", "sender": sender, "place": Place("C1", private=False)}

    # The other end of the event:

    async def send(self, reply: Reply) -> None:
        self.on_sending()
        self.heard.append(reply)

    async def profile(self) -> Profile | None:
        return self.word


@pytest.fixture
async def sessions(new_database: Callable[..., Awaitable[str]]) -> AsyncIterator[Sessions]:
    engine = create_engine(await new_database(migrated=True))
    sessions = create_sessions(engine)
    async with sessions.begin() as session:
        workspace = await make.add(session, Workspace(platform=Platform.SLACK, external_id="T1", email_trusted=True))
        for number, title in enumerate(("Astronomy", "Botany", "Chemistry")):
            class_ = await make.class_(session, f"C{number}", title=title)
            await make.add(session, ClassWorkspace(class_id=class_.id, workspace_id=workspace.id))
            for name, email in (("Ada", ADA), ("Ben", BEN)) if number == 0 else ():
                await make.person(session, name, email=email)
            await make.enrol(session, class_, await get_person(session, ADA))
            if number == 0:
                await make.enrol(session, class_, await get_person(session, BEN))
    yield sessions
    await engine.dispose()


@pytest.fixture
async def supabase() -> AsyncIterator[SupabaseServer]:
    async with supabase_server() as supabase:
        yield supabase


@pytest.fixture
async def somebody(sessions: Sessions, supabase: SupabaseServer) -> AsyncIterator[Somebody]:
    otp = SupabaseAuth(supabase.url, supabase.key)
    yield Somebody(cast("App", SimpleNamespace(sessions=sessions, otp=otp)))
    await otp.aclose()


async def code_for(sessions: Sessions, email: str) -> str:
    async with sessions.begin() as session:
        return (await make_code(session, OPERATOR, (await get_person(session, email)).id)).code


async def test_by_a_code_typed_at_once_or_into_the_form(somebody: Somebody, sessions: Sessions) -> None:
    said = await somebody.types("lessons")
    assert "code from your teacher, or with your school email address" in said.text()
    await somebody.presses("Enter a code")
    wrong = await somebody.sends("0000-0000-0000")
    assert wrong.failed
    assert "no such code" in wrong.field_errors["code"]
    assert (await somebody.sends("abc")).field_errors.keys() == {"code"}
    said = await somebody.sends(await code_for(sessions, ADA))
    assert said.text() == "You are known here as Ada now, in Astronomy, Botany and Chemistry."
    other = Somebody(somebody.app, "U2")
    assert "known here as Ben now, in Astronomy." in (await other.types("link", await code_for(sessions, BEN))).text()
    assert "somebody else" in (await other.types("link", await code_for(sessions, ADA))).text()


async def test_by_a_mailed_code(somebody: Somebody, supabase: SupabaseServer) -> None:
    mails_when_asked: list[int] = []
    somebody.on_sending = lambda: mails_when_asked.append(len(supabase.mails))
    said = await somebody.types("link", ADA)
    assert "If ada@school.test is on a class list here" in said.text()
    assert mails_when_asked == [0]  # the form is there before the mail is, so that its time tells nothing
    code = supabase.code(ADA)
    assert "wrong" in (await somebody.sends(str(10**6 - 1 - int(code)).zfill(6))).field_errors["code"]
    assert "known here as Ada" in (await somebody.sends(code)).text()


async def test_by_the_button_for_the_address_of_somebody_who_is_not_here(
    somebody: Somebody, supabase: SupabaseServer
) -> None:
    await somebody.types("lessons")
    await somebody.presses("Use my email address")
    assert somebody.form().fields[0].name == "email"
    assert "not an email address" in (await somebody.sends("ada")).field_errors["email"]
    stranger = await somebody.sends("stranger@school.test")
    known = Somebody(somebody.app, "U2")
    same = await known.types("link", ADA)
    assert stranger.text().replace("stranger@", "ada@") == same.text()
    assert [mail.to for mail in supabase.mails] == [ADA]


async def test_without_supabase_only_codes_are_offered(sessions: Sessions) -> None:
    somebody = Somebody(cast("App", SimpleNamespace(sessions=sessions, otp=None)))
    said = await somebody.types("lessons")
    assert [choice.label for part in said.parts if isinstance(part, Choices) for choice in part.choices] == [
        "Enter a code"
    ]
    assert (await somebody.types("link", ADA)).text() == LinkingUnavailable().sentence


async def test_unlinking_asks_first_and_holds_against_the_workspaces_word(
    somebody: Somebody, sessions: Sessions
) -> None:
    somebody.word = Profile(ADA)
    await somebody.types("unlink")  # known by the address from the first word
    await somebody.presses("Keep it")
    assert await linked(sessions) == 1
    await somebody.types("unlink")
    assert "unlinked" in (await somebody.presses("Unlink it")).text()
    assert await linked(sessions) == 0
    assert "don't know who you are" in (await somebody.types("lessons")).text()
    assert "known here as Ben" in (await somebody.types("link", await code_for(sessions, BEN))).text()


async def test_who_came_to_teach_links_again_or_unlinks(somebody: Somebody, sessions: Sessions) -> None:
    somebody.word = Profile(ADA)
    assert not (await somebody.types("unlink")).failed
    async with sessions.begin() as session:
        await change_role(session, OPERATOR, (await get_person(session, ADA)).id, GlobalRole.TEACHER)
    assert "You teach here now" in (await somebody.types("lessons")).text()
    await somebody.types("link")
    assert "known here as Ada" in (await somebody.sends(await code_for(sessions, ADA))).text()
    async with sessions.begin() as session:
        await change_role(session, OPERATOR, (await get_person(session, ADA)).id, GlobalRole.ADMIN)
    await somebody.types("unlink")
    assert "unlinked" in (await somebody.presses("Unlink it")).text()
    assert await linked(sessions) == 0


async def test_nobody_links_where_homeroom_is_not_at_home_or_at_the_terminal(
    somebody: Somebody, sessions: Sessions
) -> None:
    elsewhere = Somebody(somebody.app, team="T2")
    for text in (await code_for(sessions, ADA), ADA):
        assert (await elsewhere.types("link", text)).failed
    assert (await elsewhere.types("unlink")).failed
    terminal = Somebody(somebody.app, user=ADA, team="", platform=Platform.TERMINAL)
    for name in ("link", "unlink"):
        assert "--as" in (await terminal.types(name)).text()
    assert await linked(sessions) == 0


async def linked(sessions: Sessions) -> int:
    async with sessions() as session:
        return (
            await session.scalar(
                select(func.count()).select_from(WorkspaceIdentity).where(WorkspaceIdentity.deleted_at.is_(None))
            )
            or 0
        )
