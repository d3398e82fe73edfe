"""What retrieval is compared with: BM25 as the rank_bm25 package has it, cosine, and both by reciprocal rank fusion."""

from __future__ import annotations

from collections import Counter

import numpy as np
import numpy.typing as npt

from adapters.models.terms import terms
from core.ports import Vectors

Scores = npt.NDArray[np.float64]

K1, B, EPSILON = 1.5, 0.75, 0.25  # rank_bm25's


class BM25Okapi:
    """Stemmed words without stop words; words in more than half of the passages get a quarter of the mean weight."""

    def __init__(self, texts: list[str]) -> None:
        self._counts = [Counter(terms(text)) for text in texts]
        lengths = np.array([sum(count.values()) for count in self._counts], float)
        self._norm = K1 * (1 - B + B * lengths / lengths.mean())
        holding = Counter(word for count in self._counts for word in count)
        self._idf = {word: float(np.log((len(texts) - n + 0.5) / (n + 0.5))) for word, n in holding.items()}
        floor = EPSILON * sum(self._idf.values()) / len(self._idf)
        self._idf = {word: idf if idf >= 0 else floor for word, idf in self._idf.items()}

    def scores(self, question: str) -> Scores:
        total = np.zeros(len(self._counts))
        for word in terms(question):
            if word in self._idf:
                found = np.array([count[word] for count in self._counts], float)
                total += self._idf[word] * found * (K1 + 1) / (found + self._norm)
        return total


def cosine(passages: Vectors, query: Vectors) -> Scores:
    return np.asarray(passages @ query, dtype=float)


def reciprocal_rank_fusion(*legs: Scores, k: int = 60) -> Scores:
    """Cormack et al., 2009."""
    total = np.zeros(len(legs[0]))
    for leg in legs:
        total[np.argsort(-leg, kind="stable")] += 1 / (k + 1 + np.arange(len(leg)))
    return total


def best(scores: Scores, count: int) -> list[int]:
    return [int(place) for place in np.argsort(-scores, kind="stable")[:count]]
