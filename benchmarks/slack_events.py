"""How fast Slack's events are stored and acknowledged: the whole bot beside a bare slack-bolt app, in turns.

    python -m benchmarks.slack_events [--events 400] [--rounds 4]

`homeroom run slack` on a real PostgreSQL, and `bolt_echo`, which stores nothing, each in a process of its own; Slack is
in this one. The events are reactions of somebody unknown to a post that is no answer: stored, acknowledged, looked up,
marked as done, and nothing is said. The time of an acknowledgement is from sending to having it, as Slack sees it: with
one event at a time, and with sixteen, which shows how many a second there can be. Needs nothing: it makes its own
database, and checks at the end that every event is in it once.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg

from benchmarks.slack_processes import BOLT, HOMEROOM, TRANSPORTS, migrated_database, running, temporary_home
from tests.fakes.slack.workspace import Post
from tests.fakes.slack_server import SlackServer, slack_server

AT_ONCE = (1, 16)
WARM_UP = 64
CHANNEL, SOMEBODY = "C1", "U1"


@dataclass(slots=True)
class Subject:
    """An app and its Slack, and what was measured by the number of events at once."""

    name: str
    slack: SlackServer
    post: Post
    sent: int = 0
    seconds: dict[int, float] = field(default_factory=lambda: dict.fromkeys(AT_ONCE, 0.0))
    acknowledged: dict[int, list[float]] = field(default_factory=lambda: {number: [] for number in AT_ONCE})

    async def react(self, count: int, at_once: int) -> list[float]:
        """Send reactions, so many at once; return after how many seconds each was acknowledged."""
        taken = []

        async def one_by_one() -> None:
            for _ in range(count // at_once):
                delivery = self.slack.people.react(SOMEBODY, self.post, "eyes")
                assert delivery is not None
                await delivery.done()
                assert delivery.attempts == 1
                assert delivery.seconds is not None
                taken.append(delivery.seconds)

        async with asyncio.TaskGroup() as group:
            for _ in range(at_once):
                group.create_task(one_by_one())
        self.sent += len(taken)
        return taken

    async def measure(self, count: int, at_once: int) -> None:
        began = time.perf_counter()
        self.acknowledged[at_once] += await self.react(count, at_once)
        self.seconds[at_once] += time.perf_counter() - began

    def rate(self, at_once: int) -> float:
        return len(self.acknowledged[at_once]) / self.seconds[at_once]


async def main(events: int, rounds: int, home: Path) -> None:
    url = await migrated_database(home)
    settings = {"DATABASE_URL": url, "HOMEROOM_HOME": str(home)}
    print("| transport | at once | app | events/s | ack p50 ms | p95 ms | max ms |\n|---|---|---|---|---|---|---|")
    stored = 0
    for transport in TRANSPORTS:
        async with AsyncExitStack() as stack:
            subjects = []
            for name, module in (("slack-bolt alone", BOLT), ("Homeroom", HOMEROOM)):
                slack = await stack.enter_async_context(slack_server())
                await stack.enter_async_context(running(module, slack, transport, **settings))
                slack.workspace.add_person(SOMEBODY, None)
                slack.workspace.add_channel(CHANNEL, SOMEBODY)
                post = slack.workspace.post(CHANNEL, slack.workspace.bot_user, "No answer.")
                subjects.append(Subject(name, slack, post))
                await subjects[-1].react(WARM_UP, max(AT_ONCE))
            for number in range(rounds * len(AT_ONCE)):
                for subject in subjects:
                    at_once = AT_ONCE[number % len(AT_ONCE)]
                    await subject.measure(events if at_once > 1 else events // 4, at_once)
            report(transport, subjects)
            stored += subjects[-1].sent
            assert await kept(url) == stored
    print(f"\nEvery one of Homeroom's {stored:,} events is in its inbox, once.")


def report(transport: str, subjects: list[Subject]) -> None:
    for at_once in AT_ONCE:
        middles = []
        for subject in subjects:
            taken = [seconds * 1000 for seconds in subject.acknowledged[at_once]]
            middles.append(statistics.median(taken))
            print(
                f"| {transport} | {at_once} | {subject.name} | {subject.rate(at_once):,.0f} | {middles[-1]:.1f} "
                f"| {statistics.quantiles(taken, n=20)[18]:.1f} | {max(taken):.1f} |"
            )
        bare, ours = subjects
        share = ours.rate(at_once) / bare.rate(at_once)
        print(f"| {transport} | {at_once} | ratio | {share:.2f} | {middles[1] / middles[0]:.2f} | | |", flush=True)


async def kept(url: str) -> int:
    connection = await asyncpg.connect(url)
    try:
        return int(await connection.fetchval("SELECT count(*) FROM inbox_events"))
    finally:
        await connection.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=400)
    parser.add_argument("--rounds", type=int, default=4)
    arguments = parser.parse_args()
    with temporary_home() as folder:
        asyncio.run(main(arguments.events, arguments.rounds, folder))
