"""A class asks all at once, where Slack allows 20 streams a minute and about one post a second in a channel.

    python -m benchmarks.slack_crowd [--people 60] [--transport socket|http]

One `homeroom run slack` on a real PostgreSQL, Slack in another process with its limits and its whole minute, and a
model that answers at once; so what takes long is Slack's minute. Prints how soon each question was acknowledged (it
comes twice, as a message and as a mention), when the answers were done, and how they were shown. Takes a minute and a
half, and fails where anybody has no answer, or two.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import asyncpg
from sqlalchemy import select

from adapters.courses.import_folder import import_folder
from benchmarks.slack_processes import HOMEROOM, TRANSPORTS, migrated_database, running, temporary_home
from bot import sample_course
from bot.bootstrap import open_app
from bot.settings import Settings
from core.audit.record import Actor
from core.classes.bind import bind_channel
from core.classes.enrol import create_class, enrol
from core.enums import LinkMethod, MembershipRole
from core.identity.link import link
from core.identity.models import Workspace
from core.identity.people import add_person
from tests.fakes.openai_server import openai_server
from tests.fakes.slack.deeds import Said
from tests.fakes.slack_server import SlackServer, slack_server

CHANNEL = "C1"
QUESTIONS = (
    "How far away is the Beehive cluster?",
    "Why does the Moon turn red during a lunar eclipse?",
    "Which meteor shower comes from an asteroid?",
    "How long does dark adaptation take?",
    "What does 10x50 mean on binoculars?",
)
PATIENCE = 300.0


async def main(people: int, transport: str, home: Path) -> None:
    url = await migrated_database(home)
    users = [f"U{number}" for number in range(1000, 1000 + people)]
    async with slack_server(limits=True) as slack, openai_server() as provider:
        slack.workspace.add_channel(CHANNEL, *users)
        more = {
            "DATABASE_URL": url,
            "HOMEROOM_HOME": str(home),
            "OPENAI_API_KEY": provider.api_key,
            "OPENAI_BASE_URL": provider.base_url,
            "SECRET_KEY": "a key of the benchmark's own that is long enough",
            "PUBLIC_URL": "https://homeroom.example",
        }
        async with running(HOMEROOM, slack, transport, **more):
            await settle_in(url, home, slack, users)
            done, said = await ask(slack, users)
        report(transport, slack, done, said)
    assert await answered(url) == people


async def settle_in(url: str, home: Path, slack: SlackServer, users: Sequence[str]) -> None:
    """Make a class that has the channel and everybody in it."""
    operator = Actor.command_line()
    async with open_app(Settings(homeroom_home=home, database_url=url)) as app:
        async with app.sessions.begin() as session:
            workspace = (await session.scalars(select(Workspace.id))).one()
            class_ = await create_class(session, operator, "CROWD", title="A crowd")
            await bind_channel(session, operator, workspace, CHANNEL, class_.id)
            for user in users:
                email = f"{user.lower()}@homeroom.example"
                slack.workspace.add_person(user, email)
                person = await add_person(session, operator, email)
                await enrol(session, operator, class_.id, person.id, MembershipRole.STUDENT)
                await link(session, operator, workspace, user, person.id, LinkMethod.OPERATOR)
        await import_folder(app.pipeline, operator, class_.id, Path(sample_course.__path__[0]), publish=True)


async def ask(slack: SlackServer, users: Sequence[str]) -> tuple[dict[str, float], list[Said]]:
    """Have everybody ask; return after how many seconds each answer was done, by its thread."""
    done: dict[str, float] = {}
    bot = slack.workspace.bot_user
    began = time.perf_counter()
    said = [
        slack.people.say(user, CHANNEL, f"<@{bot}> {QUESTIONS[number % len(QUESTIONS)]}")
        for number, user in enumerate(users)
    ]

    def all_done() -> bool:
        for post in slack.workspace.shown(CHANNEL):
            if not post.streaming and post.thread_ts is not None:
                done.setdefault(post.thread_ts, time.perf_counter() - began)
        return len(done) >= len(said)

    await slack.until(all_done, PATIENCE)
    return done, said


def report(transport: str, slack: SlackServer, done: dict[str, float], said: Sequence[Said]) -> None:
    sent = [delivery for each in said for delivery in each.deliveries]
    taken = [delivery.seconds for delivery in sent if delivery.seconds is not None]
    assert len(taken) == len(sent)
    assert all(delivery.attempts == 1 for delivery in sent)
    answers = [post for post in slack.workspace.shown(CHANNEL) if post.thread_ts is not None]
    assert Counter(post.thread_ts for post in answers) == Counter(each.post.ts for each in said)
    assert all("[1]" in post.text for post in answers)
    streamed = len(slack.called("chat.startStream"))
    ends = sorted(done.values())
    print(f"{len(said)} people ask at once ({transport}); Slack's minute is a minute")
    print(f"acknowledged       p50 {statistics.median(taken):.2f} s, last {max(taken):.2f} s ({len(sent)} deliveries)")
    print(f"answers done       first {ends[0]:.1f} s, half {statistics.median(ends):.1f} s, last {ends[-1]:.1f} s")
    print(f"shown              {streamed} streamed, {len(answers) - streamed} posted whole, none twice")
    print(f"refused by Slack   {dict(Counter(slack.refusals))}")


async def answered(url: str) -> int:
    connection = await asyncpg.connect(url)
    try:
        return int(await connection.fetchval("SELECT count(*) FROM chat_messages WHERE status = 'COMPLETED'"))
    finally:
        await connection.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, default=60)
    parser.add_argument("--transport", choices=TRANSPORTS, default="socket")
    arguments = parser.parse_args()
    with temporary_home() as folder:
        asyncio.run(main(arguments.people, arguments.transport, folder))
