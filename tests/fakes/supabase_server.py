"""A server that speaks as Supabase Auth (GoTrue) does behind Supabase's gateway: settings, otp, verify, and errors.

`async with supabase_server() as server:` gives a `url` and a `key`. What it would mail is in `server.mails`.
"""

from __future__ import annotations

import asyncio
import secrets
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from aiohttp import web
from aiohttp.test_utils import TestServer

VERSION = "2024-01-01"
EXPIRED = (403, "otp_expired", "Token has expired or is invalid")
OFTEN = (429, "over_email_send_rate_limit", "For security purposes, you can only request this after 59 seconds.")


@dataclass(frozen=True, slots=True)
class Mail:
    to: str
    code: str


@dataclass
class SupabaseServer:
    key: str = field(default_factory=lambda: f"sb_secret_{secrets.token_urlsafe(16)}")
    url: str = ""
    accounts: dict[str, UUID] = field(default_factory=dict)  # by address, in lower case as GoTrue keeps them
    mails: list[Mail] = field(default_factory=list)
    requests: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    answers: deque[web.Response] = field(default_factory=deque)  # what the next mails and codes get instead
    by_mail: bool = True
    once_a_minute: bool = False
    release: asyncio.Event | None = None  # set: a verification waits for it
    held: asyncio.Event = field(default_factory=asyncio.Event)  # that one waits
    _codes: dict[str, str] = field(default_factory=dict)

    def code(self, email: str) -> str:
        """The code last mailed to an address."""
        return next(mail.code for mail in reversed(self.mails) if mail.to == email.lower())

    def expire(self) -> None:
        """Let every code be too old."""
        self._codes.clear()

    def application(self) -> web.Application:
        application = web.Application()
        application.router.add_get("/auth/v1/settings", self._settings)
        application.router.add_post("/auth/v1/otp", self._otp)
        application.router.add_post("/auth/v1/verify", self._verify)
        return application

    async def _take(self, request: web.Request) -> tuple[dict[str, Any], web.Response | None]:
        body = await request.json() if request.can_read_body else {}
        self.requests.append((request.path, body))
        if self.answers and body:
            return body, self.answers.popleft()
        if request.headers.get("apikey") != self.key:  # the gateway's own words, not GoTrue's
            return body, web.json_response({"message": "Invalid API key"}, status=401)
        return body, None

    async def _settings(self, request: web.Request) -> web.Response:
        _, instead = await self._take(request)
        about = {"external": {"email": self.by_mail, "phone": False}, "disable_signup": False}
        return instead or web.json_response({**about, "mailer_autoconfirm": False, "sms_provider": "twilio"})

    async def _otp(self, request: web.Request) -> web.Response:
        body, instead = await self._take(request)
        if instead is not None:
            return instead
        email = str(body["email"]).lower()
        if not body["create_user"] and email not in self.accounts:
            return refusal(422, "otp_disabled", "Signups not allowed for otp")
        if self.once_a_minute and any(mail.to == email for mail in self.mails):
            return refusal(*OFTEN)
        self.accounts.setdefault(email, uuid4())
        self._codes[email] = f"{secrets.randbelow(10**6):06}"
        self.mails.append(Mail(email, self._codes[email]))
        return web.json_response({})

    async def _verify(self, request: web.Request) -> web.Response:
        body, instead = await self._take(request)
        if self.release is not None:
            self.held.set()
            await self.release.wait()
        if instead is not None:
            return instead
        email = str(body["email"]).lower()
        if body["type"] != "email" or self._codes.get(email) != body["token"]:
            return refusal(*EXPIRED)
        del self._codes[email]
        return web.json_response(session_of(email, self.accounts[email]))


def refusal(status: int, code: str, message: str) -> web.Response:
    """An error as GoTrue words it for clients of this version of its protocol."""
    return web.json_response(
        {"code": code, "message": message}, status=status, headers={"X-Supabase-Api-Version": VERSION}
    )


def session_of(email: str, account: UUID) -> dict[str, Any]:
    now = datetime.now(UTC).isoformat()
    user = {
        "id": str(account),
        "aud": "authenticated",
        "role": "authenticated",
        "email": email,
        "email_confirmed_at": now,
        "phone": "",
        "confirmed_at": now,
        "last_sign_in_at": now,
        "app_metadata": {"provider": "email", "providers": ["email"]},
        "user_metadata": {"email": email, "email_verified": True, "sub": str(account)},
        "identities": [],
        "created_at": now,
        "updated_at": now,
        "is_anonymous": False,
    }
    tokens = {"access_token": secrets.token_urlsafe(32), "refresh_token": secrets.token_urlsafe(9)}
    return {**tokens, "token_type": "bearer", "expires_in": 3600, "user": user}


@asynccontextmanager
async def supabase_server() -> AsyncIterator[SupabaseServer]:
    server = SupabaseServer()
    async with TestServer(server.application()) as running:
        server.url = str(running.make_url(""))
        yield server
