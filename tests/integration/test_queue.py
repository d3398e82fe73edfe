from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
from sqlalchemy import text

from adapters.queue import PREFIX, PostgresQueue, forget_finished, install_queue, missing_from_queue
from adapters.worker import WorkerPolicy, drain, run_worker
from core.db import Sessions, create_engine, create_sessions
from core.errors import DatabaseUnavailable, NotReady
from core.schema.functions import LOCK_DOWN
from tests.databases import create_database, drop_database, unused_name

SECRET = "what a student wrote"
ROOT = Path(__file__).parents[2]
QUICK = WorkerPolicy(attempts=3, first_wait=0.01, takeover=1.0)

queue = PostgresQueue()


@pytest.fixture(scope="session")
async def url(server: str) -> AsyncIterator[str]:
    name = unused_name()
    yield await create_database(server, name)
    await drop_database(server, name)


@pytest.fixture(scope="session")
async def installed(url: str) -> str:
    connection = await asyncpg.connect(url)
    await install_queue(connection)
    await connection.execute(LOCK_DOWN)
    await connection.execute("SELECT lock_down()")
    await connection.close()
    return url


@pytest.fixture
async def sessions(installed: str) -> AsyncIterator[Sessions]:
    engine = create_engine(installed)
    async with engine.begin() as connection:
        await connection.execute(text("TRUNCATE queue_pgqueuer, queue_pgqueuer_log"))
    yield create_sessions(engine)
    await engine.dispose()


async def rows(sessions: Sessions, sql: str) -> list[Any]:
    async with sessions() as session:
        return list((await session.execute(text(sql))).scalars())


async def waiting(sessions: Sessions) -> int:
    return len(await rows(sessions, "SELECT id FROM queue_pgqueuer WHERE status = 'queued'"))


async def enqueue(sessions: Sessions, name: str, *payloads: UUID) -> None:
    async with sessions.begin() as session:
        for payload in payloads:
            await queue.enqueue(session, name, payload)


async def ignore(_: UUID) -> None:
    """Do nothing."""


async def test_without_its_tables_a_worker_says_what_to_run(url: str) -> None:
    with pytest.raises(NotReady, match="homeroom db upgrade"):
        await drain(url + "?search_path=elsewhere", {"job": ignore})


async def test_an_unreachable_server_is_a_plain_error(unused_tcp_port: int) -> None:
    with pytest.raises(DatabaseUnavailable):
        await run_worker(f"postgresql://nobody@127.0.0.1:{unused_tcp_port}/x", {"job": ignore}, stop=asyncio.Event())


async def test_installing_again_changes_nothing_and_repairs_what_is_missing(installed: str) -> None:
    connection = await asyncpg.connect(installed)
    assert await missing_from_queue(connection) == ()
    await connection.execute("DROP INDEX queue_pgqueuer_picked_slot_idx")
    assert len(await missing_from_queue(connection)) == 1
    await install_queue(connection)
    assert await missing_from_queue(connection) == ()
    named_otherwise = """
        SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND NOT starts_with(relname, $1)
        UNION SELECT tgname FROM pg_trigger WHERE NOT tgisinternal AND NOT starts_with(tgname, $1)
        UNION SELECT proname FROM pg_proc
        WHERE pronamespace = 'public'::regnamespace AND proname <> 'lock_down' AND NOT starts_with(proname, $1)
        UNION SELECT typname FROM pg_type
        WHERE typnamespace = 'public'::regnamespace AND NOT starts_with(ltrim(typname, '_'), $1)"""
    assert await connection.fetch(named_otherwise, PREFIX) == []
    await connection.close()


@pytest.mark.parametrize("first", ["SELECT 1", None], ids=["after a statement", "as the first statement"])
async def test_a_job_lives_and_dies_with_its_transaction(sessions: Sessions, first: str | None) -> None:
    async with sessions() as session:
        if first:
            await session.execute(text(first))
        await queue.enqueue(session, "job", uuid4())
        assert await waiting(sessions) == 0
        await session.rollback()
        assert await waiting(sessions) == 0
        await queue.enqueue(session, "job", uuid4())
        await session.commit()
        assert await waiting(sessions) == 1


