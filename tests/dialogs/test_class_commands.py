"""/class from end to end: at the terminal, and as people of a workspace in its channels."""

from __future__ import annotations

import asyncio
import io
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import func, select

from adapters.terminal.surface import read_line
from bot.app import App
from bot.dispatch import dispatch
from core.audit.models import AuditLog
from core.audit.record import Actor
from core.classes.bind import bind_channel
from core.classes.enrol import create_class, enrol, get_class
from core.classes.held_file import Upload, forget_files
from core.classes.live import live_in
from core.classes.models import ChannelBinding, Class, ClassMembership
from core.enums import GlobalRole, LinkMethod, MembershipRole, Platform
from core.errors import NotFound
from core.events import Attachment, Command, Control, Event, Place, Sender
from core.identity.link import link
from core.identity.models import AppUser, Workspace
from core.identity.people import add_person
from core.ports import AnswerStream, LiveReply, Post, Profile
from core.replies import Audience, Choice, Choices, Form, Note, Reply, Table, Text
from tests.dialogs.conftest import CODE, TEACHER, Talk

OPERATOR = Actor.command_line()
CSV = b"name,email,section\nBo Berg,bo-{0}@x.example,A\nCy Cole,cy-{0}@x.example,B\n"


@dataclass
class Desk:
    """The other end of a person's events in a workspace: keeps what they are shown, and holds their files."""

    seen: list[Reply] = field(default_factory=list)
    files: dict[str, bytes] = field(default_factory=dict)
    present: frozenset[str] | None = frozenset()
    others_read: bool = False
    live: LiveReply | None = None  # what changes the replies that can be changed

    async def send(self, reply: Reply) -> None:
        self.seen.append(reply)

    async def send_live(self, reply: Reply) -> LiveReply | None:
        self.seen.append(reply)
        return self.live

    async def begin(self, answer_id: UUID, audience: Audience) -> AnswerStream:
        raise AssertionError((answer_id, audience))

    async def open_thread(self, opening: Reply) -> str | None:
        raise AssertionError(opening)

    async def working(self) -> None:
        return

    async def profile(self) -> Profile | None:
        return None

    async def shared(self) -> bool:
        return self.others_read

    async def readers(self) -> frozenset[str] | None:
        return self.present

    async def fetch(self, attachment: Attachment) -> bytes:
        if attachment.reference not in self.files:
            raise NotFound
        return self.files[attachment.reference]

    async def retract(self, posts: Sequence[Post]) -> None:
        raise AssertionError(posts)


@dataclass
class Member:
    """Somebody in a workspace, in one of its channels."""

    app: App
    workspace: str
    workspace_id: UUID
    user: AppUser
    account: str
    place: Place = field(default_factory=lambda: Place("C1", private=False))
    desk: Desk = field(default_factory=Desk)

    async def type(self, text: str, **files: bytes) -> Reply:
        self.desk.files = files
        attached = {name: Attachment(f"{name}.csv", name, len(data)) for name, data in files.items()}
        name, _, words = text.removeprefix("/").partition(" ")
        return await self._do(
            Command(key=str(uuid4()), sender=self._sender, place=self.place, name=name, text=words, files=attached)
        )

    async def press(self, label: str, *, of: Member | None = None) -> Reply:
        choices = [
            choice for part in (of or self).desk.seen[-1].parts if isinstance(part, Choices) for choice in part.choices
        ]
        chosen = next(choice for choice in choices if choice.label == label)
        assert len(chosen.action + chosen.value) < 100, "Discord takes no more"
        return await self.send_choice(chosen)

    async def send_choice(self, choice: Choice) -> Reply:
        return await self._do(self._control(choice))

    async def fill(self, **fields: str) -> Reply:
        form = next(part for part in self.desk.seen[-1].parts if isinstance(part, Form))
        values = {each.name: each.value for each in form.fields} | fields
        return await self._do(replace(self._control(form), fields=values))

    async def _do(self, event: Event) -> Reply:
        await dispatch(self.app, event, self.desk)
        reply = self.desk.seen[-1]
        assert reply.audience is Audience.PERSON
        return reply

    @property
    def _sender(self) -> Sender:
        return Sender(Platform.SLACK, self.account, self.workspace)

    def _control(self, of: Choice | Form) -> Control:
        return Control(key=str(uuid4()), sender=self._sender, place=self.place, action=of.action, value=of.value)


