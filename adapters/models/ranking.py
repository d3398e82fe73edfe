"""Ranks the sentences of a few passages by how well they answer a question, with words alone."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from adapters.models.question_kind import read_kind
from adapters.models.terms import is_unspaced, stem, terms, tokenize
from adapters.models.units import cut_units, is_whole
from core.answering.sentences import Sentence
from core.ports import Source

# Fitted on SQuAD 2; the optimum is flat.
_CONTEXT = 0.15
_SOURCE = 0.25
_PAIR = 0.15
_RANK = 0.03
_FRAGMENT = 0.1
_SECOND_WORD = 0.15
# SQuAD 2 has no headings, tables or explanations; these were set on the sample course's questions, and checked to cost
# nothing on two OpenStax books and a course on the Internet of Things.
_HEADING = 0.3
_OPENING = 2  # sentences that open a passage, where an explanation stands,
_HEADED = 0.5  # when its headings hold at least this share of the question
_EXPLAINS = 0.3
_ROW_EXPLAINS = 0.3
_UNFIT = 0.4
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
        "understand", "tell", "show", "cause", "reason", "explain", "come", "take",
    }
)  # fmt: skip
_ASKING_WEIGHT = 0.35
_MEASURE = re.compile(
    r"\bhow (far away|(?:much |many )?(?:far|old|long|high|big|large|small|fast|tall|thick|wide|deep|hot|cold|heavy|"
    r"strong|bright|often|close|near))\b"
)


@dataclass(frozen=True, slots=True)
class Ranked:
    """A stretch of a source with its place among the source's stretches, and its score (about 0 to 2).

    `support` (0 to 1.15) says how sure it is that the passage is about the question at all: the share of the question's
    rarity-weighted words that the stretch and its source hold, and a little when the stretch has more than one. It is
    0 when the stretch has none. `holds` are the question's words in it, `covers` those and its headings', `stems` all
    its words; `header` is the header row of a table's row.
    """

    source: Source
    position: int
    sentence: Sentence
    score: float
    support: float
    stems: frozenset[str]
    holds: frozenset[str]
    covers: frozenset[str]
    header: str = ""


def rank_sentences(question: str, sources: Sequence[Source], language: str = "english") -> list[Ranked]:
    """Return every stretch that could stand as an answer, best first; ties go to the earlier source and stretch.

    A stretch scores by the question's words it holds, each weighted by its rarity among all stretches given
    (Robertson and Spärck Jones' inverse document frequency), then by what its neighbours, its headings and its source
    add, by word pairs kept together, and by whether it is the kind of sentence asked for (a definition, a date, a
    number, a name, the opening of an explanation).
    """
    kind = read_kind(question, language)
    wanted = list(dict.fromkeys(terms(question, language) or tokenize(question)))
    cut = [(source, cut_units(source.text)) for source in sources]
    stems = [[terms(unit.sentence.text, language) for unit in units] for _, units in cut]
    above = [[terms(f"{unit.under} {unit.header}", language) for unit in units] for _, units in cut]
    headings = [terms(_headings(source), language) for source, _ in cut]
    kin = _find_kin(wanted, {word for group in (*stems, *above, headings) for found in group for word in found})
    held = [[_hold(kin, frozenset(found)) for found in of_source] for of_source in stems]
    rarity = _weigh_rarity(wanted, [one for of_source in held for one in of_source], _asking_words(question))
    ranked = []
    for rank, (source, units) in enumerate(cut):
        heading = _hold(kin, frozenset(headings[rank]))
        headed = _share(heading, rarity)
        titled = _best([heading, _hold(kin, frozenset(terms(source.title, language)))])
        whole = _share(_best([*held[rank], titled]), rarity)
        for at, unit in enumerate(units):
            text = unit.sentence.text
            if not _is_prose(text, row=bool(unit.header)):
                continue
            explains = kind.explains and at < _OPENING and headed >= _HEADED
            mine = _best([held[rank][at], _hold(kin, frozenset(terms(unit.under, language)))])
            over = _best([mine, _hold(kin, frozenset(terms(unit.header, language))), titled if explains else {}])
            own = _share(over, rarity) if mine or explains else 0.0
            near = _share(_best([*held[rank][max(0, at - 1) : at + 2], over, titled]), rarity)
            score = (
                own
                + _CONTEXT * (near - own)
                + _SOURCE * whole
                + _HEADING * (_share(_best([over, heading]), rarity) - own)
                + _PAIR * _pairs_kept(wanted, stems[rank][at])
                + kind.bonus(text)
                + (_EXPLAINS if explains else 0.0)
                - (_ROW_EXPLAINS if unit.header and kind.explains else 0.0)
                - _RANK * rank
                - (0.0 if unit.header or is_whole(text) else _FRAGMENT)
            )
            support = (own + whole) / 2 + (_SECOND_WORD if len(over) > 1 else 0.0) if mine or explains else 0.0
            if kind.needs_pattern and not kind.gives(text):
                support -= _UNFIT
            ranked.append(
                Ranked(
                    source,
                    at,
                    unit.sentence,
                    score,
                    support,
                    stems=frozenset(stems[rank][at]),
                    holds=frozenset(over),
                    covers=frozenset([*over, *titled]),
                    header=unit.header,
                )
            )
    return sorted(ranked, key=lambda one: -one.score)


def _headings(source: Source) -> str:
    """Return the headings a passage stands under, without the document's title."""
    return source.context.removeprefix(source.title) if source.context else ""


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


def _asking_words(question: str) -> frozenset[str]:
    """Return the stems of the words that ask: those of the list, and the measure asked for ("how far away")."""
    measures = {word for found in _MEASURE.findall(question.casefold()) for word in found.split()}
    return frozenset(stem(word, "english") for word in _ASKING | measures)


def _weigh_rarity(
    wanted: Sequence[str], held: Sequence[Mapping[str, float]], asking: frozenset[str]
) -> dict[str, float]:
    """Return each wanted word's share of the question's weight; the shares add up to 1."""
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
    r"[{};]\s*$|^\s*(?:```|import |from \S+ import|def |class |#include|>>>|\$ )|[=(]\s*\)|::|=>|[{}<>=]{2}|\|\|"
)
_NO_SENTENCE = re.compile(r"\s*#{1,6}\s|[\s>*•-]*!?\[[^\]]*\]\([^)]*\)\W*$")  # a heading, a lone link or picture


def _is_prose(text: str, *, row: bool) -> bool:
    """Say whether a stretch can stand as an answer: no heading, question, code, header row, scrap or endless list."""
    if _NO_SENTENCE.match(text) or _CODE.search(text) or text.rstrip().endswith(("?", ":")):
        return False
    if row:
        return True
    if "|" in text:
        return False
    letters = len(_LETTERS.findall(text))
    return _MIN_WORDS <= len(tokenize(text)) <= _MAX_WORDS and letters * 2 > len("".join(text.split()))
