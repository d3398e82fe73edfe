"""Any other provider's chat and embedding models, through LangChain's common interface.

LangChain is imported when a model is first used: it is large, and most installations never need it.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from adapters.models.vectors import unit_vectors
from core.answering.prompt import render_messages
from core.errors import ModelRefused, ModelUnavailable
from core.ports import Prompt, Usage, Vectors

if TYPE_CHECKING:  # imported when used, see above
    from langchain_core.embeddings import Embeddings
    from langchain_core.language_models import BaseChatModel

_FIRST_TOKEN = 60.0
_BETWEEN_TOKENS = 30.0
_EMBEDDING = 60.0
_PACKAGE = re.compile(r"`?pip install (?:-U )?([\w.-]+)|No module named '([\w.-]+)'")
_RETRIED = frozenset({408, 409, 425, 429})


class LangChainChat:
    """A chat model by LangChain's name for it, `provider:model`, such as `anthropic:claude-sonnet-4-5`."""

    generative = True

    def __init__(
        self,
        name: str,
        *,
        api_key: str | None = None,
        model: BaseChatModel | None = None,
        first_token: float = _FIRST_TOKEN,
        between_tokens: float = _BETWEEN_TOKENS,
    ) -> None:
        """Keep the settings. `model` gives a ready model that LangChain can't make from its name; times in seconds."""
        self._name = name
        self._options: dict[str, Any] = {"api_key": api_key} if api_key else {}
        self._given = model
        self._made: dict[int, BaseChatModel] = {}
        self._first_token = first_token
        self._between_tokens = between_tokens

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._name!r})"

    @property
    def name(self) -> str:
        """LangChain's name for the model."""
        return self._name

    async def aclose(self) -> None:
        """Forget the models; LangChain offers no way to close their connections."""
        self._made.clear()

    async def stream(self, prompt: Prompt, *, max_tokens: int = 700) -> AsyncGenerator[str | Usage]:
        """Yield text as it arrives, then a `Usage` where the provider reports one.

        Raises `ModelRefused` for a missing package, key or right and a rejected request, else `ModelUnavailable`.
        """
        from langchain_core.messages import AIMessageChunk  # noqa: PLC0415 - see the module's docstring

        model = await self._open(max_tokens)
        messages: list[tuple[str, str]] = [(message.role, message.text) for message in render_messages(prompt)]
        wrote, reported, spent, timeout = False, False, [0, 0], self._first_token
        try:
            async with aclosing(cast("AsyncGenerator[AIMessageChunk]", model.astream(messages))) as chunks:
                while True:
                    async with asyncio.timeout(timeout):
                        chunk = await anext(chunks, None)
                    if chunk is None:
                        break
                    timeout = self._between_tokens
                    if used := chunk.usage_metadata:  # providers spread the counts over chunks; they add up
                        reported = True
                        spent = [spent[0] + used["input_tokens"], spent[1] + used["output_tokens"]]
                    if text := str(chunk.text):
                        wrote = True
                        yield text
        except Exception as error:  # noqa: BLE001 - every provider's package has its own exceptions
            raise convert_error(error, self._name) from None
        if not wrote:
            raise ModelUnavailable("The language model ended without writing anything.", model=self._name)
        if reported:
            yield Usage(self._name, *spent)

    async def _open(self, max_tokens: int) -> BaseChatModel:
        """Return the model that writes at most `max_tokens`: providers agree on that name only when a model is made."""
        if self._given is not None:
            return self._given
        if max_tokens not in self._made:
            try:
                self._made[max_tokens] = await asyncio.to_thread(_make_chat, self._name, max_tokens, self._options)
            except Exception as error:  # noqa: BLE001 - a provider's constructor raises what it likes
                raise _refuse_setup(error, self._name) from None
        return self._made[max_tokens]


