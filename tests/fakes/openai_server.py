"""A server that speaks OpenAI's protocol: chat completions (streamed or whole), embeddings, models, and errors.

`async with openai_server() as server:` gives a `base_url` for any client. Left alone it answers every chat from the
request's own sources, so that a whole bot can be tested against it; `server.script(...)` sets what the next
requests get instead.
"""

from __future__ import annotations

import asyncio
import base64
import json
import re
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer

from adapters.models.extractive import pick_sentences
from adapters.models.lexical import LexicalEmbedder
from core.answering.prompt import NOT_IN_SOURCES, REWRITE_FOLLOW_UP
from core.ports import Source

DEFAULT_DIMENSION = 1536
CREATED = 1_760_000_000


@dataclass(frozen=True, slots=True)
class Reply:
    """What one request gets.

    `text` None composes an answer from the sources. `status` above 399 answers with OpenAI's error body. `break_after`
    closes the connection after so many pieces of a stream, `end_after` ends it there politely but early. `hold_after`
    (pieces sent; 0 = before the first) waits until `server.release` is set.
    """

    text: str | None = None
    status: int = 200
    message: str = "The server had an error while processing your request."
    code: str | None = None
    headers: dict[str, str] = field(default_factory=dict)
    break_after: int | None = None
    end_after: int | None = None
    hold_after: int | None = None
    finish_reason: str = "stop"
    raw: str | None = None  # a body to send as it is, with status 200


class OpenAIServer:
    """The running server: where it is, what it was asked, and what it will say."""

    def __init__(
        self, *, api_key: str, knows_stream_options: bool, limit_name: str | None, base64_vectors: bool
    ) -> None:
        self.api_key = api_key
        self.base_url = ""
        self.requests: list[dict[str, Any]] = []
        self.release = asyncio.Event()
        self.held = asyncio.Event()  # set once a reply waits for `release`
        self.closed_early = asyncio.Event()  # set once a client has left in the middle of a stream
        self.vector_length: int | None = None  # another length than asked for, to provoke the check
        self._knows_stream_options = knows_stream_options
        self._limit_name = limit_name
        self._base64_vectors = base64_vectors
        self._script: deque[Reply] = deque()

    def script(self, *replies: Reply | str) -> None:
        """Say what the next requests get, in order; afterwards the server answers by itself again."""
        self._script.extend(Reply(reply) if isinstance(reply, str) else reply for reply in replies)

    def chats(self) -> list[dict[str, Any]]:
        """The chat requests so far."""
        return [request for request in self.requests if "messages" in request]

    def application(self) -> web.Application:
        application = web.Application(client_max_size=64 * 1024 * 1024)
        application.router.add_post("/v1/chat/completions", self._chat)
        application.router.add_post("/v1/embeddings", self._embeddings)
        application.router.add_get("/v1/models", self._models)
        return application

    def _refusal(self, request: web.Request) -> web.Response | None:
        if request.headers.get("Authorization") != f"Bearer {self.api_key}":
            given = request.headers.get("Authorization", "").removeprefix("Bearer ")
            return _error(401, f"Incorrect API key provided: {given}.", code="invalid_api_key")
        return None

    async def _models(self, request: web.Request) -> web.Response:
        listed = [{"id": name, "object": "model", "created": CREATED, "owned_by": "test"} for name in ("chat", "embed")]
        return self._refusal(request) or web.json_response({"object": "list", "data": listed})

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        body: dict[str, Any] = await request.json()
        self.requests.append(body)
        if refused := self._refusal(request) or self._complaint(body):
            return refused
        reply = self._script.popleft() if self._script else Reply()
        if reply.status >= 400:
            return _error(reply.status, reply.message, code=reply.code, headers=reply.headers)
        if reply.raw is not None:
            return web.Response(
                text=reply.raw, content_type="text/event-stream" if "data:" in reply.raw else "text/html"
            )
        text = compose_answer(body["messages"]) if reply.text is None else reply.text
        usage = {"prompt_tokens": _tokens(json.dumps(body["messages"])), "completion_tokens": _tokens(text)}
        usage["total_tokens"] = sum(usage.values())
        if body.get("stream"):
            return await self._stream(request, body, reply, text, usage)
        choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": reply.finish_reason}
        return web.json_response({**_envelope(body, "chat.completion"), "choices": [choice], "usage": usage})

    def _complaint(self, body: dict[str, Any]) -> web.Response | None:
        """Refuse options this server is set up not to know, in OpenAI's words."""
        if "stream_options" in body and not self._knows_stream_options:
            return _error(400, "Unrecognized request argument supplied: stream_options")
        wrong = {"max_tokens": "max_completion_tokens", "max_completion_tokens": "max_tokens"}
        for name, other in wrong.items():
            if name in body and self._limit_name == other:
                message = f"Unsupported parameter: '{name}' is not supported with this model. Use '{other}' instead."
                return _error(400, message, code="unsupported_parameter")
        return None

    async def _stream(
        self, request: web.Request, body: dict[str, Any], reply: Reply, text: str, usage: dict[str, int]
    ) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        wants_usage = bool((body.get("stream_options") or {}).get("include_usage"))
        envelope = _envelope(body, "chat.completion.chunk")

        async def send(delta: dict[str, str], finish: str | None = None) -> None:
            choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
            await _send(response, {**envelope, "choices": [choice], **({"usage": None} if wants_usage else {})})

        try:
            if reply.hold_after != 0:
                await send({"role": "assistant", "content": ""})
            for sent, piece in enumerate(re.findall(r"\S+\s*|\s+", text)):
                if sent == reply.hold_after:
                    self.held.set()
                    await self.release.wait()
                if sent == reply.break_after and request.transport is not None:
                    request.transport.abort()
                    return response
                if sent == reply.end_after:
                    return response
                await send({"content": piece})
            await send({}, reply.finish_reason)
            if wants_usage:
                await _send(response, {**envelope, "choices": [], "usage": usage})
            await response.write(b"data: [DONE]\n\n")
        except (ConnectionError, asyncio.CancelledError):
            self.closed_early.set()
            raise
        return response

    async def _embeddings(self, request: web.Request) -> web.Response:
        body: dict[str, Any] = await request.json()
        self.requests.append(body)
        if refused := self._refusal(request):
            return refused
        reply = self._script.popleft() if self._script else Reply()
        if reply.status >= 400:
            return _error(reply.status, reply.message, code=reply.code, headers=reply.headers)
        texts = [body["input"]] if isinstance(body["input"], str) else body["input"]
        if not texts or not all(texts) or len(texts) > 2048:
            return _error(400, "'$.input' is invalid. Please check the API reference.")
        if body.get("encoding_format") == "base64" and not self._base64_vectors:
            return _error(400, "encoding_format: only 'float' is supported")
        dimension = self.vector_length or body.get("dimensions") or DEFAULT_DIMENSION
        vectors = 3 * await LexicalEmbedder(dimension).embed_passages(texts)  # not normalised, as with other servers
        packed = body.get("encoding_format") == "base64"
        data = [
            {
                "object": "embedding",
                "index": at,
                "embedding": base64.b64encode(row.astype("<f4").tobytes()).decode() if packed else row.tolist(),
            }
            for at, row in enumerate(vectors)
        ]
        used = sum(_tokens(text) for text in texts)
        usage = {"prompt_tokens": used, "total_tokens": used}
        # The index says which text a vector belongs to; the order in the list says nothing.
        return web.json_response({"object": "list", "data": data[::-1], "model": body["model"], "usage": usage})


