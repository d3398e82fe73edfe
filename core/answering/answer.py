"""A question's way to a cited answer: store, rewrite, retrieve, stream, check, keep.

No transaction stays open while a model is asked or text is shown.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from uuid import UUID

import numpy as np
import structlog
from sqlalchemy.exc import SQLAlchemyError

from core.answering.citing import CitationFilter, Support, find_support, is_supported
from core.answering.prompt import ANSWER_FROM_KNOWLEDGE, ANSWER_FROM_SOURCES
from core.answering.question import Question, check_question, standalone_query
from core.answering.relevance import bears_on_question
from core.answering.replying import (
    NO_MODEL,
    UNSUPPORTED,
    answer_reply,
    failed_reply,
    nothing_found_reply,
    plain_reply,
)
from core.answering.store import LEASE, Begun, StoredCitation, begin_answer, end_answer, renew_lease
from core.answering.writing import Writing, write
from core.db import Sessions, autocommit
from core.enums import GenerationStatus, SourceMode
from core.errors import HomeroomError, ModelUnavailable
from core.ports import AnswerStream, ChatModel, Embedder, Prompt, Responder, Source, Usage
from core.replies import Audience, Citation, Reply
from core.retrieval.search import Hit, Scope, search

log = structlog.get_logger(__name__)


# The address of a cited passage's page, for an answer's reader, or for all (None) where everybody reads it.
SourceLink = Callable[[UUID, UUID | None, UUID], str | None]


@dataclass(frozen=True, slots=True)
class Answering:
    """What answering needs: models in the order they are tried, the built-in answerer last.

    `link` gives the address of a passage's page, by the chunk's, the reader's and the answer's id.
    """

    sessions: Sessions
    models: tuple[ChatModel, ...]
    embedder: Embedder
    link: SourceLink | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """A finished answer, as stored and as shown."""

    message_id: UUID
    mode: SourceMode
    status: GenerationStatus
    text: str
    grounded: bool | None = None
    citations: tuple[tuple[Citation, Hit], ...] = ()
    reply: Reply | None = None


async def answer_question(
    deps: Answering, question: Question, responder: Responder, *, audience: Audience = Audience.HERE
) -> Answer:
    """Answer a question through the responder, and keep question, answer and citations.

    Raises `InvalidInput` before anything is stored; whatever goes wrong after that ends as a FAILED answer with a
    Retry choice, its partial text kept.
    """
    check_question(question.text)
    begun = await begin_answer(deps.sessions, question)
    holding = asyncio.create_task(_hold(deps.sessions, begun.answer_id))
    try:
        return await _answer(deps, question, begun, responder, audience)
    except HomeroomError as error:
        await end_answer(
            deps.sessions, begun.answer_id, GenerationStatus.FAILED, None, error_code=error.code, error=error.sentence
        )
        reply = failed_reply(begun.answer_id, "", error.sentence, audience)
        await responder.send(reply)
        return Answer(begun.answer_id, question.mode, GenerationStatus.FAILED, error.sentence, reply=reply)
    except BaseException as error:
        # Cancelled or broken: nobody may find it STREAMING for ever, however this process ends.
        await asyncio.shield(_end_interrupted(deps.sessions, begun.answer_id))
        if isinstance(error, Exception):
            with contextlib.suppress(Exception):  # what broke the answer is being raised
                await responder.send(failed_reply(begun.answer_id, "", HomeroomError().sentence, audience))
        raise
    finally:
        holding.cancel()


async def _hold(sessions: Sessions, answer_id: UUID) -> None:
    """Keep an answer from being given up while a model or a platform is slow to begin."""
    while True:
        await asyncio.sleep(LEASE.total_seconds() / 3)
        with contextlib.suppress(SQLAlchemyError, OSError):  # then the lease runs out, and the answer was lost anyway
            await renew_lease(sessions, answer_id)


async def _end_interrupted(sessions: Sessions, answer_id: UUID) -> None:
    with contextlib.suppress(Exception):  # what broke the answer is being raised; the sweep ends what this can't
        await end_answer(
            sessions,
            answer_id,
            GenerationStatus.FAILED,
            None,
            error_code="interrupted",
            error="The answer was interrupted.",
        )


async def _answer(
    deps: Answering, question: Question, begun: Begun, responder: Responder, audience: Audience
) -> Answer:
    if question.mode is SourceMode.GENERAL:
        models = tuple(model for model in deps.models if model.generative)
        if not models:
            return await _say(deps, question, begun, responder, plain_reply(begun.answer_id, NO_MODEL, audience))
        return await _write(deps, question, begun, question.text, [], models, responder, audience)
    query = await standalone_query(question.text, begun.history, deps.models)
    hits = await _retrieve(deps, question, query)
    generative = any(model.generative for model in deps.models)
    if not bears_on_question(hits, semantic=deps.embedder.semantic, generative=generative):
        nothing = nothing_found_reply(question, begun.answer_id, audience)
        return await _say(deps, question, begun, responder, nothing, grounded=False)
    return await _write(deps, question, begun, query, hits, deps.models, responder, audience)


async def _retrieve(deps: Answering, question: Question, query: str) -> list[Hit]:
    scope = Scope(question.class_id, question.lesson_unit_id if question.mode is SourceMode.LESSON else None)
    semantic = deps.embedder.semantic
    try:
        vector = await deps.embedder.embed_query(query)
    except ModelUnavailable as error:
        log.warning("model_unavailable", model=deps.embedder.name, code=error.code, reason=error.sentence)
        # Words alone find most of it; the vector then only has to be one.
        semantic, vector = False, np.eye(1, deps.embedder.dimension, dtype=np.float32)[0]
    async with autocommit(deps.sessions) as session:
        return await search(session, scope, query, vector, embedding_model=deps.embedder.name, semantic=semantic)


async def _write(
    deps: Answering,
    question: Question,
    begun: Begun,
    query: str,
    hits: list[Hit],
    models: tuple[ChatModel, ...],
    responder: Responder,
    audience: Audience,
) -> Answer:
    """Let the first model that can write the answer, check what it cites, keep it, show it whole."""
    sources = tuple(
        Source(number, hit.title, hit.locator.label(), hit.text, hit.context)
        for number, hit in enumerate(hits, start=1)
    )
    prompt = Prompt(
        instructions=ANSWER_FROM_SOURCES if sources else ANSWER_FROM_KNOWLEDGE,
        question=question.text,
        sources=sources,
        history=begun.history,
        language=question.language,
    )
    stream = await responder.begin(begun.answer_id, audience)
    used, writing = models[0], Writing(CitationFilter(len(sources)), stream, may_find_nothing=bool(sources))
    error: HomeroomError | None = None
    for used in models:
        writing, error = Writing(CitationFilter(len(sources)), stream, may_find_nothing=bool(sources)), None
        # The built-in answerer reads no history, so it gets the question with what it refers to put in.
        asked = prompt if used.generative else replace(prompt, question=query)
        try:
            await write(deps.sessions, begun.answer_id, used, asked, writing)
        except ModelUnavailable as unavailable:
            error = unavailable
            log.warning("model_unavailable", model=used.name, code=error.code, reason=error.sentence)
        if error is None or writing.text:
            break  # half an answer is not begun again by another model
    if writing.not_in_sources and error is None and not writing.stopped:
        nothing = nothing_found_reply(question, begun.answer_id, audience)
        return await _end(deps, question, begun, nothing, stream, usage=writing.usage, grounded=False)
    supports = find_support(writing.text, writing.citing.numbers, sources)
    reader = question.user_id if audience is Audience.PERSON else None
    cited = tuple(
        (_shown(deps, support, hits, reader, begun.answer_id), hits[support.source.number - 1]) for support in supports
    )
    status, grounded = GenerationStatus.COMPLETED, None
    if error is not None:
        status = GenerationStatus.FAILED
    elif writing.stopped:
        status = GenerationStatus.STOPPED
    elif sources:
        grounded = is_supported(writing.text, supports)
    kept = await end_answer(
        deps.sessions,
        begun.answer_id,
        status,
        writing.text,
        citations=[StoredCitation(shown.number, shown.chunk_id, shown.quote, hit.score) for shown, hit in cited],
        grounded=grounded,
        usage=writing.usage,
        error_code=error.code if error else None,
        error=error.sentence if error else None,
    )
    if not kept:
        status, grounded, cited = GenerationStatus.FAILED, None, ()
        error = HomeroomError("The answer took too long and was given up.")
    citations = tuple(shown for shown, _ in cited)
    if error is not None:
        reply = failed_reply(begun.answer_id, writing.text, error.sentence, audience, citations)
    else:
        reply = answer_reply(
            question,
            begun.answer_id,
            writing.text,
            citations,
            audience,
            stopped=writing.stopped,
            built_in=not used.generative,
            model_down=used is not models[0],
            warning=UNSUPPORTED if grounded is False else "",
        )
    await stream.close(reply)
    return Answer(begun.answer_id, question.mode, status, writing.text, grounded, cited, reply)


def _shown(deps: Answering, support: Support, hits: list[Hit], reader: UUID | None, answer_id: UUID) -> Citation:
    hit = hits[support.source.number - 1]
    url = deps.link(hit.chunk_id, reader, answer_id) if deps.link else None
    return Citation(support.number, hit.title, hit.locator.label(), support.quote, hit.chunk_id, url)


async def _say(
    deps: Answering,
    question: Question,
    begun: Begun,
    responder: Responder,
    reply: Reply,
    *,
    grounded: bool | None = None,
) -> Answer:
    stream = await responder.begin(begun.answer_id, reply.audience)
    return await _end(deps, question, begun, reply, stream, grounded=grounded)


async def _end(
    deps: Answering,
    question: Question,
    begun: Begun,
    reply: Reply,
    stream: AnswerStream,
    *,
    usage: Usage | None = None,
    grounded: bool | None = None,
) -> Answer:
    """Keep and show an answer that is one sentence of ours."""
    sentence = reply.text()
    await end_answer(
        deps.sessions, begun.answer_id, GenerationStatus.COMPLETED, sentence, usage=usage, grounded=grounded
    )
    await stream.close(reply)
    return Answer(begun.answer_id, question.mode, GenerationStatus.COMPLETED, sentence, grounded, reply=reply)
