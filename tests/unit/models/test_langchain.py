from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from types import ModuleType

import pytest
from langchain_core.callbacks import AsyncCallbackManagerForLLMRun
from langchain_core.embeddings import DeterministicFakeEmbedding
from langchain_core.language_models.fake_chat_models import FakeListChatModel, GenericFakeChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.messages.ai import UsageMetadata
from langchain_core.outputs import ChatGenerationChunk
from pydantic import ConfigDict, Field

from adapters.models.langchain import LangChainChat, LangChainEmbedder
from core.answering.prompt import ANSWER_FROM_SOURCES
from core.errors import ModelRefused, ModelUnavailable
from core.ports import Prompt, Source, Turn, Usage

PROMPT = Prompt(
    ANSWER_FROM_SOURCES,
    "What is a sensor?",
    (Source(1, "IoT", "", "A sensor measures."),),
    (Turn("assistant", "Hello."),),
)


class Provider(GenericFakeChatModel):
    """A provider's model as its package would bring it: made by LangChain from its name, a key and options."""

    model: str = ""
    api_key: str = ""
    max_tokens: int = 0
    seen: list[list[BaseMessage]] = Field(default_factory=list)
    pieces: tuple[str, ...] = ("It measures ", "heat [1].")
    error: Exception | None = None
    silent: bool = False

    model_config = ConfigDict(arbitrary_types_allowed=True)

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **_: object,
    ) -> AsyncIterator[ChatGenerationChunk]:
        self.seen.append(messages)
        # Anthropic's way: the prompt's tokens with the first chunk, the answer's with the last.
        yield ChatGenerationChunk(message=AIMessageChunk(content="", usage_metadata=spent(11, 0)))
        if self.silent:
            await asyncio.Event().wait()
        for piece in self.pieces:
            yield ChatGenerationChunk(message=AIMessageChunk(content=[{"type": "text", "text": piece}]))
            if self.error:
                raise self.error
        yield ChatGenerationChunk(message=AIMessageChunk(content="", usage_metadata=spent(0, 7)))


def spent(prompt: int, answer: int) -> UsageMetadata:
    return UsageMetadata(input_tokens=prompt, output_tokens=answer, total_tokens=prompt + answer)


class StatusError(Exception):
    def __init__(self, status: int) -> None:
        super().__init__("Incorrect key sk-123456789")
        self.status_code = status


async def read(chat: LangChainChat) -> list[str | Usage]:
    return [item async for item in chat.stream(PROMPT)]


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> list[Provider]:
    """Install a provider package, as far as `init_chat_model` can tell."""
    made: list[Provider] = []

    def make(**options: object) -> Provider:
        made.append(Provider.model_validate({"messages": iter([]), **options}))
        return made[-1]

    package = ModuleType("langchain_upstage")
    vars(package)["ChatUpstage"] = make
    monkeypatch.setitem(sys.modules, "langchain_upstage", package)
    return made


async def test_a_model_is_made_from_its_name_and_streams_text_and_summed_usage(provider: list[Provider]) -> None:
    chat = LangChainChat("upstage:solar", api_key="sk-1")
    items = await read(chat)

    assert items == ["It measures ", "heat [1].", Usage("upstage:solar", 11, 7)]
    assert (provider[0].model, provider[0].api_key, provider[0].max_tokens) == ("solar", "sk-1", 700)
    assert [message.type for message in provider[0].seen[0]] == ["system", "ai", "human"]
    assert "sk-1" not in repr(chat)


async def test_a_missing_package_is_named_for_pip() -> None:
    with pytest.raises(ModelRefused, match=r"pip install langchain-anthropic$"):
        await read(LangChainChat("anthropic:claude"))
    with pytest.raises(ModelRefused, match=r"pip install langchain-cohere"):
        await LangChainEmbedder("cohere:embed", dimension=8).embed_query("x")


@pytest.mark.parametrize("name", ["nobody:nothing", "nothing"])
async def test_an_unknown_provider_is_refused(name: str) -> None:
    with pytest.raises(ModelRefused, match="provider's name"):
        await read(LangChainChat(name))


@pytest.mark.parametrize(("status", "refused"), [(401, True), (404, True), (429, False), (503, False)])
async def test_a_providers_errors_become_ours_without_their_words(status: int, *, refused: bool) -> None:
    model = Provider(messages=iter([]), error=StatusError(status))
    with pytest.raises(ModelUnavailable) as caught:
        await read(LangChainChat("x:y", model=model))

    assert isinstance(caught.value, ModelRefused) is refused
    assert "sk-123456789" not in f"{caught.value} {caught.value.data}"


async def test_langchains_own_fakes_stream_and_break() -> None:
    spoken = GenericFakeChatModel(messages=iter([AIMessage("It measures heat.")]))
    assert "".join(str(item) for item in await read(LangChainChat("x:y", model=spoken))) == "It measures heat."

    broken = FakeListChatModel(responses=["abcdef"], error_on_chunk_number=3)
    with pytest.raises(ModelUnavailable):
        await read(LangChainChat("x:y", model=broken))


async def test_silence_and_emptiness_are_unavailable() -> None:
    silent = Provider(messages=iter([]), silent=True)
    with pytest.raises(ModelUnavailable, match="too long"):
        await asyncio.wait_for(read(LangChainChat("x:y", model=silent, between_tokens=0.05)), 3)
    with pytest.raises(ModelUnavailable, match="without writing"):
        await read(LangChainChat("x:y", model=Provider(messages=iter([]), pieces=())))


async def test_an_embedder_of_another_length_is_refused_with_both_numbers() -> None:
    model = LangChainEmbedder("x:y", dimension=8, model=DeterministicFakeEmbedding(size=5))
    with pytest.raises(ModelRefused, match="5 numbers, but 8"):
        await model.embed_passages(["x"])