@asynccontextmanager
async def openai_server(
    *,
    api_key: str = "sk-test-0123456789",
    knows_stream_options: bool = True,
    limit_name: str | None = None,
    base64_vectors: bool = True,
) -> AsyncIterator[OpenAIServer]:
    """Run the server on a free loopback port. `limit_name` is the only length option it takes; None takes either."""
    fake = OpenAIServer(
        api_key=api_key,
        knows_stream_options=knows_stream_options,
        limit_name=limit_name,
        base64_vectors=base64_vectors,
    )
    # TestServer cancels a handler whose client leaves, as a real server stops generating.
    running = TestServer(fake.application())
    await running.start_server()
    fake.base_url = str(running.make_url("/v1"))
    try:
        yield fake
    finally:
        fake.release.set()
        await running.close()


_SOURCE = re.compile(r'<source number="(\d+)" title="([^"]*)"[^>]*>\n(.*?)\n</source>', re.DOTALL)


def compose_answer(messages: list[dict[str, str]]) -> str:
    """Do what an obedient model does: rewrite, answer from the sources with citations, or say they hold nothing."""
    asked = messages[-1]["content"]
    if REWRITE_FOLLOW_UP.strip() in messages[0]["content"]:
        turns = [line.removeprefix("> Student: ") for line in asked.splitlines() if line.startswith("> Student: ")]
        follow_up = asked.rpartition("Follow-up: ")[2]
        return f"{follow_up.rstrip('?')} ({turns[-1].rstrip('?')})?" if turns else follow_up
    sources = [Source(int(number), title, "", text) for number, title, text in _SOURCE.findall(asked)]
    question = asked.rpartition("Question: ")[2]
    if not sources:
        return NOT_IN_SOURCES if NOT_IN_SOURCES in messages[0]["content"] else f"In general: {question}"
    picked = pick_sentences(question, sources)
    if not picked:
        return NOT_IN_SOURCES
    return "In short: " + " ".join(f"{one.sentence.text} [{one.source.number}]" for one in picked)


def _envelope(body: dict[str, Any], kind: str) -> dict[str, Any]:
    return {"id": "chatcmpl-test", "object": kind, "created": CREATED, "model": body["model"]}


async def _send(response: web.StreamResponse, data: dict[str, Any]) -> None:
    await response.write(f"data: {json.dumps(data)}\n\n".encode())


def _tokens(text: str) -> int:
    return max(1, len(text) // 4)


def _error(
    status: int, message: str, *, code: str | None = None, headers: dict[str, str] | None = None
) -> web.Response:
    kind = {401: "authentication_error", 429: "rate_limit_error"}.get(
        status, "server_error" if status >= 500 else "invalid_request_error"
    )
    body = {"error": {"message": message, "type": kind, "param": None, "code": code}}
    return web.json_response(body, status=status, headers=headers)
