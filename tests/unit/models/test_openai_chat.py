from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email.utils import formatdate
from time import time

import pytest

from adapters.models.openai import OpenAIChat, Timeouts
from adapters.models.retry import RetryPolicy, read_retry_after
from core.answering.prompt import ANSWER_FROM_SOURCES
from core.errors import ModelRefused, ModelUnavailable
from core.ports import Prompt, Source, Usage
from tests.fakes.openai_server import OpenAIServer, Reply, openai_server

PROMPT = Prompt(
    ANSWER_FROM_SOURCES, "What is a sensor?", (Source(1, "IoT", "", "A sensor is a device that measures."),)
)
QUICK = RetryPolicy(retries=2, longest_total_wait=5.0, first_wait=0.001)


@asynccontextmanager
async def chat_and_server(
    *,
    timeouts: Timeouts | None = None,
    retry: RetryPolicy = QUICK,
    key: str | None = None,
    limit_name: str | None = None,
    knows_stream_options: bool = True,
) -> AsyncIterator[tuple[OpenAIChat, OpenAIServer]]:
    async with openai_server(limit_name=limit_name, knows_stream_options=knows_stream_options) as server:
        chat = OpenAIChat(
            "gpt-test", api_key=key or server.api_key, base_url=server.base_url, timeouts=timeouts, retry=retry
        )
        try:
            yield chat, server
        finally:
            await chat.aclose()


async def read(chat: OpenAIChat, into: list[str | Usage] | None = None, max_tokens: int = 700) -> list[str | Usage]:
    items: list[str | Usage] = [] if into is None else into
    async for item in chat.stream(PROMPT, max_tokens=max_tokens):
        items.append(item)  # noqa: PERF401 - what came before an error is looked at too
    return items


async def test_text_comes_in_pieces_and_the_usage_last() -> None:
    async with chat_and_server() as (chat, server):
        items = await read(chat, max_tokens=123)

    assert "".join(item for item in items[:-1] if isinstance(item, str)).endswith("measures. [1]")
    assert len(items) > 3
    assert isinstance(items[-1], Usage)
    assert items[-1].model == "gpt-test"
    assert items[-1].prompt_tokens
    assert server.requests[0]["max_tokens"] == 123


async def test_a_server_that_knows_no_stream_options_is_asked_without_them_from_then_on() -> None:
    async with chat_and_server(knows_stream_options=False) as (chat, server):
        first, second = await read(chat), await read(chat)

    assert all(isinstance(item, str) for item in (*first, *second))
    assert ["stream_options" in request for request in server.requests] == [True, False, False]


@pytest.mark.parametrize("known", ["max_tokens", "max_completion_tokens"])
async def test_the_length_limit_goes_by_the_name_the_server_knows(known: str) -> None:
    async with chat_and_server(limit_name=known, knows_stream_options=False) as (chat, server):
        await asyncio.gather(read(chat), read(chat))
        await read(chat)

    assert server.requests[-1][known] == 700


@pytest.mark.parametrize(
    ("status", "code", "said"),
    [
        (401, "invalid_api_key", "API key"),
        (403, None, "not allowed"),
        (404, "model_not_found", "no model gpt-test"),
        (400, "context_length_exceeded", "HTTP 400"),
        (422, None, "HTTP 422"),
        (429, "insufficient_quota", "credit"),
    ],
)
async def test_what_an_admin_has_to_mend_is_refused_at_once(status: int, code: str | None, said: str) -> None:
    async with chat_and_server() as (chat, server):
        server.script(Reply(status=status, code=code, message="No."))
        with pytest.raises(ModelRefused, match=said):
            await read(chat)

    assert len(server.requests) == 1


@pytest.mark.parametrize("status", [429, 500, 502, 503])
async def test_what_passes_is_tried_again_within_bounds(status: int) -> None:
    async with chat_and_server() as (chat, server):
        server.script(Reply(status=status), "Fine now.")
        assert (await read(chat))[0] == "Fine "

        server.script(*[Reply(status=status)] * 3)
        with pytest.raises(ModelUnavailable) as caught:
            await read(chat)

    assert not isinstance(caught.value, ModelRefused)
    assert len(server.requests) == 5


