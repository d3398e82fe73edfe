"""Plain text: decoding, cleaning (for every format) and paragraphs."""

from __future__ import annotations

import codecs
import re
import unicodedata
from pathlib import PurePath

from adapters.documents.outline import Outline
from core.documents import BlockKind, Document

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_CODE = frozenset((
    ".py", ".r", ".jl", ".m", ".c", ".h", ".cpp", ".hpp", ".cc", ".cs", ".java", ".kt", ".go", ".rs", ".js",
    ".ts", ".jsx", ".tsx", ".sh", ".sql", ".rb", ".php", ".swift", ".scala", ".hs", ".lua", ".css", ".json",
    ".yaml", ".yml", ".toml", ".ini",
))  # fmt: skip
_NEWLINES = re.compile(r"\r\n?|[\v\f\x85\u2028\u2029]")
_SPACES = re.compile(r"[\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]")
_BULLETS = re.compile(r"[\uf0a7\uf0b7\uf06e\uf0d8\uf0fc\uf076]")  # Wingdings' and Symbol's, as PDF and DOCX give them
# Control, surrogate, private and non-characters, soft hyphens, invisible marks. Joiners stay: Persian and emoji need
# them.
_DROPPED = re.compile(
    r"[\x00-\x08\x0e-\x1f\x7f-\x9f\xad\u200b\u200e\u200f\u202a-\u202e\u2060\ud800-\udfff\ue000-\uf8ff\ufdd0-\ufdef"
    r"\ufeff\ufff9-\ufffb\ufffe\uffff]"
)
# Compatibility forms that only stand for letters: ligatures, Arabic and Hebrew presentation forms, mathematical
# alphabets. NFKC on everything would turn x² into x2.
_FORMS = re.compile(r"[\ufb00-\ufdcf\ufdf0-\ufdfb\ufe70-\ufefc\U0001d400-\U0001d7ff]+")
_SURROGATE = re.compile(r"[\ud800-\udfff]")
_LINE_END = re.compile(r"(?<![ \t])[ \t]+\n")
_BLANK_LINES = re.compile(r"\n{3,}")
_LIST_ITEM = re.compile(r"\s*(?:[-*•–‣◦▪]|\d{1,3}[.)])\s+\S")
_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
_WRAPPED_AT = 50  # characters: lines this long in a row were broken by a width, not by the author
_STRAY = 4  # control characters that a text can hold by accident
_REPLACED = 0.01  # share of undecodable characters up to which a file is still damaged UTF-8 rather than Latin


def clean(text: str) -> str:
    """Return text that PostgreSQL and people can take: no NUL, control or surrogate characters, NFC, tidy line ends."""
    text = _NEWLINES.sub("\n", text)
    text = _BULLETS.sub("•", _SPACES.sub(" ", text))
    if _SURROGATE.search(text):
        # Pairs are one character written as two; what is left alone is dropped below.
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").replace("\ufffd", "")
    text = _FORMS.sub(lambda match: unicodedata.normalize("NFKC", match[0]), text)
    text = unicodedata.normalize("NFC", _DROPPED.sub("", text))
    return _BLANK_LINES.sub("\n\n", _LINE_END.sub("\n", text)).strip("\n").rstrip()


def decode(data: bytes) -> str:
    """Decode by byte order mark, else as UTF-8, UTF-16 or Windows-1252, whichever the bytes fit; never fails."""
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            return data.decode(encoding, "replace").removeprefix("\ufeff")
    if wide := _unmarked_utf16(data):
        return data.decode(wide, "replace")
    text = data.decode("utf-8", "replace")
    bad = text.count("\ufffd")
    if bad and bad > _REPLACED * sum(character > "\x7f" for character in text) and bad > 1:
        return data.decode("cp1252", "replace")
    return text


def is_binary(data: bytes) -> bool:
    """Tell whether the bytes can't be text: control characters in any number, and not UTF-16 or UTF-32."""
    sample = data[:65_536]
    if any(sample.startswith(mark) for mark, _ in _BOMS) or _unmarked_utf16(sample):
        return False
    return len(_CONTROL.findall(sample)) > max(_STRAY, len(sample) // 200)


def parse_text(data: bytes, filename: str) -> Document:
    """Read paragraphs, which are separated by blank lines; program text stays as it is."""
    outline = Outline()
    code = PurePath(filename).suffix.lower() in _CODE
    for paragraph in re.split(r"\n[ \t]*\n", clean(decode(data))):
        if code:
            outline.add(BlockKind.CODE, paragraph)
        else:
            lines = paragraph.splitlines()
            listed = bool(lines) and sum(_LIST_ITEM.match(line) is not None for line in lines) * 2 >= len(lines)
            outline.add(BlockKind.LIST if listed else BlockKind.TEXT, _unwrapped(lines))
    return Document(tuple(outline.blocks))


def _unwrapped(lines: list[str]) -> str:
    """Join lines that were broken at a fixed width; lists, verses and columns keep theirs."""
    prose = (
        len(lines) > 1
        and sum(len(line) for line in lines[:-1]) >= _WRAPPED_AT * (len(lines) - 1)
        and not any(line[:1].isspace() or _LIST_ITEM.match(line) or "  " in line.strip() for line in lines)
    )
    return (" " if prose else "\n").join(lines)


def _unmarked_utf16(data: bytes) -> str | None:
    """Name the encoding of UTF-16 without a mark: in Latin text every second byte is zero."""
    sample = data[:4_096]
    half = len(sample) // 2
    if half < 2:  # noqa: PLR2004 - two characters are the least that shows a pattern
        return None
    even, odd = sample[0::2].count(0), sample[1::2].count(0)
    if odd > 0.6 * half and even < 0.1 * half:
        return "utf-16-le"
    if even > 0.6 * half and odd < 0.1 * half:
        return "utf-16-be"
    return None