async def test_one_job_waits_under_a_key_and_the_transaction_goes_on(sessions: Sessions) -> None:
    async with sessions.begin() as session:
        for _ in range(2):
            await queue.enqueue(session, "job", uuid4(), dedupe="key")
    async with sessions.begin() as session:
        await queue.enqueue(session, "job", uuid4(), dedupe="key")
        await queue.enqueue(session, "job", uuid4(), dedupe="another key")
        assert await session.scalar(text("SELECT 1")) == 1
    assert await waiting(sessions) == 2


async def test_a_waiting_job_that_was_joined_runs_after_the_joining_transaction(
    installed: str, sessions: Sessions
) -> None:
    """Otherwise it could run in between, miss what that transaction wrote, and nothing would run again."""
    seen: list[str] = []

    async def look(payload: UUID) -> None:
        seen.append("committed" if joined.is_set() else "too early")

    async def note(payload: UUID) -> None:
        seen.append("other")
        noted.set()

    joined, noted, payload = asyncio.Event(), asyncio.Event(), uuid4()
    async with sessions.begin() as session:
        await queue.enqueue(session, "look", payload, dedupe="key")
    async with sessions.begin() as session:
        await queue.enqueue(session, "look", payload, dedupe="key")
        draining = asyncio.create_task(drain(installed, {"look": look, "note": note}))
        await enqueue(sessions, "note", uuid4())
        await asyncio.wait_for(noted.wait(), 10)
        joined.set()
    await draining
    assert seen == ["other", "committed"]


async def test_work_asked_for_while_it_runs_runs_again_and_not_at_once(installed: str, sessions: Sessions) -> None:
    at_once: Counter[str] = Counter()
    order: list[str] = []
    marked = asyncio.Event()
    payload = uuid4()

    async def work(_: UUID) -> None:
        at_once["now"] += 1
        at_once["most"] = max(at_once["most"], at_once["now"])
        order.append("work")
        if len(order) == 1:
            async with sessions.begin() as session:
                await queue.enqueue(session, "work", payload, dedupe="key")
                await queue.enqueue(session, "mark", uuid4())
            await asyncio.wait_for(marked.wait(), 10)  # the second one was handed out before the mark, and put back
        at_once["now"] -= 1

    async def mark(_: UUID) -> None:
        order.append("mark")
        marked.set()

    async with sessions.begin() as session:
        await queue.enqueue(session, "work", payload, dedupe="key")
    handlers = {"work": work, "mark": mark}
    await asyncio.gather(drain(installed, handlers), drain(installed, handlers))
    assert order == ["work", "mark", "work"]
    assert at_once["most"] == 1


async def test_two_workers_share_the_jobs_and_run_each_once(installed: str, sessions: Sessions) -> None:
    both_busy = asyncio.Barrier(2)
    done: Counter[UUID] = Counter()
    by_worker: Counter[int] = Counter()
    stop, all_done = asyncio.Event(), asyncio.Event()
    payloads = [uuid4() for _ in range(40)]

    def worker(number: int) -> asyncio.Task[None]:
        async def job(payload: UUID) -> None:
            by_worker[number] += 1
            if by_worker[number] == 1:
                await asyncio.wait_for(both_busy.wait(), 10)
            done[payload] += 1
            if done.total() == len(payloads):
                all_done.set()

        return asyncio.create_task(run_worker(installed, {"job": job}, stop=stop, policy=QUICK))

    workers = [worker(1), worker(2)]
    await enqueue(sessions, "job", *payloads)
    await asyncio.wait_for(all_done.wait(), 20)
    stop.set()
    await asyncio.gather(*workers)
    assert done == dict.fromkeys(payloads, 1)
    assert set(by_worker) == {1, 2}
    assert await rows(sessions, "SELECT id FROM queue_pgqueuer") == []


DYING_WORKER = """
import asyncio, sys
from adapters.worker import WorkerPolicy, run_worker

async def hang(payload):
    print(payload, flush=True)
    await asyncio.Event().wait()

policy = WorkerPolicy(attempts=2, takeover=0.5)
asyncio.run(run_worker(sys.argv[1], {"job": hang}, stop=asyncio.Event(), policy=policy))
"""


