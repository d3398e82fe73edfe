"""What people think of an answer: reactions, the platform's own thumbs, why not, and what a source says."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from bot.commands.registry import Look, Request, Run
from bot.web.links import source_link
from core.answering.passage import Passage, show_passage
from core.answering.replying import SHOW_PASSAGE
from core.enums import FeedbackReason, FeedbackValue, Platform
from core.errors import NotFound
from core.events import Control, Reaction
from core.feedback.react import Verdict, give_reason, press_thumb, set_reaction
from core.inbox.deliver import answer_shown
from core.replies import Choice, Choices, Note, Part, Reply, Text, say
from core.text import literal

UP, DOWN, REASON = "feedback.up", "feedback.down", "feedback.reason"

_REASONS = {
    FeedbackReason.WRONG: "It is wrong",
    FeedbackReason.UNCLEAR: "It is unclear",
    FeedbackReason.NOT_IN_MATERIAL: "It is not in the material",
    FeedbackReason.TOO_MUCH: "It gives too much away",
}


async def react(request: Request, event: Reaction) -> Reply | None:
    """Put a reaction on the answer it stands under, or take it off; return the offer to say why not, the first time.

    On what is no answer of ours, or not one that was shown to this person, it means nothing to us. At the terminal,
    where a thumb is typed to the bot, that raises `NotFound`.
    """
    platform = event.sender.platform
    async with request.app.sessions.begin() as session:
        answer_id = await _answer_under(session, event)
        if answer_id is None:
            return None
        try:
            verdict = await set_reaction(
                session,
                request.person.user_id,
                answer_id,
                platform,
                event.emoji,
                stands=event.added,
                at=event.at,
                message_id="" if platform is Platform.TERMINAL else event.message_id,
            )
        except NotFound:
            if platform is Platform.TERMINAL:
                raise
            return None
    return _ask_reason(answer_id, verdict)


async def _answer_under(session: AsyncSession, event: Reaction) -> UUID | None:
    if event.sender.platform is not Platform.TERMINAL:
        return await answer_shown(session, event.sender.platform, event.place.channel_id, event.message_id)
    try:
        return UUID(event.message_id)
    except ValueError:
        return None


def _ask_reason(answer_id: UUID, verdict: Verdict) -> Reply | None:
    if not verdict.ask_reason:
        return None
    choices = tuple(Choice(label, REASON, f"{answer_id} {reason}") for reason, label in _REASONS.items())
    return say("What is not good about that answer?", Choices(choices, menu=True), Note("Only you can see this."))


async def press_up(request: Request) -> Reply | None:
    """Serve the platform's own 👍."""
    return await _press(request, FeedbackValue.UP)


async def press_down(request: Request) -> Reply | None:
    """Serve the platform's own 👎."""
    return await _press(request, FeedbackValue.DOWN)


async def _press(request: Request, value: FeedbackValue) -> Reply | None:
    answer_id, _ = _read_value(request)
    async with request.app.sessions.begin() as session:
        verdict = await press_thumb(session, request.person.user_id, answer_id, request.event.sender.platform, value)
    return _ask_reason(answer_id, verdict)


async def tell_reason(request: Request) -> Reply:
    """Serve one of the reasons that were offered after 👎."""
    answer_id, name = _read_value(request)
    if name not in _REASONS:
        raise NotFound("That choice does nothing any more.")
    async with request.app.sessions.begin() as session:
        await give_reason(session, request.person.user_id, answer_id, FeedbackReason(name))
    return say("Thank you, that helps.")


async def show_citation(request: Request) -> Reply:
    """Serve a source's button: its passage, and a link to its page that is this person's own."""
    answer_id, number = _read_value(request)
    if not number.isdecimal():
        raise NotFound("That answer has no such source.")
    user_id = request.person.user_id
    async with request.app.sessions() as session:
        passage = await show_passage(session, user_id, answer_id, int(number))
    link = source_link(request.app.settings, request.app.secrets, passage.chunk_id, user_id, answer_id)
    return _passage_reply(passage, link)


def _passage_reply(passage: Passage, link: str | None) -> Reply:
    heading = f"**[{passage.number}] {literal(passage.title)}**" + (
        f", {literal(passage.place)}" if passage.place else ""
    )
    quotation = "\n".join(f"> {line}".rstrip() for line in passage.text.strip().splitlines())
    parts: list[Part] = [Text(heading), Text(quotation), Note(f"The answer leans on: “{literal(passage.quote)}”")]
    if passage.replaced:
        parts.append(Note("There is a newer version of this material."))
    if link:
        parts.append(Note(f"[Open the page]({link})"))
    return Reply(tuple(parts))


def _read_value(request: Request) -> tuple[UUID, str]:
    """Return what a pressed button's value says: an answer, and what follows its id."""
    value = request.event.value if isinstance(request.event, Control) else ""
    answer, _, rest = value.partition(" ")
    try:
        return UUID(answer), rest
    except ValueError as error:
        raise NotFound("There is no such answer.") from error


CONTROLS: dict[str, Run] = {UP: press_up, DOWN: press_down, REASON: tell_reason, SHOW_PASSAGE: Look(show_citation)}
