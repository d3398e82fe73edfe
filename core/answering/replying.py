"""What an answer looks like: its text, its sources, and the choices that go with it."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from core.answering.question import Question
from core.enums import SourceMode
from core.replies import Audience, Choice, Choices, Citation, Note, Part, Reply, Sources, Text
from core.text import literal, literal_sentence

# Actions of the choices, served in bot/commands.
RETRY, ASK_CLASS, ASK_GENERAL, STOP = "answer.retry", "answer.class", "answer.general", "answer.stop"
SHOW_PASSAGE = "citation.show"  # its value: the answer's id and the citation's number, with a space between

NO_MODEL = (
    "I can't answer without the class's material: no language model is set up here. "
    "Ask me about the material instead, or ask an admin to set one up."
)
UNSUPPORTED = "Check this one: the class's material does not clearly say it."
GENERAL_NOTE = "General knowledge, not from your class's material: it may differ from what your teacher says."
BUILT_IN_NOTE = "No language model is set up: these are the sentences of the material that fit best."
MODEL_DOWN_NOTE = "The language model does not answer right now: these are the sentences of the material that fit best."


def answer_reply(
    question: Question,
    answer_id: UUID,
    text: str,
    citations: Sequence[Citation],
    audience: Audience,
    *,
    stopped: bool = False,
    built_in: bool = False,
    model_down: bool = False,
    warning: str = "",
) -> Reply:
    """Return a finished answer: text, sources, and in small print whatever the reader should know about it."""
    parts: list[Part] = [Text(text)] if text else []
    if citations:
        parts.append(Sources(tuple(citations)))
    notes = [warning] if warning else []
    if stopped:
        notes.append("Stopped.")
    if question.mode is SourceMode.GENERAL:
        notes.append(GENERAL_NOTE)
    if built_in:
        notes.append(MODEL_DOWN_NOTE if model_down else BUILT_IN_NOTE)
    if question.mode is SourceMode.LESSON:
        notes.append(f"From the lesson “{literal(question.lesson_title)}” only.")
    parts += [Note(note) for note in notes]
    if stopped:
        parts.append(Choices((Choice("Try again", RETRY, str(answer_id)),)))
    return Reply(tuple(parts), audience, answer_id)


def plain_reply(answer_id: UUID, sentence: str, audience: Audience) -> Reply:
    """Say one sentence of our own in place of an answer."""
    return Reply((Text(sentence),), audience, answer_id)


def nothing_found_reply(question: Question, answer_id: UUID, audience: Audience) -> Reply:
    """Say that the sources hold no answer, and offer the next wider ones; modes never mix by themselves."""
    if question.mode is SourceMode.LESSON:
        text = f"I found nothing about that in the lesson “{literal(question.lesson_title)}”."
        wider = Choice("Search the whole class", ASK_CLASS, str(answer_id))
    else:
        text = "I found nothing about that in this class's material."
        wider = Choice("Answer from general knowledge", ASK_GENERAL, str(answer_id))
    return Reply((Text(text), Choices((wider,))), audience, answer_id)


def failed_reply(
    answer_id: UUID, text: str, sentence: str, audience: Audience, citations: Sequence[Citation] = ()
) -> Reply:
    """Say what went wrong, keep what was written, and offer to try again."""
    parts: list[Part] = [Text(text)] if text else []
    if citations:
        parts.append(Sources(tuple(citations)))
    parts += [
        Note(f"{'This answer broke off. ' if text else ''}{literal_sentence(sentence)}"),
        Choices((Choice("Try again", RETRY, str(answer_id)),)),
    ]
    return Reply(tuple(parts), audience, answer_id, failed=True)
