"""Citations: numbers checked while the answer streams, and the sentence that supports each, word for word."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from core.answering.sentences import split_sentences
from core.ports import Source

# [1] · [1, 2] · [1-3] · [^1] · [Source 1] · 【1†source】: the ways in which models write a citation.
_CITATION = re.compile(
    r"[\[【]\s*(?:sources?\s*|quelle\s*|\^)?(\d{1,3}(?:\s*(?:[,;–-]|and|&)\s*(?:source\s*)?\d{1,3})*)\s*(?:†[^\]】`]*)?[\]】]",
    re.IGNORECASE,
)
_NUMBERS = re.compile(r"(\d{1,3})(?:\s*[–-]\s*(\d{1,3}))?")
_WORD = re.compile(r"[^\W_]+")
_LONGEST_HELD = 48  # what is longer between brackets is no citation
_SHORTEST_WORD = 3
_LONG_QUOTE = 120  # characters
_LONGEST_RUN = 300  # characters
_STEM = 6  # letters compared: a crude stem that works alike in all European languages
# Below these shares of an answer's content words found in its sources it is called unsupported; where next to no
# word is shared, the answer is in another language than the sources, and words can't tell.
_SUPPORTED = 0.4
_COMPARABLE = 0.1


@dataclass(slots=True)
class CitationFilter:
    """Passes an answer on as it streams, without invented numbers, the others renumbered by first appearance.

    Text from an open bracket is held back until it is known to be a citation or not; code is passed on untouched.
    """

    source_count: int
    numbers: dict[int, int] = field(default_factory=dict)  # the source's number → the number people see
    _held: str = ""
    _fence: str = ""

    def feed(self, text: str) -> str:
        """Take in what the model wrote next; return what may be shown."""
        self._held += text
        return self._release(final=False)

    def flush(self) -> str:
        """Return what is still held, at the end."""
        return self._release(final=True)

    def _release(self, *, final: bool) -> str:
        shown: list[str] = []
        while self._held:
            if self._held[0] == "`":
                ticks = len(self._held) - len(self._held.lstrip("`"))
                if ticks == len(self._held) and not final:
                    break  # more backticks may follow
                mark = self._held[:ticks]
                self._fence = "" if self._fence == mark else self._fence or mark
                shown.append(mark)
                self._held = self._held[ticks:]
                continue
            stop = next((at for at, char in enumerate(self._held) if char == "`"), len(self._held))
            if self._fence:
                shown.append(self._held[:stop])
                self._held = self._held[stop:]
                continue
            opened = next((at for at, char in enumerate(self._held[:stop]) if char in "[【"), stop)
            plain = self._held[:opened]
            if opened == len(self._held):  # nothing opened: only the trailing space may yet belong to a citation
                keep = "" if final else plain[len(plain.rstrip(" ")) :]
                shown.append(plain[: len(plain) - len(keep)])
                self._held = keep
                break
            if opened == stop:
                shown.append(plain)
                self._held = self._held[stop:]
                continue
            closed = re.search(r"[\]】]", self._held[opened:stop])
            if closed is None and not final and stop == len(self._held) and stop - opened <= _LONGEST_HELD:
                space = len(plain) - len(plain.rstrip(" "))
                shown.append(plain[: len(plain) - space])
                self._held = self._held[opened - space :]
                break
            found = _CITATION.match(self._held, opened)
            if found is None or found.end() - opened > _LONGEST_HELD + 1:
                shown.append(self._held[: opened + 1])
                self._held = self._held[opened + 1 :]
                continue
            marks = self._renumber(found.group(1))
            shown.append(plain + marks if marks else plain.rstrip(" "))
            self._held = self._held[found.end() :]
        return "".join(shown)

    def _renumber(self, written: str) -> str:
        cited: list[int] = []
        for first, last in _NUMBERS.findall(written):
            cited += range(int(first), min(int(last or first), self.source_count) + 1)
        known = [number for number in dict.fromkeys(cited) if 1 <= number <= self.source_count]
        return "".join(f"[{self.numbers.setdefault(number, len(self.numbers) + 1)}]" for number in known)


@dataclass(frozen=True, slots=True)
class Support:
    """A cited source with the sentence of it that best supports what the answer says."""

    number: int
    source: Source
    quote: str


def find_support(answer: str, numbers: dict[int, int], sources: Sequence[Source]) -> list[Support]:
    """Return a finished answer's citations in order, each with its supporting sentence, verbatim from the source."""
    by_number = {source.number: source for source in sources}
    claims: dict[int, list[str]] = {}
    for sentence in _claims(answer):
        for shown in re.findall(r"\[(\d{1,3})\]", sentence):
            claims.setdefault(int(shown), []).append(sentence)
    return [
        Support(shown, by_number[number], _quote(by_number[number].text, claims[shown]))
        for number, shown in sorted(numbers.items(), key=lambda pair: pair[1])
        if shown in claims
    ]


