"""Chat and embeddings over OpenAI's HTTP interface, at OpenAI or any server that speaks it."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import openai
from openai import AsyncOpenAI, AsyncStream
from openai.types.chat import ChatCompletionChunk, ChatCompletionMessageParam

from adapters.models.batches import cut_to_tokens, pack
from adapters.models.openai_errors import convert_error, wait_before_retry
from adapters.models.retry import RetryPolicy
from adapters.models.vectors import unit_vectors
from core.answering.prompt import render_messages
from core.errors import HomeroomError, ModelUnavailable
from core.ports import Prompt, Usage, Vectors

# OpenAI takes 2,048 texts and 300,000 tokens in one request and 8,192 tokens in one text.
_TEXTS_PER_REQUEST = 256
_CHARS_PER_REQUEST = 200_000
_TOKENS_PER_TEXT = 8_000
_BLANK = "."  # stands in for a blank text, which OpenAI refuses
_DIALECTS_TRIED = 3


@dataclass(frozen=True, slots=True)
class Timeouts:
    """In seconds. `first_token` runs from the request to the stream's first event, `between_tokens` between two."""

    connect: float = 5.0
    first_token: float = 60.0
    between_tokens: float = 30.0
    embedding: float = 60.0


@dataclass(frozen=True, slots=True)
class _Dialect:
    """What a server understands, learnt from its refusals.

    OpenAI's newer models take only `max_completion_tokens`, most compatible servers only `max_tokens`, and some reject
    `stream_options`.
    """

    limit: str
    reports_usage: bool = True

    def options(self, max_tokens: int) -> dict[str, Any]:
        usage = {"stream_options": {"include_usage": True}} if self.reports_usage else {}
        return {self.limit: max_tokens, **usage}

    def after(self, complaint: str) -> _Dialect | None:
        """Return the dialect to try after a complaint about an option, None when it is about something else."""
        if self.reports_usage and any(hint in complaint for hint in ("stream_options", "include_usage")):
            return replace(self, reports_usage=False)
        other = "max_tokens" if self.limit == "max_completion_tokens" else "max_completion_tokens"
        ours, theirs = complaint.find(self.limit), complaint.find(other)
        if ours >= 0 and (theirs < 0 or ours < theirs):  # "'max_tokens' is not supported. Use 'max_completion_tokens'"
            return replace(self, limit=other)
        return None


class OpenAIChat:
    """A chat model at an OpenAI-compatible address."""

    generative = True

    def __init__(
        self,
        model: str,
        *,
        api_key: str,
        base_url: str | None = None,
        timeouts: Timeouts | None = None,
        retry: RetryPolicy | None = None,
    ) -> None:
        """Keep the settings; nothing is sent yet."""
        self._model = model
        self._api_key = api_key
        self._timeouts = timeouts or Timeouts()
        self._retry = retry or RetryPolicy()
        self._client = _open_client(api_key, base_url, self._timeouts.connect)
        self._dialect = _Dialect("max_tokens" if base_url else "max_completion_tokens")

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._model!r})"

    @property
    def name(self) -> str:
        """The model's name at its provider."""
        return self._model

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.close()

    async def stream(self, prompt: Prompt, *, max_tokens: int = 700) -> AsyncGenerator[str | Usage]:
        """Yield text as it arrives, then a `Usage` where the server reports one.

        Raises `ModelRefused` for what an admin has to mend and `ModelUnavailable` for what passes, an answer that
        breaks off included. A request is tried again only before any text has been yielded.
        """
        wrote, finish, usage = False, None, None
        try:
            stream, event = await self._retry.run(lambda: self._open(prompt, max_tokens), wait_hint=wait_before_retry)
            async with stream:
                while event is not None:
                    for choice in event.choices or ():
                        finish = choice.finish_reason or finish
                        if text := choice.delta.content or choice.delta.refusal:
                            wrote = True
                            yield text
                    if event.usage:
                        usage = Usage(self._model, event.usage.prompt_tokens, event.usage.completion_tokens)
                    async with asyncio.timeout(self._timeouts.between_tokens):
                        event = await anext(stream, None)
        except Exception as error:  # noqa: BLE001 - servers send things that the SDK trips over in many ways
            # `from None`: the SDK's own error may quote a key or the prompt, and tracebacks end up in logs.
            raise convert_error(error, model=self._model, api_key=self._api_key) from None
        _check_ending(finish, wrote=wrote, model=self._model)
        if usage:
            yield usage

    async def _open(
        self, prompt: Prompt, max_tokens: int
    ) -> tuple[AsyncStream[ChatCompletionChunk], ChatCompletionChunk | None]:
        """Send the request and wait for the stream's first event."""
        async with asyncio.timeout(self._timeouts.first_token):
            stream = await self._request(prompt, max_tokens)
            try:
                return stream, await anext(stream, None)
            except BaseException:
                await stream.close()
                raise

    async def _request(self, prompt: Prompt, max_tokens: int) -> AsyncStream[ChatCompletionChunk]:
        """Send the request, changing the dialect while the server complains about it."""
        messages = [
            cast("ChatCompletionMessageParam", {"role": message.role, "content": message.text})
            for message in render_messages(prompt)
        ]
        dialect = self._dialect
        for _ in range(_DIALECTS_TRIED):
            try:
                stream = await self._client.chat.completions.create(
                    model=self._model, messages=messages, stream=True, **dialect.options(max_tokens)
                )
            except (openai.BadRequestError, openai.UnprocessableEntityError) as error:
                other = dialect.after(str(error))
                if other is None:
                    raise
                dialect = other
            else:
                self._dialect = dialect
                return cast("AsyncStream[ChatCompletionChunk]", stream)
        raise ModelUnavailable(model=self._model, detail="the server rejects every form of the request")


