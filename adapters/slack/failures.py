"""What it means when a call of Slack's fails: in its words, for the next step, and in ours, for the person."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
from slack_sdk.errors import SlackApiError, SlackClientError

from core.errors import HomeroomError, NotPermitted, Unavailable

TROUBLE = (SlackClientError, aiohttp.ClientError, OSError)  # TimeoutError is an OSError

NOT_STREAMING = "message_not_in_streaming_state"
# A limit of a message that was overlooked.
TOO_LARGE = frozenset({"msg_blocks_too_long", "invalid_blocks", "invalid_attachments", "msg_too_long"})
# The place is gone, or was never ours: no other way of posting helps there.
NO_PLACE = frozenset(
    {
        "not_in_channel",
        "channel_not_found",
        "is_archived",
        "restricted_action",
        "restricted_action_read_only_channel",
        "restricted_action_thread_only_channel",
        "restricted_action_non_threadable_channel",
        "restricted_action_thread_locked",
        "thread_not_found",
        "user_not_in_channel",
        "ekm_access_denied",
    }
)
# The workspace, or the app as it is installed there, has no streams.
NO_STREAMS = frozenset(
    {
        "unknown_method",
        "missing_scope",
        "not_allowed",
        "not_allowed_token_type",
        "no_permission",
        "access_denied",
        "feature_not_enabled",
        "team_not_allowed",
        "method_not_supported",
        "method_deprecated",
        "deprecated_endpoint",
    }
)
NO_STREAMS_HERE = frozenset({"method_not_supported_for_channel_type", "channel_type_not_supported"})
# Slack's own trouble, in which what was asked for may have been done all the same.
_UNSURE = frozenset(
    {"internal_error", "fatal_error", "service_unavailable", "request_timeout", "streaming_state_conflict"}
)
_TOKEN = frozenset({"invalid_auth", "not_authed", "token_revoked", "token_expired", "account_inactive"})
_TOO_MANY = 429
_SERVER_ERROR = 500
_OK = 200


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a call failed. `retry_after`, in seconds, is set where Slack refuses for a while.

    `unsure` says that nobody knows whether Slack did it, so that it may only be repeated with care.
    """

    code: str
    needed: str = ""
    retry_after: float | None = None
    unsure: bool = False


def read_failure(error: Exception) -> Failure:
    """Return what one of `TROUBLE` says."""
    if not isinstance(error, SlackApiError):
        # Before an answer nothing is known, but for what slack_sdk refuses by itself.
        return Failure(type(error).__name__, unsure=not isinstance(error, SlackClientError))
    response: Any = error.response
    data = getattr(response, "data", response)
    data = data if isinstance(data, dict) else {}
    # slack_sdk hands over aiohttp's response where it could not read the body.
    status: int = getattr(response, "status_code", None) or getattr(response, "status", None) or _OK
    code = str(data.get("error") or f"http_{status}")
    if status == _TOO_MANY or code in ("ratelimited", "rate_limited"):
        return Failure(code, retry_after=_seconds(getattr(response, "headers", {})))
    unsure = code in _UNSURE or status >= _SERVER_ERROR or not data
    return Failure(code, needed=str(data.get("needed") or ""), unsure=unsure)


def our_error(failure: Failure) -> HomeroomError:
    """Return the error of ours that says so."""
    if failure.code == "missing_scope":
        return NotPermitted(
            f"Slack has not given Homeroom the scope {failure.needed or 'it needs'}: an operator has to add it to the "
            "app and install the app again.",
            code=failure.code,
        )
    if failure.code in _TOKEN:
        return Unavailable("Slack no longer accepts Homeroom's token; an operator has to install the app again.")
    return Unavailable("Slack does not take my messages at the moment. Please try again.", code=failure.code)


@contextmanager
def in_our_words() -> Iterator[None]:
    """Turn Slack's and the network's errors into ours. Raises `Unavailable`, `NotPermitted`."""
    try:
        yield
    except TROUBLE as error:
        raise our_error(read_failure(error)) from error


def _seconds(headers: Mapping[str, str]) -> float:
    found = headers.get("Retry-After") or headers.get("retry-after") or 1
    try:
        return max(0.0, float(found))
    except ValueError:
        return 1.0
