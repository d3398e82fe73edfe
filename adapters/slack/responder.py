"""The other end of one event in Slack: answers and replies, each where it may be read."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

import structlog
from slack_sdk.web.async_client import AsyncWebClient

from adapters.outgoing_text import harmless
from adapters.slack.failures import TROUBLE, in_our_words, read_failure
from adapters.slack.fetching import fetch_file
from adapters.slack.forms import form_view, given_back
from adapters.slack.live_reply import SlackReply
from adapters.slack.pace import Pace
from adapters.slack.packing import Message, pack
from adapters.slack.people import is_shared_channel, read_profile, read_readers
from adapters.slack.posting import ROOT, OneTry, Posting, Spot, answer_tag, not_uploaded, opening_tag
from adapters.slack.render import render
from adapters.slack.retracting import retract
from adapters.slack.rich_text import Piece, section, text_element
from adapters.slack.route import ACTION, COMMAND, Route
from adapters.slack.stream import SlackStream, show_part
from adapters.slack.whisper import Whisper
from core.events import Attachment, Command, Control, Event
from core.events import Message as Said
from core.inbox.deliver import Deliveries
from core.ports import AnswerStream, LiveReply, Post, Profile
from core.replies import Audience, Field, File, Form, Note, Picture, Reply, Text, say
from core.text import capital, literal_sentence, one_line

log = structlog.get_logger(__name__)

SET_STATUS = "assistant.threads.setStatus"
STATUS = "is looking it up…"
LOADING = ("Reading your question…", "Looking through the class's material…", "Writing the answer…")
ANSWERED_PRIVATELY = "I answered you in our direct messages."
SHOWN_PRIVATELY = "That is done; our direct messages show how far it is."
INVITE_ME = (
    "I am not in this channel, so I answered you in our direct messages. To have me here, type `/invite` and my name."
)
_QUOTED = 600
_BELOW = "The answer is below."


@dataclass(slots=True)
class SlackResponder:
    """Replies to one event. `client` has the token of the route's workspace."""

    client: AsyncWebClient
    route: Route
    event: Event
    deliveries: Deliveries
    pace: Pace
    posting: Posting = field(init=False)
    whisper: Whisper = field(init=False)
    _stream: SlackStream | None = None
    _opened: str | None = None  # the thread we opened for an event that came without one
    _shut_out: bool = False  # whether the channel takes no posts of ours
    _status_set: bool = False
    _trigger_used: bool = False

    def __post_init__(self) -> None:
        """Prepare for calls with the workspace's budget, none of which is repeated blindly."""
        self.posting = Posting(OneTry.like(self.client), self.pace, self.route.team_id)
        self.whisper = Whisper(self.posting, self.route)

    async def send(self, reply: Reply) -> None:
        """Show a whole reply to its audience. Raises `Unavailable`, `NotPermitted`."""
        stream = self._stream
        if stream is not None and not stream.closed and reply.answer_id == stream.answer_id:
            await stream.close(reply)  # what went wrong is said where the answer stood
            return
        with in_our_words():
            reply = await self._open_form(_with_errors(reply, self.event))
            messages = render(reply)
            if reply.audience is Audience.PERSON and not self._alone:
                await self._whisper(messages, reply.answer_id)
            else:
                await self._post(messages, reply.answer_id)

    async def send_live(self, reply: Reply) -> LiveReply | None:
        """Show a whole reply to the person, in their direct messages: what others don't see can't be edited in Slack.

        Where those can't be opened it is shown as any other, and stands. Raises `Unavailable`, `NotPermitted`.
        """
        messages = render(reply)
        if len(messages) != 1 or messages[0].uploads:
            await self.send(reply)
            return None
        with in_our_words():
            try:
                spot = await self._own_spot() if self._alone else await self.whisper.direct()
                ts = await self.posting.post(spot, messages[0])
            except TROUBLE as error:
                self._note_refusal(error)
                await self.send(reply)
                return None
            if not self._alone:
                (pointer,) = render(say(SHOWN_PRIVATELY))
                await self.whisper.say(pointer)
        return SlackReply(self.posting, spot.channel, ts)

    async def begin(self, answer_id: UUID, audience: Audience) -> AnswerStream:
        """Open an answer that is shown as it is written. Raises `Unavailable`, `NotPermitted`."""
        with in_our_words():
            if self._alone:
                spot = await self._own_thread(answer_id)
            elif audience is Audience.PERSON:
                pointer = INVITE_ME if self._shut_out else ANSWERED_PRIVATELY
                spot = await self._in_direct_messages(answer_id, pointer)
            else:
                spot = await self._thread_here(answer_id)

        async def elsewhere() -> Spot:
            return await self._in_direct_messages(answer_id, INVITE_ME)

        self._stream = SlackStream(
            self.posting,
            self.deliveries,
            answer_id,
            spot,
            (self.route.user_id, self.route.user_team or self.route.team_id),
            None if spot.channel.startswith("D") else elsewhere,
        )
        return self._stream

    async def open_thread(self, opening: Reply) -> str | None:
        """Post what opens a thread in the channel, and return its id; None where Slack lets us post nothing there.

        Raises `Unavailable`, `NotPermitted`.
        """
        spot = Spot(self.event.place.channel_id)
        first, *_ = render(opening)
        with in_our_words():
            try:
                self._opened = await self.posting.post(spot, first, opening_tag(self.event.key))
            except TROUBLE as error:
                self._note_refusal(error)
                self._shut_out = True
                return None
        return self._opened

    async def working(self) -> None:
        """Show in the thread that the question is being worked on. Never raises."""
        self._status_set = await self._set_status(STATUS, LOADING)

    async def profile(self) -> Profile | None:
        """Return what the workspace says about the sender. Raises `Unavailable`, `NotPermitted`."""
        return await read_profile(self.posting, self.route)

    async def shared(self) -> bool:
        """Say whether the channel is shared with another organisation: only messages tell that by themselves."""
        place = self.event.place
        if place.shared or isinstance(self.event, Said):
            return place.shared
        return not self._alone and await is_shared_channel(self.posting, place.channel_id or self.route.channel)

    async def readers(self) -> frozenset[str] | None:
        """Return the ids of the people in the channel, without bots; None where Slack does not say."""
        return await read_readers(self.posting, self.event.place.channel_id or self.route.channel)

    async def fetch(self, attachment: Attachment) -> bytes:
        """Return a file that came with the event. Raises `Oversized`, `NotFound`, `Unavailable`, `NotPermitted`."""
        return await fetch_file(self.posting, attachment)

    async def retract(self, posts: Sequence[Post]) -> None:
        """Take back what a process that died had posted, whether or not it could note so. Never raises."""
        await retract(self.posting, posts, self.event.key)

    @property
    def _alone(self) -> bool:
        """Whether nobody else reads where the event came from; both the place and Slack's own id have to say so."""
        channel = self.event.place.channel_id
        return self.event.place.private and (not channel or channel.startswith("D"))

    @property
    def _thread(self) -> str | None:
        return self.event.place.thread_id or self._opened

    async def _own_spot(self) -> Spot:
        if self.event.place.channel_id:
            return Spot(self.event.place.channel_id, self._thread)
        return await self.whisper.direct()

    async def _post(self, messages: Sequence[Message], answer_id: UUID | None) -> None:
        """Post where everyone reads who is there; to the person alone where Slack refuses that."""
        for part, message in enumerate(messages):
            try:
                await self._show(await self._own_spot(), message, answer_id, part)
            except TROUBLE as error:
                self._note_refusal(error)
                await self._whisper(messages[part:], answer_id, part)
                return

    def _note_refusal(self, error: Exception) -> None:
        """Note that Slack takes nothing there; raise what has another reason again."""
        failure = read_failure(error)
        if failure.unsure or failure.retry_after is not None:
            raise error
        log.info("slack_post_refused", team=self.route.team_id, code=failure.code)

    async def _whisper(self, messages: Sequence[Message], answer_id: UUID | None, first_part: int = 0) -> None:
        """Show to the person alone; uploads, which can't be shown unseen by others, in their direct messages."""
        for part, message in enumerate(messages, start=first_part):
            words = replace(message, uploads=())
            if (words.blocks or not message.uploads) and not await self.whisper.say(words):
                await self._show(await self.whisper.direct(), words, answer_id, part)
            for each in message.uploads:
                if not await self._upload_privately(each):
                    alt = Message(not_uploaded(each))
                    if not await self.whisper.say(alt):
                        await self.posting.post(await self.whisper.direct(), alt)

    async def _upload_privately(self, what: Picture | File) -> bool:
        try:
            return await self.posting.upload(await self.whisper.direct(), what)
        except TROUBLE:
            return False

    async def _show(self, spot: Spot, message: Message, answer_id: UUID | None, part: int) -> None:
        if answer_id is None:
            await self.posting.post(spot, message)
        else:
            await show_part(self.posting, self.deliveries, spot, answer_id, part, message)

    async def _open_form(self, reply: Reply) -> Reply:
        """Open the reply's form while the trigger is fresh, and return what is left to say."""
        form = next((part for part in reply.parts if isinstance(part, Form)), None)
        if form is None or self.route.kind not in (COMMAND, ACTION) or not self.route.trigger_id or self._trigger_used:
            return reply
        self._trigger_used = True  # whatever Slack says, it opens no second one
        try:
            view = form_view(form, self.event.place)
            await self.posting.client.views_open(trigger_id=self.route.trigger_id, view=view)
        except TROUBLE as error:
            log.info("slack_form_not_opened", team=self.route.team_id, code=read_failure(error).code)
            return reply
        return replace(reply, parts=tuple(part for part in reply.parts if part is not form))

    async def _own_thread(self, answer_id: UUID) -> Spot:
        spot = await self._own_spot()
        if spot.thread is not None:
            return spot
        # Commands can be typed where two people write to each other, and there we are not.
        return await self._begin_thread_or_direct(spot.channel, answer_id, ANSWERED_PRIVATELY)

    async def _thread_here(self, answer_id: UUID) -> Spot:
        """Return the thread of the question; one begun with the question, where nobody has opened one."""
        channel, thread = self.event.place.channel_id, self._thread
        if thread is not None:
            return Spot(channel, thread)
        return await self._begin_thread_or_direct(channel, answer_id, INVITE_ME)

    async def _begin_thread_or_direct(self, channel: str, answer_id: UUID, pointer: str) -> Spot:
        """Begin a thread in a channel; in the person's direct messages where Slack lets us post nothing there."""
        try:
            return await self._begin_thread(channel, answer_id)
        except TROUBLE as error:
            self._note_refusal(error)
            return await self._in_direct_messages(answer_id, pointer)

    async def _in_direct_messages(self, answer_id: UUID, pointer: str) -> Spot:
        """Begin a thread in the person's direct messages, and tell them so where they asked."""
        direct = await self.whisper.direct()
        spot = await self._begin_thread(direct.channel, answer_id)
        (message,) = render(say(pointer))
        await self.whisper.say(message)
        if self._status_set:
            await self._set_status("", ())  # nothing will be posted there that would clear it
        return spot

    async def _begin_thread(self, channel: str, answer_id: UUID) -> Spot:
        await self.deliveries.intend(answer_id, channel, None)
        thread = await self.posting.post(Spot(channel), self._heading(channel), answer_tag(answer_id, ROOT))
        await self.deliveries.intend(answer_id, channel, thread)
        return Spot(channel, thread)

    def _heading(self, channel: str) -> Message:
        """Return the message that an answer's thread begins with. Nobody is pinged by it."""
        question = one_line(harmless(_asked(self.event)), _QUOTED)
        said = "Your question:" if channel.startswith("D") else "A question:"
        if not question:
            said = "Here is an answer."
        pieces = [section([text_element(said)])]
        if question:
            quote = {"type": "rich_text_quote", "elements": [text_element(question)]}
            pieces.append(Piece(quote, f"> {question}"))
        pieces.append(section([text_element(_BELOW)]))
        (message,) = pack(pieces)
        return message

    async def _set_status(self, status: str, loading: Sequence[str]) -> bool:
        channel, thread = self.event.place.channel_id, self._thread
        if not channel or not thread or not self.pace.take(self.route.team_id, SET_STATUS):
            return False
        with contextlib.suppress(*TROUBLE):
            await self.posting.client.assistant_threads_setStatus(
                channel_id=channel, thread_ts=thread, status=status, loading_messages=list(loading) or None
            )
            return True
        return False


def _asked(event: Event) -> str:
    match event:
        case Command():
            return event.options.get("question") or event.text
        case Control():
            return event.fields.get("question", "")
        case Said():
            return event.text
        case _:
            return ""


def _with_errors(reply: Reply, event: Event) -> Reply:
    """Return a reply with what is wrong with a form's fields said in words, and what was typed, as the form is gone."""
    if not reply.failed or not reply.field_errors:
        return reply
    said = reply.text()
    sentences = [literal_sentence(error) for error in reply.field_errors.values()]
    errors: list[Any] = [Note(sentence) for sentence in sentences if sentence not in said]
    parts = (*reply.parts, *errors) if reply.parts else tuple(Text(each.markdown) for each in errors)
    if isinstance(event, Control) and event.fields and not any(isinstance(part, Form) for part in parts):
        named = tuple(Field(name, capital(name.replace("_", " ")), text) for name, text in event.fields.items())
        parts += given_back(Form("Your form", event.action, named, event.value))
    return replace(reply, parts=parts)
