"""Refuses PDFs whose compressed streams unpack to more than memory should hold; PDFium allows a gigabyte each."""

from __future__ import annotations

import re
import zlib

from core.errors import ZipBomb

_STREAM = re.compile(rb"stream\r?\n(?=\x78[\x01\x5e\x9c\xda])")  # with a zlib header, RFC 1950
_ZLIB_HEADERS = (b"\x78\x01", b"\x78\x5e", b"\x78\x9c", b"\x78\xda")
_UNPACKED = 200 * 1024 * 1024  # bytes of one stream: a picture of a whole page at 1,200 dots an inch in grey
_HARMLESS = _UNPACKED // 1032  # packed bytes that can't reach it: deflate's greatest ratio is 1,032
_STEP = 1024 * 1024


def check_streams(data: bytes) -> None:
    """Raise `ZipBomb` for a stream that unpacks beyond the limit, or that is compressed twice, as no program does."""
    for start in _STREAM.finditer(data):
        end = data.find(b"endstream", start.end())
        packed = data[start.end() : end if end >= 0 else len(data)]
        unpacker = zlib.decompressobj()
        try:
            opening = unpacker.decompress(packed[:_STEP], 2)
            if opening in _ZLIB_HEADERS:
                raise ZipBomb
            if len(packed) > _HARMLESS and _size(packed) > _UNPACKED:
                raise ZipBomb
        except zlib.error:
            continue  # damaged or no zlib after all: PDFium will see


def _size(packed: bytes) -> int:
    """Count the unpacked bytes without keeping them, up to just beyond the limit."""
    unpacker, size, rest = zlib.decompressobj(), 0, packed
    while rest and size <= _UNPACKED and not unpacker.eof:
        size += len(unpacker.decompress(rest, _STEP))
        rest = unpacker.unconsumed_tail
    return size