def is_supported(answer: str, supports: Sequence[Support]) -> bool | None:
    """Say whether the cited sources carry the answer, judged by shared content words; None where words can't tell.

    A similarity threshold can't recognise an on-topic question that the material does not answer (retrieval.md);
    what the answer says and what its sources say can.
    """
    if not supports:
        return False
    words = {stem for sentence in _claims(answer) if re.search(r"\[\d", sentence) for stem in _stems(sentence)}
    if not words:
        return None
    found = {stem for support in supports for stem in _stems(f"{support.source.title} {support.source.text}")}
    share = len(words & found) / len(words)
    return None if share < _COMPARABLE else share >= _SUPPORTED


def _claims(answer: str) -> list[str]:
    """Return the answer's sentences, a citation that follows the full stop kept with the sentence it closes."""
    sentences: list[str] = []
    for sentence in split_sentences(answer):
        trailing = re.match(r"(?:\[\d{1,3}\]\s*)+", sentence.text)
        if trailing and sentences:
            sentences[-1] += " " + trailing.group()
        rest = sentence.text[trailing.end() :] if trailing and sentences else sentence.text
        if rest.strip():
            sentences.append(rest)
    return sentences


def _quote(text: str, claims: list[str]) -> str:
    """Return what of a passage supports the claims best: their own words where they stand in it, else a sentence."""
    spans: list[tuple[int, int]] = []
    for claim in claims:
        words = re.sub(r"\[\d{1,3}\]", " ", claim).split()
        if words and (found := re.search(r"\s+".join(map(re.escape, words)), text)):
            spans.append(found.span())
    runs: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        # Sentences that follow one another are quoted together.
        if runs and not text[runs[-1][1] : start].strip() and end - runs[-1][0] <= _LONGEST_RUN:
            runs[-1] = (runs[-1][0], max(end, runs[-1][1]))
        else:
            runs.append((start, end))
    if not runs:
        return _best_sentence(text, " ".join(claims))
    start, end = max(runs, key=lambda run: run[1] - run[0])
    return text[start:end]


def _best_sentence(text: str, claim: str) -> str:
    sentences = _quotable(text)
    if not sentences:
        return text.strip()
    spread = Counter(stem for sentence in sentences for stem in _stems(sentence))
    wanted = _stems(claim)

    def overlap(sentence: str) -> float:
        stems = _stems(sentence)
        # Rare words tell more than common ones; a long sentence must not win by its length alone.
        return float(sum(1 / spread[stem] for stem in wanted & stems) / math.sqrt(8 + len(stems)))

    return max(sentences, key=overlap)


def _quotable(text: str) -> list[str]:
    """Return a passage's sentences; a long run of lines without full stops, as on a slide, line by line."""
    found: list[str] = []
    for sentence in split_sentences(text):
        lines = sentence.text.splitlines()
        found += lines if len(sentence.text) > _LONG_QUOTE and len(lines) > 1 else [sentence.text]
    return [quote.strip() for quote in found if _WORD.search(quote)]


def _stems(text: str) -> set[str]:
    return {
        word[:_STEM]
        for word in (found.group().casefold() for found in _WORD.finditer(text))
        if len(word) > _SHORTEST_WORD or word.isdigit()
    }
