"""Whatever is uploaded, the answer is a document or one of the reasons a teacher understands."""

from __future__ import annotations

import contextlib
import random
import struct
import time
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.documents.chunk import chunk
from adapters.documents.limits import Limits
from adapters.documents.parse import parse
from core.errors import (
    Corrupt,
    Empty,
    Encrypted,
    Oversized,
    ScannedOnly,
    Unreadable,
    WrongType,
    ZipBomb,
)
from tests.unit.documents import samples

OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 504


def laughs(body: bytes) -> bytes:
    """Return XML whose entities would grow to a billion words."""
    entities = b'<!ENTITY e0 "lol">' + b"".join(
        b'<!ENTITY e%d "%s">' % (level, b"&e%d;" % (level - 1) * 10) for level in range(1, 10)
    )
    return b'<?xml version="1.0"?><!DOCTYPE lolz [' + entities + b"]>" + body


def bomb() -> bytes:
    """Return a DOCX of some fifty kilobytes that unpacks to twenty megabytes."""
    return samples.rezipped(samples.word(), {"word/media/image1.bmp": bytes(20 * 1024 * 1024)})


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("a.txt", b"", Empty),
        ("a.txt", b" \n\x0b\n ", Empty),
        ("a.md", b"<!-- nothing -->\n", Empty),
        ("a.html", b"<html><body><script>1</script></body></html>", Empty),
        ("a.ipynb", b'{"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": []}', Empty),
        ("a.ipynb", b'{"nbformat": 4, "cells": ' + b"[" * 100_000, Corrupt),
        ("a.ipynb", b"no json", Corrupt),
        ("a.pdf", b"%PDF-1.7\nno pdf", Corrupt),
        ("a.pdf", b"<p>Please log in</p>", Corrupt),
        ("a.docx", b"PK\x03\x04 no zip", Corrupt),
        ("a.docx", OLE + "EncryptedPackage".encode("utf-16-le"), Encrypted),
        ("a.doc", OLE + "WordDocument".encode("utf-16-le"), WrongType),
        ("a.ppt", OLE + "PowerPoint Document".encode("utf-16-le"), WrongType),
        ("a.txt", b"\x89PNG\r\n\x1a\n" + bytes(range(256)), WrongType),
        ("a.exe", b"MZ\x90\0\3\0\0\0" + bytes(range(256)), WrongType),
        ("a.rtf", b"{\\rtf1 hello}", WrongType),
        ("a.svg", b"<svg xmlns='http://www.w3.org/2000/svg'><text>x</text></svg>", WrongType),
        ("a.html", b"<div>" * 100_000, Corrupt),
    ],
)
def test_each_reason_has_its_name(name: str, data: bytes, reason: type[Unreadable]) -> None:
    with pytest.raises(reason) as caught:
        parse(data, name)
    assert type(caught.value) is reason


def test_an_old_format_comes_with_the_way_out() -> None:
    with pytest.raises(WrongType, match=r"\.ppt.*save a copy as PPTX"):
        parse(OLE + "PowerPoint Document".encode("utf-16-le"), "a.ppt")


def test_pdf_protected_or_scanned_or_blank() -> None:
    with pytest.raises(Encrypted):
        parse(samples.pdf(pages=1, password="secret"), "a.pdf")
    with pytest.raises(ScannedOnly):
        parse(samples.scan(), "a.pdf")
    with pytest.raises(Empty):
        parse(samples.blank(), "a.pdf")


def test_a_pdf_that_only_forbids_editing_is_read() -> None:
    assert parse(samples.pdf(pages=1, password=""), "a.pdf").title == samples.TITLE


def test_limits_hold_for_bytes_pages_and_characters() -> None:
    for name, limits in (
        ("lesson.txt", Limits(bytes=10)),
        ("lesson.pdf", Limits(pages=3)),
        ("lesson.pptx", Limits(pages=3)),
        ("lesson.ipynb", Limits(pages=2)),
        *((name, Limits(characters=60)) for name in samples.FORMATS),
    ):
        with pytest.raises(Oversized):
            parse(samples.FORMATS[name](), name, limits=limits)


