"""What a person sees in Slack of an answer and of a reply, whatever Slack refuses on the way."""

from __future__ import annotations

import asyncio
import re

import aiohttp
import pytest
from structlog.testing import capture_logs

from adapters.slack.fetching import is_slacks
from adapters.slack.home_page import HomeResponder, PromptsResponder
from adapters.slack.packing import Message
from adapters.slack.posting import Spot, answer_tag
from adapters.slack.responder import SlackResponder
from core.answering.replying import STOP
from core.errors import NotFound, NotPermitted, Oversized, Unavailable
from core.events import Attachment
from core.ports import Post as Noting
from core.ports import Profile
from core.replies import (
    Audience,
    Choice,
    Choices,
    Citation,
    Field,
    File,
    Form,
    Note,
    Picture,
    Reply,
    Sources,
    Table,
    Text,
    say,
)
from tests.fakes.slack.delivery import Delivery
from tests.fakes.slack.workspace import Post
from tests.fakes.slack_server import Failure, SlackServer, slack_server
from tests.surfaces.slack_replies import ANSWER, Noted, Waits, responder_for, said

TAG = {"event_type": "homeroom_answer", "event_payload": {"answer": str(ANSWER), "part": 0}}
CITATION = Citation(1, "Optics", "page 3", "Light bends.", ANSWER)
PIECES = ("Light bends ", "at the surface ", "<!channel> [1].")
WHOLE = Reply((Text("".join(PIECES)), Sources((CITATION,)), Note("From the script.")), Audience.HERE, ANSWER)
EVERY_WAY = [
    Failure(500, done=True),
    Failure(503),
    Failure(429, retry_after=7),
    Failure(error="ratelimited"),
    Failure(drop=True),
    Failure(drop=True, done=True),
]


def ask(slack: SlackServer, channel: str = "C1", text: str = "<@UBOT> Why?") -> Delivery:
    """Somebody writes a message; return its delivery."""
    return slack.people.say("U1", channel, text).deliveries[0]


def root(slack: SlackServer, delivery: Delivery) -> str:
    return str(delivery.payload["event"]["ts"])


async def stream(responder: SlackResponder, waits: Waits, *, audience: Audience = Audience.HERE) -> None:
    """Write the answer, a second between its pieces."""
    opened = await responder.begin(ANSWER, audience)
    for piece in PIECES:
        await opened.append(piece)
        await waits.go_on(1)
    await opened.close(WHOLE)


def answers(slack: SlackServer, channel: str = "C1") -> list[Post]:
    return [post for post in slack.workspace.shown(channel) if post.thread_ts]


@pytest.mark.parametrize("channel", ["C1", "D1"])
async def test_an_answer_is_streamed_in_its_thread(slack: SlackServer, channel: str) -> None:
    slack.workspace.direct("U1")
    waits, noted, delivery = Waits(), Noted(), ask(slack, channel)
    await stream(responder_for(slack, delivery, waits=waits, noted=noted), waits)

    (post,) = answers(slack, channel)
    assert not post.streaming
    assert post.streamed == "Light bends at the surface &lt;!channel> [1]."
    assert (post.thread_ts, post.metadata) == (root(slack, delivery), TAG)
    assert len(slack.called("chat.appendStream")) == 2, "text is shown as it is written"
    assert [block["type"] for block in post.blocks] == ["rich_text", "actions", "context", "context_actions"]
    assert noted.notes == [(channel, 0, None, post.thread_ts), (channel, 0, post.ts, None)]
    to = slack.called("chat.startStream")[0].get("recipient_user_id")
    assert to == (None if channel == "D1" else "U1")


async def test_pieces_that_come_fast_are_sent_together(slack: SlackServer) -> None:
    opened = await responder_for(slack, ask(slack)).begin(ANSWER, Audience.HERE)
    for number in range(200):
        await opened.append(f"{number} ")
    await opened.close(say("".join(f"{number} " for number in range(200)), audience=Audience.HERE))
    assert not slack.called("chat.appendStream")
    (post,) = answers(slack)
    assert post.streamed.split() == [str(number) for number in range(200)]


