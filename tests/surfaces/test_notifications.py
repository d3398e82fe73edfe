"""People are told once: through senders that die, limits and failures, closed doors, and what is taken back."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.dispatch import dispatch
from bot.notifying import AT_ONCE
from core.classes.bind import bind_channel
from core.enums import LinkMethod, Platform
from core.events import Command, Place, Sender
from core.grading.plan_release import Selection
from core.grading.release import release
from core.identity.link import link
from core.inbox.notify import PUBLISHED, notify
from core.inbox.notify_later import unreached
from core.inbox.notify_withdraw import withdraw_notices
from core.replies import Reply
from tests.fakes.discord.records import PRIVATE_THREAD
from tests.fakes.discord_server import DiscordServer
from tests.fakes.discord_server import Failure as DiscordFailure
from tests.fakes.slack_server import Failure, SlackServer
from tests.surfaces.notices import Room, open_room
from tests.surfaces.school import OPERATOR
from tests.surfaces.slack_posts import all_text, all_text_of

SAYS = "Your grades in"


@pytest.fixture
async def in_slack(slack: SlackServer, database: str, tmp_path: Path) -> AsyncIterator[Room]:
    slack.workspace.subscribed = frozenset()
    async with open_room(database, tmp_path, slack=slack) as room:
        yield room


@pytest.fixture
async def in_discord(local: DiscordServer, database: str, tmp_path: Path) -> AsyncIterator[Room]:
    async with open_room(database, tmp_path, discord=local) as room:
        yield room


def slack_notices(slack: SlackServer) -> Counter[str]:
    """How many notices stand where, by channel."""
    return Counter(post.channel for post in slack.workspace.posts if post.bot_id and not post.deleted)


def discord_notices(local: DiscordServer) -> Counter[str]:
    posts = [post for post in local.workspace.posts if post.author == "900" and not post.deleted and post.kind == 0]
    return Counter(post.channel for post in posts)


async def slack_class(room: Room, slack: SlackServer, count: int) -> list[str]:
    users = [f"U{number}" for number in range(100, 100 + count)]
    for user in users:
        slack.workspace.add_person(user)
    await room.join(Platform.SLACK, *users)
    return users


async def discord_class(room: Room, local: DiscordServer, count: int) -> list[str]:
    users = [str(number) for number in range(100, 100 + count)]
    for user in users:
        local.workspace.add_person(user)
    await room.join(Platform.DISCORD, *users)
    return users


class TestSlack:
    async def test_a_hundred_are_told_once_through_a_kill_and_limits(self, slack: SlackServer, in_slack: Room) -> None:
        users = await slack_class(in_slack, slack, 100)
        await in_slack.release()
        slack.fail("chat.postMessage", *[Failure(status=429)] * 5, Failure(status=500, done=True), Failure(status=503))

        def posted() -> int:
            return sum(slack_notices(slack).values())

        before = 0
        async with in_slack.killed_when(lambda: posted() >= before + AT_ONCE, slack.until):
            await slack.until(lambda: posted() >= 30)
            before = posted()
            # Slack takes these, and the sender dies before it hears of it.
            slack.fail("chat.postMessage", *[Failure(hang=60)] * AT_ONCE)
        cut_short = posted()
        assert (await in_slack.states())["INTENDED"] >= AT_ONCE, "nothing was under way when it died"
        slack.fail("chat.postMessage", *[Failure(status=429)] * 3, Failure(drop=True, done=True))
        await in_slack.send_all(notifiers=2)
        assert cut_short < 100
        assert slack_notices(slack) == Counter({f"D{user[1:]}": 1 for user in users})
        assert await in_slack.states() == {"SENT": 100}

    async def test_work_that_is_done_and_then_fails_is_not_done_twice(self, slack: SlackServer, in_slack: Room) -> None:
        await slack_class(in_slack, slack, 4)
        await in_slack.release()
        failing = (
            Failure(status=500, done=True),
            Failure(drop=True, done=True),
            Failure(error="internal_error", done=True),
        )
        slack.fail("chat.postMessage", *failing)
        await in_slack.send_all()
        assert set(slack_notices(slack).values()) == {1}
        assert len(slack_notices(slack)) == 4

    async def test_who_waits_long_is_looked_for_however_long_ago_it_was(
        self, slack: SlackServer, in_slack: Room
    ) -> None:
        await slack_class(in_slack, slack, 1)
        await in_slack.release()
        await in_slack.send_all()
        await in_slack.execute(
            "UPDATE notifications SET state = 'INTENDED', state_changed_at = now() - interval '1 day',"
            " created_at = now() - interval '2 days', message_id = NULL"
        )
        await in_slack.send_all()
        assert slack_notices(slack) == {"D100": 1}
        (row,) = await in_slack.rows("SELECT state::text, message_id FROM notifications")
        assert (row.state, row.message_id) == ("SENT", slack.workspace.shown("D100")[0].ts)

    async def test_it_says_what_is_published_when_it_is_sent(self, slack: SlackServer, in_slack: Room) -> None:
        await slack_class(in_slack, slack, 2)
        await in_slack.release()
        await in_slack.another_score(9)
        await in_slack.retract("U101")
        await in_slack.send_all()
        assert slack_notices(slack) == {"D100": 1}
        said = all_text(slack.workspace.shown("D100")[0])
        assert SAYS in said
        assert "7 / 100" in said
        assert "9" not in said.replace("100", ""), "a draft was told"

    async def test_what_is_retracted_is_taken_away(self, slack: SlackServer, in_slack: Room) -> None:
        await slack_class(in_slack, slack, 2)
        await in_slack.release()
        await in_slack.send_all()
        await in_slack.retract("U100")
        await in_slack.send_all()
        assert slack_notices(slack) == {"D101": 1}
        await in_slack.release()
        await in_slack.send_all()
        assert slack_notices(slack) == {"D100": 1, "D101": 1}

    async def test_what_is_retracted_goes_from_their_home_page_too(self, slack: SlackServer, in_slack: Room) -> None:
        await slack_class(in_slack, slack, 2)
        await in_slack.release()
        await in_slack.send_all()
        assert slack.called("views.publish") == [], "a page that nobody has opened"
        await in_slack.retract("U100")
        slack.fail("views.publish", Failure(status=429), Failure(status=500))
        await in_slack.send_all()
        assert slack.workspace.homes.keys() == {"U100"}
        shown = all_text_of(slack.workspace.homes["U100"].view)
        assert "Hello Student U100." in shown
        assert "Your grades" not in shown

    async def test_what_is_left_of_a_release_stays(self, slack: SlackServer, in_slack: Room) -> None:
        await slack_class(in_slack, slack, 1)
        await in_slack.second_work("U100")
        async with in_slack.app.sessions.begin() as session:
            await release(session, in_slack.teacher, Selection(in_slack.class_id))
        await in_slack.send_all()
        await in_slack.retract()
        await in_slack.send_all()
        (post,) = slack.workspace.shown("D100")
        assert "Second work" in all_text(post)
        assert "Observe the Moon" not in all_text(post)

    async def test_a_post_that_nobody_noted_is_taken_away_too(self, slack: SlackServer, in_slack: Room) -> None:
        await slack_class(in_slack, slack, 1)
        await in_slack.release()
        slack.fail("chat.postMessage", Failure(hang=60))
        async with in_slack.killed_when(lambda: bool(slack_notices(slack)), slack.until):
            pass
        await in_slack.retract()
        await in_slack.send_all()
        assert slack_notices(slack) == {}

    async def test_who_can_not_be_reached_sees_it_when_they_come(self, slack: SlackServer, in_slack: Room) -> None:
        await slack_class(in_slack, slack, 2)
        async with in_slack.app.sessions.begin() as session:
            teacher = in_slack.teacher.user_id
            assert teacher is not None
            workspace = in_slack.workspaces[Platform.SLACK]
            slack.workspace.add_person("U9")
            await link(session, OPERATOR, workspace, "U9", teacher, LinkMethod.OPERATOR)
        del slack.workspace.people["U100"]
        await in_slack.release()
        await in_slack.send_all()
        assert await in_slack.states() == {"SENT": 1, "FAILED": 1}
        async with in_slack.app.sessions() as session:
            (missed,) = await unreached(session, in_slack.teacher, in_slack.class_id)
        assert (missed.person, "channel_not_found" in missed.reason or "user_not_found" in missed.reason) == (
            "Student U100",
            True,
        )
        (told,) = slack.workspace.shown("D9")
        assert "Student U100" in all_text(told)
        assert "7" not in all_text(told), "the teacher was told a grade"
        assert [SAYS in reply.text() for reply in await visit(in_slack, "U100")] == [False, True]
        assert [SAYS in reply.text() for reply in await visit(in_slack, "U100")] == [False]

    async def test_at_the_terminal_they_are_told_when_they_come(self, slack: SlackServer, in_slack: Room) -> None:
        await slack_class(in_slack, slack, 1)
        await in_slack.release()
        (row,) = await in_slack.rows("SELECT email FROM app_users WHERE name = 'Student U100'")
        first, again = [await visit(in_slack, row.email, Platform.TERMINAL) for _ in range(2)]
        assert [SAYS in reply.text() for reply in first] == [False, True]
        assert [SAYS in reply.text() for reply in again] == [False]
        await in_slack.send_all()
        assert slack_notices(slack) == {}, "they were told twice"


class TestChannels:
    async def test_a_class_is_told_once_in_each_of_its_channels(self, slack: SlackServer, in_slack: Room) -> None:
        slack.workspace.add_channel("C2", name="second")
        await bind(in_slack, "C1", "C2")
        await news(in_slack, 3)
        slack.fail("chat.postMessage", Failure(hang=60))
        async with in_slack.killed_when(lambda: bool(slack_notices(slack)), slack.until):
            pass
        await in_slack.send_all()
        assert slack_notices(slack) == {"C1": 1, "C2": 1}
        said = all_text(slack.workspace.shown("C1")[0])
        assert said.count("Lesson") >= 3
        assert await in_slack.states(PUBLISHED) == {"SENT": 3}

    async def test_news_that_waited_is_not_told_once_the_class_wants_none(
        self, slack: SlackServer, in_slack: Room
    ) -> None:
        await bind(in_slack, "C1")
        await news(in_slack, 2)
        await in_slack.execute("UPDATE classes SET settings = settings || '{\"announce\": false}'")
        await in_slack.send_all()
        assert slack_notices(slack) == {}
        await in_slack.execute("UPDATE classes SET settings = settings || '{\"announce\": true}'")
        await in_slack.send_all()
        assert slack_notices(slack) == {}, "told long after it was news"
        assert await in_slack.states(PUBLISHED) == {}

    async def test_what_is_withdrawn_is_removed_there(self, slack: SlackServer, in_slack: Room) -> None:
        await bind(in_slack, "C1")
        await news(in_slack, 1)
        await in_slack.send_all()
        assert slack_notices(slack) == {"C1": 1}
        (row,) = await in_slack.rows("SELECT id FROM notifications")
        async with in_slack.app.sessions.begin() as session:
            await withdraw_notices(session, [row.id])
            await withdraw_notices(session, [row.id])
        await in_slack.send_all()
        assert slack_notices(slack) == {}


class TestDiscord:
    async def test_a_hundred_are_told_once_through_a_kill_and_limits(
        self, local: DiscordServer, in_discord: Room
    ) -> None:
        users = await discord_class(in_discord, local, 100)
        await in_discord.release()
        route = "POST /channels/{channel}/messages"
        local.fail(route, *[DiscordFailure(status=429, retry_after=0.05)] * 5)

        def posted() -> int:
            return sum(discord_notices(local).values())

        before = 0
        async with in_discord.killed_when(lambda: posted() >= before + AT_ONCE, local.until):
            await local.until(lambda: posted() >= 30)
            before = posted()
            local.fail(route, *[DiscordFailure(hang=60)] * AT_ONCE)
        assert posted() < 100
        assert (await in_discord.states())["INTENDED"] >= AT_ONCE, "nothing was under way when it died"
        local.fail(route, DiscordFailure(status=500, done=True), DiscordFailure(drop=True, done=True))
        await in_discord.send_all(notifiers=2)
        directs = {local.workspace.direct(user).id: 1 for user in users}
        assert discord_notices(local) == Counter(directs)
        assert await in_discord.states() == {"SENT": 100}

    async def test_a_post_is_found_when_the_nonce_is_forgotten(self, local: DiscordServer, in_discord: Room) -> None:
        (user,) = await discord_class(in_discord, local, 1)
        await in_discord.release()
        route = "POST /channels/{channel}/messages"
        local.fail(route, DiscordFailure(hang=60))
        async with in_discord.killed_when(lambda: bool(discord_notices(local)), local.until):
            pass
        for post in local.workspace.posts:
            post.nonce = None
        await in_discord.send_all()
        assert discord_notices(local) == {local.workspace.direct(user).id: 1}

    async def test_closed_messages_become_one_thread_that_only_they_see(
        self, local: DiscordServer, in_discord: Room
    ) -> None:
        (user,) = await discord_class(in_discord, local, 1)
        local.workspace.people[user].dms_closed = True
        await bind(in_discord, "21", platform=Platform.DISCORD)
        await in_discord.release()
        await in_discord.send_all()
        await in_discord.another_score(8)
        await in_discord.release()
        await in_discord.send_all()
        (thread,) = local.workspace.threads("21")
        assert (thread.kind, set(thread.members)) == (PRIVATE_THREAD, {user, "900"})
        assert discord_notices(local) == {thread.id: 2}
        assert "8 / 100" in local.workspace.shown(thread.id)[-1].content
        await in_discord.retract()
        await in_discord.send_all()
        assert discord_notices(local) == {}

    async def test_where_no_thread_can_be_made_it_waits_and_nothing_is_public(
        self, local: DiscordServer, in_discord: Room
    ) -> None:
        (user,) = await discord_class(in_discord, local, 1)
        local.workspace.people[user].dms_closed = True
        await bind(in_discord, "21", platform=Platform.DISCORD)
        local.workspace.deny("21", "create_private_threads")
        await in_discord.release()
        await in_discord.send_all()
        assert discord_notices(local) == {}
        async with in_discord.app.sessions() as session:
            reasons = [each.reason for each in await unreached(session, OPERATOR, in_discord.class_id)]
        assert "direct messages are closed" in " ".join(reasons)


async def test_on_two_platforms_it_is_the_one_used_last(
    slack: SlackServer, local: DiscordServer, database: str, tmp_path: Path
) -> None:
    async with open_room(database, tmp_path, slack=slack, discord=local) as room:
        slack.workspace.add_person("U100")
        await room.join(Platform.SLACK, "U100")
        local.workspace.add_person("100")
        async with room.app.sessions.begin() as session:
            workspace = room.workspaces[Platform.DISCORD]
            await link(session, OPERATOR, workspace, "100", room.students["U100"], LinkMethod.OPERATOR)
        await room.release()
        await room.send_all()
        assert (slack_notices(slack), discord_notices(local).total()) == ({}, 1)
        await room.execute(
            "INSERT INTO inbox_events (platform, dedupe_key, event, sender) VALUES ('SLACK', 'x', '{}', 'T1 U100')"
        )
        await room.another_score(9)
        await room.release()
        await room.send_all()
        assert (slack_notices(slack), discord_notices(local).total()) == ({"D100": 1}, 1)


async def bind(room: Room, *channels: str, platform: Platform = Platform.SLACK) -> None:
    async with room.app.sessions.begin() as session:
        for channel in channels:
            await bind_channel(session, OPERATOR, room.workspaces[platform], channel, room.class_id)


async def news(room: Room, count: int) -> None:
    """Put the news of so many published lessons that one act published."""
    rows = await room.rows(
        "SELECT id, revision_id FROM published_lesson_units ORDER BY position LIMIT :count", count=count
    )
    async with room.app.sessions.begin() as session:
        for row in rows:
            details = {
                "thing": "lesson",
                "root": str(row.id),
                "revision": str(row.revision_id),
                "updated": False,
                "request": "one act",
            }
            await notify(session, f"news:{row.id}", PUBLISHED, class_id=room.class_id, details=details)


async def visit(room: Room, user: str, platform: Platform = Platform.SLACK) -> list[Reply]:
    """Have somebody type a command, and return all they are shown."""
    shown = Shown()
    sender = Sender(platform, user, "T1" if platform is Platform.SLACK else "")
    event = Command(key=f"visit {user} {id(shown)}", sender=sender, place=Place("D1"), name="help")
    await dispatch(room.app, event, shown)  # type: ignore[arg-type]  # it only sends
    return shown.replies


class Shown:
    """The other end of a visit."""

    def __init__(self) -> None:
        self.replies: list[Reply] = []

    async def send(self, reply: Reply) -> None:
        self.replies.append(reply)

    async def profile(self) -> None:
        return None
