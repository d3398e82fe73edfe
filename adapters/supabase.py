"""Supabase Auth, for codes by mail."""

from __future__ import annotations

from uuid import UUID

import httpx
from pydantic import ValidationError
from supabase_auth import AsyncGoTrueClient
from supabase_auth.errors import AuthApiError, AuthError

from core.errors import HomeroomError, InvalidInput, LimitReached, Unavailable

_SECONDS = 10.0
_TOO_MANY = 429
# What GoTrue answers where a code is wrong, used, or too old; it makes no difference between them.
_WRONG = frozenset({"otp_expired", "validation_failed", "invalid_credentials"})


class SupabaseAuth:
    """A project's Auth server as `core.ports.OneTimePasswords`.

    Its mails have to show `{{ .Token }}`, the code, where Supabase's own templates show a link. `url` is the
    project's, `key` its service role key, which is sent to it and shown nowhere.
    """

    def __init__(self, url: str, key: str) -> None:
        self._url = f"{url.rstrip('/')}/auth/v1"
        self._headers = {"apikey": key, "Authorization": f"Bearer {key}"}
        self._http = httpx.AsyncClient(timeout=_SECONDS)

    async def check(self) -> None:
        """Return if the server takes the key and lets people in by mail. Raises `Unavailable`."""
        try:
            answer = await self._http.get(f"{self._url}/settings", headers=self._headers)
            answer.raise_for_status()
            by_mail = answer.json()["external"]["email"]
        except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
            status = error.response.status_code if isinstance(error, httpx.HTTPStatusError) else None
            raise _unavailable(error, status=status) from error
        if not by_mail:
            raise Unavailable("Codes by mail are switched off at the moment.", reason="email_provider_disabled")

    async def send(self, email: str) -> None:
        """Send a code. Raises `LimitReached` (one a minute), `Unavailable`."""
        try:
            await self._client().sign_in_with_otp({"email": email, "options": {"should_create_user": True}})
        except (AuthError, ValidationError) as error:
            raise _convert(error) from error

    async def verify(self, email: str, code: str) -> UUID:
        """Return the id of the account that the address belongs to. Raises as the port says."""
        try:
            answer = await self._client().verify_otp({"type": "email", "email": email, "token": code})
        except (AuthError, ValidationError) as error:
            raise _convert(error, wrong=_WRONG) from error
        user = answer.user
        if answer.session is None or user is None or (user.email or "").casefold() != email.casefold():
            raise Unavailable(reason="the answer is about somebody else, or nobody")
        return UUID(user.id)

    async def aclose(self) -> None:
        """Give back connections."""
        await self._http.aclose()

    def _client(self) -> AsyncGoTrueClient:
        """Return a client for one call: it keeps the session of whom it verified, and here everybody is served."""
        return AsyncGoTrueClient(
            url=self._url,
            headers=self._headers,
            http_client=self._http,
            auto_refresh_token=False,
            persist_session=False,
        )


def _convert(error: AuthError | ValidationError, *, wrong: frozenset[str] = frozenset()) -> HomeroomError:
    if isinstance(error, AuthApiError):
        if error.status == _TOO_MANY:
            return LimitReached("That were many codes within a short time. Please try again in a minute.")
        if error.code in wrong:
            return InvalidInput("That code is wrong, or too old. Check it for a slip, or ask for a new one.")
        return _unavailable(error, status=error.status, reason=error.code)
    return _unavailable(error)


def _unavailable(error: Exception, *, status: int | None = None, reason: str | None = None) -> Unavailable:
    """Keep what happened by its name only: an error's text may repeat the address, or the key."""
    sentence = "Codes by mail don't work at the moment. Please try again later, or ask your teacher for a code."
    return Unavailable(sentence, reason=reason or type(error).__name__, status=status)