def test_zip_bombs_are_not_unpacked() -> None:
    for data in (
        bomb(),
        samples.rezipped(samples.word(), {f"word/media/{number}": b"" for number in range(10_001)}),
    ):
        with pytest.raises(ZipBomb):
            parse(data, "a.docx")


@pytest.mark.parametrize("stream", [zlib.compress(bytes(220 * 2**20), 1), zlib.compress(zlib.compress(b" " * 1_000))])
def test_a_pdf_with_a_bomb_inside_is_not_opened(stream: bytes) -> None:
    with pytest.raises(ZipBomb):
        parse(b"%PDF-1.4\n4 0 obj<</Filter/FlateDecode>>stream\n" + stream + b"\nendstream endobj", "a.pdf")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
@pytest.mark.parametrize(
    ("name", "part"), [("lesson.docx", "word/document.xml"), ("lesson.pptx", "ppt/presentation.xml")]
)
def test_entities_are_refused_in_any_encoding(name: str, part: str, encoding: str) -> None:
    body = laughs(b"<x>&e9;</x>").decode().encode(encoding)
    with pytest.raises(Corrupt):
        parse(samples.rezipped(samples.FORMATS[name](), {part: body}), name)


def test_other_zips_say_what_to_do() -> None:
    book = samples.rezipped(samples.word(), {"xl/workbook.xml": b"<x/>"})
    assert parse(book, "a.docx").title == samples.TITLE  # a sheet inside a document is nothing unusual
    empty = b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, 0, 0, 0, 0, 0)
    for changes, hint in (
        ({"xl/workbook.xml": b""}, "spreadsheet"),
        ({"content.xml": b""}, "OpenDocument"),
        ({}, "Unpack"),
    ):
        with pytest.raises(WrongType, match=hint):
            parse(samples.rezipped(empty, changes), "a.zip")


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.txt", b"<!-- -->" * 400),
        ("a.txt", b" " * 300_000 + b"x"),
        ("a.txt", b"x" * 300_000),
        ("a.md", b"<!--" * 30_000),
        ("a.md", b"<div>\n" + b"<a " * 30_000),
        ("a.md", b"[" * 10_000),
        ("a.html", b"<div>" * 2_900 + b"x"),
        ("a.html", b"<b>" * 2_900 + b"x"),
        ("a.html", b"<!" * 100_000),
    ],
)
def test_what_invites_backtracking_does_not_hang(name: str, data: bytes) -> None:
    started = time.process_time()
    with contextlib.suppress(Empty, Corrupt):
        chunk(parse(data, name))
    assert time.process_time() - started < 10  # a moment each; quadratic or worse takes minutes


@pytest.mark.parametrize("name", samples.FORMATS)
def test_damaged_files_only_ever_raise_our_reasons(name: str) -> None:
    whole = samples.FORMATS[name]()
    chance = random.Random(zlib.crc32(name.encode()))  # noqa: S311 - the same damage in every run
    for _ in range(25):
        data = bytearray(whole[: chance.randrange(1, len(whole))] if chance.random() < 0.3 else whole)
        for _ in range(chance.choice((1, 8, 64))):
            data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
        try:
            chunk(parse(bytes(data), name))
        except Unreadable:
            continue


@settings(max_examples=60, deadline=None)
@given(
    data=st.binary(max_size=400) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass")),
    head=st.sampled_from([b"", b"%PDF-1.4\n", b"PK\x03\x04", b"\xff\xfe", b"<html>", b'{"nbformat": 4, "cells": [']),
    name=st.sampled_from([*samples.FORMATS, "", "noname", "a/b\\c.bin"]),
)
def test_any_bytes_give_clean_text_or_a_reason(data: bytes, head: bytes, name: str) -> None:
    try:
        document = parse(head + data, name)
    except Unreadable:
        return
    for piece in chunk(document):
        assert piece.text.strip()
        assert "\0" not in piece.text
        piece.text.encode()
