"""A bucket that speaks as much of S3 as keeping objects takes (path style, errors as XML)."""

from __future__ import annotations

import re
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
        if request.method == "POST" and "delete" in request.query:
            return self.delete(request.path, await request.text())
        return self.read(request)

    def read(self, request: web.Request) -> web.Response:
        if request.query.get("list-type") == "2":
            return self.listing(request.path, request.query.get("prefix", ""))
        data = self.objects.get(request.path)
        if data is None:
            return error(404, "NoSuchKey")
        return web.Response(body=data, headers=headers(data) | {"last-modified": "Sat, 01 Nov 2025 10:00:00 GMT"})

    def delete(self, bucket: str, request: str) -> web.Response:
        """Delete many at once (DeleteObjects); what is not there counts as deleted."""
        keys = re.findall(r"<Key>(.*?)</Key>", request)
        for key in keys:
            self.objects.pop(f"{bucket.rstrip('/')}/{key}", None)
        deleted = "".join(f"<Deleted><Key>{key}</Key></Deleted>" for key in keys)
        return xml(200, f"<DeleteResult>{deleted}</DeleteResult>")

    def listing(self, bucket: str, prefix: str) -> web.Response:
        """List the objects whose key begins so (ListObjectsV2), all written on one day."""
        start = f"{bucket.rstrip('/')}/"
        found = "".join(
            f"<Contents><Key>{path.removeprefix(start)}</Key><LastModified>2025-11-01T10:00:00.000Z</LastModified>"
            f"<ETag>&quot;0&quot;</ETag><Size>{len(data)}</Size></Contents>"
            for path, data in sorted(self.objects.items())
            if path.startswith(f"{start}{prefix}")
        )
        return xml(200, f"<ListBucketResult><IsTruncated>false</IsTruncated>{found}</ListBucketResult>")


def headers(data: bytes) -> dict[str, str]:
    return {"etag": f'"{md5(data, usedforsecurity=False).hexdigest()}"'}


def error(status: int, code: str) -> web.Response:
    return xml(status, f"<Error><Code>{code}</Code><Message>{code}</Message></Error>")


def xml(status: int, body: str) -> web.Response:
    text = f'<?xml version="1.0" encoding="UTF-8"?>{body}'
    return web.Response(status=status, text=text, content_type="application/xml")


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
