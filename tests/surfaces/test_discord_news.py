"""What a class is told in a forum of Discord's: one post with a title, whatever happens to who sends it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from adapters.discord.forum import post_title, tags_for
from adapters.discord.limits import THREAD_NAME, length
from core.enums import Platform
from core.inbox.notify import PUBLISHED
from core.inbox.notify_withdraw import withdraw_notices
from core.replies import say
from tests.fakes.discord.records import FORUM, Channel
from tests.fakes.discord_server import DiscordServer, Failure
from tests.surfaces.notices import Room, open_room
from tests.surfaces.test_notifications import bind, news

POSTS, REQUIRES_TAG = "23", 1 << 4
START = "POST /channels/{channel}/threads"


@pytest.fixture
async def room(local: DiscordServer, database: str, tmp_path: Path) -> AsyncIterator[Room]:
    local.workspace.add_channel(POSTS, "questions", FORUM, tags=("homework", "News", "moon"))
    async with open_room(database, tmp_path, discord=local) as room:
        await bind(room, POSTS, platform=Platform.DISCORD)
        yield room


def threads(local: DiscordServer) -> list[Channel]:
    return local.workspace.threads(POSTS)


async def test_news_is_a_post_with_a_title(local: DiscordServer, room: Room) -> None:
    await news(room, 1)
    await room.send_all()
    (thread,) = threads(local)
    assert thread.name.startswith("New in The Night Sky: Lesson 1.1 ")
    (post,) = local.workspace.shown(thread.id)
    assert post.content.startswith("**New in The Night Sky**")
    assert not post.pings
    assert thread.applied_tags == []
    assert await room.states(PUBLISHED) == {"SENT": 1}


async def test_a_forum_that_wants_a_tag_gets_one(local: DiscordServer, room: Room) -> None:
    forum = local.workspace.channels[POSTS]
    forum.flags = REQUIRES_TAG
    await news(room, 1)
    await room.send_all()
    (thread,) = threads(local)
    assert thread.applied_tags == [tag["id"] for tag in forum.tags if tag["name"] == "News"]


@pytest.mark.parametrize(
    "failure", [Failure(500, done=True), Failure(503), Failure(drop=True, done=True), Failure(drop=True)]
)
async def test_whatever_fails_it_is_posted_once(local: DiscordServer, room: Room, failure: Failure) -> None:
    local.fail(START, failure)
    await news(room, 3)
    await room.send_all()
    (thread,) = threads(local)
    assert thread.name.endswith(" and 2 more")
    assert len(local.workspace.shown(thread.id)) == 1


async def test_a_sender_that_died_is_followed_by_one_that_finds_the_post(local: DiscordServer, room: Room) -> None:
    await news(room, 1)
    local.fail(START, Failure(hang=60, done=True))
    async with room.killed_when(lambda: bool(threads(local)), local.until):
        pass
    threads(local)[0].archived = True
    await room.send_all()
    assert len(threads(local)) == 1
    assert await room.states(PUBLISHED) == {"SENT": 1}


async def test_what_is_taken_back_leaves_no_title(local: DiscordServer, room: Room) -> None:
    await news(room, 1)
    await room.send_all()
    (row,) = await room.rows("SELECT id FROM notifications")
    async with room.app.sessions.begin() as session:
        await withdraw_notices(session, [row.id])
    await room.send_all()
    (thread,) = threads(local)
    assert local.workspace.shown(thread.id) == []
    assert (thread.name, thread.archived) == ("Taken back", True)


def test_a_title_says_the_most_that_fits() -> None:
    listed = "\n".join(f"- Assignment **{number}** " + "on the phases of the Moon " * 9 for number in range(4))
    title = post_title(say(f"**New in NIGHT_SKY**\n\n{listed}"))
    assert title.startswith("New in NIGHT_SKY: Assignment 0 on the phases")
    assert title.endswith("… and 3 more")
    assert length(title) <= THREAD_NAME
    assert post_title(say("Just this.")) == "Just this."


def test_a_tag_that_is_named_is_next_best_and_a_moderators_tag_the_last() -> None:
    tags = [{"id": "1", "name": "Homework", "moderated": False}, {"id": "2", "name": "Moon", "moderated": False},
            {"id": "3", "name": "News", "moderated": True}]  # fmt: skip
    forum = {"flags": REQUIRES_TAG, "available_tags": tags}
    assert list(tags_for(forum, "Phases of the Moon")) == ["2"]
    assert list(tags_for(forum, "Light")) == ["1"]
    assert list(tags_for({"flags": REQUIRES_TAG, "available_tags": tags[2:]}, "Light")) == ["3"]
    assert list(tags_for({"flags": 0, "available_tags": tags}, "Moon")) == []