class OpenAIEmbedder:
    """An embedding model at an OpenAI-compatible address."""

    semantic = True

    def __init__(
        self,
        model: str,
        *,
        dimension: int,
        api_key: str,
        base_url: str | None = None,
        shortens: bool | None = None,
        timeouts: Timeouts | None = None,
        retry: RetryPolicy | None = None,
    ) -> None:
        """Keep the settings; nothing is sent yet.

        `shortens` says whether the model takes the `dimensions` parameter; by default that is so for OpenAI's
        third generation (`text-embedding-3-…`), the first that does.
        """
        self._model = model
        self._dimension = dimension
        self._api_key = api_key
        self._shortens = "text-embedding-3" in model if shortens is None else shortens
        self._timeouts = timeouts or Timeouts()
        self._retry = retry or RetryPolicy(retries=4, longest_total_wait=60.0)
        self._client = _open_client(api_key, base_url, self._timeouts.connect)
        self._encoding = "base64"  # a quarter of the bytes of decimal numbers

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._model!r}, dimension={self._dimension})"

    @property
    def name(self) -> str:
        """The model's name at its provider."""
        return self._model

    @property
    def dimension(self) -> int:
        """The configured length; another one from the server raises `ModelRefused`."""
        return self._dimension

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.close()

    async def embed_passages(self, texts: Sequence[str]) -> Vectors:
        """Return float32 of shape (len(texts), dimension), L2-normalised, in the texts' order.

        A text longer than the model takes is embedded by its beginning. Raises `ModelUnavailable`, `ModelRefused`.
        """
        fitting = [cut_to_tokens(text, _TOKENS_PER_TEXT) if text.strip() else _BLANK for text in texts]
        rows: list[npt.NDArray[np.float32]] = []
        try:
            for batch in pack(fitting, most=_TEXTS_PER_REQUEST, chars=_CHARS_PER_REQUEST):
                rows.extend(await self._embed(batch))
        except HomeroomError:
            raise
        except Exception as error:  # noqa: BLE001 - servers send things that the SDK trips over in many ways
            raise convert_error(error, model=self._model, api_key=self._api_key) from None
        return unit_vectors(rows, expected=len(texts), dimension=self._dimension, model=self._model)

    async def embed_query(self, text: str) -> Vectors:
        """Return float32 of shape (dimension,), L2-normalised. Raises `ModelUnavailable`, `ModelRefused`."""
        vectors = await self.embed_passages([text])
        return cast("Vectors", vectors[0])

    async def _embed(self, batch: Sequence[str]) -> list[npt.NDArray[np.float32]]:
        try:
            return await self._retry.run(lambda: self._request(batch), wait_hint=wait_before_retry)
        except (openai.BadRequestError, openai.UnprocessableEntityError) as error:
            if self._encoding != "base64" or not any(hint in str(error) for hint in ("base64", "encoding_format")):
                raise
            self._encoding = "float"
            return await self._retry.run(lambda: self._request(batch), wait_hint=wait_before_retry)

    async def _request(self, batch: Sequence[str]) -> list[npt.NDArray[np.float32]]:
        options: dict[str, Any] = {"dimensions": self._dimension} if self._shortens else {}
        async with asyncio.timeout(self._timeouts.embedding):
            response = await self._client.embeddings.create(
                model=self._model, input=list(batch), encoding_format=cast("Any", self._encoding), **options
            )
        if len(response.data) != len(batch):
            raise ModelUnavailable(model=self._model, detail=f"{len(response.data)} vectors for {len(batch)} texts")
        # Asked for base64, the SDK passes on what came; a server that knows only numbers sends numbers.
        return [_decode(item.embedding) for item in sorted(response.data, key=lambda item: item.index)]


def _open_client(api_key: str, base_url: str | None, connect: float) -> AsyncOpenAI:
    # We wait and retry ourselves: the SDK would obey a Retry-After of two minutes while a person waits.
    # Local servers need no key, but the SDK insists on one.
    timeout = openai.Timeout(None, connect=connect)
    return AsyncOpenAI(api_key=api_key or "none", base_url=base_url, max_retries=0, timeout=timeout)


def _check_ending(finish: str | None, *, wrote: bool, model: str) -> None:
    """Raise `ModelUnavailable` for an answer that is not whole: without a finish reason the stream was cut off."""
    if finish is None:
        raise ModelUnavailable("The language model's answer broke off.", model=model)
    if finish == "content_filter":
        raise ModelUnavailable("The language model's provider stopped the answer by its content filter.", model=model)
    if not wrote:
        raise ModelUnavailable("The language model ended without writing anything.", model=model, finish=finish)


def _decode(embedding: object) -> npt.NDArray[np.float32]:
    if isinstance(embedding, str):
        return np.frombuffer(base64.b64decode(embedding), dtype="<f4").astype(np.float32)
    return np.asarray(embedding, dtype=np.float32)