async def test_without_budget_an_answer_is_posted_once_whole(slack: SlackServer) -> None:
    waits = Waits()
    pace = waits.pace()
    for _ in range(20):
        assert pace.take("T1", "chat.startStream")
    delivery = ask(slack)
    await stream(responder_for(slack, delivery, pace=pace), waits)
    (post,) = answers(slack)
    assert not slack.called("chat.startStream")
    assert "Light bends at the surface <!channel> [1]." in said(post)
    assert post.metadata == TAG
    assert waits.waited == []


@pytest.mark.parametrize("failure", EVERY_WAY[2:4])
async def test_rate_limited_at_the_start_it_is_posted_once_whole(slack: SlackServer, failure: Failure) -> None:
    slack.fail("chat.startStream", failure)
    waits = Waits()
    await stream(responder_for(slack, ask(slack), waits=waits), waits)
    (post,) = answers(slack)
    assert not post.streamed
    assert len(slack.called("chat.postMessage")) == 1


@pytest.mark.parametrize("failure", EVERY_WAY)
@pytest.mark.parametrize("method", ["chat.appendStream", "chat.stopStream"])
async def test_a_stream_ends_whole_whatever_fails(slack: SlackServer, method: str, failure: Failure) -> None:
    slack.fail(method, failure)
    waits = Waits()
    await stream(responder_for(slack, ask(slack), waits=waits), waits)
    (post,) = answers(slack)
    assert not post.streaming
    assert said(post).count("at the surface") == 1
    assert "[1]." in said(post)
    assert [block["type"] for block in post.blocks[-3:]] == ["actions", "context", "context_actions"]


@pytest.mark.parametrize("failure", EVERY_WAY)
async def test_nothing_is_posted_twice(slack: SlackServer, failure: Failure) -> None:
    slack.fail("chat.postMessage", failure)
    waits, noted = Waits(), Noted()
    opened = await responder_for(slack, ask(slack), waits=waits, noted=noted).begin(ANSWER, Audience.HERE)
    await opened.close(WHOLE)
    (post,) = answers(slack)
    assert noted.posted() == {0: post.ts}
    if failure.status == 429:
        assert sum(waits.waited) >= 7, "as long as Slack says"


@pytest.mark.parametrize("failure", EVERY_WAY)
async def test_the_last_edit_is_made_whatever_fails(slack: SlackServer, failure: Failure) -> None:
    slack.fail("chat.startStream", Failure(error="unknown_method"))
    slack.fail("chat.update", failure)
    opened = await responder_for(slack, ask(slack)).begin(ANSWER, Audience.HERE)
    await opened.append("Light")
    await opened.close(WHOLE)
    (post,) = answers(slack)
    assert "at the surface <!channel> [1]." in said(post)


@pytest.mark.parametrize("failure", EVERY_WAY)
@pytest.mark.parametrize("method", ["conversations.open", "chat.postEphemeral", "users.info", "conversations.members"])
async def test_what_may_be_done_twice_is_tried_again(slack: SlackServer, method: str, failure: Failure) -> None:
    slack.fail(method, failure)
    waits = Waits()
    responder = responder_for(slack, ask(slack), waits=waits)
    await stream(responder, waits, audience=Audience.PERSON)
    assert len(slack.workspace.shown("D1")) == 2
    assert slack.workspace.private("U1")
    assert await responder.readers() == frozenset({"U1", "U2"})