def words(reply: Reply) -> str:
    """Return everything a reply says, tables included."""
    said = []
    for part in reply.parts:
        match part:
            case Text(text) | Note(text):
                said.append(text)
            case Table(headings, rows, title):
                said += [title, *(" | ".join(row) for row in (headings, *rows))]
            case _:
                pass
    return "\n".join(said)


@pytest.fixture
async def teacher(app: App) -> Member:
    """Return a teacher in a workspace of their own, linked by a code, with one class that does not live there yet."""
    name = uuid4().hex[:8]
    async with app.sessions.begin() as session:
        workspace = Workspace(platform=Platform.SLACK, external_id=f"T{name}")
        session.add(workspace)
        await session.flush()
        person = await add_person(session, OPERATOR, f"{name}@x.example", name="Tess", role=GlobalRole.TEACHER)
        made = await create_class(session, OPERATOR, f"A-{name}", title=f"Algae {name}")
        await enrol(session, OPERATOR, made.id, person.id, MembershipRole.TEACHER)
        await link(session, OPERATOR, workspace.id, "U1", person.id, LinkMethod.CODE)
    return Member(app, workspace.external_id, workspace.id, person, "U1")


async def class_of(member: Member) -> Class:
    async with member.app.sessions() as session:
        return await get_class(session, f"A-{member.workspace[1:]}")


async def joined(member: Member, account: str, *, role: MembershipRole | None = MembershipRole.STUDENT) -> Member:
    """Return somebody else of the workspace; with a role, in the teacher's class."""
    async with member.app.sessions.begin() as session:
        person = await add_person(session, OPERATOR, f"{uuid4().hex[:8]}@x.example", name="Sam")
        if role is not None:
            await enrol(session, OPERATOR, (await class_of(member)).id, person.id, role)
        await link(session, OPERATOR, member.workspace_id, account, person.id, LinkMethod.CODE)
    return replace(member, user=person, account=account, desk=Desk())


async def bound(member: Member, channel: str = "C1") -> UUID | None:
    async with member.app.sessions() as session:
        return await session.scalar(
            select(ChannelBinding.class_id).where(
                ChannelBinding.workspace_id == member.workspace_id,
                ChannelBinding.channel_id == channel,
                ChannelBinding.deleted_at.is_(None),
            )
        )


class TestAtTheTerminal:
    async def test_a_teacher_looks_at_the_class_and_sets_it(self, app: App) -> None:
        talk = Talk(app, TEACHER)
        assert "The Night Sky" in await talk.say("/class")
        assert "drop_lowest\t0" in await talk.say("/class show")
        assert "drop_lowest\t2" in await talk.say("/class settings drop_lowest:2 grade_average:simple")
        assert "drop_lowest\t2" in await talk.say("/class show")
        assert "from 0 to 20" in await talk.say("/class settings drop_lowest:many")
        form = await talk.say("/class settings")
        assert "The Night Sky" in form
        for _ in range(5):  # an empty line keeps title, description, time zone, average and what is missing
            assert read_line("", talk.responder, email=TEACHER, class_code=CODE) is None
        assert read_line("0", talk.responder, email=TEACHER, class_code=CODE) is None
        assert read_line("", talk.responder, email=TEACHER, class_code=CODE) is None  # whether news is announced
        assert "drop_lowest\t0" in await talk.say("")  # and how long before a date students are reminded
        assert "already" in await talk.say("/class settings drop_lowest:0")
        await talk.say("/class settings grade_average:weighted")

    async def test_a_student_sees_less_and_sets_nothing(self, talk: Talk) -> None:
        shown = await talk.say("/class show")
        assert "Vega" in shown
        assert "drop_lowest" not in shown
        for line in ("/class settings", "/class settings drop_lowest:2"):
            assert "Only a teacher of this class" in await talk.say(line)
        assert "may not" in await talk.say("/class create MINE title:Mine")
        assert "no channels here" in await talk.say("/class bind")


