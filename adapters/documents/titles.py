"""Which words name a whole document."""

from __future__ import annotations

import re
from collections.abc import Sequence

from core.documents import Block, BlockKind

_GENERIC = re.compile(
    r"untitled.*|(?:power ?point )?pr[eé]sentation\d*|document\d*|microsoft \w+ - .*|slide \d+|\S+\.\w{2,5}|title",
    re.IGNORECASE,
)
_OPENING = 2_000  # characters
_WORD = re.compile(r"\w+")


def title_of(blocks: Sequence[Block]) -> str | None:
    """Return the heading that names the whole document: the only one of level 1, or one that opens the document."""
    first = [block for block in blocks if block.kind is BlockKind.HEADING and block.level == 1]
    if first and (len(first) == 1 or blocks[0] is first[0]):
        return first[0].text
    return None


def stated_title(metadata: str, blocks: Sequence[Block]) -> str | None:
    """Return the metadata's title if the document's opening says it too; many are left over from a template."""
    metadata = " ".join(metadata.split())
    words = set(_WORD.findall(metadata.lower()))
    if not any(map(str.isalpha, metadata)) or _GENERIC.fullmatch(metadata):
        return None
    opening = " ".join(block.text for block in blocks[:20])[:_OPENING].lower()
    return metadata if words <= set(_WORD.findall(opening)) else None
