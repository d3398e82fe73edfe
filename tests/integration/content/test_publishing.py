"""Publish and unpublish: the pointer moves, at once or the moment the text is READY."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from core.audit.record import Actor
from core.content.delete import delete, restore
from core.content.kinds import Kind
from core.content.publish import Publication, publish, publish_if_queued, unpublish
from core.content.revert import revert
from core.content.revisions import Root
from core.enums import ActionKind, ActionState
from core.errors import Conflict, NotFound, NotReady
from core.inbox.notify import PUBLICATION_FAILED
from core.models import Notification, ScheduledAction
from tests.integration.content.desk import Desk, each_indexed, each_kind


@each_kind
async def test_publishing_shows_the_draft(desk: Desk, kind: Kind) -> None:
    root = await desk.create(kind)
    await desk.ready(kind, root)
    async with desk.records(f"{kind.name}.publish"):
        assert await publish(desk.session, desk.teacher, kind, root.id) is Publication.PUBLISHED
    assert await desk.shown(kind, root) == "First"
    assert await desk.history(kind, root) == [(1, "First", "PUBLISHED", False)]


@each_kind
async def test_publishing_again_replaces_what_is_shown(desk: Desk, kind: Kind) -> None:
    root = await desk.published(kind, "First", "Second")
    assert await desk.shown(kind, root) == "Second"
    assert await desk.history(kind, root) == [(1, "First", "PUBLISHED", False), (2, "Second", "PUBLISHED", False)]


@each_kind
async def test_there_is_nothing_to_publish_when_it_is_published(desk: Desk, kind: Kind) -> None:
    root = await desk.published(kind, "First")
    async with desk.nothing_changes():
        with pytest.raises(NotFound, match="no draft to publish"):
            await publish(desk.session, desk.teacher, kind, root.id)


@each_kind
async def test_unpublishing_hides_and_publishing_shows_the_same_again(desk: Desk, kind: Kind) -> None:
    root = await desk.published(kind, "First", "Second")
    history = await desk.history(kind, root)
    async with desk.records(f"{kind.name}.unpublish"):
        await unpublish(desk.session, desk.teacher, kind, root.id)
    assert await desk.shown(kind, root) is None
    async with desk.nothing_changes():
        with pytest.raises(NotFound, match="not published"):
            await unpublish(desk.session, desk.teacher, kind, root.id)
    async with desk.records(f"{kind.name}.publish"):
        assert await publish(desk.session, desk.teacher, kind, root.id) is Publication.PUBLISHED
    assert await desk.shown(kind, root) == "Second"
    assert await desk.history(kind, root) == history


@each_kind
async def test_the_draft_goes_before_what_was_unpublished(desk: Desk, kind: Kind) -> None:
    root = await desk.published(kind, "First")
    await desk.edit(kind, root, "Second")
    await unpublish(desk.session, desk.teacher, kind, root.id)
    await desk.publish(kind, root)
    assert await desk.shown(kind, root) == "Second"


@each_indexed
class TestTextThatIsNotReady:
    async def test_publication_waits_and_happens_when_the_text_is_ready(self, desk: Desk, kind: Kind) -> None:
        root = await desk.published(kind, "First")
        await desk.edit(kind, root, "Second")
        async with desk.records(f"{kind.name}.queue_publication"):
            assert await publish(desk.session, desk.teacher, kind, root.id) is Publication.QUEUED
        assert await desk.shown(kind, root) == "First"
        async with desk.nothing_changes():
            assert await publish(desk.session, desk.teacher, kind, root.id) is Publication.QUEUED
            assert not await publish_if_queued(desk.session, Actor.system(), kind, root.id)
        await desk.ready(kind, root)
        assert await desk.shown(kind, root) == "Second"
        assert (await desk.audit())[-1] == (f"{kind.name}.publish", root.id)
        assert await states(desk) == [ActionState.DONE]

    async def test_a_text_that_nobody_waits_for_is_not_published(self, desk: Desk, kind: Kind) -> None:
        root = await desk.create(kind)
        await desk.ready(kind, root)
        async with desk.nothing_changes():
            assert not await publish_if_queued(desk.session, Actor.system(), kind, root.id)

    async def test_a_text_that_failed_is_refused_with_its_reason(self, desk: Desk, kind: Kind) -> None:
        root = await desk.create(kind)
        await desk.fail(kind, root, "This file holds only pictures of pages.")
        async with desk.nothing_changes():
            with pytest.raises(NotReady, match="only pictures of pages"):
                await publish(desk.session, desk.teacher, kind, root.id)

    async def test_a_wait_ends_when_the_text_fails_and_the_draft_can_be_mended(self, desk: Desk, kind: Kind) -> None:
        root = await queued(desk, kind)
        await desk.fail(kind, root, "Damaged.")
        assert await desk.shown(kind, root) is None
        assert await states(desk) == [ActionState.FAILED]
        told = (await desk.session.scalars(select(Notification).where(Notification.kind == PUBLICATION_FAILED))).all()
        assert [each.app_user_id for each in told] == [desk.teacher.user_id]
        assert told[0].details["why"] == "Damaged."
        await desk.edit(kind, root, "Mended")
        await desk.ready(kind, root)
        assert await desk.shown(kind, root) is None  # the wait is over, not suspended
        await desk.publish(kind, root)
        assert await desk.shown(kind, root) == "Mended"

    async def test_a_waiting_draft_is_frozen(self, desk: Desk, kind: Kind) -> None:
        root = await queued(desk, kind)
        async with desk.nothing_changes():
            with pytest.raises(Conflict, match="frozen"):
                await desk.edit(kind, root, "Second")
            with pytest.raises(Conflict, match="frozen"):
                await revert(desk.session, desk.teacher, kind, root.id, 1, queue=desk.queue)

    async def test_unpublishing_calls_the_wait_off(self, desk: Desk, kind: Kind) -> None:
        root = await desk.published(kind, "First")
        await desk.edit(kind, root, "Second")
        await publish(desk.session, desk.teacher, kind, root.id)
        async with desk.records(f"{kind.name}.unpublish"):
            await unpublish(desk.session, desk.teacher, kind, root.id)
        await desk.ready(kind, root)
        assert await desk.shown(kind, root) is None
        assert await states(desk) == [ActionState.CANCELLED]
        await desk.edit(kind, root, "Third")

    async def test_a_first_publication_that_waits_can_be_called_off(self, desk: Desk, kind: Kind) -> None:
        root = await queued(desk, kind)
        await unpublish(desk.session, desk.teacher, kind, root.id)
        await desk.ready(kind, root)
        assert await desk.shown(kind, root) is None

    async def test_deleting_calls_the_wait_off(self, desk: Desk, kind: Kind) -> None:
        root = await queued(desk, kind)
        await delete(desk.session, desk.teacher, kind, root.id)
        await desk.ready(kind, root)
        await restore(desk.session, desk.teacher, kind, root.id)
        assert await desk.shown(kind, root) is None
        assert await desk.edit(kind, root, "Second") is not None

    async def test_publishing_at_once_what_is_scheduled_ends_the_schedule(self, desk: Desk, kind: Kind) -> None:
        root = await desk.create(kind)
        await schedule(desk, kind, root)
        await desk.ready(kind, root)
        assert await desk.shown(kind, root) is None  # its moment has not come
        assert await publish(desk.session, desk.teacher, kind, root.id) is Publication.PUBLISHED
        assert await states(desk) == [ActionState.DONE]
        assert await desk.edit(kind, root, "Second") is not None

    async def test_what_is_scheduled_can_be_wanted_sooner(self, desk: Desk, kind: Kind) -> None:
        root = await desk.create(kind)
        await schedule(desk, kind, root)
        async with desk.records(f"{kind.name}.queue_publication"):
            assert await publish(desk.session, desk.teacher, kind, root.id) is Publication.QUEUED
        await desk.ready(kind, root)
        assert await desk.shown(kind, root) == "First"

    async def test_unpublishing_leaves_the_schedule(self, desk: Desk, kind: Kind) -> None:
        root = await desk.published(kind, "First")
        await desk.edit(kind, root, "Second")
        await schedule(desk, kind, root)
        await unpublish(desk.session, desk.teacher, kind, root.id)
        assert await states(desk) == [ActionState.PENDING]


async def queued(desk: Desk, kind: Kind) -> Root:
    root = await desk.create(kind)
    assert await publish(desk.session, desk.teacher, kind, root.id) is Publication.QUEUED
    return root


async def states(desk: Desk) -> list[ActionState]:
    return list(await desk.session.scalars(select(ScheduledAction.state).order_by(ScheduledAction.created_at)))


async def schedule(desk: Desk, kind: Kind, root: Root) -> None:
    desk.session.add(
        ScheduledAction(
            kind=ActionKind.PUBLISH,
            entity_type=kind.name,
            entity_id=root.id,
            class_id=desk.class_id,
            due_at=datetime.now(UTC) + timedelta(days=1),
        )
    )
    await desk.session.flush()