async def test_the_log_holds_nothing_that_anybody_wrote(
    slack: SlackServer, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level("INFO")
    caplog.set_level("ERROR", "aiohttp.access")  # the local Slack's own
    for method in ("chat.appendStream", "chat.stopStream", "chat.postMessage", "chat.postEphemeral", "upload"):
        slack.fail(method, Failure(500))
    slack.fail("chat.postEphemeral", Failure(error="invalid_blocks"))
    waits = Waits()
    with capture_logs() as logs:
        await stream(responder_for(slack, ask(slack), waits=waits), waits)
        await responder_for(slack, ask(slack), waits=waits).send(say("You have 9 points.", Picture(b"png", "Points")))
    assert {entry["event"] for entry in logs} >= {"slack_stream_broken", "slack_upload_refused"}
    written = f"{logs} {caplog.text} {capsys.readouterr()}"
    assert not re.search("bends|surface|points|Why", written, re.IGNORECASE)


@pytest.mark.parametrize("method", ["chat.startStream", "chat.appendStream"])
async def test_writing_that_is_stopped_while_slack_works_leaves_one_whole_answer(
    slack: SlackServer, method: str
) -> None:
    slack.fail(method, Failure(hang=0.05))
    waits = Waits()
    opened = await responder_for(slack, ask(slack), waits=waits).begin(ANSWER, Audience.HERE)

    async def write() -> None:
        for piece in PIECES:
            await opened.append(piece)
            await waits.go_on(1)

    writing = asyncio.create_task(write())
    await slack.until(lambda: slack.called(method))
    writing.cancel()
    await asyncio.wait({writing})
    await opened.close(Reply((Text("Light bends at the "), Note("Stopped.")), Audience.HERE, ANSWER))
    (post,) = answers(slack)
    assert not post.streaming
    assert said(post).split("\n")[0].rstrip() == "Light bends at the"


async def test_who_never_answers_is_not_waited_for(slack: SlackServer) -> None:
    slack.fail("chat.postMessage", Failure(hang=60, done=True))
    async with aiohttp.ClientSession() as session:
        responder = responder_for(slack, ask(slack))
        responder.client.session = session
        responder.client.timeout = 0.1  # type: ignore[assignment]  # seconds, a whole number by their annotation
        responder.__post_init__()
        await responder.send(say("Hello", audience=Audience.HERE))
    assert len(answers(slack)) == 1


@pytest.mark.parametrize(
    "error", ["unknown_method", "missing_scope", "method_not_supported_for_channel_type", "surprise"]
)
async def test_without_streams_an_answer_is_edited_in_place(slack: SlackServer, error: str) -> None:
    slack.fail("chat.startStream", Failure(error=error))
    waits = Waits()
    pace = waits.pace()
    opened = await responder_for(slack, ask(slack), pace=pace).begin(ANSWER, Audience.HERE)
    await opened.append("Light")
    (post,) = answers(slack)
    (button,) = post.blocks[-1]["elements"]
    assert (button["action_id"], button["value"]) == (f"{STOP}#0", str(ANSWER))
    waits.now += 3
    await opened.append(" bends")
    assert said(post).startswith("Light bends")
    await opened.close(WHOLE)
    assert post.blocks[-1]["type"] == "context_actions"
    assert not any("stop" in str(block) for block in post.blocks)
    assert post.metadata == TAG

    await (await responder_for(slack, ask(slack), pace=pace).begin(ANSWER, Audience.HERE)).append("More")
    assert len(slack.called("chat.startStream")) == (error == "surprise"), "what is not there is not tried again"


async def test_a_stream_that_slack_ended_is_put_right(slack: SlackServer) -> None:
    waits, delivery = Waits(), ask(slack)
    opened = await responder_for(slack, delivery, waits=waits).begin(ANSWER, Audience.HERE)
    await opened.append("Light")
    slack.people.press_stop("U1", "C1", root(slack, delivery))
    waits.now += 1
    await opened.append(" bends")
    await opened.append(" down")
    await opened.close(Reply((Text("Light bends"), Note("Stopped.")), Audience.HERE, ANSWER))
    (post,) = answers(slack)
    assert said(post).startswith("Light bends\nStopped.")
    assert len([method for method, _ in slack.refusals if method == "chat.appendStream"]) == 1


@pytest.mark.parametrize("error", ["msg_too_long", "invalid_blocks"])
async def test_a_limit_that_was_overlooked_costs_no_answer(slack: SlackServer, error: str) -> None:
    slack.fail("chat.stopStream", Failure(error=error))
    slack.fail("chat.postMessage", Failure(error=error))
    for streaming in (True, False):
        opened = await responder_for(slack, ask(slack)).begin(ANSWER, Audience.HERE)
        if streaming:
            await opened.append("Light bends ")
        await opened.close(WHOLE)
        assert "at the surface" in said(answers(slack)[-1]).replace("&lt;", "<")


async def test_what_is_said_instead_of_the_streamed_text_replaces_it(slack: SlackServer) -> None:
    responder = responder_for(slack, ask(slack))
    await (await responder.begin(ANSWER, Audience.HERE)).append("Half an ans")
    again = Choices((Choice("Try again", "answer.retry"),))
    await responder.send(Reply((Text("It broke."), again), answer_id=ANSWER, failed=True))
    (post,) = answers(slack)
    assert said(post) == "It broke.\nTry again"


def long_answer(length: int) -> str:
    """Paragraphs, code in between, and one block of code that fits no message."""
    code = "\n".join(f"    line_{number} = a < b and c > {number}" for number in range(400))
    parts = [f"```python\n{code}\n```"]
    while len("\n\n".join(parts)) < length:
        number = len(parts)
        parts.append(f"Paragraph {number} says that x < {number} " + "because of what we know " * 12 + f"end{number}.")
        if number % 9 == 0:
            parts.append(f"```\nblock_{number} = 1\n\nblock_{number} += 1\n```")
    parts.insert(3, parts.pop(0))
    return "\n\n".join(parts)


@pytest.mark.parametrize("streams", [True, False])
async def test_a_very_long_answer_arrives_whole_and_in_order(slack: SlackServer, streams: bool) -> None:
    if not streams:
        slack.fail("chat.startStream", Failure(error="unknown_method"))
    text, waits, noted = long_answer(40_000), Waits(), Noted()
    reply = Reply((Text(text), Sources((CITATION,))), Audience.HERE, ANSWER)
    opened = await responder_for(slack, ask(slack), waits=waits, noted=noted).begin(ANSWER, Audience.HERE)
    for at in range(0, len(text), 500):
        await opened.append(text[at : at + 500])
        waits.now += 0.8
    await opened.close(reply)
    posts = answers(slack)
    shown = "\n".join(said(post).replace("&lt;", "<") for post in posts)
    words = [word for word in re.findall(r"\w+", text) if word != "python"]
    found = [word for word in re.findall(r"\w+", shown[: shown.index("[1] ")]) if word != "python"]
    assert found == words
    assert not slack.refusals
    assert noted.posted() == {number: post.ts for number, post in enumerate(posts)}
    assert ["context_actions" in str(post.blocks) for post in posts] == [False] * (len(posts) - 1) + [True]
    if streams:
        assert posts[0].streamed.count("```") % 2 == 0, "no code block is left open"


async def test_everybodys_posts_keep_to_slacks_limits_together() -> None:
    clock = Waits()
    async with slack_server(limits=True, clock=clock.clock) as slack:
        pace = clock.pace()
        slack.workspace.add_person("U1")
        slack.workspace.add_channel("C1", "U1")
        responders = [responder_for(slack, ask(slack), pace=pace) for _ in range(30)]
        await asyncio.gather(*(stream(responder, clock) for responder in responders))
        posts = answers(slack)
        assert len(posts) == 30
        assert len(slack.called("chat.startStream")) == 20
        assert not any(post.streaming for post in posts)
        # This clock outruns the network, so that a post may come later than it was meant to, and has to wait again.
        assert {method for method, _ in slack.refusals} <= {"chat.postMessage"}


async def test_a_private_answer_to_a_question_in_a_channel_goes_to_direct_messages(slack: SlackServer) -> None:
    waits, noted = Waits(), Noted()
    responder = responder_for(slack, ask(slack), waits=waits, noted=noted)
    await responder.working()
    await stream(responder, waits, audience=Audience.PERSON)
    assert slack.workspace.shown("C1") == []
    heading, post = slack.workspace.shown("D1")
    assert "Why?" in said(heading)
    assert post.thread_ts == heading.ts
    assert noted.notes[:2] == [("D1", 0, None, None), ("D1", 0, None, heading.ts)]
    (pointer,) = slack.workspace.private("U1")
    assert "direct messages" in pointer.text
    assert [status["status"] == "" for status in slack.workspace.statuses] == [False, True]


async def test_a_question_by_command_opens_a_thread(slack: SlackServer) -> None:
    waits = Waits()
    responder = responder_for(slack, slack.people.command("U1", "C1", "/ask", "Why?"), waits=waits)
    opening = Reply((Text("<!channel> Why?"), Note("Ada asks")), Audience.HERE)
    thread = await responder.open_thread(opening)
    await responder.working()
    await stream(responder, waits)
    heading, post = slack.workspace.shown("C1")
    assert heading.ts == post.thread_ts == thread
    assert "<!" not in heading.text
    assert slack.workspace.statuses[0]["thread_ts"] == thread


async def test_where_the_bot_is_not_the_answer_goes_to_direct_messages(slack: SlackServer) -> None:
    slack.workspace.add_channel("C2", "U1", with_bot=False)
    waits = Waits()
    responder = responder_for(slack, slack.people.command("U1", "C2", "/ask", "Why?"), waits=waits)
    assert await responder.open_thread(Reply((Text("Why?"),), Audience.HERE)) is None
    await stream(responder, waits, audience=Audience.PERSON)
    assert slack.workspace.shown("C2") == []
    assert "at the surface" in said(slack.workspace.shown("D1")[1])
    (note,) = slack.workspace.private("U1")
    assert "/invite" in note.text
    assert note.channel == "C2"


@pytest.mark.parametrize("streaming", [False, True])
async def test_an_answer_moves_when_the_bot_is_thrown_out_meanwhile(slack: SlackServer, streaming: bool) -> None:
    opened = await responder_for(slack, ask(slack)).begin(ANSWER, Audience.HERE)
    if streaming:
        await opened.append("Light")
    slack.workspace.conversations["C1"].members.discard("UBOT")
    await opened.append(" bends")
    await opened.close(WHOLE)
    assert len(answers(slack)) == streaming
    assert "at the surface" in said(slack.workspace.shown("D1")[1])


GRADE = say("You have 9 points.")


def in_channel(slack: SlackServer, how: str) -> Delivery:
    post = slack.workspace.post("C1", "UBOT", "x", bot_id="BBOT", thread_ts="1.000001")
    post.blocks = [
        {
            "type": "actions",
            "elements": [{"type": "button", "action_id": "a#0", "text": {"type": "plain_text", "text": "Go"}}],
        }
    ]
    match how:
        case "command":
            return slack.people.command("U1", "C1", "/grades")
        case "action":
            return slack.people.press("U1", post, "Go")
        case "reaction":
            delivery = slack.people.react("U1", post, "thumbsdown")
            assert delivery is not None
            return delivery
        case _:
            return ask(slack)


@pytest.mark.parametrize("how", ["command", "action", "reaction", "message"])
@pytest.mark.parametrize(
    ("broken", "where"),
    [
        ((), "ephemeral"),
        (("response_url",), "ephemeral"),
        (("chat.postEphemeral",), "either"),
        (("response_url", "chat.postEphemeral"), "direct"),
    ],
)
async def test_private_words_are_read_by_nobody_else(
    slack: SlackServer, how: str, broken: tuple[str, ...], where: str
) -> None:
    responder = responder_for(slack, in_channel(slack, how))
    before = len(slack.workspace.shown("C1"))
    for method in broken:
        slack.fail(method, *[Failure(status=404, error="used_url" if "url" in method else "user_not_in_channel")] * 3)
    await responder.send(GRADE)
    assert len(slack.workspace.shown("C1")) == before
    direct = slack.workspace.shown("D1") if "D1" in slack.workspace.conversations else []
    shown = [*slack.workspace.private("U1"), *direct]
    assert [post.text for post in shown] == ["You have 9 points."]
    if where != "either":
        assert bool(direct) == (where == "direct")


async def test_private_words_that_nothing_takes_are_an_error(slack: SlackServer) -> None:
    responder = responder_for(slack, ask(slack))
    slack.scopes -= {"chat:write", "im:write"}
    with pytest.raises(NotPermitted, match="im:write"):
        await responder.send(GRADE)
    assert slack.workspace.shown("C1") == []


async def test_public_words_go_to_the_thread(slack: SlackServer) -> None:
    delivery = ask(slack)
    await responder_for(slack, delivery).send(say("Hello", audience=Audience.HERE))
    (post,) = slack.workspace.shown("C1")
    assert post.thread_ts == root(slack, delivery)


async def test_a_form_opens_or_leaves_a_button_that_opens_it(slack: SlackServer) -> None:
    form = Form("Grade", "grade.save", (Field("points", "Points"),))
    reply = Reply((Text("Fill in."), form))
    await responder_for(slack, slack.people.command("U1", "C1", "/grade")).send(reply)
    (view,) = slack.workspace.views.values()
    assert view.view["callback_id"] == "grade.save"
    assert [said(post) for post in slack.workspace.private("U1")] == ["Fill in."]

    slack.workspace.trigger_seconds = -1.0
    await responder_for(slack, slack.people.command("U1", "C1", "/grade")).send(reply)
    assert len(slack.workspace.views) == 1
    assert said(slack.workspace.private("U1")[-1]) == "Fill in.\nGrade…"


@pytest.mark.parametrize("works", [True, False])
async def test_a_picture_for_one_person_goes_to_direct_messages(slack: SlackServer, works: bool) -> None:
    responder = responder_for(slack, slack.people.command("U1", "C1", "/insights"))
    if not works:
        slack.fail("upload", Failure(500))
    await responder.send(say("Use:", Picture(b"\x89PNG", "A curve <that> rises")))
    direct = slack.workspace.shown("D1")
    private = [said(post) for post in slack.workspace.private("U1")]
    assert bool(direct and direct[0].files) == works
    assert private == ["Use:"] + ([] if works else ["[picture: A curve &lt;that&gt; rises]"])
    assert slack.workspace.shown("C1") == []


@pytest.mark.parametrize("works", [True, False])
async def test_a_file_goes_to_direct_messages_under_a_plain_name(slack: SlackServer, works: bool) -> None:
    responder = responder_for(slack, slack.people.command("U1", "C1", "/gradebook"))
    if not works:
        slack.fail("upload", Failure(500))
    await responder.send(say("Your grades:", File("../grades <1>.csv", b"a,b", "text/csv")))
    files = [file for post in slack.workspace.shown("D1") for file in post.files]
    assert [file.name for file in files] == (["grades _1_.csv"] if works else [])
    private = [said(post) for post in slack.workspace.private("U1")]
    assert private[0] == "Your grades:"
    assert ["did not take this file" in each for each in private[1:]] == ([] if works else [True])
    assert slack.workspace.shown("C1") == []


async def test_a_file_that_slack_refuses_is_got_by_its_own_link(slack: SlackServer) -> None:
    responder = responder_for(slack, slack.people.command("U1", "C1", "/assignments"))
    slack.fail("upload", Failure(500))
    await responder.send(Reply((File("stone.pdf", b"%PDF", url="https://homeroom.test/submission/abc"),)))
    (told,) = slack.workspace.private("U1")
    assert "<https://homeroom.test/submission/abc|Get it here.>" in said(told)
    assert slack.workspace.shown("C1") == []


async def test_what_a_dead_process_posted_is_taken_back(slack: SlackServer) -> None:
    delivery, waits = ask(slack), Waits()
    half = await responder_for(slack, delivery, waits=waits).begin(ANSWER, Audience.HERE)
    await half.append("Light ")
    (stream_post,) = answers(slack)
    unknown = await responder_for(slack, delivery).posting.post(
        Spot("C1", root(slack, delivery)), Message("more"), answer_tag(ANSWER, 1)
    )
    other = await responder_for(slack, delivery).posting.post(Spot("C1", root(slack, delivery)), Message("not mine"))
    thread = root(slack, delivery)
    posts = [Noting(ANSWER, "C1", stream_post.ts, thread), Noting(ANSWER, "C1", None, thread)]
    await responder_for(slack, delivery).retract(posts)
    assert [post.ts for post in answers(slack)] == [other]
    assert unknown != other

    private = responder_for(slack, ask(slack))
    await private.begin(ANSWER, Audience.PERSON)
    await private.retract([Noting(ANSWER, "D1", None, None)])
    assert slack.workspace.shown("D1") == []
    await private.retract([Noting(ANSWER, "C9", "1.1", None)])


async def test_people(slack: SlackServer) -> None:
    slack.workspace.add_person("U3", team_id="T9", stranger=True)
    slack.workspace.add_person("U4", "guest@school.test", guest=True)
    slack.workspace.add_person("UOTHERBOT", bot=True)
    slack.workspace.conversations["C1"].members |= {"U3", "U4", "UOTHERBOT"}
    assert await responder_for(slack, ask(slack)).profile() == Profile("ada@school.test", "Ada")
    for user, guest, stranger in (("U3", False, True), ("U4", True, False)):
        profile = await responder_for(slack, slack.people.command(user, "C1", "/x")).profile()
        assert profile is not None
        assert (profile.guest, profile.stranger) == (guest, stranger)
    assert await responder_for(slack, ask(slack)).readers() == frozenset({"U1", "U2", "U3", "U4"})
    slack.scopes -= {"channels:read"}
    assert await responder_for(slack, ask(slack)).readers() is None


async def test_files(slack: SlackServer) -> None:
    responder = responder_for(slack, ask(slack))
    file = slack.workspace.add_file("notes.txt", "U1", b"E = mc2")
    slack.workspace.post("C1", "U1", "", files=[file])
    address = file.as_file()["url_private_download"]
    assert await responder.fetch(Attachment("notes.txt", address)) == b"E = mc2"
    assert await responder.fetch(Attachment("notes.txt", file.id)) == b"E = mc2"
    with pytest.raises(Oversized):
        await responder.fetch(Attachment("notes.txt", address, 20_000_001))
    slack.scopes -= {"files:read"}
    with pytest.raises(NotFound):
        await responder.fetch(Attachment("notes.txt", address))
    for elsewhere in (
        "http://169.254.169.254/x",
        "https://slack.com.evil.test/x",
        "https://evilslack.com/x",
        "http://",
    ):
        with pytest.raises(NotFound):
            await responder.fetch(Attachment("notes.txt", elsewhere))
    assert is_slacks("https://files.slack.com/x", "https://slack.com/api/")
    assert not is_slacks("http://files.slack.com/x", "https://slack.com/api/")


async def test_working_never_raises(slack: SlackServer) -> None:
    slack.fail("assistant.threads.setStatus", *[failure for failure in EVERY_WAY if not failure.done])
    for _ in EVERY_WAY:
        await responder_for(slack, ask(slack)).working()


def visit(slack: SlackServer, tab: str) -> Delivery:
    delivery = slack.people.open_home("U1", tab)
    assert delivery is not None
    return delivery


async def test_the_home_page(slack: SlackServer) -> None:
    page = Reply(
        (
            Text("# Hello <!channel>"),
            Table(("Task", "Due"), (("Mirrors", "Friday"),), title="Open"),
            Table(("Task", "Words"), (("Lenses", "many words " * 10),)),
            Choices((Choice("Ask", "ask"),)),
            Picture(b"png", "a curve"),
        ),
        answer_id=ANSWER,
    )
    await responder_for(slack, visit(slack, "home"), kind=HomeResponder).send(page)
    shown = str(slack.workspace.homes["U1"].view)
    assert "Task     Due\\n" in shown
    assert "Task: Lenses; Words: many words" in shown
    assert "[picture: a curve]" in shown

    many = Reply(tuple(Choices((Choice(str(number), "ask"),)) for number in range(130)))
    await responder_for(slack, visit(slack, "home"), kind=HomeResponder).send(many)
    blocks = slack.workspace.homes["U1"].view["blocks"]
    assert len(blocks) == 100
    assert "more" in str(blocks[-1])
    await responder_for(slack, visit(slack, "home"), kind=HomeResponder).send(Reply(()))

    slack.fail("views.publish", *[Failure(500)] * 3)
    with pytest.raises(Unavailable):
        await responder_for(slack, visit(slack, "home"), kind=HomeResponder).send(page)


async def test_questions_to_begin_with(slack: SlackServer) -> None:
    choices = tuple(Choice(f"Lesson {number}", "ask", f"What is {number}?") for number in range(6))
    await responder_for(slack, visit(slack, "messages"), kind=PromptsResponder).send(Reply((Choices(choices),)))
    (offered,) = slack.workspace.prompts
    assert offered["channel_id"] == "D1"
    assert [prompt["message"] for prompt in offered["prompts"]] == [f"What is {number}?" for number in range(4)]
    slack.scopes -= {"assistant:write"}
    await responder_for(slack, visit(slack, "messages"), kind=PromptsResponder).send(Reply((Choices(choices),)))
