"""What a person sees in Discord of an answer and of a reply, whatever Discord refuses on the way."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from discord import Client
from sqlalchemy.ext.asyncio import async_sessionmaker

from adapters.discord.alone import Alone
from adapters.discord.calls import Calls
from adapters.discord.fetching import is_discords
from adapters.discord.packing import Message as Shown
from adapters.discord.places import Where
from adapters.discord.reach import NOT_REACHED
from adapters.discord.receive import receive_interaction
from adapters.discord.responder import DiscordResponder
from adapters.discord.route import MESSAGE, Route, route_of_event, route_of_interaction
from adapters.discord.setting import Setting
from adapters.discord.stream import EDIT_SECONDS
from core.enums import Platform
from core.errors import NotFound, NotPermitted, Oversized, Unavailable
from core.events import Attachment, Event, Message, Place, Sender
from core.ports import Post as Noting
from core.replies import Audience, Citation, Field, File, Form, Note, Picture, Reply, Sources, Text, say
from tests.fakes.discord.records import Interaction as Began
from tests.fakes.discord.records import Post
from tests.fakes.discord.world import APPLICATION, BOT
from tests.fakes.discord_server import DiscordServer, Failure
from tests.surfaces.slack_replies import ANSWER, Noted

POST = "POST /channels/{channel}/messages"
EDIT = "PATCH /channels/{channel}/messages/{message}"
OPEN_DM = "POST /users/@me/channels"
CITATION = Citation(1, "Optics", "page 3", "Light bends.", ANSWER)
PIECES = ("Light bends ", "at the surface ", "@everyone [1].")
WHOLE = Reply((Text("".join(PIECES)), Sources((CITATION,)), Note("From the script.")), Audience.HERE, ANSWER)
SHOWN = "Light bends at the surface @\u200beveryone [1].\n-# From the script."


class NothingBegun(Alone):
    """No private threads are known, and no database is asked for one."""

    async def known(self, user: str, guild: str, channel: str) -> None: ...


@pytest.fixture
async def setting(local: DiscordServer, rest: Client) -> AsyncIterator[Setting]:
    async with aiohttp.ClientSession() as session:
        calls = Calls(rest.http, session)
        yield Setting(calls, NothingBegun(async_sessionmaker(), calls, lambda: BOT), lambda: BOT, local.api_url)


def asked(local: DiscordServer, channel: str = "21", user: str = "11") -> Post:
    return local.people.say(user, channel, f"<@{BOT}> Why?")


def to_message(
    setting: Setting, post: Post, where: Where | None = None, noted: Noted | None = None
) -> DiscordResponder:
    where = where or Where(post.channel)
    event = Message(
        key=f"discord:message:{post.channel}:{post.id}",
        sender=Sender(Platform.DISCORD, post.author, "7"),
        place=Place(where.channel, None if where.private else where.thread or post.id, private=where.private),
        text="Why?",
        message_id=post.id,
    )
    route = route_of_event(MESSAGE, post.author, "" if where.private else "7", where, post.id)
    return DiscordResponder(setting, route, event, noted or Noted(platform=Platform.DISCORD))


def to_interaction(
    setting: Setting, began: Began, where: Where | None = None, noted: Noted | None = None
) -> DiscordResponder:
    payload: dict[str, Any] = {
        "id": began.id,
        "application_id": APPLICATION,
        "type": began.kind,
        "token": began.token,
        "guild_id": "7",
        "member": {"user": {"id": began.user}},
        "data": began.data,
    }
    if began.source is not None:
        payload["message"] = {"id": began.source.id, "embeds": began.source.embeds}
    where = where or Where(began.channel)
    event = receive_interaction(payload, where, "7")
    assert isinstance(event, Event)
    route = route_of_interaction(payload, where, began.user)
    return DiscordResponder(setting, route, event, noted or Noted(platform=Platform.DISCORD))


def typed(local: DiscordServer, channel: str = "21") -> Began:
    """Somebody types a command."""
    if not local.workspace.commands.get(""):
        local.workspace.commands[""] = {
            "1": {
                "id": "1",
                "name": "grades",
                "type": 1,
                "options": [],
                "contexts": [0, 1],
                "default_member_permissions": None,
            },
        }
    return local.people.command("11", channel, "grades")


async def write(responder: DiscordResponder, *, audience: Audience = Audience.HERE) -> None:
    """Write the answer, each piece after an edit may be made."""
    opened: Any = await responder.begin(ANSWER, audience)
    now = [0.0]
    opened.clock = lambda: now[0]
    for piece in PIECES:
        await opened.append(piece)
        await asyncio.wait({opened._showing})
        now[0] += EDIT_SECONDS
    await opened.close(WHOLE)


async def test_an_answer_grows_in_its_thread_with_stop_under_it(local: DiscordServer, setting: Setting) -> None:
    noted, question = Noted(platform=Platform.DISCORD), asked(local)
    await write(to_message(setting, question, noted=noted))
    (answer,) = local.workspace.shown(question.id)
    assert answer.content == SHOWN
    assert answer.edits[:2] == ["Light bends", "Light bends at the surface"]
    assert answer.pings == frozenset()
    first = local.called(POST)[0]
    assert first["components"][0]["components"][0]["label"] == "Stop"
    assert "Stop" not in str(answer.components)
    assert noted.notes == [("21", 0, None, question.id), ("21", 0, answer.id, question.id)]


async def test_no_edit_follows_another_within_the_time(local: DiscordServer, setting: Setting) -> None:
    opened: Any = await to_message(setting, asked(local)).begin(ANSWER, Audience.HERE)
    opened.clock = lambda: 5.0
    for number in range(100):
        await opened.append(f"{number} ")
    await opened.close(say("".join(f"{number} " for number in range(100)), audience=Audience.HERE))
    assert len(local.called(POST)) == 1
    assert len(local.called(EDIT)) == 1


async def test_while_discord_makes_us_wait_no_edits_queue_up(local: DiscordServer, setting: Setting) -> None:
    question = asked(local)
    local.fail(POST, Failure(429, retry_after=0.2))
    opened: Any = await to_message(setting, question).begin(ANSWER, Audience.HERE)
    began = time.monotonic()
    for number in range(50):
        await opened.append(f"{number} ")
    assert time.monotonic() - began < 0.15, "the writing is not held up"
    await opened.close(WHOLE)
    (answer,) = local.workspace.shown(question.id)
    assert answer.content == SHOWN


@pytest.mark.parametrize(
    "failure", [Failure(500, done=True), Failure(503), Failure(drop=True, done=True), Failure(drop=True)]
)
async def test_whatever_fails_an_answer_stands_there_once(
    local: DiscordServer, setting: Setting, failure: Failure
) -> None:
    question = asked(local)
    local.fail(POST, failure)
    responder = to_message(setting, question)
    opened: Any = await responder.begin(ANSWER, Audience.HERE)
    opened.sleep = _soon
    await opened.append(PIECES[0])
    await opened.close(WHOLE)
    (answer,) = local.workspace.shown(question.id)
    assert answer.content == SHOWN


async def test_a_long_answer_goes_on_in_further_messages(local: DiscordServer, setting: Setting) -> None:
    question, noted = asked(local), Noted(platform=Platform.DISCORD)
    text = "\n\n".join(f"{number}. " + "Light bends at the surface. " * 30 for number in range(6))
    opened: Any = await to_message(setting, question, noted=noted).begin(ANSWER, Audience.HERE)
    now = [0.0]
    opened.clock = lambda: now[0]
    for start in range(0, len(text), 700):
        await opened.append(text[start : start + 700])
        await asyncio.wait({opened._showing})
        now[0] += EDIT_SECONDS
    await opened.close(say(text, audience=Audience.HERE))
    posts = local.workspace.shown(question.id)
    assert len(posts) == 3
    assert noted.posted() == {part: post.id for part, post in enumerate(posts)}
    assert all("Stop" not in str(post.components) for post in posts)


async def test_where_no_thread_may_be_begun_the_answer_hangs_on_the_question(
    local: DiscordServer, setting: Setting
) -> None:
    local.workspace.deny("21", "create_public_threads")
    question = asked(local)
    await write(to_message(setting, question))
    (answer,) = local.workspace.shown("21")
    assert answer.reference is not None
    assert answer.reference["message_id"] == question.id
    assert answer.pings == frozenset()


async def test_where_nothing_may_be_posted_the_person_gets_it_alone(local: DiscordServer, setting: Setting) -> None:
    local.workspace.deny("21", "send_messages", "send_messages_in_threads", "create_public_threads")
    await write(to_message(setting, asked(local)))
    (answer,) = local.workspace.shown(local.workspace.direct("11").id)
    assert answer.content == SHOWN


@pytest.mark.parametrize("route", [POST, OPEN_DM])
async def test_closed_direct_messages_lead_to_a_private_thread(
    local: DiscordServer, setting: Setting, route: str
) -> None:
    question, noted = asked(local), Noted(platform=Platform.DISCORD)
    local.fail(route, Failure(code=50007))
    await to_message(setting, question, noted=noted).send(Reply((Text("Only for you."),), answer_id=ANSWER))
    (thread,) = local.workspace.threads("21")
    assert thread.kind == 12
    assert set(thread.members) == {"11", BOT}
    (answer,) = local.workspace.shown(thread.id)
    assert answer.content == "Only for you."
    assert noted.notes[-1] == ("21", 0, answer.id, thread.id), "a reaction to it is found"
    assert local.workspace.shown("21") == []


async def test_who_can_not_be_reached_at_all_is_told_no_more_than_that(local: DiscordServer, setting: Setting) -> None:
    local.workspace.deny("21", "create_private_threads")
    question = asked(local)
    local.fail(POST, Failure(code=50278))
    with pytest.raises(NotPermitted):
        await to_message(setting, question).send(say("Only for you."))
    assert [post.content for post in local.workspace.shown("21")] == [NOT_REACHED]


async def test_a_command_is_answered_to_the_person_alone(local: DiscordServer, setting: Setting) -> None:
    began = typed(local)
    await to_interaction(setting, began).send(Reply((Text("Your grade: 5"), Picture(b"\x89PNG", "A curve"))))
    (post,) = local.workspace.private("11")
    assert post.content == "Your grade: 5"
    assert [file.description for file in post.files] == ["A curve"]
    assert local.workspace.shown("21") == []


async def test_a_file_is_seen_by_the_person_alone(local: DiscordServer, setting: Setting) -> None:
    await to_interaction(setting, typed(local)).send(say("Your grades:", File("a/grades.csv", b"a,b", "text/csv")))
    (post,) = local.workspace.private("11")
    assert [(file.name, file.content) for file in post.files] == [("grades.csv", b"a,b")]
    assert local.workspace.shown("21") == []


async def test_a_file_that_is_too_large_for_discord_is_got_by_its_own_link(
    local: DiscordServer, setting: Setting
) -> None:
    large = File("stone.pdf", bytes(10 * 1024**2 + 1), url="https://homeroom.test/submission/abc")
    await to_interaction(setting, typed(local)).send(Reply((large,)))
    (post,) = local.workspace.private("11")
    assert not post.files
    assert "stone.pdf is larger than Discord lets me send" in post.content
    assert "(<https://homeroom.test/submission/abc>)" in post.content


async def test_what_takes_long_is_deferred_and_put_in_its_place(local: DiscordServer, setting: Setting) -> None:
    began = typed(local)
    responder = to_interaction(setting, began)
    assert responder.interaction is not None
    responder.interaction.clock = lambda: time.time() + 2.0
    await responder.interaction.defer_in_time()
    assert began.answer == 5
    await responder.send(say("At last."))
    await responder.send(say("And more."))
    assert [post.content for post in local.workspace.private("11")] == ["At last.", "And more."]


async def test_nobody_waits_to_defer_what_is_answered(local: DiscordServer, setting: Setting) -> None:
    responder = to_interaction(setting, typed(local))
    assert responder.interaction is not None
    responder.interaction.clock = lambda: time.time() - 3_600  # there is an hour left
    deferring = asyncio.create_task(responder.interaction.defer_in_time())
    await asyncio.sleep(0)
    await responder.send(say("At once."))
    await asyncio.wait_for(deferring, 10)
    assert [post.content for post in local.workspace.private("11")] == ["At once."]


async def test_a_form_is_opened_at_once_and_offered_by_a_button_later(local: DiscordServer, setting: Setting) -> None:
    form = Reply((Form("Link", "link", (Field("code", "Code"),)),))
    began = typed(local)
    await to_interaction(setting, began).send(form)
    assert began.modal is not None
    late = typed(local)
    responder = to_interaction(setting, late)
    assert responder.interaction is not None
    responder.interaction.clock = lambda: time.time() + 2.0
    await responder.interaction.defer_in_time()
    await responder.send(form)
    (post,) = local.workspace.private("11")
    assert post.components[0]["components"][0]["label"] == "Link…"


@pytest.mark.parametrize("code", [10062, 50027, 10015])
async def test_an_interaction_that_is_over_leads_to_the_direct_messages(
    local: DiscordServer, setting: Setting, code: int
) -> None:
    began = typed(local)
    local.fail("POST /interactions/{interaction}/{token}/callback", Failure(code=code))
    await to_interaction(setting, began).send(say("Your grade: 5"))
    (post,) = local.workspace.shown(local.workspace.direct("11").id)
    assert post.content == "Your grade: 5"
    assert local.workspace.shown("21") == []


async def test_answered_by_another_process_it_follows_up(local: DiscordServer, setting: Setting) -> None:
    began = typed(local)
    other = to_interaction(setting, began)
    await other.send(say("First."))
    await to_interaction(setting, began).send(say("Second."))
    assert [post.content for post in local.workspace.private("11")] == ["First.", "Second."]


async def test_taken_up_after_a_restart_it_takes_the_place_of_what_stood_there(
    local: DiscordServer, setting: Setting
) -> None:
    began = typed(local)
    first = to_interaction(setting, began)
    assert first.interaction is not None
    first.interaction.clock = lambda: time.time() + 2.0
    await first.interaction.defer_in_time()
    kept = Route.from_data(first.route.as_data() | {"at": str(time.time() - 60)})
    again = DiscordResponder(setting, kept, first.event, Noted(platform=Platform.DISCORD))
    await again.send(say("Your grade: 5"))
    assert [post.content for post in local.workspace.private("11")] == ["Your grade: 5"]
    old = Route.from_data(first.route.as_data() | {"at": str(time.time() - 1_000)})
    await DiscordResponder(setting, old, first.event, Noted(platform=Platform.DISCORD)).send(say("Much later."))
    assert [post.content for post in local.workspace.shown(local.workspace.direct("11").id)] == ["Much later."]


async def test_a_private_answer_that_outlives_its_interaction_goes_on_in_direct_messages(
    local: DiscordServer, setting: Setting
) -> None:
    began = typed(local)
    responder = to_interaction(setting, began)
    opened: Any = await responder.begin(ANSWER, Audience.PERSON)
    await opened.append("Light ")
    await asyncio.wait({opened._showing})
    assert [post.content for post in local.workspace.private("11")] == ["Light"]
    assert responder.interaction is not None
    responder.interaction.clock = lambda: time.time() + 1_000
    await opened.close(WHOLE)
    (answer,) = local.workspace.shown(local.workspace.direct("11").id)
    assert answer.content == SHOWN


async def test_a_thread_is_opened_once_however_often_the_event_is_served(
    local: DiscordServer, setting: Setting
) -> None:
    began = typed(local)
    opening = Reply((Text("Why does it bend?"), Note("Ada asks")), Audience.HERE)
    first, again = to_interaction(setting, began), to_interaction(setting, began)
    root = await first.open_thread(opening)
    assert await again.open_thread(opening) == root
    (post,) = local.workspace.shown("21")
    assert post.id == root
    await write(again)
    (answer,) = local.workspace.shown(str(root))
    assert answer.content == SHOWN


async def test_what_a_dead_process_posted_is_taken_back(local: DiscordServer, setting: Setting) -> None:
    question = asked(local)
    responder = to_message(setting, question)
    opened: Any = await responder.begin(ANSWER, Audience.HERE)
    await opened.append("Light ")
    await asyncio.wait({opened._showing})
    other = await setting.calls.post(question.id, Shown("of another answer"))
    await responder.retract([Noting(ANSWER, "21", None, question.id)])
    assert [post.id for post in local.workspace.shown(question.id)] == [other]


async def test_files_come_from_discord_alone(local: DiscordServer, setting: Setting) -> None:
    post = local.people.say("11", "21", "here", ("a.csv", b"name"))
    responder = to_message(setting, post)
    file = post.files[0]
    assert await responder.fetch(Attachment(file.name, file.url, 4)) == b"name"
    with pytest.raises(Oversized):
        await responder.fetch(Attachment(file.name, file.url, 30_000_000))
    with pytest.raises(NotFound):
        await responder.fetch(Attachment(file.name, "https://evil.example/a", 4))
    with pytest.raises(NotFound):
        await responder.fetch(Attachment(file.name, f"{file.url.rsplit('/', 2)[0]}/0/a.csv", 4))
    local.fail("GET attachment", Failure(503))
    with pytest.raises(Unavailable):
        await responder.fetch(Attachment(file.name, file.url, 4))
    assert is_discords("https://cdn.discordapp.com/attachments/1", "https://discord.com/api/v10")
    assert not is_discords("http://cdn.discordapp.com/a", "https://discord.com/api/v10")
    assert not is_discords("https://cdn.discordapp.com.evil.example/a", "https://discord.com/api/v10")


async def test_first_words_at_the_same_moment_are_one_response(local: DiscordServer, setting: Setting) -> None:
    began = typed(local)
    responder = to_interaction(setting, began)
    await asyncio.gather(*(responder.send(say(f"Part {number}")) for number in range(4)))
    assert len(local.called("POST /interactions/{interaction}/{token}/callback")) == 1
    assert sorted(post.content for post in local.workspace.private("11")) == [f"Part {number}" for number in range(4)]


async def _soon(_: float) -> None:
    """Wait no longer than it takes to let others go first."""
    await asyncio.sleep(0)
