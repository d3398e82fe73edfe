from __future__ import annotations

import asyncio
import os
import stat
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import obstore
import pytest
from obstore.exceptions import GenericError
from obstore.store import MemoryStore

from adapters.storage import ObjectStorage, open_storage
from core.errors import InvalidInput, NotFound, StorageUnavailable
from core.ports import Storage
from tests.fakes.s3 import FakeS3, running_s3

KEY = "materials/9f0e4b1c-7d57-4a50-9a7e-0a2f4c1b8d11"


@pytest.fixture
async def s3(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[FakeS3]:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    async with running_s3() as fake:
        monkeypatch.setenv("AWS_ENDPOINT_URL", fake.url)
        monkeypatch.setenv("AWS_REGION", "us-east-1")
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", fake.access_key)
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test-secret-key")
        yield fake


@pytest.fixture(params=["folder", "s3", "memory"])
async def storage(request: pytest.FixtureRequest, tmp_path: Path, s3: FakeS3) -> Storage:
    if request.param == "folder":
        return open_storage(f"file://{tmp_path}/with%20space/files")
    if request.param == "s3":
        return open_storage("s3://bucket/some/prefix")
    return ObjectStorage(MemoryStore())


@pytest.mark.parametrize("data", [b"", b"\x00\xff text", os.urandom(6 * 1024 * 1024)], ids=["empty", "bytes", "6 MB"])
async def test_what_was_put_is_read_and_replaced(storage: Storage, data: bytes) -> None:
    await storage.put(KEY, data)
    assert await storage.get(KEY) == data
    await storage.put(KEY, b"newer")
    assert await storage.get(KEY) == b"newer"


async def test_what_is_missing_is_not_found(storage: Storage) -> None:
    with pytest.raises(NotFound):
        await storage.get(KEY)
    await storage.put(KEY, b"x")
    with pytest.raises(NotFound):
        await storage.get("materials")  # a folder is no file


async def test_what_is_deleted_is_gone_and_can_be_deleted_again(storage: Storage) -> None:
    await storage.put(KEY, b"x")
    await storage.put(f"{KEY}-2", b"y")
    for _ in range(2):
        await storage.delete(KEY)
        with pytest.raises(NotFound):
            await storage.get(KEY)
    assert await storage.get(f"{KEY}-2") == b"y"


async def test_a_folder_tells_what_was_written_before_a_moment(storage: Storage) -> None:
    assert await storage.written_before("rosters", datetime.max.replace(tzinfo=UTC)) == []
    for key in ("rosters/a", "rosters/b", "rosters-2/c", KEY):
        await storage.put(key, b"x")
    assert sorted(await storage.written_before("rosters", datetime.max.replace(tzinfo=UTC))) == [
        "rosters/a",
        "rosters/b",
    ]
    assert await storage.written_before("rosters", datetime(2020, 1, 1, tzinfo=UTC)) == []


@pytest.mark.parametrize(
    "key",
    [
        "",
        "/etc/passwd",
        "../x",
        "a/../../x",
        "a//b",
        "a/",
        "a/.",
        ".hidden",
        "a\\..\\x",
        "a%2e%2e/x",
        "a#1",
        "a\n",
        "ä",
    ],
)
async def test_keys_that_lead_elsewhere_are_refused(storage: Storage, key: str) -> None:
    with pytest.raises(InvalidInput):
        await storage.put(key, b"x")
    with pytest.raises(InvalidInput):
        await storage.get(key)
    with pytest.raises(InvalidInput):
        await storage.delete(key)


@pytest.mark.parametrize(
    "url", ["", "files", "/files", "file://", "file:///", "file://host/files", "s3://", "s3:///prefix", "gs://bucket"]
)
def test_other_urls_are_refused_with_an_example(url: str) -> None:
    with pytest.raises(InvalidInput, match=r"s3://bucket/prefix"):
        open_storage(url)


async def test_a_folder_is_made_for_its_owner_only(tmp_path: Path) -> None:
    storage = open_storage(f"file://{tmp_path}/files")
    assert stat.S_IMODE((tmp_path / "files").stat().st_mode) == 0o700
    await storage.put(KEY, b"x")
    assert [path.name for path in (tmp_path / "files" / "materials").iterdir()] == [KEY.partition("/")[2]]


async def test_a_reader_never_sees_half_a_file(tmp_path: Path) -> None:
    storage = open_storage(f"file://{tmp_path}")
    versions = [bytes([letter]) * 2_000_000 for letter in b"ab"]
    await storage.put(KEY, versions[0])
    writing = asyncio.gather(*(storage.put(KEY, version) for version in versions * 5))
    while not writing.done():
        assert await storage.get(KEY) in versions
    await writing


async def test_a_folder_that_cannot_be_made_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StorageUnavailable, match="can't be made: Not a directory"):
        open_storage(f"file://{tmp_path}/file/files")


@pytest.mark.parametrize(
    ("reason", "sentence"),
    [
        ("Unable to copy data to file: No space left on device (os error 28)", "store is full"),
        ("Unable to open file: Permission denied (os error 13)", "refuses access"),
        ("Unable to open file: Input/output error (os error 5)", "does not answer as it should"),
    ],
)
async def test_a_failing_disk_is_told_in_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reason: str, sentence: str
) -> None:
    """The texts are obstore's for a full disk and so on, which a test can't bring about on every machine."""

    def fail(*_: object, **__: object) -> None:
        raise GenericError(f"Generic LocalFileSystem error: {reason}\n\nDebug source: …")

    monkeypatch.setattr(obstore, "put", fail)
    with pytest.raises(StorageUnavailable, match=sentence) as caught:
        await open_storage(f"file://{tmp_path}").put(KEY, b"x")
    assert "\n" not in caught.value.sentence


async def test_s3_keeps_files_under_the_prefix(s3: FakeS3) -> None:
    await open_storage("s3://bucket/some/prefix/").put(KEY, b"x")
    await open_storage("s3://bucket").put(KEY, b"y")
    assert s3.objects == {f"/bucket/some/prefix/{KEY}": b"x", f"/bucket/{KEY}": b"y"}


async def test_s3_hiccups_are_tried_again(s3: FakeS3) -> None:
    storage = open_storage("s3://bucket")
    s3.broken = 2
    await storage.put(KEY, b"x")
    assert await storage.get(KEY) == b"x"


async def test_s3_with_a_wrong_key_refuses_access(s3: FakeS3) -> None:
    s3.access_key = "another"
    storage = open_storage("s3://bucket")
    with pytest.raises(StorageUnavailable, match="refuses access"):
        await storage.put(KEY, b"x")
    with pytest.raises(StorageUnavailable, match="refuses access"):
        await storage.get(KEY)


async def test_s3_out_of_reach_is_told_soon(s3: FakeS3, monkeypatch: pytest.MonkeyPatch, unused_tcp_port: int) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{unused_tcp_port}")
    with pytest.raises(StorageUnavailable, match="does not answer"):
        await asyncio.wait_for(open_storage("s3://bucket").get(KEY), 20)
