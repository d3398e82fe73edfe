"""What a class's teachers set, and who sees what of a class."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from core.audit.models import AuditLog
from core.audit.record import Actor
from core.classes.bind import bind_channel
from core.classes.models import Class
from core.classes.settings import CLASS_SETTINGS, Value, change_settings, fingerprint, settings_of
from core.classes.show import BoundChannel, show_class
from core.enums import ChannelPurpose, GlobalRole, LinkMethod, MembershipRole, Platform
from core.errors import Conflict, InvalidInput, NotPermitted
from core.identity.link import link
from core.identity.models import AppUser, Workspace
from tests import factories as make

OPERATOR = Actor.command_line()
DEFAULTS = {
    "title": "The sky",
    "description": "",
    "time_zone": "UTC",
    "language": "english",
    "grade_average": "weighted",
    "missing_as_zero": True,
    "drop_lowest": 0,
    "announce": True,
    "reminder_hours": 24,
}


def by(person: AppUser) -> Actor:
    return Actor.person(person.id, "test")


@pytest.fixture
async def class_(session: AsyncSession) -> Class:
    found = await make.class_(session, "SKY", title="The sky")
    await session.refresh(found)
    return found


@pytest.fixture
async def teacher(session: AsyncSession, class_: Class) -> AppUser:
    person = await make.person(session, "Vega")
    await make.enrol(session, class_, person, MembershipRole.TEACHER)
    return person


@pytest.fixture
async def student(session: AsyncSession, class_: Class) -> AppUser:
    person = await make.person(session, "Sam")
    await make.enrol(session, class_, person)
    return person


async def logged(session: AsyncSession) -> list[AuditLog]:
    await session.flush()
    return list(
        await session.scalars(select(AuditLog).where(AuditLog.action == "class.settings").order_by(AuditLog.created_at))
    )


class TestChanging:
    async def test_what_is_said_is_kept_in_its_type_with_one_row_that_holds_no_prose(
        self, session: AsyncSession, class_: Class, teacher: AppUser
    ) -> None:
        assert settings_of(class_) == DEFAULTS
        changes: dict[str, Value] = {
            "title": " The\nnight sky ",
            "description": "Stars.",
            "time_zone": "europe/zurich",
            "language": "German",
            "grade_average": "Simple",
            "missing_as_zero": "no",
            "drop_lowest": "2",
            "reminder_hours": "None",
        }
        wanted = {
            "title": "The night sky",
            "description": "Stars.",
            "time_zone": "Europe/Zurich",
            "language": "german",
            "grade_average": "simple",
            "missing_as_zero": False,
            "drop_lowest": 2,
            "reminder_hours": 0,
        }
        assert await change_settings(session, by(teacher), class_.id, changes) == wanted
        assert await change_settings(session, by(teacher), class_.id, changes) == {}
        await session.flush()
        await session.refresh(class_)
        assert settings_of(class_) == wanted | {"announce": True}
        (row,) = await logged(session)
        prose = {"title", "description"}
        assert row.details == {
            "changed": sorted(wanted),
            "before": {name: DEFAULTS[name] for name in wanted if name not in prose},
            "after": {name: value for name, value in wanted.items() if name not in prose},
        }

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("title", " "),
            ("description", "x" * 2001),
            ("time_zone", "Mars/Olympus"),
            ("language", "klingon"),
            ("grade_average", "median"),
            ("missing_as_zero", "perhaps"),
            ("drop_lowest", "-1"),
            ("drop_lowest", "21"),
            ("drop_lowest", "9" * 5000),
            ("drop_lowest", True),
            ("reminder_hours", "a day"),
            ("reminder_hours", "337"),
            ("colour", "blue"),
        ],
    )
    async def test_what_makes_no_sense_is_said_by_name_and_nothing_is_saved(
        self, session: AsyncSession, class_: Class, teacher: AppUser, name: str, value: Value
    ) -> None:
        with pytest.raises(InvalidInput) as caught:
            await change_settings(session, by(teacher), class_.id, {"title": "Other", name: value})
        assert set(caught.value.data["fields"]) == {name}  # type: ignore[call-overload]
        await session.refresh(class_)
        assert settings_of(class_) == DEFAULTS
        assert await logged(session) == []

    @pytest.mark.parametrize("deleted", [False, True])
    async def test_the_language_stays_once_there_is_material(
        self, session: AsyncSession, class_: Class, teacher: AppUser, *, deleted: bool
    ) -> None:
        material = await make.material(session, class_, published=False)
        if deleted:  # it may come back
            material.deleted_at = func.now()
            await session.flush()
        with pytest.raises(InvalidInput, match="indexed in its language"):
            await change_settings(session, by(teacher), class_.id, {"language": "german"})
        assert await change_settings(session, by(teacher), class_.id, {"language": "english", "drop_lowest": 1})

    async def test_nobody_overwrites_what_they_have_not_seen(
        self, session: AsyncSession, class_: Class, teacher: AppUser
    ) -> None:
        seen = fingerprint(settings_of(class_))
        await change_settings(session, by(teacher), class_.id, {"drop_lowest": 1}, seen=seen)
        with pytest.raises(Conflict):
            await change_settings(session, by(teacher), class_.id, {"drop_lowest": 0}, seen=seen)
        await session.refresh(class_)
        assert settings_of(class_)["drop_lowest"] == 1

    async def test_only_its_teachers_change_it(self, session: AsyncSession, class_: Class, student: AppUser) -> None:
        other = await make.person(session, "Marin")
        await make.enrol(session, await make.class_(session, "SEA"), other, MembershipRole.TEACHER)
        admin = await make.person(session, "Ada", role=GlobalRole.ADMIN)
        for person in (student, other, admin):  # a role outside classes is none inside them
            with pytest.raises(NotPermitted):
                await change_settings(session, by(person), class_.id, {"drop_lowest": 1})
        assert await logged(session) == []

    def test_every_setting_is_its_own_default(self) -> None:
        for setting in CLASS_SETTINGS.values():
            assert setting.help
            assert setting.check(setting.default) == setting.default
            assert type(setting.check(str(setting.default))) is type(setting.default)


class TestShowing:
    async def test_teachers_see_all_and_students_what_concerns_them(
        self, session: AsyncSession, class_: Class, teacher: AppUser, student: AppUser
    ) -> None:
        workspace = await make.add(session, Workspace(platform=Platform.SLACK, external_id="T1"))
        elsewhere = await make.add(session, Workspace(platform=Platform.SLACK, external_id="T2"))
        await make.enrol(session, class_, await make.person(session, "Bo"))
        await link(session, OPERATOR, workspace.id, "U1", student.id, LinkMethod.CODE)
        await link(session, OPERATOR, elsewhere.id, "U2", teacher.id, LinkMethod.CODE)
        module = await make.module(session, class_)
        shown, hidden = await make.lesson(session, module, "The Moon"), await make.lesson(session, module, "Draft")
        hidden.published_revision_id = None
        bindings = [("C1", shown.id, ChannelPurpose.CLASS), ("C2", hidden.id, ChannelPurpose.CLASS)]
        for channel, lesson, purpose in [*bindings, ("C3", None, ChannelPurpose.TEACHERS)]:
            await bind_channel(session, by(teacher), workspace.id, channel, class_.id, lesson, purpose)
        open_to_all = {
            BoundChannel("C1", ChannelPurpose.CLASS, "0.0 The Moon"),
            BoundChannel("C2", ChannelPurpose.CLASS),
        }

        full = await show_class(session, by(teacher), class_.id, workspace.id)
        assert (full.title, full.teachers) == ("The sky", ("Vega",))
        assert full.behind is not None
        assert (full.behind.students, full.behind.linked, full.behind.settings) == (2, 1, DEFAULTS)
        assert set(full.channels) == open_to_all | {BoundChannel("C3", ChannelPurpose.TEACHERS)}

        less = await show_class(session, by(student), class_.id, workspace.id)
        assert (less.title, less.teachers, less.behind) == ("The sky", ("Vega",), None)
        assert set(less.channels) == open_to_all

        anywhere = await show_class(session, by(teacher), class_.id)
        assert anywhere.channels == ()
        assert anywhere.behind is not None
        assert anywhere.behind.linked == 2

    async def test_others_see_nothing(self, session: AsyncSession, class_: Class) -> None:
        for role in (GlobalRole.TEACHER, GlobalRole.ADMIN):
            with pytest.raises(NotPermitted):
                await show_class(session, by(await make.person(session, role=role)), class_.id)
