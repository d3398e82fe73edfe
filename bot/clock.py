"""What happens by itself: small ticks, each safe to run in any number of processes at once."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from sqlalchemy.exc import SQLAlchemyError

from adapters.queue import forget_finished
from bot.app import App
from core.answering.store import fail_abandoned
from core.assignments.remind import remind
from core.classes.held_file import Upload, forget_files
from core.content.due import Outcome, run_due
from core.errors import StorageUnavailable
from core.grading.schedule_release import run_due_release
from core.inbox.store import forget_events

log = structlog.get_logger(__name__)

KEEP_FINISHED_JOBS = timedelta(days=7)


async def run_clock(app: App, stop: asyncio.Event) -> None:
    """Tick until `stop` is set."""
    scheduler = AsyncIOScheduler(timezone="UTC")
    scheduler.add_job(end_abandoned_answers, "interval", [app], seconds=15, coalesce=True, max_instances=1)
    scheduler.add_job(
        do_what_is_due, "interval", [app], seconds=20, coalesce=True, max_instances=1, misfire_grace_time=None
    )
    scheduler.add_job(
        release_what_is_due, "interval", [app], seconds=20, coalesce=True, max_instances=1, misfire_grace_time=None
    )
    scheduler.add_job(
        remind_of_what_is_due, "interval", [app], seconds=60, coalesce=True, max_instances=1, misfire_grace_time=None
    )
    scheduler.add_job(forget_old_jobs, "interval", [app], hours=6, coalesce=True, max_instances=1)
    scheduler.add_job(forget_served_events, "interval", [app], hours=1, coalesce=True, max_instances=1)
    scheduler.add_job(forget_held_files, "interval", [app], hours=1, coalesce=True, max_instances=1)
    scheduler.start()
    try:
        await end_abandoned_answers(app)
        await do_what_is_due(app)
        await release_what_is_due(app)
        await remind_of_what_is_due(app)
        await stop.wait()
    finally:
        scheduler.shutdown(wait=False)


async def end_abandoned_answers(app: App) -> None:
    """End the answers whose process died: their lease has run out."""
    try:
        ended = await fail_abandoned(app.sessions)
    except (SQLAlchemyError, OSError) as error:
        log.warning("tick_failed", tick="end_abandoned_answers", error=type(error).__name__)
        return
    if ended:
        log.warning("abandoned_answers_ended", count=ended)


async def do_what_is_due(app: App) -> None:
    """Publish and unpublish what was scheduled; the first tick catches up on what was missed."""
    try:
        ran = await run_due(app.sessions)
    except (SQLAlchemyError, OSError) as error:
        log.warning("tick_failed", tick="do_what_is_due", error=type(error).__name__)
        return
    for each in ran:
        if each.outcome is Outcome.FAILED:
            log.warning("scheduled_action_failed", action=str(each.group_id))


async def release_what_is_due(app: App) -> None:
    """Release the grades that were scheduled, each selection in a transaction of its own."""
    try:
        while True:
            async with app.sessions.begin() as session:
                due = await run_due_release(session)
            if due is None:
                return
            if due.error:
                log.warning("scheduled_release_failed", action=str(due.action_id))
    except (SQLAlchemyError, OSError) as error:
        log.warning("tick_failed", tick="release_what_is_due", error=type(error).__name__)


async def remind_of_what_is_due(app: App) -> None:
    """Have students told what is due for them soon; what was missed meanwhile is told if it is not due yet."""
    try:
        async with app.sessions.begin() as session:
            await remind(session)
    except (SQLAlchemyError, OSError) as error:
        log.warning("tick_failed", tick="remind_of_what_is_due", error=type(error).__name__)


async def forget_old_jobs(app: App) -> None:
    """Clear the queue's log of what was finished long ago."""
    try:
        async with app.sessions.begin() as session:
            await forget_finished(session, older_than=KEEP_FINISHED_JOBS)
    except (SQLAlchemyError, OSError) as error:
        log.warning("tick_failed", tick="forget_old_jobs", error=type(error).__name__)


async def forget_served_events(app: App) -> None:
    """Clear the inbox of what was served long ago, or has waited in vain for its sender to say who they are."""
    try:
        async with app.sessions.begin() as session:
            await forget_events(session)
    except (SQLAlchemyError, OSError) as error:
        log.warning("tick_failed", tick="forget_served_events", error=type(error).__name__)


async def forget_held_files(app: App) -> None:
    """Delete the rosters and gradebooks that were uploaded for a preview and never brought in."""
    try:
        for kind in Upload:
            await forget_files(app.pipeline.storage, kind)
    except StorageUnavailable as error:
        log.warning("tick_failed", tick="forget_held_files", error=error.code)
