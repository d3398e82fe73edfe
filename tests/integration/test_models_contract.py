"""What every chat model and every embedder does, whoever stands behind it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import numpy as np
import pytest
from langchain_core.embeddings import DeterministicFakeEmbedding
from langchain_core.language_models.fake_chat_models import FakeListChatModel

from adapters.models.extractive import ExtractiveChat
from adapters.models.langchain import LangChainChat, LangChainEmbedder
from adapters.models.lexical import LexicalEmbedder
from adapters.models.openai import OpenAIChat, OpenAIEmbedder
from core.answering.prompt import ANSWER_FROM_SOURCES, says_not_in_sources
from core.ports import ChatModel, Embedder, Prompt, Source, Usage
from tests.fakes.openai_server import openai_server

DIMENSION = 256
GREEN = "Die Photosynthese wandelt Licht in chemische Energie um (光合作用, C₆H₁₂O₆ 🌱)."
SOURCES = (
    Source(1, "Biologie", "p. 4", f"{GREEN} Sie braucht Wasser. Die Photosynthese findet in den Chloroplasten statt."),
    Source(2, "Ofenbau", "slide 7", "Ein Ofen wird mit Holz geheizt. Er steht im Keller."),
)
ASKED = Prompt(ANSWER_FROM_SOURCES, "Was wandelt die Photosynthese um?", SOURCES, language="german")


@pytest.fixture(params=["openai", "langchain", "extractive"])
async def chat(request: pytest.FixtureRequest) -> AsyncIterator[ChatModel]:
    async with AsyncExitStack() as stack:
        model: OpenAIChat | LangChainChat | ExtractiveChat
        if request.param == "openai":
            server = await stack.enter_async_context(openai_server())
            model = OpenAIChat("chat", api_key=server.api_key, base_url=server.base_url)
        elif request.param == "langchain":
            model = LangChainChat("fake:list", model=FakeListChatModel(responses=[f"{GREEN} [1]"]))
        else:
            model = ExtractiveChat()
        stack.push_async_callback(model.aclose)
        yield model


@pytest.fixture(params=["openai", "openai without base64", "langchain", "lexical"])
async def embedder(request: pytest.FixtureRequest) -> AsyncIterator[Embedder]:
    async with AsyncExitStack() as stack:
        model: OpenAIEmbedder | LangChainEmbedder | LexicalEmbedder
        if request.param.startswith("openai"):
            server = await stack.enter_async_context(openai_server(base64_vectors=request.param == "openai"))
            model = OpenAIEmbedder(
                "text-embedding-3-small", dimension=DIMENSION, api_key=server.api_key, base_url=server.base_url
            )
        elif request.param == "langchain":
            fake = DeterministicFakeEmbedding(size=DIMENSION)
            model = LangChainEmbedder("fake:hash", dimension=DIMENSION, model=fake)
        else:
            model = LexicalEmbedder(DIMENSION)
        stack.push_async_callback(model.aclose)
        yield model


async def collect(model: ChatModel, prompt: Prompt) -> tuple[str, list[str | Usage]]:
    items = [item async for item in model.stream(prompt)]
    return "".join(item for item in items if isinstance(item, str)), items


async def test_an_answer_is_text_then_at_most_one_usage(chat: ChatModel) -> None:
    text, items = await collect(chat, ASKED)

    assert chat.name
    assert GREEN in text
    assert "[1]" in text
    assert all(isinstance(item, str) and item for item in items[:-1])


async def test_without_sources_something_is_said_all_the_same(chat: ChatModel) -> None:
    text, _ = await collect(chat, Prompt(ANSWER_FROM_SOURCES, "What is a sensor?"))

    assert text.strip()
    assert chat.generative or says_not_in_sources(text)


async def test_an_abandoned_stream_leaves_the_model_usable(chat: ChatModel) -> None:
    stream = chat.stream(ASKED)
    assert await anext(stream)
    await stream.aclose()

    text, _ = await collect(chat, ASKED)
    assert GREEN in text


async def test_a_cancelled_reader_gets_its_cancellation_and_nothing_else(chat: ChatModel) -> None:
    started = asyncio.Event()

    async def read() -> None:
        async for _ in chat.stream(ASKED):
            started.set()
            await asyncio.Event().wait()

    reader = asyncio.create_task(read())
    await started.wait()
    reader.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reader

    text, _ = await collect(chat, ASKED)
    assert GREEN in text


async def test_long_sources_and_histories_are_taken(chat: ChatModel) -> None:
    padding = Source(3, "Lang", "", "Ganz andere Dinge stehen in diesem langen Absatz geschrieben. " * 3_000)
    text, _ = await collect(chat, Prompt(ANSWER_FROM_SOURCES, ASKED.question, (*SOURCES, padding), language="german"))

    assert GREEN in text


async def test_vectors_are_unit_float32_of_the_stated_length_in_the_texts_order(embedder: Embedder) -> None:
    texts = ["A sensor measures.", "Ein Ofen heizt.", "光合作用は光を使う", "word " * 5, "A sensor measures."]
    vectors = await embedder.embed_passages(texts)

    assert vectors.shape == (5, embedder.dimension)
    assert vectors.dtype == np.float32
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    for text, vector in zip(texts, vectors, strict=True):
        alone = await embedder.embed_query(text)
        assert alone.shape == (embedder.dimension,)
        assert np.allclose(alone, vector, atol=1e-6)
    assert not np.allclose(vectors[0], vectors[1])


async def test_nothing_to_embed_gives_an_empty_matrix(embedder: Embedder) -> None:
    vectors = await embedder.embed_passages([])

    assert vectors.shape == (0, embedder.dimension)
    assert vectors.dtype == np.float32


@pytest.mark.parametrize("text", ["", "  \n", "the of and", "?!", "\x00 \ufeff", "🌱"])
async def test_texts_without_words_still_get_a_unit_vector(embedder: Embedder, text: str) -> None:
    vector = await embedder.embed_query(text)

    assert np.isclose(np.linalg.norm(vector), 1, atol=1e-5)


async def test_a_text_longer_than_any_model_takes_is_embedded(embedder: Embedder) -> None:
    vectors = await embedder.embed_passages(["sensor " * 40_000, "short"])

    assert vectors.shape == (2, embedder.dimension)
