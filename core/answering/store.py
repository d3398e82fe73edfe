"""How an answer is kept: begun in one statement, saved while it streams, ended in one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import CursorResult, bindparam, case, func, insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from core.answering.models import ChatMessage, ChatMessageCitation
from core.answering.question import Question
from core.db import Sessions, autocommit
from core.enums import GenerationStatus, MessageRole, Platform
from core.errors import NotPermitted
from core.inbox.deliver import question_shown
from core.ports import Turn, Usage
from core.text import one_line

LEASE = timedelta(seconds=30)
HISTORY_MESSAGES = 6
HISTORY_CHARACTERS = 1_000

# One round trip: the chat (made when new), the question, a STREAMING answer, and the last messages before them. In a
# thread the history is everybody's there; in private it is the person's own chat. Nothing is stored, and no row comes
# back, unless the person is in the class and the lesson is published in it.
_BEGIN = """
WITH asked AS (
    SELECT s.app_user_id, s.class_id, CAST(:mode AS source_mode), CAST(:lesson_id AS uuid),
        CAST(:platform AS platform), CAST(:channel_id AS text), CAST(:thread_id AS text)
    FROM class_memberships s
    JOIN app_users u ON u.id = s.app_user_id AND u.deleted_at IS NULL
    JOIN classes c ON c.id = s.class_id AND c.deleted_at IS NULL
    WHERE s.app_user_id = :user_id AND s.class_id = :class_id AND s.deleted_at IS NULL
        AND (CAST(:lesson_id AS uuid) IS NULL OR EXISTS (
            SELECT FROM published_lesson_units l WHERE l.id = :lesson_id AND l.class_id = :class_id
        ))
), chat AS (
    INSERT INTO chats (app_user_id, class_id, source_mode, lesson_unit_id, platform, channel_id, thread_id)
    SELECT * FROM asked
    ON CONFLICT {conflict} DO UPDATE SET source_mode = excluded.source_mode, lesson_unit_id = excluded.lesson_unit_id
    RETURNING id
), question AS (
    INSERT INTO chat_messages (chat_id, role, text, source_mode, inbox_event_id, created_at)
    SELECT id, 'USER', :question, CAST(:mode AS source_mode), CAST(:inbox_event_id AS uuid), clock_timestamp() FROM chat
    RETURNING id, created_at
), posted AS (
    INSERT INTO message_deliveries (chat_message_id, platform, channel_id, thread_id, message_id)
    SELECT id, CAST(:asked_on AS platform), :asked_in, :asked_under, :asked_by FROM question
    WHERE CAST(:asked_by AS text) <> ''
), answer AS (
    INSERT INTO chat_messages (chat_id, role, source_mode, status, answers_message_id, lease_until, created_at)
    SELECT chat.id, 'ASSISTANT', CAST(:mode AS source_mode), 'STREAMING', question.id,
        now() + CAST(:lease AS interval), question.created_at + interval '1 microsecond'
    FROM chat, question
    RETURNING id
), recent AS (
    SELECT m.role, left(m.text, :characters) AS text, m.created_at
    FROM chat_messages m JOIN chats c ON c.id = m.chat_id
    WHERE {context} AND m.deleted_at IS NULL AND m.text <> '' AND (m.status IS NULL OR m.status <> 'FAILED')
    ORDER BY m.created_at DESC LIMIT :messages
)
SELECT answer.id AS answer_id, question.id AS question_id, recent.role, recent.text
FROM answer CROSS JOIN question LEFT JOIN recent ON true
ORDER BY recent.created_at
"""
_BEGIN_PRIVATE = text(
    _BEGIN.format(
        conflict="(app_user_id, class_id, source_mode, lesson_unit_id) WHERE deleted_at IS NULL AND thread_id IS NULL",
        context="c.id = (SELECT id FROM chat)",
    )
)
_BEGIN_THREAD = text(
    _BEGIN.format(
        conflict="(app_user_id, platform, channel_id, thread_id) WHERE deleted_at IS NULL AND thread_id IS NOT NULL",
        context=(
            "c.platform = CAST(:platform AS platform) AND c.channel_id = CAST(:channel_id AS text) "
            "AND c.thread_id = CAST(:thread_id AS text) AND c.class_id = CAST(:class_id AS uuid)"
        ),
    )
)
_SAVE = text(
    "UPDATE chat_messages SET text = :text, lease_until = now() + CAST(:lease AS interval) "
    "WHERE id = :id AND status = 'STREAMING' RETURNING stop_requested_at IS NOT NULL AS stop"
)


@dataclass(frozen=True, slots=True)
class Begun:
    """A stored question with its answer about to be written, and the conversation before it."""

    question_id: UUID
    answer_id: UUID
    history: tuple[Turn, ...]


@dataclass(frozen=True, slots=True)
class StoredCitation:
    """A citation as it is kept: pinned to the chunk."""

    number: int
    chunk_id: UUID
    quote: str
    score: float


async def begin_answer(sessions: Sessions, question: Question) -> Begun:
    """Store the question and a STREAMING answer with a lease; return them with the bounded history.

    Raises `NotPermitted` when the person is not in the class, or the lesson not published in it.
    """
    thread, origin = question.thread, question.origin
    async with autocommit(sessions) as session:
        rows = (
            await session.execute(
                _BEGIN_THREAD if thread else _BEGIN_PRIVATE,
                {
                    "user_id": question.user_id,
                    "class_id": question.class_id,
                    "mode": question.mode.value,
                    "lesson_id": question.lesson_unit_id,
                    "platform": thread.platform.value if thread else None,
                    "channel_id": thread.channel_id if thread else None,
                    "thread_id": thread.thread_id if thread else None,
                    "question": question.text,
                    "inbox_event_id": origin.inbox_event_id if origin else None,
                    "asked_on": origin.platform.value if origin else None,
                    "asked_in": origin.channel_id if origin else "",
                    "asked_under": origin.thread_id if origin else None,
                    "asked_by": origin.message_id if origin else "",
                    "lease": LEASE,
                    "characters": HISTORY_CHARACTERS,
                    "messages": HISTORY_MESSAGES,
                },
            )
        ).all()
    if not rows:
        raise NotPermitted(
            "You can't ask that here: you are not in this class, or its lesson is not published any more."
        )
    history = tuple(Turn(row.role.lower(), one_line(row.text, HISTORY_CHARACTERS)) for row in rows if row.role)
    return Begun(rows[0].question_id, rows[0].answer_id, history)


async def renew_lease(sessions: Sessions, answer_id: UUID) -> None:
    """Go on holding an answer that is not being written yet."""
    async with autocommit(sessions) as session:
        await session.execute(
            update(ChatMessage)
            .where(ChatMessage.id == answer_id, ChatMessage.status == GenerationStatus.STREAMING)
            .values(lease_until=func.now() + LEASE)
        )


async def save_progress(sessions: Sessions, answer_id: UUID, text_so_far: str) -> bool:
    """Keep what is written so far and renew the lease; say whether the answer is to stop."""
    async with autocommit(sessions) as session:
        row = (await session.execute(_SAVE, {"id": answer_id, "text": text_so_far, "lease": LEASE})).one_or_none()
    return row is None or bool(row.stop)


async def end_answer(
    sessions: Sessions,
    answer_id: UUID,
    status: GenerationStatus,
    written: str | None,
    *,
    citations: Sequence[StoredCitation] = (),
    grounded: bool | None = None,
    usage: Usage | None = None,
    error_code: str | None = None,
    error: str | None = None,
) -> bool:
    """Write the finished answer, whatever became of it, with its citations, in one short transaction.

    With `written` None the text saved last stays. Returns False, and changes nothing, when the answer was ended
    already: its lease ran out and somebody gave it up.
    """
    async with sessions.begin() as session:
        changed = await session.execute(
            update(ChatMessage)
            .where(ChatMessage.id == answer_id, ChatMessage.status == GenerationStatus.STREAMING)
            .values(
                text=ChatMessage.text if written is None else written,
                status=status,
                lease_until=None,
                completed_at=func.now(),
                grounded=grounded,
                model=usage.model if usage else None,
                prompt_tokens=usage.prompt_tokens if usage else None,
                completion_tokens=usage.completion_tokens if usage else None,
                error_code=error_code,
                error=error,
            )
            .execution_options(synchronize_session=False)
        )
        if not isinstance(changed, CursorResult) or changed.rowcount == 0:
            return False
        if citations:
            await session.execute(
                insert(ChatMessageCitation),
                [
                    {
                        "chat_message_id": answer_id,
                        "number": citation.number,
                        "chunk_id": citation.chunk_id,
                        "quote": citation.quote,
                        "score": citation.score,
                    }
                    for citation in citations
                ],
            )
    return True


async def fail_abandoned(sessions: Sessions) -> int:
    """End the answers whose writer died, so that nothing stays STREAMING; return how many there were."""
    async with sessions.begin() as session:
        changed = await session.execute(
            update(ChatMessage)
            .where(
                ChatMessage.role == MessageRole.ASSISTANT,
                ChatMessage.status == GenerationStatus.STREAMING,
                ChatMessage.lease_until < func.now(),
            )
            .values(
                status=GenerationStatus.FAILED,
                lease_until=None,
                completed_at=func.now(),
                error_code="interrupted",
                error=bindparam("sentence", "The answer was interrupted."),
            )
            .execution_options(synchronize_session=False)
        )
        return changed.rowcount if isinstance(changed, CursorResult) else 0


async def take_back(sessions: Sessions, inbox_event_id: UUID) -> None:
    """Forget the question that an event brought, with its answer: its writer died, and it is asked again."""
    question = select(ChatMessage.id).where(ChatMessage.inbox_event_id == inbox_event_id)
    async with sessions.begin() as session:
        await session.execute(
            update(ChatMessage)
            .where(
                (ChatMessage.inbox_event_id == inbox_event_id) | ChatMessage.answers_message_id.in_(question),
                ChatMessage.deleted_at.is_(None),
            )
            .values(
                deleted_at=func.now(),
                lease_until=None,
                status=case(
                    (ChatMessage.status == GenerationStatus.STREAMING, GenerationStatus.FAILED),
                    else_=ChatMessage.status,
                ),
            )
            .execution_options(synchronize_session=False)
        )


async def withdraw_question(session: AsyncSession, platform: Platform, channel_id: str, message_id: str) -> None:
    """Forget a question whose author took its message back: it is no context any more, and its answer stops."""
    question = await question_shown(session, platform, channel_id, message_id)
    if question is None:
        return
    await session.execute(update(ChatMessage).where(ChatMessage.id == question).values(deleted_at=func.now()))
    await session.execute(
        update(ChatMessage)
        .where(ChatMessage.answers_message_id == question, ChatMessage.status == GenerationStatus.STREAMING)
        .values(stop_requested_at=func.now())
    )
