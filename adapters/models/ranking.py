"""Ranks the sentences of a few passages by how well they answer a question, with words alone."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from adapters.models.question_kind import read_kind
from adapters.models.terms import is_unspaced, stem, terms, tokenize
from core.answering.sentences import Sentence, split_sentences
from core.ports import Source

# Fitted on half of the articles of SQuAD 2 and checked on the other half; the optimum is flat.
_CONTEXT = 0.15
_SOURCE = 0.25
_PAIR = 0.15
_RANK = 0.05
_FRAGMENT = 0.1
_SECOND_WORD = 0.15
_KIN = 0.6
_KIN_PREFIX = 5
_PAIR_DISTANCE = 2
_MIN_WORDS, _MAX_WORDS = 4, 80
# Words of the asking, not of the subject: sharing "work" with "How does MQTT work?" says little.
_ASKING = frozenset(
    {
        "many", "type", "kind", "general", "use", "call", "place", "make", "made", "time", "term", "mean",
        "name", "number", "example", "part", "way", "work", "people", "thing", "know", "main", "important",
        "difference", "describe", "define", "role", "purpose", "happen", "give", "given", "find", "learn",
        "understand", "tell", "show",
    }
)  # fmt: skip
_ASKING_WEIGHT = 0.35


@dataclass(frozen=True, slots=True)
class Ranked:
    """A sentence with its source, its place among the source's sentences, and its score (about 0 to 2).

    `support` (0 to 1.15) says how sure it is that the passage is about the question at all: the share of the question's
    rarity-weighted words that the sentence and its source hold, and a little when the sentence has more than one. It is
    0 when the sentence itself has none.
    """

    source: Source
    position: int
    sentence: Sentence
    score: float
    support: float
    stems: frozenset[str]


def rank_sentences(question: str, sources: Sequence[Source], language: str = "english") -> list[Ranked]:
    """Return every sentence that could stand as an answer, best first; ties go to the earlier source and sentence.

    A sentence scores by the question's words it holds, each weighted by its rarity among all sentences given
    (Robertson and Spärck Jones' inverse document frequency), then by what its neighbours and its source add, by word
    pairs kept together, and by whether it is the kind of sentence asked for (a definition, a date, a number, a name).
    """
    wanted = list(dict.fromkeys(terms(question, language) or tokenize(question)))
    split = [(source, split_sentences(source.text)) for source in sources]
    stems = [[terms(sentence.text, language) for sentence in sentences] for _, sentences in split]
    kin = _find_kin(wanted, {word for of_source in stems for found in of_source for word in found})
    held = [[_hold(kin, frozenset(found)) for found in of_source] for of_source in stems]
    rarity = _weigh_rarity(wanted, [one for of_source in held for one in of_source])
    kind = read_kind(question, language)
    ranked = []
    for rank, (source, sentences) in enumerate(split):
        titled = _hold(kin, frozenset(terms(source.title, language)))
        whole = _share(_best([*held[rank], titled]), rarity)
        for at, sentence in enumerate(sentences):
            mine = held[rank][at]
            if not _is_prose(sentence.text):
                continue
            own = _share(mine, rarity)
            near = _share(_best([*held[rank][max(0, at - 1) : at + 2], titled]), rarity)
            score = (
                own
                + _CONTEXT * (near - own)
                + _SOURCE * whole
                + _PAIR * _pairs_kept(wanted, stems[rank][at])
                + kind.bonus(sentence.text)
                - _RANK * rank
                - (0.0 if _WHOLE.search(sentence.text) else _FRAGMENT)
            )
            support = (own + whole) / 2 + (_SECOND_WORD if len(mine) > 1 else 0.0) if mine else 0.0
            ranked.append(Ranked(source, at, sentence, score, support, frozenset(stems[rank][at])))
    return sorted(ranked, key=lambda one: -one.score)


def _find_kin(wanted: Iterable[str], vocabulary: Collection[str]) -> dict[str, dict[str, float]]:
    """Return for each wanted word the words that count as it: itself fully, a relative by a long prefix in part.

    Stemmers keep `norman` and `normandy`, or `educate` and `educational`, apart.
    """
    kin = {}
    for word in wanted:
        beginning = word[: max(_KIN_PREFIX, round(0.7 * len(word)))]
        relatives = {
            other: _KIN
            for other in vocabulary
            if len(word) >= _KIN_PREFIX and other.startswith(beginning) and len(other) * 7 <= len(word) * 10
        }
        kin[word] = {**relatives, word: 1.0}
    return kin


def _hold(kin: Mapping[str, Mapping[str, float]], found: frozenset[str]) -> dict[str, float]:
    """Return which wanted words a sentence holds, and how fully (0 to 1)."""
    held = {}
    for word, relatives in kin.items():
        if counted := found & relatives.keys():
            held[word] = max(relatives[other] for other in counted)
    return held


def _best(several: Iterable[Mapping[str, float]]) -> dict[str, float]:
    best: dict[str, float] = {}
    for held in several:
        for word, credit in held.items():
            best[word] = max(credit, best.get(word, 0.0))
    return best


def _weigh_rarity(wanted: Sequence[str], held: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Return each wanted word's share of the question's weight; the shares add up to 1."""
    asking = {stem(word, "english") for word in _ASKING}
    weights = {}
    for word in wanted:
        holding = sum(word in one for one in held)
        weights[word] = math.log(1 + (len(held) - holding + 0.5) / (holding + 0.5))
        if word in asking:
            weights[word] *= _ASKING_WEIGHT
        if not holding and is_unspaced(word):  # about half of the pairs of characters cross the border of two words
            weights[word] /= 2
    total = sum(weights.values())
    return {word: weight / total for word, weight in weights.items()}


def _share(held: Mapping[str, float], rarity: Mapping[str, float]) -> float:
    return sum(credit * rarity[word] for word, credit in held.items())


def _pairs_kept(wanted: Sequence[str], found: Sequence[str]) -> float:
    """Return the share of the question's neighbouring word pairs that stand close together in the sentence."""
    places: dict[str, list[int]] = {}
    for at, word in enumerate(found):
        places.setdefault(word, []).append(at)
    kept = [
        any(0 < abs(one - other) <= _PAIR_DISTANCE for one in places.get(first, ()) for other in places.get(second, ()))
        for first, second in pairwise(wanted)
    ]
    return sum(kept) / len(kept) if kept else 0.0


_LETTERS = re.compile(r"[^\W\d_]")
_CODE = re.compile(
    r"[{};]\s*$|^\s*(?:```|import |from \S+ import|def |class |#include|>>>|\$ )|[=(]\s*\)|::|=>|[{}<>=]{2}|\|"
)
_NO_SENTENCE = re.compile(r"\s*#{1,6}\s|[\s>*•-]*!?\[[^\]]*\]\([^)]*\)\W*$")  # a heading, a lone link or picture
_WHOLE = re.compile(r"[.!?…。！？｡][\W\d]*$")


def _is_prose(text: str) -> bool:
    """Say whether a sentence can stand as an answer: no heading, question, code, table row, scrap or endless list."""
    if _NO_SENTENCE.match(text) or _CODE.search(text) or text.rstrip().endswith(("?", ":")):
        return False
    letters = len(_LETTERS.findall(text))
    return _MIN_WORDS <= len(tokenize(text)) <= _MAX_WORDS and letters * 2 > len("".join(text.split()))
