"""Supabase Auth by its real client, against a server that speaks as it does."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from adapters.supabase import SupabaseAuth
from core.errors import HomeroomError, InvalidInput, LimitReached, Unavailable
from tests.fakes.supabase_server import SupabaseServer, refusal, session_of, supabase_server

ADA, BEN = "ada@school.test", "ben@school.test"


@pytest.fixture
async def server() -> AsyncIterator[SupabaseServer]:
    async with supabase_server() as server:
        yield server


@pytest.fixture
async def otp(server: SupabaseServer) -> AsyncIterator[SupabaseAuth]:
    auth = SupabaseAuth(f"{server.url}/", server.key)
    yield auth
    await auth.aclose()


async def test_a_code_that_was_mailed_proves_an_account_once(server: SupabaseServer, otp: SupabaseAuth) -> None:
    await otp.check()
    await otp.send("Ada@school.test")
    await otp.send(BEN)
    assert [mail.to for mail in server.mails] == [ADA, BEN]
    # Two at once: nobody is taken for the other.
    found = await asyncio.gather(otp.verify("Ada@school.test", server.code(ADA)), otp.verify(BEN, server.code(BEN)))
    assert list(found) == [server.accounts[ADA], server.accounts[BEN]]
    with pytest.raises(InvalidInput, match="wrong, or too old"):
        await otp.verify(ADA, server.code(ADA))


async def test_a_wrong_code_and_an_old_one_and_somebody_elses(server: SupabaseServer, otp: SupabaseAuth) -> None:
    await otp.send(ADA)
    code = server.code(ADA)
    for email, typed in ((ADA, str(10**6 - 1 - int(code)).zfill(6)), (BEN, code)):
        with pytest.raises(InvalidInput):
            await otp.verify(email, typed)
    server.expire()
    with pytest.raises(InvalidInput):
        await otp.verify(ADA, code)


async def test_one_mail_a_minute(server: SupabaseServer, otp: SupabaseAuth) -> None:
    server.once_a_minute = True
    await otp.send(ADA)
    with pytest.raises(LimitReached, match="in a minute"):
        await otp.send(ADA)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (lambda: refusal(429, "over_request_rate_limit", "Request rate limit reached"), LimitReached),
        (lambda: refusal(500, "unexpected_failure", "Error sending confirmation email"), Unavailable),
        (lambda: refusal(422, "signup_disabled", "Signups not allowed for this instance"), Unavailable),
        (lambda: web.json_response({"message": "Invalid API key"}, status=401), Unavailable),
        (lambda: web.Response(status=503, text="upstream"), Unavailable),
        (lambda: web.Response(status=418, text="<html>"), Unavailable),
        (lambda: web.Response(text="<html>welcome to the hotel's wifi</html>"), Unavailable),
    ],
)
async def test_what_goes_wrong_is_ours_and_says_nothing_it_should_not(
    server: SupabaseServer, otp: SupabaseAuth, caplog: pytest.LogCaptureFixture, answer: object, kind: type
) -> None:
    assert callable(answer)
    caplog.set_level(logging.DEBUG)
    for call in (otp.send(ADA), otp.verify(ADA, "123456")):
        server.answers.append(answer())
        with pytest.raises(HomeroomError) as raised:
            await call
        assert type(raised.value) is kind
        assert server.key not in f"{raised.value!r} {raised.value.data}"
    assert server.key not in caplog.text


async def test_an_answer_about_somebody_else_proves_nothing(server: SupabaseServer, otp: SupabaseAuth) -> None:
    await otp.send(ADA)
    whole = session_of(BEN, server.accounts[ADA])
    for body in (whole, session_of(ADA, server.accounts[ADA])["user"]):
        server.answers.append(web.json_response(body))
        with pytest.raises(Unavailable):
            await otp.verify(ADA, server.code(ADA))


async def test_a_server_that_does_not_answer_or_does_not_let_us_in(server: SupabaseServer) -> None:
    server.by_mail = False
    for url, key in ((server.url, "wrong"), (server.url, server.key), ("http://127.0.0.1:9", "any")):
        otp = SupabaseAuth(url, key)
        with pytest.raises(Unavailable):
            await otp.check()
        await otp.aclose()
    otp = SupabaseAuth("http://127.0.0.1:9", "any")
    with pytest.raises(Unavailable):
        await otp.send(ADA)
    await otp.aclose()
