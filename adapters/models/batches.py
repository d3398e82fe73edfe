"""Cuts texts to what an embedding model takes, and packs them into requests."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

# Upper estimates for current tokenisers: dense English text and code stay below 0.4 tokens a character, other scripts
# below 1.2. Counting exactly would need each model's own tables.
_TOKENS_PER_ASCII = 0.4
_TOKENS_PER_OTHER = 1.2


def cut_to_tokens(text: str, limit: int) -> str:
    """Return the beginning of `text` that surely fits in `limit` tokens, cut between words where there are any."""
    if len(text) * _TOKENS_PER_OTHER <= limit:
        return text
    points = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    used = np.cumsum(np.where(points < 128, _TOKENS_PER_ASCII, _TOKENS_PER_OTHER))  # noqa: PLR2004 - ASCII ends at 128
    length = int(np.searchsorted(used, limit, side="right"))
    if length >= len(text):
        return text
    cut = text[:length]
    at_space = max(cut.rfind(" "), cut.rfind("\n"))
    return cut[:at_space] if at_space > length // 2 else cut


def pack(texts: Sequence[str], *, most: int, chars: int) -> Iterator[Sequence[str]]:
    """Yield runs of `texts` in order, each of at most `most` texts and about `chars` characters (one text at least)."""
    begin, held = 0, 0
    for at, text in enumerate(texts):
        if at > begin and (at - begin == most or held + len(text) > chars):
            yield texts[begin:at]
            begin, held = at, 0
        held += len(text)
    if begin < len(texts):
        yield texts[begin:]
