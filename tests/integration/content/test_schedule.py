"""Publishing and unpublishing at a moment: read as people type it, done once and in time, never given up silently."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select, text

from core.audit.models import AuditLog
from core.classes.models import Class
from core.content.conflict import Seen
from core.content.create import create_lesson
from core.content.delete import delete
from core.content.due import LAST_RETRY, Outcome, publish_batches_of, run_due
from core.content.fields import LessonFields
from core.content.kinds import LESSON, MODULE, Kind
from core.content.moments import read_moment, say_moment
from core.content.move import move_lesson
from core.content.publish import publish
from core.content.publish_module import publish_module
from core.content.revisions import Root
from core.content.schedule import cancel_schedule, list_scheduled, read_class_moment, schedule, schedule_module
from core.db import Sessions
from core.enums import ActionKind, ActionState
from core.errors import Conflict, InvalidInput, NotFound, NotPermitted, NotReady
from core.inbox.models import Notification
from core.inbox.notify import PUBLICATION_FAILED
from core.models import ScheduledAction
from tests.integration.content.desk import Desk, each_indexed, each_kind
from tests.integration.content.school import School
from tests.integration.content.test_permissions import outsiders

SHOW, HIDE = ActionKind.PUBLISH, ActionKind.UNPUBLISH
ZURICH = ZoneInfo("Europe/Zurich")
FRIDAY = datetime(2026, 11, 20, 7, 0, tzinfo=ZURICH)


def soon(hours: float = 1) -> datetime:
    return datetime.now(UTC) + timedelta(hours=hours)


class TestMoments:
    @pytest.mark.parametrize(
        ("said", "meant"),
        [
            ("tomorrow 08:00", "Sat 21 November 2026, 08:00 CET"),
            ("2026-12-01 08:00", "Tue 1 December 2026, 08:00 CET"),
            ("2026-12-01T08:00", "Tue 1 December 2026, 08:00 CET"),
            ("2026-12-01T08:00:00Z", "Tue 1 December 2026, 09:00 CET"),
            ("Fri 8:00", "Fri 20 November 2026, 08:00 CET"),  # today still comes
            ("fri 6:30", "Fri 27 November 2026, 06:30 CET"),  # today's is past
            ("next Friday at 8am", "Fri 27 November 2026, 08:00 CET"),
            ("Monday, 8:00", "Mon 23 November 2026, 08:00 CET"),
            ("06:00", "Sat 21 November 2026, 06:00 CET"),
            ("1.12. 8:00", "Tue 1 December 2026, 08:00 CET"),
            ("Dec 1, 8 pm", "Tue 1 December 2026, 20:00 CET"),
            ("1 January 12am", "Fri 1 January 2027, 00:00 CET"),
            ("in 2 hours", "Fri 20 November 2026, 09:00 CET"),
        ],
    )
    def test_what_people_type(self, said: str, meant: str) -> None:
        moment = read_moment(said, ZURICH, FRIDAY)
        assert (say_moment(moment.at), moment.note) == (meant, "")

    @pytest.mark.parametrize(
        "said",
        ["", "soon", "tomorrow", "2026-12-01", "25:00", "13 pm", "2026-02-30 8:00", "8:00 9:00", "today 06:00",
         "2025-01-01 08:00", "2040-01-01 08:00", "0000-01-01 08:00", "0001-01-01 00:00", "9999-12-31 23:59",
         "9999-12-31T23:59:59-12:00", "²:00", "ma 8:00"],
    )  # fmt: skip
    def test_what_is_no_moment_to_come(self, said: str) -> None:
        with pytest.raises(InvalidInput):
            read_moment(said, ZURICH, FRIDAY)

    def test_what_is_past_where_it_may_be(self) -> None:
        for said, meant in (
            ("2026-09-01 08:00", "Tue 1 September 2026, 08:00 CEST"),
            ("today 06:00", "Fri 20 November 2026, 06:00 CET"),
            ("fri 6:30", "Fri 27 November 2026, 06:30 CET"),  # without a date it is to come, as ever
        ):
            assert say_moment(read_moment(said, ZURICH, FRIDAY, past=True).at) == meant
        for said in ("2016-09-01 08:00", "0002-01-01 08:00"):
            with pytest.raises(InvalidInput, match="ago"):
                read_moment(said, ZURICH, FRIDAY, past=True)

    def test_a_time_that_the_clocks_skip_is_taken_later_and_said(self) -> None:
        moment = read_moment("2027-03-28 02:30", ZURICH, FRIDAY)
        assert moment.at.astimezone(UTC) == datetime(2027, 3, 28, 1, 30, tzinfo=UTC)
        assert "does not exist" in moment.note
        assert "03:30" in moment.note

    def test_a_time_that_comes_twice_is_taken_first_and_said(self) -> None:
        moment = read_moment("2027-10-31 02:30", ZURICH, FRIDAY)
        assert moment.at.astimezone(UTC) == datetime(2027, 10, 31, 0, 30, tzinfo=UTC)
        assert "twice" in moment.note

    async def test_it_is_read_where_the_class_is(self, desk: Desk) -> None:
        (await desk.session.get_one(Class, desk.class_id)).time_zone = "Asia/Tokyo"
        moment = await read_class_moment(desk.session, desk.class_id, "tomorrow 08:00")
        assert (moment.at.hour, moment.at.utcoffset()) == (8, timedelta(hours=9))


@each_kind
async def test_a_thing_is_published_at_its_moment_and_not_before(desk: Desk, sessions: Sessions, kind: Kind) -> None:
    root = await desk.published(kind, "Live")
    await desk.edit(kind, root, "Next")
    await desk.ready(kind, root)
    at = soon()
    async with desk.records(f"{kind.name}.schedule_publication"):
        await schedule(desk.session, desk.teacher, kind, root.id, SHOW, at)
    await commit(desk)
    assert await run_due(sessions, at - timedelta(seconds=1)) == []
    assert await desk.shown(kind, root) == "Live"
    with pytest.raises(Conflict, match="frozen") as frozen:
        await desk.edit(kind, root, "Other")
    assert frozen.value.data["due_at"] == at
    (ran,) = await run_due(sessions, at)
    assert ran.outcome is Outcome.DONE
    assert await desk.shown(kind, root) == "Next"
    assert await run_due(sessions, at + timedelta(days=1)) == []
    assert (await desk.audit()).count((f"{kind.name}.publish", root.id)) == 2
    assert await desk.edit(kind, root, "Other") is not None


@each_kind
async def test_a_thing_is_hidden_at_its_moment(desk: Desk, sessions: Sessions, kind: Kind) -> None:
    root = await desk.published(kind, "Live")
    at = soon()
    async with desk.records(f"{kind.name}.schedule_unpublishing"):
        await schedule(desk.session, desk.teacher, kind, root.id, HIDE, at)
    assert await desk.edit(kind, root, "Next") is not None  # that does not freeze the draft
    await commit(desk)
    await run_due(sessions, at)
    assert await desk.shown(kind, root) is None
    assert (await desk.audit())[-1] == (f"{kind.name}.unpublish", root.id)


async def test_what_was_missed_while_no_clock_ran_happens_in_order(desk: Desk, sessions: Sessions) -> None:
    root = await desk.create(MODULE, "For a week")
    await schedule(desk.session, desk.teacher, MODULE, root.id, SHOW, soon(1))
    await schedule(desk.session, desk.teacher, MODULE, root.id, HIDE, soon(2))
    await commit(desk)
    await run_due(sessions, soon(3))
    assert await desk.shown(MODULE, root) is None
    assert [action for action, entity in await desk.audit() if entity == root.id][-2:] == [
        "module.publish",
        "module.unpublish",
    ]


async def test_what_could_not_appear_in_time_does_not_appear_after_it_was_to_go(desk: Desk, sessions: Sessions) -> None:
    root = await desk.create(LESSON)
    await schedule(desk.session, desk.teacher, LESSON, root.id, SHOW, soon(1))
    await schedule(desk.session, desk.teacher, LESSON, root.id, HIDE, soon(2))
    await commit(desk)
    await run_due(sessions, soon(3))  # its text is still being processed
    await desk.ready(LESSON, root)
    await commit(desk)
    await run_due(sessions, soon(4))
    assert await desk.shown(LESSON, root) is None


@each_indexed
class TestWhenItCanNotBe:
    async def test_a_text_that_is_not_ready_at_its_moment_is_published_when_it_is(
        self, desk: Desk, sessions: Sessions, kind: Kind
    ) -> None:
        root = await desk.create(kind)
        at = soon()
        await schedule(desk.session, desk.teacher, kind, root.id, SHOW, at)
        await commit(desk)
        assert [ran.outcome for ran in await run_due(sessions, at)] == [Outcome.WAITING]
        await desk.ready(kind, root)
        await commit(desk)
        assert [ran.outcome for ran in await run_due(sessions, at)] == [Outcome.DONE]
        assert await desk.shown(kind, root) == "First"

    async def test_a_failure_keeps_the_schedule_says_why_and_is_tried_again_until_it_is_called_off(
        self, desk: Desk, sessions: Sessions, kind: Kind
    ) -> None:
        root = await desk.create(kind)
        at = soon()
        await schedule(desk.session, desk.teacher, kind, root.id, SHOW, at)
        await desk.fail(kind, root, "This file holds only pictures.")
        await commit(desk)
        now, waits = at, []
        for _ in range(12):
            (ran,) = await run_due(sessions, now)
            assert ran.outcome is Outcome.FAILED
            (row,) = await list_scheduled(desk.session, desk.teacher, desk.class_id)
            assert row.error is not None
            assert "only pictures" in row.error
            assert (row.at, row.retry_at is not None) == (at, True)
            assert await run_due(sessions, now) == []  # not yet
            waits.append(row.retry_at - now)  # type: ignore[operator]
            now = row.retry_at  # type: ignore[assignment]
        assert waits[:3] == [timedelta(seconds=20), timedelta(seconds=40), timedelta(seconds=80)]
        assert waits[-1] == LAST_RETRY
        told = (await desk.session.scalars(select(Notification))).all()
        assert [(each.kind, each.app_user_id) for each in told] == [(PUBLICATION_FAILED, desk.teacher.user_id)]
        await cancel_schedule(desk.session, desk.teacher, kind, root.id)
        await desk.edit(kind, root, "Mended")
        await desk.ready(kind, root)
        await commit(desk)
        assert await run_due(sessions, now + LAST_RETRY) == []
        assert await desk.shown(kind, root) is None

    async def test_what_is_scheduled_works_again_once_the_reason_is_gone(
        self, desk: Desk, sessions: Sessions, kind: Kind
    ) -> None:
        root = await desk.create(kind)
        at = soon()
        await schedule(desk.session, desk.teacher, kind, root.id, SHOW, at)
        await desk.fail(kind, root, "The embedding service did not answer.")
        await commit(desk)
        await run_due(sessions, at)
        await desk.ready(kind, root)
        await commit(desk)
        assert [ran.outcome for ran in await run_due(sessions, at + LAST_RETRY)] == [Outcome.DONE]
        assert await desk.shown(kind, root) == "First"

    async def test_what_can_not_be_read_is_not_scheduled(self, desk: Desk, kind: Kind) -> None:
        root = await desk.create(kind)
        await desk.fail(kind, root, "Damaged.")
        async with desk.nothing_changes():
            with pytest.raises(NotReady, match="Damaged"):
                await schedule(desk.session, desk.teacher, kind, root.id, SHOW, soon())


class TestPuttingDown:
    async def test_what_makes_no_sense_is_refused(self, desk: Desk) -> None:
        live, draft = await desk.published(MODULE, "Live"), await desk.create(MODULE)
        seen = Seen.of(await desk.draft(MODULE, draft))
        await desk.edit(MODULE, draft, "Edited")
        await schedule(desk.session, desk.teacher, MODULE, live.id, HIDE, soon())
        await desk.session.flush()
        async with desk.nothing_changes():
            for why, root, act, at, more in (
                (NotFound, live, SHOW, soon(), {}),  # no draft
                (NotFound, draft, HIDE, soon(), {}),  # not published
                (InvalidInput, draft, SHOW, soon(-1), {}),
                (InvalidInput, draft, SHOW, datetime.now(), {}),  # noqa: DTZ005  (that is the case)
                (Conflict, draft, SHOW, soon(), {"seen": seen}),
                (Conflict, live, HIDE, soon(2), {}),  # it is scheduled already
            ):
                with pytest.raises(why):
                    await schedule(desk.session, desk.teacher, MODULE, root.id, act, at, **more)
            with pytest.raises(NotFound, match="waits for nothing"):
                await cancel_schedule(desk.session, desk.teacher, MODULE, draft.id)

    async def test_only_a_teacher_may(self, desk: Desk) -> None:
        draft, waits = await desk.create(MODULE), await desk.create(MODULE)
        await schedule(desk.session, desk.teacher, MODULE, waits.id, SHOW, soon())
        for actor in (await outsiders(desk.session, desk)).values():
            async with desk.nothing_changes():
                for verb in (
                    schedule(desk.session, actor, MODULE, draft.id, SHOW, soon()),
                    schedule_module(desk.session, actor, draft.id, soon()),
                    publish_module(desk.session, actor, draft.id),
                    cancel_schedule(desk.session, actor, MODULE, waits.id),
                    list_scheduled(desk.session, actor, desk.class_id),
                ):
                    with pytest.raises(NotPermitted):
                        await verb

    @each_kind
    async def test_calling_off_leaves_everything_as_it_was(self, desk: Desk, sessions: Sessions, kind: Kind) -> None:
        root = await desk.create(kind)
        await desk.ready(kind, root)
        await schedule(desk.session, desk.teacher, kind, root.id, SHOW, soon())
        async with desk.records(f"{kind.name}.call_off_publication"):
            await cancel_schedule(desk.session, desk.teacher, kind, root.id)
        await commit(desk)
        assert await run_due(sessions, soon(2)) == []
        assert await desk.edit(kind, root, "Second") is not None

    async def test_deleting_ends_whatever_was_to_come(self, desk: Desk, sessions: Sessions) -> None:
        root = await desk.published(MODULE, "Live")
        await desk.edit(MODULE, root, "Next")
        for act in (SHOW, HIDE):
            await schedule(desk.session, desk.teacher, MODULE, root.id, act, soon())
        await delete(desk.session, desk.teacher, MODULE, root.id)
        await commit(desk)
        assert await run_due(sessions, soon(2)) == []

    async def test_a_closed_class_stays_as_it_is_until_it_opens_again(self, desk: Desk, sessions: Sessions) -> None:
        root = await desk.create(MODULE)
        await schedule(desk.session, desk.teacher, MODULE, root.id, SHOW, soon())
        await desk.session.execute(text("UPDATE classes SET deleted_at = now()"))
        await commit(desk)
        assert await run_due(sessions, soon(2)) == []
        await desk.session.execute(text("UPDATE classes SET deleted_at = NULL"))
        await commit(desk)
        assert [ran.outcome for ran in await run_due(sessions, soon(2))] == [Outcome.DONE]


class TestWholeModules:
    async def test_all_of_it_is_published_at_its_moment_or_none(self, desk: Desk, sessions: Sessions) -> None:
        module, lesson = await module_with_lesson(desk)
        at = soon()
        async with desk.records("module.schedule_publication", "lesson.schedule_publication"):
            await schedule_module(desk.session, desk.teacher, module.id, at)
        later = await desk.create(LESSON, "Made later")
        await desk.ready(LESSON, later)
        await commit(desk)
        assert [ran.outcome for ran in await run_due(sessions, at)] == [Outcome.WAITING]
        assert await desk.shown(MODULE, module) is None
        await desk.ready(LESSON, lesson)
        await commit(desk)
        assert [ran.outcome for ran in await run_due(sessions, at)] == [Outcome.DONE]
        assert [await desk.shown(*each) for each in ((MODULE, module), (LESSON, lesson), (LESSON, later))] == [
            "Module", "First", None,
        ]  # fmt: skip
        rows = await desk.session.scalars(select(AuditLog).where(AuditLog.action.like("%.publish")))
        assert len({row.request_id for row in rows if row.entity_id in (module.id, lesson.id)}) == 1

    async def test_one_that_fails_holds_all_of_it_back(self, desk: Desk, sessions: Sessions) -> None:
        module, lesson = await module_with_lesson(desk)
        await schedule_module(desk.session, desk.teacher, module.id, soon())
        await desk.fail(LESSON, lesson, "Damaged.")
        await commit(desk)
        (ran,) = await run_due(sessions, soon(2))
        assert (ran.outcome, "“First”" in (ran.error or "")) == (Outcome.FAILED, True)
        assert await desk.shown(MODULE, module) is None
        rows = await list_scheduled(desk.session, desk.teacher, desk.class_id)
        assert [(row.error is not None, row.batch_id is not None) for row in rows] == [(True, True)] * 2

    async def test_of_the_module_everything_is_called_off_of_a_lesson_that_alone(
        self, desk: Desk, sessions: Sessions
    ) -> None:
        module, lesson = await module_with_lesson(desk)
        await desk.ready(LESSON, lesson)
        other = await desk.create(LESSON, "Other")
        await desk.ready(LESSON, other)
        await schedule_module(desk.session, desk.teacher, module.id, soon())
        with pytest.raises(Conflict, match="waits to be published already"):
            await schedule_module(desk.session, desk.teacher, module.id, soon())
        async with desk.records("lesson.call_off_publication"):
            await cancel_schedule(desk.session, desk.teacher, LESSON, other.id)
        async with desk.records("module.call_off_publication", "lesson.call_off_publication"):
            called_off = await cancel_schedule(desk.session, desk.teacher, MODULE, module.id)
        assert set(called_off) == {("module", module.id), ("lesson", lesson.id)}
        await schedule_module(desk.session, desk.teacher, module.id, soon())
        await publish(desk.session, desk.teacher, MODULE, module.id)  # now, and alone
        await delete(desk.session, desk.teacher, LESSON, other.id)
        await commit(desk)
        assert [ran.outcome for ran in await run_due(sessions, soon(2))] == [Outcome.DONE]
        assert await desk.shown(LESSON, lesson) == "First"

    async def test_what_waits_by_itself_by_then_is_not_called_off_with_it(self, desk: Desk) -> None:
        module, lesson = await module_with_lesson(desk)
        await schedule_module(desk.session, desk.teacher, module.id, soon())
        await cancel_schedule(desk.session, desk.teacher, LESSON, lesson.id)
        await schedule(desk.session, desk.teacher, LESSON, lesson.id, SHOW, soon(2))
        assert await cancel_schedule(desk.session, desk.teacher, MODULE, module.id) == (("module", module.id),)
        assert [row.root_id for row in await list_scheduled(desk.session, desk.teacher, desk.class_id)] == [lesson.id]

    async def test_what_was_moved_while_it_waited_is_called_off_with_it(self, desk: Desk) -> None:
        module, lesson = await module_with_lesson(desk)
        await schedule_module(desk.session, desk.teacher, module.id, soon())
        elsewhere = await desk.create(MODULE, "Elsewhere")
        await move_lesson(desk.session, desk.teacher, lesson.id, elsewhere.id)
        kept = await create_lesson(
            desk.session, desk.teacher, module.id, LessonFields("Kept", "Kept, taught"), queue=desk.queue
        )
        await publish_module(desk.session, desk.teacher, module.id, when_ready=True)  # another batch of it
        called_off = await cancel_schedule(desk.session, desk.teacher, MODULE, module.id)
        assert set(called_off) == {("module", module.id), ("lesson", lesson.id), ("lesson", kept.id)}

    async def test_queued_it_is_published_when_the_last_text_is_ready_and_ends_when_one_fails(
        self, desk: Desk, sessions: Sessions
    ) -> None:
        module, lesson = await module_with_lesson(desk)
        await publish_module(desk.session, desk.teacher, module.id, when_ready=True)
        await desk.fail(LESSON, lesson, "Damaged.")
        await commit(desk)
        assert [ran.outcome for ran in await run_due(sessions, soon())] == [Outcome.FAILED]
        states = set(await desk.session.scalars(select(ScheduledAction.state)))
        assert states == {ActionState.FAILED}
        await desk.edit(LESSON, lesson, "Mended")
        await publish_module(desk.session, desk.teacher, module.id, when_ready=True)
        await desk.ready(LESSON, lesson)
        await commit(desk)
        assert [ran.outcome for ran in await run_due(sessions, soon())] == [Outcome.DONE]
        assert await desk.shown(LESSON, lesson) == "Mended"


class TestAtOnce:
    async def test_many_clocks_do_each_thing_once(self, school: School) -> None:
        roots = [await school.do(lambda desk: desk.create(MODULE)) for _ in range(8)]
        for root in roots:
            await school.do(lambda desk, root=root: plan(desk, MODULE, root))  # type: ignore[misc]
        done: list[Any] = []
        async with asyncio.timeout(60):
            while len([ran for ran in done if ran.outcome is Outcome.DONE]) < len(roots):
                for ran in await asyncio.gather(*[run_due(school.sessions, soon(2)) for _ in range(3)]):
                    done += ran
        assert (await school.actions()).count("module.publish") == len(roots)
        assert await run_due(school.sessions, soon(2)) == []

    async def test_the_clock_passes_by_what_a_teacher_holds_and_finds_it_called_off(self, school: School) -> None:
        root = await school.do(lambda desk: desk.create(MODULE))
        await school.do(lambda desk: plan(desk, MODULE, root))
        async with school.sessions.begin() as session:
            desk = school.desk(session)
            await cancel_schedule(session, desk.teacher, MODULE, root.id)
            async with asyncio.timeout(10):
                assert [ran.outcome for ran in await run_due(school.sessions, soon(2))] == [Outcome.BUSY]
        assert await run_due(school.sessions, soon(2)) == []
        assert await school.do(lambda desk: desk.shown(MODULE, root)) is None

    async def test_what_breaks_half_way_is_undone_and_done_later(self, school: School) -> None:
        module, lesson = await school.do(module_with_lesson)
        await school.do(lambda desk: schedule_module(desk.session, desk.teacher, module.id, soon()))
        await school.do(lambda desk: desk.ready(LESSON, lesson))
        async with school.sessions() as session:
            broken = "ALTER TABLE lesson_units ADD CONSTRAINT broken CHECK (published_revision_id IS NULL)"
            await session.execute(text(broken))
            await session.commit()
        assert [ran.outcome for ran in await run_due(school.sessions, soon(2))] == [Outcome.FAILED]
        assert await school.do(lambda desk: desk.shown(MODULE, module)) is None
        assert "module.publish" not in await school.actions()
        async with school.sessions() as session:
            await session.execute(text("ALTER TABLE lesson_units DROP CONSTRAINT broken"))
            await session.commit()
        assert [ran.outcome for ran in await run_due(school.sessions, soon(3))] == [Outcome.DONE]
        assert await school.do(lambda desk: desk.shown(LESSON, lesson)) == "First"

    async def test_an_edit_that_waits_for_the_schedule_finds_the_draft_frozen(self, school: School) -> None:
        root = await school.do(lambda desk: desk.create(MODULE))
        outcome = await school.one_after_the_other(
            lambda desk: plan(desk, MODULE, root), lambda desk: desk.edit(MODULE, root, "Late")
        )
        assert isinstance(outcome, Conflict)

    async def test_a_module_that_waits_for_its_texts_appears_as_the_last_is_processed(self, school: School) -> None:
        module, lesson = await school.do(module_with_lesson)
        await school.do(lambda desk: publish_module(desk.session, desk.teacher, module.id, when_ready=True))
        await school.do(lambda desk: desk.ready(LESSON, lesson))
        await publish_batches_of(school.sessions, LESSON, lesson.id)
        assert await school.do(lambda desk: desk.shown(LESSON, lesson)) == "First"


async def plan(desk: Desk, kind: Kind, root: Root) -> None:
    await schedule(desk.session, desk.teacher, kind, root.id, SHOW, soon())


async def module_with_lesson(desk: Desk) -> tuple[Root, Root]:
    """Make a module with a lesson whose text is still being processed, and work in it from now on."""
    module = await desk.create(MODULE, "Module")
    desk.module_id = module.id
    return module, await desk.create(LESSON, "First")


async def commit(desk: Desk) -> None:
    """Let the clock, which has sessions of its own, see it; the test's transaction takes it all back."""
    await desk.session.commit()