class LangChainEmbedder:
    """An embedding model by LangChain's name for it, `provider:model`."""

    semantic = True

    def __init__(
        self, name: str, *, dimension: int, api_key: str | None = None, model: Embeddings | None = None
    ) -> None:
        """Keep the settings. `model` gives a ready model that LangChain can't make from its name."""
        self._name = name
        self._dimension = dimension
        self._options: dict[str, Any] = {"api_key": api_key} if api_key else {}
        self._model = model

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._name!r}, dimension={self._dimension})"

    @property
    def name(self) -> str:
        """LangChain's name for the model."""
        return self._name

    @property
    def dimension(self) -> int:
        """The configured length; another one from the provider raises `ModelRefused`."""
        return self._dimension

    async def aclose(self) -> None:
        """Nothing to close: LangChain offers no way to close a model's connections."""

    async def embed_passages(self, texts: Sequence[str]) -> Vectors:
        """Return float32 of shape (len(texts), dimension), L2-normalised. Raises `ModelUnavailable`, `ModelRefused`."""
        if not texts:
            return np.empty((0, self._dimension), dtype=np.float32)
        model = await self._open()
        try:
            async with asyncio.timeout(_EMBEDDING):
                rows = await model.aembed_documents([text if text.strip() else "." for text in texts])
        except Exception as error:  # noqa: BLE001 - every provider's package has its own exceptions
            raise convert_error(error, self._name) from None
        return unit_vectors(rows, expected=len(texts), dimension=self._dimension, model=self._name)

    async def embed_query(self, text: str) -> Vectors:
        """Return float32 of shape (dimension,), L2-normalised. Raises `ModelUnavailable`, `ModelRefused`."""
        model = await self._open()
        try:
            async with asyncio.timeout(_EMBEDDING):
                row = await model.aembed_query(text if text.strip() else ".")
        except Exception as error:  # noqa: BLE001 - every provider's package has its own exceptions
            raise convert_error(error, self._name) from None
        return np.asarray(unit_vectors([row], expected=1, dimension=self._dimension, model=self._name)[0])

    async def _open(self) -> Embeddings:
        if self._model is None:
            try:
                self._model = await asyncio.to_thread(_make_embeddings, self._name, self._options)
            except Exception as error:  # noqa: BLE001 - a provider's constructor raises what it likes
                raise _refuse_setup(error, self._name) from None
        return self._model


def _make_chat(name: str, max_tokens: int, options: dict[str, Any]) -> BaseChatModel:
    from langchain.chat_models import init_chat_model  # noqa: PLC0415 - see the module's docstring

    return cast("BaseChatModel", init_chat_model(name, max_tokens=max_tokens, **options))


def _make_embeddings(name: str, options: dict[str, Any]) -> Embeddings:
    from langchain.embeddings import init_embeddings  # noqa: PLC0415 - see the module's docstring

    return init_embeddings(name, **options)


def _refuse_setup(error: Exception, name: str) -> ModelRefused:
    """Say what keeps a model from being made: its package, else its name or settings. Values may hold keys: none."""
    if isinstance(error, ImportError):
        found = _PACKAGE.search(str(error))
        package = next(filter(None, found.groups()), "") if found else ""
        package = package.partition(".")[0].replace("_", "-") or f"langchain-{name.partition(':')[0]}"
        return ModelRefused(
            f"The model {name} needs a package that is not installed: pip install {package}", model=name
        )
    return ModelRefused(
        f"The model {name} can't be set up; check the provider's name, the model's name and the key.",
        model=name, detail=type(error).__name__,
    )  # fmt: skip


def convert_error(error: Exception, name: str) -> ModelUnavailable:
    """Return `ModelRefused` for the HTTP errors that waiting does not mend, else `ModelUnavailable`.

    Most providers' exceptions carry the status, under one of three names. The message is left out: it may quote a key.
    """
    if isinstance(error, ModelUnavailable):
        return error
    response = getattr(error, "response", None)
    stated = (getattr(error, "status_code", None), getattr(response, "status_code", None), getattr(error, "code", None))
    status = next((int(one) for one in stated if isinstance(one, int)), None)
    data: dict[str, Any] = {"model": name, "detail": type(error).__name__, "status": status}
    if isinstance(error, TimeoutError):
        return ModelUnavailable("The language model took too long to answer.", **data)
    if status is not None and 400 <= status < 500 and status not in _RETRIED:  # noqa: PLR2004 - HTTP's client errors
        return ModelRefused(f"The provider of {name} refused the request (HTTP {status}).", **data)
    return ModelUnavailable(None, **data)