async def test_a_rate_limit_is_waited_for_as_long_as_it_says() -> None:
    async with chat_and_server() as (chat, server):
        server.script(Reply(status=429, headers={"retry-after-ms": "120"}), "Now.")
        began = time()
        await read(chat)

    assert time() - began >= 0.12


async def test_a_wait_longer_than_the_bound_is_not_begun() -> None:
    async with chat_and_server() as (chat, server):
        server.script(Reply(status=429, headers={"Retry-After": "30"}), "Never asked for.")
        with pytest.raises(ModelUnavailable, match="too many requests"):
            await asyncio.wait_for(read(chat), 5)

    assert len(server.requests) == 1


async def test_retry_after_is_read_as_seconds_milliseconds_or_a_date() -> None:
    assert read_retry_after({"retry-after": "1.5"}) == 1.5
    assert read_retry_after({"retry-after-ms": "250", "retry-after": "9"}) == 0.25
    assert 55 < read_retry_after({"retry-after": formatdate(time() + 60, usegmt=True)}) <= 60
    assert read_retry_after({"retry-after": "soon"}) == 0.0
    assert read_retry_after({}) == 0.0


@pytest.mark.parametrize(
    "trouble", [Reply("One two three four", break_after=2), Reply("One two three four", end_after=2)]
)
async def test_an_answer_that_breaks_off_is_no_answer_and_is_not_begun_again(trouble: Reply) -> None:
    async with chat_and_server() as (chat, server):
        server.script(trouble)
        items: list[str | Usage] = []
        with pytest.raises(ModelUnavailable) as caught:
            await read(chat, items)

    assert not isinstance(caught.value, ModelRefused)
    assert items[:1] == ["One "]
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "raw",
    [
        "<html>Welcome to nginx</html>",
        "data: {not json\n\n",
        'data: {"error": {"message": "overloaded", "type": "server_error"}}\n\n',
        'data: {"choices": null}\n\ndata: [DONE]\n\n',
        "data: []\n\n",
    ],
)
async def test_nonsense_from_a_server_is_our_error(raw: str) -> None:
    async with chat_and_server() as (chat, server):
        server.script(Reply(raw=raw))
        with pytest.raises(ModelUnavailable):
            await read(chat)


@pytest.mark.parametrize(("finish", "said"), [("length", "without writing"), ("content_filter", "content filter")])
async def test_an_ending_without_text_is_explained(finish: str, said: str) -> None:
    async with chat_and_server() as (chat, server):
        server.script(Reply("", finish_reason=finish))
        with pytest.raises(ModelUnavailable, match=said):
            await read(chat)


@pytest.mark.parametrize("hold_after", [0, 2])
async def test_silence_ends_in_a_timeout_before_the_first_and_between_tokens(hold_after: int) -> None:
    timeouts = Timeouts(first_token=0.15 if hold_after == 0 else 5, between_tokens=0.15 if hold_after else 5)
    async with chat_and_server(timeouts=timeouts) as (chat, server):
        server.script(Reply("One two three", hold_after=hold_after))
        with pytest.raises(ModelUnavailable, match="took too long"):
            await asyncio.wait_for(read(chat), 3)

    assert len(server.requests) == 1


async def test_stopping_midway_hangs_up_on_the_server() -> None:
    async with chat_and_server() as (chat, server):
        server.script(Reply("One two three", hold_after=2))
        reader = asyncio.create_task(read(chat))
        await server.held.wait()
        reader.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reader
        await asyncio.wait_for(server.closed_early.wait(), 2)


async def test_a_closed_port_is_unavailable() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: connections are refused
        chat = OpenAIChat("m", api_key="k", base_url=f"http://127.0.0.1:{taken.getsockname()[1]}/v1", retry=QUICK)
        with pytest.raises(ModelUnavailable):
            await read(chat)
        await chat.aclose()


async def test_the_key_is_told_to_nobody() -> None:
    key = "secret-0123456789-abcdef"
    async with chat_and_server(key=key) as (chat, _):
        with pytest.raises(ModelRefused) as caught:
            await read(chat)

    error = caught.value
    assert key not in f"{error!r} {error.sentence} {error.data} {chat!r} {vars(error)}"
    assert "Incorrect API key" in str(error.data["detail"])
    assert error.__suppress_context__
