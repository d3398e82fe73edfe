"""What becomes of a notification that nobody is told: it waits with its reason, or it is gone."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from core.db import Sessions
from core.enums import NotificationState
from core.grading.models import AssignmentGradeRow
from core.grading.release import RELEASED
from core.inbox.models import Notification
from core.inbox.notify import UNREACHED, ToTell, note_told, notify


async def note_untold(sessions: Sessions, told: ToTell, reason: str) -> None:
    """Note why somebody could not be told; it waits for them, and who released grades is told so."""
    async with sessions.begin() as session:
        waits = "yes" if told.app_user_id is not None else "no"
        await note_told(session, told.id, NotificationState.FAILED, reason=reason, waits=waits)
        if told.kind == RELEASED:
            await _tell_releaser(session, told)


async def forget(session: AsyncSession, notification_id: UUID) -> None:
    """Delete one that there is nothing to say of any more: to tell the same later is new then."""
    row = await session.get(Notification, notification_id, with_for_update=True, populate_existing=True)
    if row is not None and row.deleted_at is None:
        row.deleted_at = datetime.now(UTC)


async def _tell_releaser(session: AsyncSession, told: ToTell) -> None:
    released_by = await session.scalar(
        select(AssignmentGradeRow.released_by_user_id)
        .where(AssignmentGradeRow.id.in_([UUID(each) for each in told.details["grades"]]))
        .limit(1)
    )
    if released_by is not None:
        release_id = told.details["release_id"]
        await notify(
            session,
            f"{UNREACHED}:{release_id}",
            UNREACHED,
            class_id=told.class_id,
            app_user_id=released_by,
            details={"release_id": release_id},
        )
