"""Turns the OpenAI SDK's errors into ours, without ever repeating a key."""

from __future__ import annotations

import re

import openai

from adapters.models.retry import read_retry_after
from core.errors import ModelRefused, ModelUnavailable

_DETAIL_CHARS = 300
_KEY = re.compile(r"\b(?:sk|pk|gsk|xai)-[\w*.-]{6,}|\bBearer [\w.~+/=-]{6,}", re.IGNORECASE)
# OpenAI answers 429 both for "too fast" and for "no money left"; only the first passes by waiting.
_NO_MONEY = frozenset({"insufficient_quota", "billing_hard_limit_reached", "billing_not_active"})
_KEY_TROUBLE = frozenset({"invalid_api_key", "account_deactivated"})
_REFUSALS = {
    401: "The provider of {model} does not accept the API key.",
    403: "The API key is not allowed to use the model {model}.",
    404: "The provider knows no model {model} at this address.",
}
_TOO_MANY = 429
_RETRIED = frozenset({408, 409, 425, _TOO_MANY})


def wait_before_retry(error: Exception) -> float | None:
    """Return the seconds to wait before trying again (0: as we like), or None when that is no use."""
    if isinstance(error, openai.APIStatusError):
        if error.code in _NO_MONEY:
            return None
        if error.status_code in _RETRIED or error.status_code >= 500:  # noqa: PLR2004 - HTTP's server errors
            return read_retry_after(error.response.headers)
        return None
    # A server that took a request and stayed silent would only keep the person waiting a second time.
    if isinstance(error, openai.APITimeoutError):
        return None
    return 0.0 if isinstance(error, openai.APIConnectionError) else None


def convert_error(error: Exception, *, model: str, api_key: str) -> ModelUnavailable:
    """Return the `ModelRefused` or `ModelUnavailable` that says what happened; `data["detail"]` is for logs."""
    if isinstance(error, ModelUnavailable):
        return error
    kind, sentence = _classify(error)
    status = getattr(error, "status_code", None)
    detail = f"{type(error).__name__}: {_scrub(str(error), api_key)}"
    return kind(sentence and sentence.format(model=model, status=status), model=model, status=status, detail=detail)


def _classify(error: Exception) -> tuple[type[ModelUnavailable], str | None]:
    code, status = getattr(error, "code", None), getattr(error, "status_code", 0)
    if code in _NO_MONEY:
        return ModelRefused, "The account behind the model {model} has no credit left."
    if code in _KEY_TROUBLE or status in _REFUSALS:
        return ModelRefused, _REFUSALS.get(status, _REFUSALS[401])
    if status == _TOO_MANY:
        return ModelUnavailable, "The language model gets too many requests at the moment."
    if 400 <= status < 500 and status not in _RETRIED:  # noqa: PLR2004 - HTTP's client errors
        return ModelRefused, "The provider of {model} rejected the request (HTTP {status})."
    if isinstance(error, openai.APITimeoutError | TimeoutError):
        return ModelUnavailable, "The language model took too long to answer."
    return ModelUnavailable, None


def _scrub(text: str, api_key: str) -> str:
    if api_key:
        text = text.replace(api_key, "***")
    return _KEY.sub("***", text)[:_DETAIL_CHARS]