class TestChannels:
    async def test_a_channel_without_strangers_is_bound_at_once(self, teacher: Member) -> None:
        student = await joined(teacher, "U2")
        teacher.desk.present = frozenset({"U1", "U2"})
        assert "stands for “Algae" in words(await teacher.type("/class bind"))
        assert await bound(teacher) == (await class_of(teacher)).id
        assert "this channel" in words(await student.type("/class show"))
        assert "Only a teacher" in words(await student.type("/class unbind"))
        assert "no longer stands" in words(await teacher.type("/class unbind"))
        assert await bound(teacher) is None

    async def test_strangers_are_counted_before_it_is_bound(self, teacher: Member) -> None:
        await joined(teacher, "U3", role=None)
        teacher.desk.present = frozenset({"U1", "U3", "U4", "U5"})
        warned = words(await teacher.type("/class bind"))
        assert "One person who reads here is not in this class" in warned
        assert "2 people who read here have not linked" in warned
        assert await bound(teacher) is None
        assert "Left as it is" in words(await teacher.press("Leave it"))
        await teacher.type("/class bind")
        assert "stands for" in words(await teacher.press("Bind anyway"))
        assert await bound(teacher) is not None

    async def test_students_are_strangers_where_teachers_meet(self, teacher: Member) -> None:
        await joined(teacher, "U2")
        teacher.desk.present = frozenset({"U1", "U2"})
        assert "teach this class" in words(await teacher.type("/class bind teachers:yes"))
        assert "meet" in words(await teacher.press("Bind anyway"))

    async def test_a_shared_channel_is_bound_knowingly(self, teacher: Member) -> None:
        teacher.desk.others_read = True
        teacher.desk.present = None
        assert "another organisation" in words(await teacher.type("/class bind"))
        assert "private" in words(await teacher.press("Bind anyway"))

    async def test_who_can_not_be_seen_is_said(self, teacher: Member) -> None:
        teacher.desk.present = None
        assert "could not see who reads" in words(await teacher.type("/class bind"))

    async def test_a_direct_message_is_no_channel(self, teacher: Member) -> None:
        teacher.place = Place("D1")
        for line in ("/class bind", "/class unbind"):
            reply = await teacher.type(line)
            assert reply.failed
            assert "direct message" in words(reply)

    async def test_of_several_classes_one_is_picked(self, teacher: Member) -> None:
        async with teacher.app.sessions.begin() as session:
            second = await create_class(session, OPERATOR, f"B-{teacher.workspace[1:]}", title="Bees")
            await enrol(session, OPERATOR, second.id, teacher.user.id, MembershipRole.TEACHER)
        picked = await teacher.type("/class bind")
        assert "Which class" in words(picked)
        assert await bound(teacher) is None
        assert "stands for “Bees”" in words(await teacher.press("Bees"))
        assert "several classes" in words(await teacher.type("/class bind lesson:1.1"))
        assert "stands for “Algae" in words(await teacher.type(f"/class bind a-{teacher.workspace[1:]}"))

    async def test_students_and_teachers_of_another_class_bind_nothing(self, teacher: Member) -> None:
        code = (await class_of(teacher)).code
        student, other = await joined(teacher, "U2"), await joined(teacher, "U3", role=None)
        for member in (student, other):
            member.desk.present = None
            assert "don't teach" in words(await member.type("/class bind"))
            reply = await member.type(f"/class bind {code}")
            assert reply.failed
            assert not any(isinstance(part, Choices) for part in reply.parts)
        assert await bound(teacher) is None

    async def test_a_class_made_here_lives_here(self, teacher: Member) -> None:
        code = f"N-{teacher.workspace[1:]}"
        form = await teacher.type(f"/class create {code}")
        assert any(isinstance(part, Form) for part in form.parts)
        assert "you teach it" in words(await teacher.fill(title="New stars", time_zone="Europe/Zurich"))
        assert "New stars" in words(await teacher.type("/class show"))
        assert "a class “" in words(await teacher.type(f"/class create {code} title:Again"))


