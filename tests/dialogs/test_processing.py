"""The reply to an upload follows the file until it is ready or failed; where it can't, a notice tells the outcome."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import select, text

from bot.app import App
from bot.following import Following
from core.content.kinds import MATERIAL
from core.enums import NotificationState
from core.errors import HomeroomError, NotPermitted, Unavailable
from core.events import Attachment, Command
from core.inbox.live_notices import HOLD
from core.inbox.models import Notification
from core.inbox.notify import PROCESSED
from core.materials.models import Material, MaterialRevision
from core.materials.process import process_material
from core.replies import Reply
from tests.dialogs.graded import Course, labels, open_course
from tests.dialogs.test_authoring import id_of
from tests.dialogs.test_class_commands import words
from tests.processing import fail

FILES = {"F1": b"# Hardness\n\nGranite scratches glass.\n", "F2": b"# Hardness\n\nGranite scratches steel.\n"}


@dataclass
class Stand:
    """A reply that can be changed, or fails."""

    said: list[Reply] = field(default_factory=list)
    errors: list[HomeroomError] = field(default_factory=list)

    async def change(self, reply: Reply) -> None:
        if self.errors:
            raise self.errors.pop(0)
        self.said.append(reply)


@pytest.fixture
async def course(app: App) -> AsyncIterator[Course]:
    """Yield a class of a bot that follows, looking only when it is told to."""
    following = Following(app.sessions, look_every=3_600, edit_every=0)
    yield await open_course(replace(app, following=following))
    await following.aclose()


@pytest.fixture
def stand(course: Course) -> Stand:
    course.tess.desk.live = Stand()
    course.tess.desk.files = FILES
    return course.tess.desk.live


async def upload(course: Course, text: str = "upload title:Hardness", file: str = "F1") -> Reply:
    tess = course.tess
    return await tess._do(
        Command(
            key=str(uuid4()), sender=tess._sender, place=tess.place, name="material", text=text,
            files={"file": Attachment("hardness.md", file, 40)},
        )
    )  # fmt: skip


async def look(course: Course) -> None:
    """Look, and wait until what is new is shown."""
    following = course.app.following
    await following.look()
    changing = [each.changing for each in following._followed.values() if each.changing]
    await asyncio.gather(*changing)


async def revision(course: Course) -> MaterialRevision:
    async with course.app.sessions() as session:
        of_class = select(MaterialRevision).join(Material, Material.id == MaterialRevision.material_id)
        return (await session.scalars(of_class.where(Material.class_id == course.class_id))).one()


async def change(course: Course, values: str) -> None:
    async with course.app.sessions.begin() as session:
        await session.execute(
            text(f"UPDATE material_revisions SET {values} WHERE id = :id"), {"id": (await revision(course)).id}
        )


async def notices(course: Course) -> list[tuple[NotificationState, bool]]:
    """Return the notices of a class: how they stand, and whether a sender may take them now."""
    async with course.app.sessions() as session:
        rows = await session.execute(
            select(Notification.state, text("state_changed_at <= now()"))
            .where(Notification.class_id == course.class_id, Notification.kind == PROCESSED)
            .order_by(Notification.created_at)
        )
        return [(row[0], row[1]) for row in rows]


WAITS, DUE = (NotificationState.PENDING, False), (NotificationState.PENDING, True)


async def told(course: Course) -> bool:
    return [state for state, _ in await notices(course)] == [NotificationState.SENT]


async def test_the_reply_follows_the_file_until_it_is_ready(course: Course, stand: Stand) -> None:
    first = await upload(course)
    assert "It waits to be processed" in words(first)
    assert labels(first) == ["Preview", "Publish…", "How far is it?"]
    await look(course)
    assert stand.said == []  # nothing is new
    await change(course, "processing_status = 'PROCESSING'")
    await look(course)
    assert "It is being read" in words(stand.said[-1])
    await change(course, "page_count = 12")
    await look(course)
    assert "12 pages are read" in words(stand.said[-1])
    assert await notices(course) == [WAITS]
    await process_material(course.app.pipeline, (await revision(course)).id)
    await look(course)
    assert "It is ready: 1 passage can be searched" in words(stand.said[-1])
    assert labels(stand.said[-1]) == ["Preview", "Publish…"]
    assert len(stand.said) == 3
    assert await told(course)
    assert "“Hardness” in" not in words(await course.tess.type("/material show Hardness"))  # nobody is told twice
    assert not course.app.following._followed


async def test_a_file_that_fails_says_why_and_takes_another(course: Course, stand: Stand) -> None:
    await upload(course)
    async with course.app.sessions.begin() as session:
        await fail(session, MATERIAL, (await revision(course)).id, "This file is damaged.")
    await look(course)
    assert "This file is damaged." in words(stand.said[-1])
    assert labels(stand.said[-1]) == ["Preview", "Another file…"]
    assert await told(course)


async def test_a_file_that_gave_way_to_another_is_left_to_that_ones_reply(course: Course, stand: Stand) -> None:
    await upload(course)
    course.tess.desk.live = second = Stand()
    assert "has a new file" in words(await upload(course, f"edit {await id_of(course, 'material', 'Hardness')}", "F2"))
    await process_material(course.app.pipeline, (await revision(course)).id)
    await look(course)
    assert "Another file has taken its place" in words(stand.said[-1])
    assert "It is ready" in words(second.said[-1])
    assert [state for state, _ in await notices(course)] == [NotificationState.SENT] * 2


async def test_edits_keep_their_distance(course: Course, stand: Stand) -> None:
    course.app.following.edit_every = 3_600
    await upload(course)
    await change(course, "processing_status = 'PROCESSING'")
    await look(course)
    assert stand.said == []


@pytest.mark.parametrize(
    ("errors", "looks"), [([NotPermitted("gone")], 1), ([Unavailable()] * 3, 3)], ids=["for good", "again and again"]
)
async def test_where_the_reply_cannot_be_changed_a_notice_tells(
    course: Course, stand: Stand, errors: list[HomeroomError], looks: int
) -> None:
    await upload(course)
    stand.errors = list(errors)
    await change(course, "processing_status = 'PROCESSING'")
    for _ in range(looks):
        assert await notices(course) == [WAITS]
        await look(course)
    assert await notices(course) == [DUE]


async def test_what_failed_once_is_shown_the_next_time(course: Course, stand: Stand) -> None:
    await upload(course)
    stand.errors = [Unavailable()]
    await change(course, "processing_status = 'PROCESSING'")
    await look(course)
    await look(course)
    assert "It is being read" in words(stand.said[-1])
    assert await notices(course) == [WAITS]


async def test_nothing_is_followed_for_ever(course: Course, stand: Stand) -> None:
    course.app.following.longest = 0
    await upload(course)
    await look(course)
    assert await notices(course) == [DUE]
    assert stand.said == []


async def test_a_process_that_ends_leaves_the_outcome_to_notices(course: Course, stand: Stand) -> None:
    await upload(course)
    assert await notices(course) == [WAITS]
    await course.app.following.aclose()
    assert await notices(course) == [DUE]
    assert timedelta(minutes=1) >= HOLD  # and if it dies, they are not held for long


async def test_a_reply_that_stands_as_it_is_has_a_notice(course: Course) -> None:
    course.tess.desk.files = FILES
    await upload(course)
    assert await notices(course) == [DUE]
