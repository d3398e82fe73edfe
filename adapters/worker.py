"""Runs the queue's jobs.

What a handler may rely on, and nothing more:

- A job runs at least once, and wholly after the transaction that enqueued it.
- Jobs of the same entrypoint and payload never run at the same time, in however many processes.
- A job that fails, or whose process dies, is started `WorkerPolicy.attempts` times in all. Then it is kept as `failed`.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any, cast
from uuid import UUID

import asyncpg
import structlog
from pgqueuer.errors import FailingListenerError, RetryRequested
from pgqueuer.models import Job
from pgqueuer.qm import QueueManager
from pgqueuer.queries import Queries
from pgqueuer.types import Channel

from adapters.queue import NAMES, queries_on
from core.db import SESSION_SETTINGS, driver_url
from core.errors import DatabaseUnavailable, HomeroomError, NotReady

Handler = Callable[[UUID], Awaitable[None]]
GaveUp = Callable[[str, UUID, Exception], Awaitable[None]]

log = structlog.get_logger(__name__)

# Frees a dead machine's locks within a minute, where the system's default would be two hours.
KEEPALIVE = {"tcp_keepalives_idle": "30", "tcp_keepalives_interval": "10", "tcp_keepalives_count": "3"}
CONNECTION_ERRORS = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, FailingListenerError)
SAME_JOB_WAIT = timedelta(seconds=1)
LONGEST_RECONNECT_WAIT = 30.0
POLL_WHEN_DRAINING = 0.2


@dataclass(frozen=True, slots=True)
class WorkerPolicy:
    """How stubborn a worker is; times in seconds.

    The wait after a failure grows threefold each time, from `first_wait`. A job whose worker shows no life for
    `takeover` is taken up by another within a third of that again.
    """

    attempts: int = 5
    first_wait: float = 3.0
    takeover: float = 30.0


DEFAULT_POLICY = WorkerPolicy()


async def run_worker(
    database_url: str,
    entrypoints: Mapping[str, Handler],
    *,
    stop: asyncio.Event,
    concurrency: int = 4,
    policy: WorkerPolicy = DEFAULT_POLICY,
    gave_up: GaveUp | None = None,
) -> None:
    """Run jobs until `stop` is set, then finish those that run. A lost connection is made again.

    `gave_up` is told of each job that has used its attempts. The URL must lead to PostgreSQL itself or a pooler in
    session mode, for the connection listens. Raises `DatabaseUnavailable` if the first connection fails, `NotReady`
    before `install_queue`.
    """
    connected = False
    wait = 1.0
    while not stop.is_set():
        try:
            async with _connect(database_url) as connection:
                connected, wait = True, 1.0
                worker = _Worker(queries_on(connection), policy, gave_up, asyncio.Semaphore(concurrency))
                await worker.run(entrypoints, stop, concurrency, poll=policy.takeover / 3)
        except DatabaseUnavailable as error:
            if not connected:
                raise
            log.warning("queue_connection_lost", error=type(error.__cause__).__name__, retry_in=wait)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), wait)
            wait = min(wait * 2, LONGEST_RECONNECT_WAIT)


async def drain(
    database_url: str,
    entrypoints: Mapping[str, Handler],
    *,
    concurrency: int = 4,
    policy: WorkerPolicy = DEFAULT_POLICY,
    gave_up: GaveUp | None = None,
) -> None:
    """Run jobs until none of these entrypoints waits or runs, here or elsewhere; failed ones get their attempts first.

    Raises `DatabaseUnavailable`, and `NotReady` before `install_queue`.
    """
    async with _connect(database_url) as connection:
        queries, empty = queries_on(connection), asyncio.Event()
        worker = _Worker(queries, policy, gave_up, asyncio.Semaphore(concurrency))
        watch = asyncio.create_task(_set_when_empty(queries, list(entrypoints), empty))
        try:
            await worker.run(entrypoints, empty, concurrency, poll=POLL_WHEN_DRAINING)
        finally:
            await _cancel(watch)


@dataclass(slots=True)
class _Worker:
    """Runs jobs on one connection, under PgQueuer's loop."""

    queries: Queries
    policy: WorkerPolicy
    gave_up: GaveUp | None
    slots: asyncio.Semaphore
    running: set[tuple[str, bytes]] = field(default_factory=set)

    async def run(
        self, entrypoints: Mapping[str, Handler], stop: asyncio.Event, concurrency: int, *, poll: float
    ) -> None:
        manager = QueueManager(self.queries, Channel(NAMES.channel))
        for name, handler in entrypoints.items():
            attempt = partial(self._attempt, name, handler)
            manager.entrypoint(name, accepts_context=False, on_failure="hold")(attempt)
        try:
            await manager.verify_structure()
        except RuntimeError as error:
            raise NotReady("The database has no up-to-date job queue. Run `homeroom db upgrade`.") from error
        # An event of its own: PgQueuer sets it also when the listener fails, which must not stop the caller.
        forward = asyncio.create_task(_forward(stop, manager.shutdown))
        try:
            await manager.run(
                dequeue_timeout=timedelta(seconds=poll),
                batch_size=max(1, concurrency // 2),
                max_concurrent_tasks=max(2, concurrency),  # PgQueuer wants twice the batch; `slots` counts exactly
                heartbeat_timeout=timedelta(seconds=self.policy.takeover),
                shutdown_on_listener_failure=True,
                log_aggregation_interval=timedelta(0),  # nothing reads its statistics table
            )
        finally:
            await _cancel(forward)

    async def _attempt(self, name: str, handler: Handler, job: Job) -> None:
        """Run a job once. Raises PgQueuer's request to retry or a bare `_Failed` only, for it stores what is raised."""
        key = (name, job.payload or b"")
        try:
            async with self.slots, self._alone(key) as alone:
                if not alone:
                    raise RetryRequested(SAME_JOB_WAIT, "the same job is running")
                await self._start(name, handler, job)
        except asyncio.CancelledError:
            # The process is being torn down; left to itself PgQueuer would take the job as cancelled and delete it.
            raise RetryRequested(reason="interrupted") from None

    async def _start(self, name: str, handler: Handler, job: Job) -> None:
        payload = UUID((job.payload or b"").decode())
        started = await self._count_start(job)
        if started is None:  # somebody else finished it while we waited
            return
        if started > self.policy.attempts:  # a job that kills its process never gets to report a failure
            error: Exception = HomeroomError("This stopped unexpectedly every time it was tried.")
        else:
            try:
                await handler(payload)
            except Exception as raised:  # noqa: BLE001  (whatever a handler raises costs it one attempt)
                error = raised
            else:
                return
        found = {"entrypoint": name, "payload": str(payload), "attempt": started, "error": _describe(error)}
        if started < self.policy.attempts:
            delay = self.policy.first_wait * 3 ** (started - 1)
            log.warning("job_failed", **found, retry_in=delay)
            raise RetryRequested(timedelta(seconds=delay), type(error).__name__)
        log.error("job_given_up", **found)
        if self.gave_up is not None:
            try:
                await self.gave_up(name, payload, error)
            except Exception as raised:  # noqa: BLE001  (the job is over either way)
                log.error("job_given_up_unheard", **found, because=_describe(raised))  # noqa: TRY400  (text is private)
        raise _Failed(type(error).__name__)

    async def _count_start(self, job: Job) -> int | None:
        """Count a start before it happens, and free the job's key: work that is asked for from now on is a new job."""
        rows = await self.queries.driver.fetch(
            f"UPDATE {NAMES.queue_table} SET dedupe_key = NULL,"
            " headers = jsonb_build_object('starts', coalesce((headers->>'starts')::int, 0) + 1)"
            " WHERE id = $1 RETURNING (headers->>'starts')::int AS starts",
            job.id,
        )
        return cast("int", rows[0]["starts"]) if rows else None

    @contextlib.asynccontextmanager
    async def _alone(self, key: tuple[str, bytes]) -> AsyncIterator[bool]:
        """Yield whether no equal job runs, here or in another process, and hold that until the end.

        A session's advisory lock goes when its connection does, so a dead worker never blocks its successor.
        """
        if key in self.running:  # a session gets its own lock again, so this process looks for itself
            yield False
            return
        number = "hashtextextended($1 || ' ' || encode($2, 'escape'), 0)"
        self.running.add(key)
        try:
            rows = await self.queries.driver.fetch(f"SELECT pg_try_advisory_lock({number}) AS locked", *key)
            locked = bool(rows[0]["locked"])
            try:
                yield locked
            finally:
                if locked:
                    with contextlib.suppress(*CONNECTION_ERRORS):
                        await self.queries.driver.execute(f"SELECT pg_advisory_unlock({number})", *key)
        finally:
            self.running.discard(key)


class _Failed(Exception):
    """A job has used its attempts. Carries the error's type only."""


@contextlib.asynccontextmanager
async def _connect(database_url: str) -> AsyncIterator[asyncpg.Connection[Any]]:
    """Yield a connection of our own. Raises `DatabaseUnavailable` when it can't be made or breaks meanwhile."""
    plain = driver_url(database_url)
    settings = SESSION_SETTINGS | KEEPALIVE | {"application_name": "homeroom queue"}
    try:
        connection = await asyncpg.connect(plain, server_settings=settings, timeout=10, command_timeout=60)
        try:
            yield connection
        finally:
            with contextlib.suppress(*CONNECTION_ERRORS):
                await connection.close(timeout=5)
    except CONNECTION_ERRORS as error:
        raise DatabaseUnavailable from error


async def _set_when_empty(queries: Queries, entrypoints: list[str], empty: asyncio.Event) -> None:
    busy = (
        f"SELECT EXISTS (SELECT FROM {NAMES.queue_table}"
        " WHERE entrypoint = ANY($1) AND status IN ('queued', 'picked')) AS busy"
    )
    try:
        while (await queries.driver.fetch(busy, entrypoints))[0]["busy"]:  # noqa: ASYNC110  (the event is in a database)
            await asyncio.sleep(0.05)
    finally:
        empty.set()  # also when the connection broke: the worker then meets the same error


async def _forward(stop: asyncio.Event, also: asyncio.Event) -> None:
    await stop.wait()
    also.set()


async def _cancel(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def _describe(error: Exception) -> str:
    """Say what went wrong and where, without the error's text, which may quote what people wrote."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = f" at {Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}" if trace else ""
    return type(error).__name__ + place
