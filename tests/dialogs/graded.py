"""A class in a workspace with students, assignments and a teacher, who type and press there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

from adapters.discord.forms import form_modal
from adapters.discord.render import render as render_discord
from adapters.slack.forms import form_view
from adapters.slack.render import render as render_slack
from adapters.terminal.render import plain
from bot.app import App
from bot.dispatch import dispatch
from core.assignments.models import Assignment
from core.audit.record import Actor
from core.classes.enrol import create_class, enrol
from core.classes.live import live_in
from core.enums import GlobalRole, LinkMethod, MembershipRole, Platform
from core.events import Event
from core.identity.link import link
from core.identity.models import Workspace
from core.identity.people import add_person
from core.inbox.store import store_event
from core.replies import Choice, Choices, File, Form, Reply
from tests import factories as make
from tests.dialogs.conftest import Talk
from tests.dialogs.test_class_commands import OPERATOR, Desk, Member, words
from tests.fakes.slack.blocks import check_view

NOW = datetime.now(UTC)


@dataclass
class Everywhere(Desk):
    """A person's end that holds each reply against every surface: none may be unable to show it."""

    async def send(self, reply: Reply) -> None:
        await Desk.send(self, reply)
        assert list(render_slack(reply))
        assert not any("does not fit" in message.content for message in render_discord(reply))
        assert list(plain(reply))
        for part in reply.parts:
            if isinstance(part, Form):
                check_view(form_view(part))
                form_modal(part)
            if isinstance(part, Choices):
                assert len({(choice.action, choice.value) for choice in part.choices}) == len(part.choices)


@dataclass
class Course:
    """A class, the teacher Tess, the students Ada Alm (section A), Bo Berg and Bo Bright (section B)."""

    app: App
    class_id: UUID
    code: str
    tess: Member
    ada: Member
    berg: Member
    bright: Member
    works: int = 0

    async def assignment(self, title: str, *, published: bool = True, **fields: Any) -> UUID:
        fields = {"points": Decimal(10), **fields}
        async with self.app.sessions.begin() as session:
            self.works += 1
            root = await make.add(session, Assignment(class_id=self.class_id, position=self.works))
            await make.revision(session, root, title=title, published=published, **fields)
            return root.id

    async def teacher(self, name: str = "Una") -> Member:
        return await _member(self.app, self.tess, self.class_id, name, MembershipRole.TEACHER)

    async def outsider(self) -> Member:
        """Return a teacher who lives in the same workspace, in a class of their own."""
        async with self.app.sessions.begin() as session:
            made = await create_class(session, OPERATOR, f"O-{uuid4().hex[:8]}", title="Owls")
            await live_in(session, OPERATOR, made.id, self.tess.workspace_id)
        return await _member(self.app, self.tess, made.id, "Olaf", MembershipRole.TEACHER)

    async def served_twice(self, member: Member, event: Event) -> list[str]:
        """Serve an event that was stored, twice, as when the process dies after the first time; return the receipts."""
        stored = await store_event(self.app.sessions, event, {})
        assert stored is not None
        for _ in range(2):
            await dispatch(self.app, event, member.desk, stored)
        return [words(reply) for reply in member.desk.seen[-2:]]

    def talk(self, member: Member) -> Talk:
        """Return the same person's conversation at the terminal."""
        return Talk(self.app, str(member.user.email), self.code)


async def open_course(app: App) -> Course:
    name = uuid4().hex[:8]
    async with app.sessions.begin() as session:
        workspace = Workspace(platform=Platform.SLACK, external_id=f"T{name}")
        session.add(workspace)
        await session.flush()
        made = await create_class(session, OPERATOR, f"G-{name}", title="Geology", time_zone="Europe/Zurich")
        await live_in(session, OPERATOR, made.id, workspace.id)
        nobody = await add_person(session, OPERATOR, f"{name}@x.example", name="Nobody")
    base = Member(app, workspace.external_id, workspace.id, nobody, "U0")
    tess = await _member(app, base, made.id, "Tess", MembershipRole.TEACHER)
    ada = await _member(app, base, made.id, "Ada Alm", MembershipRole.STUDENT, section="A")
    berg = await _member(app, base, made.id, "Bo Berg", MembershipRole.STUDENT, section="B")
    bright = await _member(app, base, made.id, "Bo Bright", MembershipRole.STUDENT, section="B")
    return Course(app, made.id, made.code, tess, ada, berg, bright)


async def _member(
    app: App, base: Member, class_id: UUID, name: str, role: MembershipRole, *, section: str = ""
) -> Member:
    account = f"U{uuid4().hex[:8]}"
    async with app.sessions.begin() as session:
        global_role = GlobalRole.TEACHER if role is MembershipRole.TEACHER else GlobalRole.STUDENT
        email = f"{name.rsplit(maxsplit=1)[-1].lower()}-{account.lower()}@x.example"
        person = await add_person(session, OPERATOR, email, name=name, role=global_role)
        await enrol(session, OPERATOR, class_id, person.id, role, section=section)
        await link(session, OPERATOR, base.workspace_id, account, person.id, LinkMethod.CODE)
    return replace(base, user=person, account=account, desk=Everywhere())


def actor(member: Member) -> Actor:
    return Actor.person(member.user.id, "test")


def labels(reply: Reply) -> list[str]:
    return [choice.label for choice in choices(reply)]


def choices(reply: Reply) -> Sequence[Choice]:
    return [choice for part in reply.parts if isinstance(part, Choices) for choice in part.choices]


def form(reply: Reply) -> Form:
    return next(part for part in reply.parts if isinstance(part, Form))


def file(reply: Reply) -> File:
    return next(part for part in reply.parts if isinstance(part, File))


def in_days(days: float) -> datetime:
    return NOW + timedelta(days=days)
