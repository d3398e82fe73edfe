"""A bucket that speaks as much of S3 as storing and reading objects takes (path style, errors as XML)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from hashlib import md5

from aiohttp import web


@dataclass
class FakeS3:
    access_key: str = "test-access-key"
    objects: dict[str, bytes] = field(default_factory=dict)
    broken: int = 0  # how many of the next requests meet an internal error
    url: str = ""

    async def answer(self, request: web.Request) -> web.Response:
        if self.broken:
            self.broken -= 1
            return error(500, "InternalError")
        signature = request.headers.get("authorization", "")
        if not signature.startswith(f"AWS4-HMAC-SHA256 Credential={self.access_key}/"):
            return error(403, "InvalidAccessKeyId")
        if request.method == "PUT":
            self.objects[request.path] = await request.read()
            return web.Response(headers=headers(self.objects[request.path]))
        data = self.objects.get(request.path)
        if data is None:
            return error(404, "NoSuchKey")
        return web.Response(body=data, headers=headers(data) | {"last-modified": "Sat, 01 Nov 2025 10:00:00 GMT"})


def headers(data: bytes) -> dict[str, str]:
    return {"etag": f'"{md5(data, usedforsecurity=False).hexdigest()}"'}


def error(status: int, code: str) -> web.Response:
    xml = f'<?xml version="1.0" encoding="UTF-8"?><Error><Code>{code}</Code><Message>{code}</Message></Error>'
    return web.Response(status=status, text=xml, content_type="application/xml")


@asynccontextmanager
async def running_s3() -> AsyncIterator[FakeS3]:
    fake = FakeS3()
    app = web.Application(client_max_size=64 * 1024 * 1024)
    app.router.add_route("*", "/{path:.*}", fake.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    fake.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield fake
    finally:
        await runner.cleanup()
