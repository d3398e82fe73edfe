"""Reactions as platforms deliver them: in any order, twice, late, and on any part of an answer."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from core.admin.models import AppConfig
from core.enums import FeedbackValue, Platform
from core.errors import InvalidInput
from core.feedback.emoji import THUMBS, read_thumbs, thumbs
from core.feedback.models import ChatMessageFeedback, MessageReaction
from core.feedback.react import Verdict, set_reaction
from tests import factories as make
from tests.answers import Told, tell

UP, DOWN = FeedbackValue.UP, FeedbackValue.DOWN
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)

# What happened on the platform: minute, emoji, put on or taken off, and the post it is on.
Happening = tuple[int, str, bool, str]


@pytest.fixture
async def told(session: AsyncSession) -> Told:
    return await tell(session)


async def hear(session: AsyncSession, told: Told, happening: Happening) -> Verdict:
    minute, emoji, stands, message_id = happening
    return await set_reaction(
        session,
        told.user_id,
        told.answer_id,
        Platform.SLACK,
        emoji,
        stands=stands,
        at=NOON + timedelta(minutes=minute),
        message_id=message_id,
    )


@pytest.mark.parametrize(
    ("story", "verdict"),
    [
        ([(1, "+1", True, "p1"), (2, "+1", False, "p1")], None),
        ([(1, "+1", True, "p1"), (2, "+1", False, "p1"), (3, "+1", True, "p1")], UP),
        ([(1, "+1", True, "p1"), (2, "-1", True, "p1"), (3, "-1", False, "p1")], UP),
        ([(1, "+1", True, "p1"), (2, "-1", True, "p1"), (3, "+1", False, "p1"), (4, "+1", True, "p1")], UP),
        ([(1, "+1::skin-tone-2", True, "p1"), (2, "+1", True, "p1"), (3, "+1", False, "p1")], UP),
        ([(1, "+1", True, "p1"), (2, "+1", True, "p2"), (3, "+1", False, "p2")], UP),
        ([(1, "+1", True, "p1"), (2, "-1", True, "p2"), (3, "-1", False, "p2"), (4, "+1", False, "p1")], None),
        ([(1, "+1", True, "p1"), (2, "tada", True, "p1"), (3, "+1", False, "p1"), (4, "-1", True, "p2")], DOWN),
    ],
)
async def test_the_order_of_arrival_does_not_matter(
    session: AsyncSession, told: Told, story: list[Happening], verdict: FeedbackValue | None
) -> None:
    for order in permutations(story):
        async with session.begin_nested() as savepoint:
            random.seed(str(order))
            heard = [*order, *random.sample(order, len(order))]  # everything comes a second time, in yet another order
            values = [(await hear(session, told, happening)).value for happening in heard]
            assert values[-1] is verdict, f"in the order {heard}"
            await savepoint.rollback()


async def test_at_the_same_moment_taking_off_wins(session: AsyncSession, told: Told) -> None:
    on, off = (1, "+1", True, "p1"), (1, "+1", False, "p1")
    for order in ((on, off), (off, on)):
        async with session.begin_nested() as savepoint:
            assert [(await hear(session, told, each)).value for each in order][-1] is None
            await savepoint.rollback()


async def test_a_thumb_that_was_taken_back_before_it_came_is_not_asked_about(session: AsyncSession, told: Told) -> None:
    assert await hear(session, told, (2, "-1", False, "p1")) == Verdict(None)
    assert await hear(session, told, (1, "-1", True, "p1")) == Verdict(None)
    assert await session.scalar(select(func.count()).select_from(ChatMessageFeedback)) == 0


async def test_a_reaction_has_one_row_however_often_it_changes(session: AsyncSession, told: Told) -> None:
    for minute in range(6):
        await hear(session, told, (minute, "+1", minute % 2 == 0, "p1"))
    assert await session.scalar(select(func.count()).select_from(MessageReaction)) == 1


# Which emoji are thumbs.


async def configure(session: AsyncSession, value: Any) -> None:
    await make.add(session, AppConfig(key="emoji", value=value))


async def test_an_admin_chooses_the_emoji(session: AsyncSession, told: Told) -> None:
    await configure(session, {"up": [":tada:", "🙌"]})
    assert (await hear(session, told, (1, "+1", True, "p1"))).value is None
    assert (await hear(session, told, (2, "-1", True, "p1"))).value is DOWN
    assert (await hear(session, told, (3, "🙌🏿", True, "p1"))).value is UP
    assert (await hear(session, told, (4, "🙌🏿", False, "p1"))).value is DOWN
    assert (await hear(session, told, (5, "tada", True, "p1"))).value is UP


BAD = [
    [],
    "👍",
    {"left": ["👍"]},
    {"up": "👍"},
    {"up": [1]},
    {"up": [""]},
    {"up": ["🏽"]},
    {"up": ["👍"], "down": ["👍🏽"]},
    {"up": ["-1"]},
]


@pytest.mark.parametrize("value", BAD, ids=str)
async def test_a_map_that_makes_no_sense_is_refused_and_never_used(session: AsyncSession, value: Any) -> None:
    with pytest.raises(InvalidInput):
        read_thumbs(value)
    await configure(session, value)
    assert await thumbs(session) == THUMBS
