from __future__ import annotations

import asyncio

from adapters.slack.pace import Pace


class Clock:
    """Sleeping takes no time, and moves the clock to where the sleeper wanted it."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds


def test_a_budget_is_for_one_workspace_and_any_minute() -> None:
    clock = Clock()
    pace = Pace(clock, clock.sleep)
    assert sum(pace.take("T1", "chat.startStream") for _ in range(30)) == 20
    assert pace.take("T2", "chat.startStream")
    assert pace.take("T1", "chat.stopStream")
    clock.now = 59.9
    assert not pace.take("T1", "chat.startStream")
    clock.now = 60.0
    assert sum(pace.take("T1", "chat.startStream") for _ in range(30)) == 20


async def test_waiting_posts_go_about_one_a_second_in_each_channel() -> None:
    clock = Clock()
    pace = Pace(clock, clock.sleep)
    moments = []
    for _ in range(9):
        await pace.wait("T1", "chat.postMessage", "C1")
        moments.append(clock.now)
    assert moments == [0, 0, 0, 3, 3, 3, 6, 6, 6]
    assert pace.take("T1", "chat.postMessage", "C2")


async def test_what_slack_refuses_is_held_back_as_long_as_it_says() -> None:
    clock = Clock()
    pace = Pace(clock, clock.sleep)
    pace.hold("T1", "chat.update", 3_000)
    pace.hold("T1", "chat.update", 10)
    assert not pace.take("T1", "chat.update")
    await pace.wait("T1", "chat.update")
    assert clock.now == 3_000


async def test_who_waits_already_waits_on_when_slack_refuses() -> None:
    moment = asyncio.Event()
    now = [0.0]

    async def sleep(seconds: float) -> None:
        target = now[0] + seconds
        await moment.wait()
        now[0] = max(now[0], target)

    pace = Pace(lambda: now[0], sleep)
    for _ in range(3):
        pace.take("T1", "chat.postMessage", "C1")
    waiting = asyncio.create_task(pace.wait("T1", "chat.postMessage", "C1"))
    await asyncio.sleep(0)
    pace.hold("T1", "chat.postMessage", 100, "C1")
    moment.set()
    await waiting
    assert now[0] >= 100


def test_streams_share_the_budget_for_appending() -> None:
    clock = Clock()
    pace = Pace(clock, clock.sleep)
    assert pace.between_appends("T1") == 0.7
    for number in range(10):
        pace.stream_opened("T1", str(number))
    assert 60 / pace.between_appends("T1") * 10 <= 100
    for number in range(8):
        pace.stream_closed("T1", str(number))
    assert pace.between_appends("T1") == 1.4
    clock.now = 601.0  # whoever opened the other two is gone
    assert pace.between_appends("T1") == 0.7


def test_a_refusal_of_streams_is_remembered_for_an_hour() -> None:
    clock = Clock()
    pace = Pace(clock, clock.sleep)
    pace.refuse_streams("T1", "G1")
    assert not pace.takes_streams("T1", "G1")
    assert pace.takes_streams("T1", "C1")
    pace.refuse_streams("T1")
    assert not pace.takes_streams("T1", "C1")
    assert pace.takes_streams("T2", "C1")
    clock.now = 3_600.0
    assert pace.takes_streams("T1", "G1")


def test_idle_channels_are_forgotten() -> None:
    clock = Clock()
    pace = Pace(clock, clock.sleep)
    for number in range(5_000):
        clock.now += 0.01
        pace.take("T1", "chat.postMessage", f"C{number}")
    assert len(pace._budgets) <= 1_001
