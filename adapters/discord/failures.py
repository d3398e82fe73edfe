"""What it means when a call of Discord's fails: for the next step, and in our words, for the person.

Codes: https://discord.com/developers/docs/topics/opcodes-and-status-codes#json
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import aiohttp
import discord

from core.errors import HomeroomError, NotPermitted, Unavailable

TROUBLE = (discord.DiscordException, aiohttp.ClientError, OSError)  # TimeoutError is an OSError

UNKNOWN_CHANNEL, UNKNOWN_MESSAGE, UNKNOWN_INTERACTION, UNKNOWN_WEBHOOK = 10003, 10008, 10062, 10015
ACKNOWLEDGED, TOKEN_OVER, THREAD_EXISTS, ARCHIVED = 40060, 50027, 160004, 50083
CLOSED = frozenset({50007, 50278})  # the person takes no direct messages from us
# The place is gone, shut, or was never ours: posting again does not help there.
NO_PLACE = frozenset({UNKNOWN_CHANNEL, 50001, 50013, 50024, ARCHIVED, 160005})
OVER = frozenset({UNKNOWN_INTERACTION, UNKNOWN_WEBHOOK, TOKEN_OVER})  # an interaction that takes no more answers
_UNAUTHORISED, _FORBIDDEN = 401, 403
# https://discord.com/developers/docs/topics/opcodes-and-status-codes#gateway-gateway-close-event-codes
_TOKEN_REFUSED, _INTENT_REFUSED = 4004, 4014


def code_of(error: BaseException) -> int:
    """Return Discord's code of a failure, 0 where it gave none."""
    return error.code if isinstance(error, discord.HTTPException) else 0


def reason_of(error: BaseException) -> str:
    """Return what failed without what anybody wrote."""
    if isinstance(error, discord.HTTPException):
        return f"{error.status}/{error.code}"
    return type(error).__name__


def refused(error: BaseException) -> bool:
    """Say whether Discord takes nothing from us there, whatever it is."""
    return code_of(error) in NO_PLACE or (isinstance(error, discord.HTTPException) and error.status == _FORBIDDEN)


def our_error(error: BaseException) -> HomeroomError:
    """Return the error of ours that says so."""
    closed = error.code if isinstance(error, discord.ConnectionClosed) else 0
    if (
        isinstance(error, discord.LoginFailure)
        or closed == _TOKEN_REFUSED
        or (isinstance(error, discord.HTTPException) and error.status == _UNAUTHORISED)
    ):
        return Unavailable("Discord no longer accepts Homeroom's token; an operator has to set a new one.")
    if isinstance(error, discord.PrivilegedIntentsRequired) or closed == _INTENT_REFUSED:
        return Unavailable(
            "The message content intent was switched off while Homeroom was connected to Discord, which ended the "
            "connection. Start Homeroom again: it goes on without the intent, or with it once it is on again."
        )
    if closed:
        return Unavailable("Discord ended the connection for good. Start Homeroom again.", code=str(closed))
    if code_of(error) in CLOSED:
        return NotPermitted("Your direct messages are closed to me, so I can't answer you there.")
    if refused(error):
        return NotPermitted("Discord does not let me write there; a moderator has to give me the permission.")
    return Unavailable("Discord does not take my messages at the moment. Please try again.", code=reason_of(error))


@contextmanager
def in_our_words() -> Iterator[None]:
    """Turn Discord's and the network's errors into ours. Raises `Unavailable`, `NotPermitted`."""
    try:
        yield
    except TROUBLE as error:
        raise our_error(error) from error
