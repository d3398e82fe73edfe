"""The embedded embedder: hashed words and character n-grams. Needs no key, no download and no network.

Closeness means shared words and word parts, not shared meaning, hence `semantic` is False.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from adapters.models.terms import terms, tokenize
from core.ports import Vectors

_GRAM_SIZES = (3, 4, 5)
_GRAMS_WEIGHT = 0.6  # of a word's n-grams together, next to 1 for the word itself
_FEATURES_KEPT = 50_000
_IN_THREAD = 8  # texts; fewer take less time than handing them over

Features = tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]


class LexicalEmbedder:
    """Feature hashing with signs (Weinberger et al., 2009) of stemmed words and the character n-grams in them."""

    semantic = False

    def __init__(self, dimension: int = 1536, language: str = "english") -> None:
        """Take the vectors' length, and the language whose stemmer and stop words apply (PostgreSQL's names)."""
        self._dimension = dimension
        self._language = language

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._dimension}, {self._language!r})"

    @property
    def name(self) -> str:
        """`lexical-v1`, with the language where it is not English: another stemmer makes another space."""
        return "lexical-v1" if self._language == "english" else f"lexical-v1-{self._language}"

    @property
    def dimension(self) -> int:
        """The vectors' length."""
        return self._dimension

    async def aclose(self) -> None:
        """Nothing is held open."""

    async def embed_passages(self, texts: Sequence[str]) -> Vectors:
        """Return float32 of shape (len(texts), dimension), L2-normalised; the same for the same text everywhere."""
        if len(texts) < _IN_THREAD:
            return self._embed(texts)
        return await asyncio.to_thread(self._embed, texts)

    async def embed_query(self, text: str) -> Vectors:
        """Return float32 of shape (dimension,), L2-normalised."""
        return np.asarray(self._embed([text])[0])

    def _embed(self, texts: Sequence[str]) -> Vectors:
        vectors = np.empty((len(texts), self._dimension), dtype=np.float32)
        for row, text in enumerate(texts):
            vectors[row] = self._vector(text)
        return vectors

    def _vector(self, text: str) -> npt.NDArray[np.float64]:
        # A text of stop words only, or of marks only, still gets a direction of its own.
        words = Counter(terms(text, self._language) or tokenize(text) or [text.strip()])
        parts = [_features(word, self._dimension) for word in words]
        repeats = np.repeat([1 + np.log(count) for count in words.values()], [len(places) for places, _ in parts])
        places = np.concatenate([places for places, _ in parts])
        weights = np.concatenate([weights for _, weights in parts]) * repeats
        vector = np.bincount(places, weights, minlength=self._dimension)
        length = float(np.linalg.norm(vector))
        if length == 0.0:  # opposite signs met in one place; possible only in tiny dimensions
            vector[0], length = 1.0, 1.0
        return vector / length


@lru_cache(maxsize=_FEATURES_KEPT)
def _features(word: str, dimension: int) -> Features:
    """Return where a word's features fall and with what signed weights."""
    grams = list(_grams(word))
    hashed = [_hash(f"w {word}"), *(_hash(f"g {gram}") for gram in grams)]
    weights = np.array([1.0, *([_GRAMS_WEIGHT / np.sqrt(len(grams))] * len(grams) if grams else [])])
    places = np.array([value % dimension for value in hashed], dtype=np.int64)
    signs = np.array([1.0 if value >> 63 else -1.0 for value in hashed])
    return places, weights * signs


def _grams(word: str) -> Iterator[str]:
    """Yield the character n-grams of a word with its ends marked; none for numbers and pairs of characters."""
    if len(word) < _GRAM_SIZES[0] or word.isdigit():
        return
    marked = f"<{word}>"
    for size in _GRAM_SIZES:
        for at in range(len(marked) - size + 1):
            yield marked[at : at + size]


def _hash(feature: str) -> int:
    """Return 64 bits that are the same in every process and on every platform, unlike Python's own hash."""
    return int.from_bytes(hashlib.blake2b(feature.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big")
