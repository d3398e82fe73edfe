"""A question's way to a cited answer: store, rewrite, retrieve, stream, check, keep.

No transaction stays open while a model is asked or text is shown.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field, replace
from uuid import UUID

from core.answering.citing import CitationFilter, Support, find_support, is_supported
from core.answering.prompt import (
    ANSWER_FROM_KNOWLEDGE,
    ANSWER_FROM_SOURCES,
    may_say_not_in_sources,
    says_not_in_sources,
)
from core.answering.question import Question, check_question, standalone_query
from core.answering.relevance import bears_on_question
from core.answering.replying import (
    NO_MODEL,
    UNSUPPORTED,
    answer_reply,
    failed_reply,
    nothing_found_reply,
)
from core.answering.store import (
    Begun,
    StoredCitation,
    begin_answer,
    end_answer,
    save_progress,
)
from core.db import Sessions, autocommit
from core.enums import GenerationStatus, SourceMode
from core.errors import HomeroomError, ModelUnavailable
from core.ports import AnswerStream, ChatModel, Embedder, Prompt, Responder, Source, Usage
from core.replies import Audience, Citation, Reply
from core.retrieval.search import Hit, Scope, search

SAVE_EVERY = 0.5  # seconds between two saves, which is also how soon a Stop from another process is seen


@dataclass(frozen=True, slots=True)
class Answering:
    """What answering needs: models in the order they are tried, the built-in answerer last."""

    sessions: Sessions
    models: tuple[ChatModel, ...]
    embedder: Embedder


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


@dataclass(slots=True)
class _Writing:
    """An answer while it is written."""

    citing: CitationFilter
    stream: AnswerStream
    text: str = ""
    usage: Usage | None = None
    stopped: bool = False
    not_in_sources: bool = False
    opening: str | None = field(default="")  # held back until it is known not to be the sentinel

    async def take(self, delta: str) -> None:
        if self.opening is not None:
            self.opening += delta
            if may_say_not_in_sources(self.opening):
                self.not_in_sources = says_not_in_sources(self.opening)
                return
            delta, self.opening = self.opening, None
        await self._show(self.citing.feed(delta))

    async def finish(self) -> None:
        if self.not_in_sources:
            return
        delta, self.opening = self.opening or "", None
        await self._show(self.citing.feed(delta) + self.citing.flush())

    async def _show(self, shown: str) -> None:
        shown = shown.replace("\x00", "")
        if not self.text:
            shown = shown.lstrip()
        if shown:
            self.text += shown
            await self.stream.append(shown)


async def answer_question(
    deps: Answering, question: Question, responder: Responder, *, audience: Audience = Audience.HERE
) -> Answer:
    """Answer a question through the responder, and keep question, answer and citations.

    Raises `InvalidInput` before anything is stored; whatever goes wrong after that ends as a FAILED answer with a
    Retry choice, its partial text kept.
    """
    check_question(question.text)
    begun = await begin_answer(deps.sessions, question)
    try:
        return await _answer(deps, question, begun, responder, audience)
    except HomeroomError as error:
        await end_answer(
            deps.sessions, begun.answer_id, GenerationStatus.FAILED, "", error_code=error.code, error=error.sentence
        )
        reply = failed_reply(begun.answer_id, "", error.sentence, audience)
        await responder.send(reply)
        return Answer(begun.answer_id, question.mode, GenerationStatus.FAILED, error.sentence, reply=reply)
    except BaseException:
        # Cancelled or broken: nobody may find it STREAMING for ever, however this process ends.
        await asyncio.shield(_end_interrupted(deps.sessions, begun.answer_id))
        raise


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
    general = question.mode is SourceMode.GENERAL
    hits: list[Hit] = []
    query = question.text
    if not general:
        query = await standalone_query(question.text, begun.history, deps.models)
        hits = await _retrieve(deps, question, query)
        generative = any(model.generative for model in deps.models)
        if not bears_on_question(hits, semantic=deps.embedder.semantic, generative=generative):
            return await _nothing_found(deps, question, begun, responder, audience)
    models = tuple(model for model in deps.models if model.generative) if general else deps.models
    if not models:
        return await _say(deps, question, begun, responder, NO_MODEL, audience)
    prompt = Prompt(
        instructions=ANSWER_FROM_KNOWLEDGE if general else ANSWER_FROM_SOURCES,
        question=question.text,
        sources=tuple(
            Source(number, hit.title, hit.locator.label(), hit.text, hit.context)
            for number, hit in enumerate(hits, start=1)
        ),
        history=begun.history,
        language=question.language,
    )
    stream = await responder.begin(begun.answer_id, audience)
    writing = _Writing(CitationFilter(len(hits)), stream)
    error: ModelUnavailable | None = None
    used: ChatModel = models[0]
    for used in models:
        try:
            # The built-in answerer reads no history, so it gets the question with what it refers to put in.
            await _write(
                deps, begun.answer_id, used, prompt if used.generative else replace(prompt, question=query), writing
            )
        except ModelUnavailable as failure:
            error = failure
            if writing.text:
                break  # half an answer is not begun again by another model
            continue
        error = None
        break
    return await _conclude(deps, question, begun, hits, writing, used, error, audience)


async def _retrieve(deps: Answering, question: Question, query: str) -> list[Hit]:
    scope = Scope(question.class_id, question.lesson_unit_id if question.mode is SourceMode.LESSON else None)
    vector = await deps.embedder.embed_query(query)
    async with autocommit(deps.sessions) as session:
        return await search(
            session, scope, query, vector, embedding_model=deps.embedder.name, semantic=deps.embedder.semantic
        )


async def _write(deps: Answering, answer_id: UUID, model: ChatModel, prompt: Prompt, writing: _Writing) -> None:
    """Let a model write, saving on the side; ends early when somebody asked to stop."""

    async def consume() -> None:
        async with contextlib.aclosing(model.stream(prompt)) as parts:
            async for part in parts:
                if isinstance(part, Usage):
                    writing.usage = part
                else:
                    await writing.take(part)
        await writing.finish()

    task = asyncio.create_task(consume())
    try:
        while not (await asyncio.wait({task}, timeout=SAVE_EVERY))[0]:
            if await save_progress(deps.sessions, answer_id, writing.text):
                writing.stopped = True
                task.cancel()
                await asyncio.wait({task})
                return
        await task
    finally:
        task.cancel()
    if writing.usage is None:
        writing.usage = Usage(model.name)


async def _conclude(
    deps: Answering,
    question: Question,
    begun: Begun,
    hits: list[Hit],
    writing: _Writing,
    used: ChatModel,
    error: ModelUnavailable | None,
    audience: Audience,
) -> Answer:
    general = question.mode is SourceMode.GENERAL
    if writing.not_in_sources and not error and not writing.stopped:
        reply = nothing_found_reply(question, begun.answer_id, audience)
        return await _end(deps, question, begun, reply, writing.stream, usage=writing.usage, grounded=False)
    sources = [Source(number, hit.title, hit.locator.label(), hit.text) for number, hit in enumerate(hits, start=1)]
    supports = find_support(writing.text, writing.citing.numbers, sources)
    cited = tuple((_shown(support, hits), hits[support.source.number - 1]) for support in supports)
    status = GenerationStatus.COMPLETED
    if error is not None or not (writing.text or writing.stopped):
        status = GenerationStatus.FAILED
    elif writing.stopped:
        status = GenerationStatus.STOPPED
    grounded = None if general or status is not GenerationStatus.COMPLETED else is_supported(writing.text, supports)
    sentence = error.sentence if error else "The language model wrote nothing."
    await end_answer(
        deps.sessions,
        begun.answer_id,
        status,
        writing.text,
        citations=[StoredCitation(c.number, c.chunk_id, c.quote, hit.score) for c, hit in cited],
        grounded=grounded,
        usage=writing.usage,
        error_code=error.code if error else None,
        error=sentence if status is GenerationStatus.FAILED else None,
    )
    citations = tuple(citation for citation, _ in cited)
    if status is GenerationStatus.FAILED:
        reply = failed_reply(begun.answer_id, writing.text, sentence, audience, citations)
    else:
        reply = answer_reply(
            question,
            begun.answer_id,
            writing.text,
            citations,
            audience,
            stopped=writing.stopped,
            built_in=not used.generative,
            model_down=used is not deps.models[0],
            warning=UNSUPPORTED if grounded is False else "",
        )
    await writing.stream.close(reply)
    return Answer(begun.answer_id, question.mode, status, writing.text, grounded, cited, reply)


def _shown(support: Support, hits: list[Hit]) -> Citation:
    hit = hits[support.source.number - 1]
    return Citation(support.number, hit.title, hit.locator.label(), support.quote, hit.chunk_id)


async def _nothing_found(
    deps: Answering, question: Question, begun: Begun, responder: Responder, audience: Audience
) -> Answer:
    reply = nothing_found_reply(question, begun.answer_id, audience)
    stream = await responder.begin(begun.answer_id, audience)
    return await _end(deps, question, begun, reply, stream, grounded=False)


async def _say(
    deps: Answering, question: Question, begun: Begun, responder: Responder, sentence: str, audience: Audience
) -> Answer:
    reply = answer_reply(question, begun.answer_id, sentence, (), audience, plain=True)
    stream = await responder.begin(begun.answer_id, audience)
    return await _end(deps, question, begun, reply, stream)


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
