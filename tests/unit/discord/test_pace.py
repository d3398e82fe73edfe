"""Calls keep the pace where they are sent, whatever held them up before."""

from __future__ import annotations

import asyncio

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from adapters.discord.pace import CALLS_A_SECOND, Pace, paced

STEP = 1 / CALLS_A_SECOND


async def test_calls_that_were_held_together_are_sent_one_after_another() -> None:
    waited: list[float] = []

    async def sleep(seconds: float) -> None:
        waited.append(seconds)

    async def answer(_: web.Request) -> web.Response:
        return web.Response()

    application = web.Application()
    application.router.add_get("/", answer)
    trace = paced(Pace(clock=lambda: 100.0, sleep=sleep))
    async with TestServer(application) as server, aiohttp.ClientSession(trace_configs=[trace]) as session:
        gate = asyncio.Event()

        async def call() -> None:
            await gate.wait()  # as discord.py holds what is in one bucket
            async with session.get(server.make_url("/")) as response:
                assert response.status == 200

        async with asyncio.TaskGroup() as group:
            for _ in range(4):
                group.create_task(call())
            gate.set()
    assert waited == pytest.approx([STEP] * 3)


async def test_a_process_that_was_held_up_does_not_make_up_for_it() -> None:
    now, late = 100.0, iter((0.0, 2.0, 0.0))
    went: list[float] = []

    async def sleep(seconds: float) -> None:
        nonlocal now
        await asyncio.sleep(0)
        now += seconds + next(late)

    pace = Pace(clock=lambda: now, sleep=sleep)

    async def call() -> None:
        await pace.turn()
        went.append(now)

    async with asyncio.TaskGroup() as group:
        for _ in range(4):
            group.create_task(call())
    assert went == pytest.approx([100.0, 100.0 + STEP, 102.0 + 2 * STEP, 102.0 + 3 * STEP])