class TestSettingsForm:
    async def test_mistakes_are_shown_at_their_fields_and_nobody_is_overwritten(self, teacher: Member) -> None:
        await teacher.type("/class bind")
        await teacher.type("/class settings")
        first = teacher.desk.seen[-1]
        wrong = await teacher.fill(title="", drop_lowest="many", time_zone="Mars")
        assert set(wrong.field_errors) == {"title", "drop_lowest", "time_zone"}
        teacher.desk.seen.append(first)
        assert "drop_lowest | 3" in words(await teacher.fill(drop_lowest="3", missing_as_zero="no"))
        teacher.desk.seen.append(first)  # a form that was opened before that
        late = await teacher.fill(drop_lowest="1")
        assert late.failed
        assert "meanwhile" in words(late)
        shown = words(await teacher.type("/class show"))
        assert "drop_lowest | 3" in shown
        assert "missing_as_zero | no" in shown


class TestChoosing:
    async def test_a_person_with_several_classes_chooses_once(self, teacher: Member) -> None:
        student = replace(await joined(teacher, "U2"), place=Place("D2"))
        async with teacher.app.sessions.begin() as session:
            second = await create_class(session, OPERATOR, f"B-{teacher.workspace[1:]}", title="Bees")
            await enrol(session, OPERATOR, second.id, student.user.id, MembershipRole.STUDENT)
            for class_ in (second, await class_of(teacher)):
                await live_in(session, OPERATOR, class_.id, teacher.workspace_id)
        assert "several classes" in words(await student.type("/lessons"))
        assert "work in “Bees”" in words(await student.press("Bees"))
        assert "Bees" in words(await student.type("/class"))
        await student.type("/class choose")
        await student.press(f"Algae {teacher.workspace[1:]}")
        assert "Algae" in words(await student.type("/class"))
        assert "work in “Bees”" in words(await student.type(f"/class choose {second.code.lower()}"))
        assert "no class of that code" in words(await student.type("/class choose NIGHTSKY"))


