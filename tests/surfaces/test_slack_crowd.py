"""A whole class asks at once, and Slack allows so many calls a minute."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from pathlib import Path

import pytest

from adapters.slack.pace import Pace
from tests.fakes.openai_server import OpenAIServer
from tests.fakes.slack_server import slack_server
from tests.surfaces.on_slack import CHANNEL, ELSEWHERE, SHARED, open_school

PEOPLE = 60
FASTER = 10  # times as fast as Slack's minute


@pytest.mark.parametrize("http", [False, True], ids=["socket", "http"])
async def test_sixty_ask_at_once(provider: OpenAIServer, database: str, tmp_path: Path, *, http: bool) -> None:
    pace = Pace(clock=lambda: time.monotonic() * FASTER, sleep=lambda seconds: asyncio.sleep(seconds / FASTER))
    async with slack_server(limits=True, minute=60 / FASTER) as slack:
        slack.courier.retry_after = (0.0, 0.0, 0.0)
        for channel in (CHANNEL, ELSEWHERE, SHARED):
            slack.workspace.add_channel(channel)
        async with open_school(slack, provider, database, tmp_path, http=http, pace=pace) as school:
            users = [f"U{number}" for number in range(100, 100 + PEOPLE)]
            for user in users:
                await school.join(user, f"Student{user}")
            said = [
                school.slack.people.say(user, CHANNEL, f"<@UBOT> Why does the Moon have phases? I am number {number}.")
                for number, user in enumerate(users)
            ]
            for each in said:
                await each.done()
            await school.slack.until(lambda: len(school.shown()) >= PEOPLE, seconds=90)
            await school.settled()
            answers = school.shown()
            assert Counter(answer.thread_ts for answer in answers) == Counter(each.post.ts for each in said)
            assert all("[1]" in answer.text for answer in answers)
            assert all(any(block["type"] == "context_actions" for block in answer.blocks) for answer in answers)
            assert slack.courier.slowest() < 3
            streamed = len(slack.called("chat.startStream"))
            assert 0 < streamed < PEOPLE
            done = await school.rows("SELECT count(*) FROM chat_messages WHERE status = 'COMPLETED'")
            assert done[0][0] == PEOPLE