async def killed_worker(url: str) -> str:
    """Start a worker in a process of its own, kill it in the middle of a job, and return that job's payload."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", DYING_WORKER, url, cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout
    started = await asyncio.wait_for(process.stdout.readline(), 20)
    process.send_signal(signal.SIGKILL)
    await process.wait()
    return started.decode().strip()


async def test_a_job_whose_worker_was_killed_is_done_by_another(installed: str, sessions: Sessions) -> None:
    done: list[UUID] = []
    payload = uuid4()

    async def job(given: UUID) -> None:
        done.append(given)

    await enqueue(sessions, "job", payload)
    assert await killed_worker(installed) == str(payload)
    await asyncio.wait_for(drain(installed, {"job": job}, policy=QUICK), 10)
    assert done == [payload]


async def test_a_job_that_kills_its_workers_is_given_up(installed: str, sessions: Sessions) -> None:
    told: list[tuple[str, UUID, str]] = []
    payload = uuid4()

    async def gave_up(name: str, given: UUID, error: Exception) -> None:
        told.append((name, given, str(error)))

    async def job(_: UUID) -> None:
        raise AssertionError

    await enqueue(sessions, "job", payload)
    for _ in range(2):
        await killed_worker(installed)
    policy = WorkerPolicy(attempts=2, takeover=0.5)
    await asyncio.wait_for(drain(installed, {"job": job}, policy=policy, gave_up=gave_up), 10)
    assert told == [("job", payload, "This stopped unexpectedly every time it was tried.")]
    assert await rows(sessions, "SELECT status::text FROM queue_pgqueuer") == ["failed"]


async def test_a_failing_job_is_tried_again_then_kept_without_what_people_wrote(
    installed: str, sessions: Sessions, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    tried: list[UUID] = []
    told: list[Exception] = []

    async def job(payload: UUID) -> None:
        tried.append(payload)
        raise ValueError(SECRET)

    async def gave_up(name: str, payload: UUID, error: Exception) -> None:
        told.append(error)
        raise ValueError(SECRET)

    payload = uuid4()
    async with sessions.begin() as session:
        await queue.enqueue(session, "job", payload, dedupe="key")
    await drain(installed, {"job": job}, policy=QUICK, gave_up=gave_up)
    assert tried == [payload] * 3
    assert [str(error) for error in told] == [SECRET]
    assert await rows(sessions, "SELECT status::text FROM queue_pgqueuer") == ["failed"]
    stored = await rows(sessions, "SELECT traceback::text FROM queue_pgqueuer_log WHERE traceback IS NOT NULL")
    logged = capsys.readouterr()
    assert "ValueError at test_queue.py" in logged.out + logged.err
    for told_to in (*stored, logged.out, logged.err, caplog.text):
        assert SECRET not in told_to
    async with sessions.begin() as session:  # what was given up is in nobody's way
        await queue.enqueue(session, "job", payload, dedupe="key")
    assert await waiting(sessions) == 1


async def test_a_failure_that_passes_is_forgotten(installed: str, sessions: Sessions) -> None:
    tried: list[UUID] = []

    async def job(payload: UUID) -> None:
        tried.append(payload)
        if len(tried) < 3:
            raise ConnectionError

    await enqueue(sessions, "job", uuid4())
    await drain(installed, {"job": job}, policy=QUICK)
    assert len(tried) == 3
    assert await rows(sessions, "SELECT id FROM queue_pgqueuer") == []


async def test_stopping_finishes_what_runs_and_leaves_the_rest(installed: str, sessions: Sessions) -> None:
    done: list[UUID] = []
    started, stop = asyncio.Event(), asyncio.Event()

    async def job(payload: UUID) -> None:
        started.set()
        await stop.wait()
        done.append(payload)

    await enqueue(sessions, "job", *(uuid4() for _ in range(9)))
    worker = asyncio.create_task(run_worker(installed, {"job": job}, stop=stop, concurrency=2))
    await asyncio.wait_for(started.wait(), 10)
    stop.set()
    await asyncio.wait_for(worker, 10)
    assert 1 <= len(done) <= 2
    assert await waiting(sessions) == 9 - len(done)
    assert await rows(sessions, "SELECT id FROM queue_pgqueuer WHERE status <> 'queued'") == []


async def test_a_torn_down_process_puts_its_job_back(installed: str, sessions: Sessions) -> None:
    """What `asyncio.run` does after Ctrl-C: every task is cancelled at once."""
    started = asyncio.Event()
    before = asyncio.all_tasks()

    async def job(_: UUID) -> None:
        started.set()
        await asyncio.Event().wait()

    await enqueue(sessions, "job", uuid4())
    worker = asyncio.create_task(run_worker(installed, {"job": job}, stop=asyncio.Event()))
    await asyncio.wait_for(started.wait(), 10)
    ours = asyncio.all_tasks() - before
    for task in ours:
        task.cancel()
    await asyncio.wait_for(asyncio.gather(*ours, return_exceptions=True), 10)
    assert worker.cancelled()
    assert await rows(sessions, "SELECT status::text FROM queue_pgqueuer") == ["queued"]


async def test_a_worker_outlives_its_connection(installed: str, sessions: Sessions) -> None:
    done: asyncio.Queue[UUID] = asyncio.Queue()
    stop = asyncio.Event()
    first, second = uuid4(), uuid4()
    worker = asyncio.create_task(run_worker(installed, {"job": done.put}, stop=stop, policy=QUICK))
    await enqueue(sessions, "job", first)
    assert await asyncio.wait_for(done.get(), 10) == first
    async with sessions.begin() as session:
        ended = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'homeroom queue'"
        assert await session.scalar(text(ended + " AND datname = current_database()"))
    await enqueue(sessions, "job", second)
    while await asyncio.wait_for(done.get(), 10) != second:
        pass  # the first may come again: the connection may have gone before its end was written down
    stop.set()
    await asyncio.wait_for(worker, 10)


@pytest.mark.parametrize("concurrency", [1, 3])
async def test_concurrency_is_reached_and_never_passed(installed: str, sessions: Sessions, concurrency: int) -> None:
    together = asyncio.Barrier(concurrency)
    at_once: list[int] = []
    now = 0

    async def job(_: UUID) -> None:
        nonlocal now
        now += 1
        at_once.append(now)
        await asyncio.wait_for(together.wait(), 10)
        if len(at_once) == concurrency:
            await rows(sessions, "SELECT 1 FROM pg_sleep(0.5)")  # time enough for the next one to start, if it may
        now -= 1

    await enqueue(sessions, "job", *(uuid4() for _ in range(6)))
    await drain(installed, {"job": job}, concurrency=concurrency)
    assert len(at_once) == 6
    assert max(at_once) == concurrency


async def test_old_logs_and_failures_are_forgotten(installed: str, sessions: Sessions) -> None:
    async def job(_: UUID) -> None:
        raise ValueError

    await enqueue(sessions, "job", uuid4())
    await drain(installed, {"job": job}, policy=WorkerPolicy(attempts=1))
    await enqueue(sessions, "later", uuid4())
    for age, kept in ((timedelta(days=1), 2), (timedelta(0), 1)):
        async with sessions.begin() as session:
            await forget_finished(session, older_than=age)
        assert len(await rows(sessions, "SELECT id FROM queue_pgqueuer")) == kept
    assert await rows(sessions, "SELECT id FROM queue_pgqueuer_log") == []


async def test_the_environment_renames_nothing() -> None:
    code = "from adapters.queue import NAMES; print(NAMES.queue_table, NAMES.channel)"
    environment = os.environ | {"CHANNEL": "#general", "PGQUEUER_QUEUE_TABLE": "other", "PGQUEUER_PREFIX": "x_"}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, cwd=ROOT, env=environment, stdout=asyncio.subprocess.PIPE
    )
    assert (await process.communicate())[0].split() == [b"queue_pgqueuer", b"queue_ch_pgqueuer"]
