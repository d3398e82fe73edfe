"""A person's own questions again: listed, repeated, stopped; never anybody else's."""

from __future__ import annotations

from uuid import uuid4

import pytest
from sqlalchemy import func
from sqlalchemy.ext.asyncio import AsyncSession

from core.answering.history import list_history, own_answer, request_stop
from core.answering.models import ChatMessage
from core.enums import GenerationStatus, MembershipRole
from core.errors import NotFound
from tests import factories as make
from tests.answers import tell


async def test_history_is_ones_own_in_one_class_newest_first(session: AsyncSession) -> None:
    person, (here, elsewhere) = await make.person(session), [await make.class_(session) for _ in range(2)]
    first = await tell(session, user_id=person.id, class_id=here.id, question="One?", answer="1.")
    chat = (await session.get_one(ChatMessage, first.answer_id)).chat_id
    await tell(session, user_id=person.id, chat_id=chat, question="Two?", status=GenerationStatus.FAILED)
    await tell(session, user_id=person.id, class_id=here.id, thread="1.1", question="Three?")
    await tell(session, user_id=person.id, class_id=elsewhere.id, question="Elsewhere?")
    await tell(session, class_id=here.id, question="Somebody else's?")
    past = await list_history(session, person.id, here.id)
    assert [each.question for each in past] == ["Three?", "Two?", "One?"]
    assert (past[2].answer_id, past[2].answer, past[1].status) == (first.answer_id, "1.", GenerationStatus.FAILED)
    assert [each.question for each in await list_history(session, person.id, here.id, limit=1)] == ["Three?"]


async def test_a_deleted_message_is_no_history(session: AsyncSession) -> None:
    class_ = await make.class_(session)
    for part in ("question_id", "answer_id"):
        told = await tell(session, class_id=class_.id)
        (await session.get_one(ChatMessage, getattr(told, part))).deleted_at = func.now()
        await session.flush()
        assert await list_history(session, told.user_id, class_.id) == []


async def test_only_who_asked_gets_an_answer_again(session: AsyncSession) -> None:
    told = await tell(session, thread="1.1", question="Why?")
    assert (await own_answer(session, told.user_id, told.answer_id)).question == "Why?"
    for who, what in (
        ((await make.person(session)).id, told.answer_id),
        (told.user_id, told.question_id),
        (told.user_id, uuid4()),
    ):
        with pytest.raises(NotFound):
            await own_answer(session, who, what)


async def test_who_asked_and_the_classs_teachers_stop_an_answer(session: AsyncSession) -> None:
    class_ = await make.class_(session)
    teacher = await make.person(session)
    await make.enrol(session, class_, teacher, MembershipRole.TEACHER)
    told = await tell(session, class_id=class_.id, status=GenerationStatus.STREAMING)
    for who in (told.user_id, teacher.id):
        answer = await session.get_one(ChatMessage, told.answer_id)
        answer.stop_requested_at = None
        await session.flush()
        assert await request_stop(session, who, told.answer_id)
        await session.refresh(answer)
        assert answer.stop_requested_at is not None


async def test_nobody_else_stops_it(session: AsyncSession) -> None:
    class_, other = [await make.class_(session) for _ in range(2)]
    student, teacher, elsewhere, left = [await make.person(session) for _ in range(4)]
    await make.enrol(session, class_, student)
    await make.enrol(session, other, elsewhere, MembershipRole.TEACHER)
    (await make.enrol(session, class_, left, MembershipRole.TEACHER)).deleted_at = func.now()
    told = await tell(session, class_id=class_.id, thread="1.1", status=GenerationStatus.STREAMING)
    await session.flush()
    for person in (student, teacher, elsewhere, left):
        with pytest.raises(NotFound):
            await request_stop(session, person.id, told.answer_id)
    answer = await session.get_one(ChatMessage, told.answer_id, populate_existing=True)
    assert answer.stop_requested_at is None


@pytest.mark.parametrize(
    "status", [each for each in GenerationStatus if each is not GenerationStatus.STREAMING], ids=str
)
async def test_what_is_written_is_not_stopped(session: AsyncSession, status: GenerationStatus) -> None:
    told = await tell(session, status=status)
    assert not await request_stop(session, told.user_id, told.answer_id)
    assert (await session.get_one(ChatMessage, told.answer_id, populate_existing=True)).stop_requested_at is None