class TestRoster:
    @pytest.fixture
    async def teacher(self, teacher: Member) -> Member:
        async with teacher.app.sessions.begin() as session:
            await bind_channel(session, OPERATOR, teacher.workspace_id, "C1", (await class_of(teacher)).id)
        return teacher

    async def members(self, teacher: Member) -> int | None:
        class_ = await class_of(teacher)
        async with teacher.app.sessions() as session:
            return await session.scalar(
                select(func.count())
                .select_from(ClassMembership)
                .where(ClassMembership.class_id == class_.id, ClassMembership.deleted_at.is_(None))
            )

    def csv(self, teacher: Member) -> bytes:
        return CSV.replace(b"{0}", teacher.workspace.encode())

    async def stored(self, app: App) -> int:
        return await forget_files(app.pipeline.storage, Upload.ROSTER, older_than=timedelta(days=-1))

    async def test_a_file_is_shown_then_imported_once(self, teacher: Member) -> None:
        shown = words(await teacher.type("/class roster", file=self.csv(teacher)))
        assert "would be added | 2 students" in shown
        assert "Bo Berg" in shown
        assert "Tess" in shown  # is in the class, but not in the file
        assert await self.members(teacher) == 1
        preview = teacher.desk.seen[-1]
        done = words(await teacher.press("Import"))
        assert "added | 2 students" in done
        assert await self.members(teacher) == 3
        async with teacher.app.sessions() as session:
            class_id = (await class_of(teacher)).id
            by_teacher = (AuditLog.class_id == class_id, AuditLog.actor_user_id == teacher.user.id)
            logged = list(await session.scalars(select(AuditLog.action).where(*by_teacher)))
        assert logged == ["class.enrol"] * 2
        teacher.desk.seen.append(preview)
        assert "imported or dropped already" in words(await teacher.press("Import"))
        assert await self.stored(teacher.app) == 0
        assert "change nobody" in words(await teacher.type("/class roster", file=self.csv(teacher)))
        assert await self.stored(teacher.app) == 0

    async def test_a_class_that_changed_meanwhile_is_shown_anew(self, teacher: Member) -> None:
        await teacher.type("/class roster", file=self.csv(teacher))
        async with teacher.app.sessions.begin() as session:
            person = await add_person(session, OPERATOR, f"bo-{teacher.workspace}@x.example")
            await enrol(session, OPERATOR, (await class_of(teacher)).id, person.id, MembershipRole.STUDENT)
        again = words(await teacher.press("Import"))
        assert "has changed" in again
        assert "would be added | 1 student" in again
        assert await self.members(teacher) == 2
        assert "imported" in words(await teacher.press("Import"))
        assert await self.members(teacher) == 3

    async def test_pressed_twice_at_once_it_is_imported_once(self, teacher: Member) -> None:
        await teacher.type("/class roster", file=self.csv(teacher))
        preview = teacher.desk.seen[-1]
        windows = [replace(teacher, desk=Desk([preview])) for _ in range(3)]
        await asyncio.gather(*(window.press("Import") for window in windows))
        said = [words(window.desk.seen[-1]) for window in windows]
        assert sum("The roster is imported." in each for each in said) == 1
        assert all("imported" in each or "as the roster says already" in each for each in said)
        assert await self.members(teacher) == 3
        assert await self.stored(teacher.app) == 0

    async def test_dropped_or_never_confirmed_it_is_forgotten(self, teacher: Member) -> None:
        await teacher.type("/class roster", file=self.csv(teacher))
        assert "dropped" in words(await teacher.press("Drop"))
        assert await self.stored(teacher.app) == 0
        await teacher.type("/class roster", file=self.csv(teacher))
        assert await forget_files(teacher.app.pipeline.storage, Upload.ROSTER) == 0  # it is not a day old
        assert await self.stored(teacher.app) == 1
        assert "Upload it again" in words(await teacher.press("Import"))
        assert await self.members(teacher) == 1

    async def test_only_who_uploaded_it_confirms_and_only_teachers_upload(self, teacher: Member) -> None:
        colleague = await joined(teacher, "U3", role=MembershipRole.TEACHER)
        student = await joined(teacher, "U2")
        await teacher.type("/class roster", file=self.csv(teacher))
        for member in (colleague, student):
            for label in ("Import", "Drop"):
                assert "who uploaded" in words(await member.press(label, of=teacher))
        assert "Only a teacher" in words(await student.type("/class roster", file=self.csv(teacher)))
        assert await self.members(teacher) == 3
        assert await self.stored(teacher.app) == 1

    async def test_who_teaches_no_more_imports_no_more(self, teacher: Member) -> None:
        await teacher.type("/class roster", file=self.csv(teacher))
        async with teacher.app.sessions.begin() as session:
            class_id = (await class_of(teacher)).id
            await enrol(session, OPERATOR, class_id, teacher.user.id, MembershipRole.STUDENT)
        assert (await teacher.press("Import")).failed
        assert await self.members(teacher) == 1
        await self.stored(teacher.app)

    async def test_of_several_classes_in_a_file_one_is_picked(self, teacher: Member) -> None:
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            archive.writestr("classes.csv", "sourcedId,status,title,classCode\nk1,active,Bugs,\nk2,active,Bugs,k1\n")
            archive.writestr(
                "users.csv", f"sourcedId,givenName,familyName,email\nu1,Bo,Berg,{teacher.workspace}@y.example\n"
            )
            archive.writestr("enrollments.csv", "sourcedId,classSourcedId,userSourcedId,role\ne1,k1,u1,student\n")
        asked = await teacher.type("/class roster", file=packed.getvalue())
        assert "several classes" in words(asked)
        assert "Bo Berg" in words(await teacher.press("Bugs (k1)"))
        assert "imported" in words(await teacher.press("Import"))
        assert await self.members(teacher) == 2

    async def test_a_file_that_is_none_is_refused_in_a_sentence(self, teacher: Member) -> None:
        form = await teacher.type("/class roster")
        assert any(isinstance(part, Form) and part.fields[0].file for part in form.parts)
        assert (await teacher.type("/class roster", file=b"hello\nworld\n")).failed
        assert await self.stored(teacher.app) == 0
