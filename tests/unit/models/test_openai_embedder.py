from __future__ import annotations

import numpy as np
import pytest

from adapters.models.batches import cut_to_tokens, pack
from adapters.models.lexical import LexicalEmbedder
from adapters.models.openai import OpenAIEmbedder
from adapters.models.retry import RetryPolicy
from core.errors import ModelRefused, ModelUnavailable
from tests.fakes.openai_server import OpenAIServer, Reply, openai_server


def embedder(
    server: OpenAIServer,
    model: str = "text-embedding-3-small",
    dimension: int = 64,
    *,
    shortens: bool | None = None,
) -> OpenAIEmbedder:
    retry = RetryPolicy(retries=2, first_wait=0.001)
    return OpenAIEmbedder(
        model, dimension=dimension, api_key=server.api_key, base_url=server.base_url, retry=retry, shortens=shortens
    )


async def test_many_texts_go_in_batches_and_come_back_in_order() -> None:
    texts = [f"text {number}" for number in range(600)]
    async with openai_server() as server:
        model = embedder(server)
        vectors = await model.embed_passages(texts)
        await model.aclose()

    assert [len(request["input"]) for request in server.requests] == [256, 256, 88]
    assert np.allclose(vectors, await LexicalEmbedder(64).embed_passages(texts), atol=1e-6)


async def test_dimensions_are_asked_only_of_models_that_take_them() -> None:
    async with openai_server() as server:
        for model in (
            embedder(server),
            embedder(server, "nomic-embed", 1536),
            embedder(server, "mrl", 64, shortens=True),
        ):
            await model.embed_query("x")
            await model.aclose()

    assert [request.get("dimensions") for request in server.requests] == [64, None, 64]


async def test_another_length_than_configured_is_refused_with_both_numbers() -> None:
    async with openai_server() as server:
        server.vector_length = 768
        model = embedder(server, dimension=1536)
        with pytest.raises(ModelRefused, match="768 numbers, but 1536"):
            await model.embed_query("x")
        await model.aclose()


async def test_a_server_without_base64_is_asked_for_numbers_from_then_on() -> None:
    async with openai_server(base64_vectors=False) as server:
        model = embedder(server)
        await model.embed_query("x")
        await model.embed_query("y")
        await model.aclose()

    assert [request["encoding_format"] for request in server.requests] == ["base64", "float", "float"]


async def test_errors_are_ours_and_passing_ones_are_tried_again() -> None:
    async with openai_server() as server:
        model = embedder(server)
        server.script(Reply(status=429, headers={"Retry-After": "0"}), Reply(status=500))
        await model.embed_query("x")
        server.script(Reply(status=401, code="invalid_api_key"))
        with pytest.raises(ModelRefused, match="API key"):
            await model.embed_query("x")
        server.script(*[Reply(status=503)] * 3)
        with pytest.raises(ModelUnavailable):
            await model.embed_query("x")
        await model.aclose()

    assert len(server.requests) == 3 + 1 + 3


async def test_overlong_texts_are_cut_between_words_and_short_ones_left_alone() -> None:
    assert cut_to_tokens("a b c", 10) == "a b c"
    cut = cut_to_tokens("sensor " * 5_000, 8_000)
    assert 15_000 < len(cut) <= 20_000
    assert cut.endswith("sensor")
    assert len(cut_to_tokens("光" * 9_000, 8_000)) == 6_666
    assert cut_to_tokens("lone \ud800 " * 4_000, 100).startswith("lone")


def test_packing_keeps_the_order_and_both_bounds() -> None:
    texts = ["aaaa", "bbbb", "c" * 50, "d", "e", "f", "g"]
    packed = [list(run) for run in pack(texts, most=3, chars=10)]

    assert packed == [["aaaa", "bbbb"], ["c" * 50], ["d", "e", "f"], ["g"]]
    assert list(pack([], most=3, chars=10)) == []
