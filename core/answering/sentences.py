"""Splits text into sentences that know their place, so that a quote is always the text itself.

Rules rather than a trained model: the text comes from slides and PDFs in any language, and a wrong cut must be
explainable. Whatever is in doubt stays together: a quote that is a little long beats half a sentence.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence and where it stands: `text` is exactly `original[start:end]`."""

    text: str
    start: int
    end: int


# A new paragraph, list item, table row or Markdown heading begins a sentence whatever the line before ended with.
_BREAK = re.compile(r"\n(?=[ \t]*(?:\n|[-*•‣▪◦–][ \t]|\d{1,3}[.)][ \t]|#{1,6}[ \t]|\||```))|(?<=\|)\n|\f")
_TERMINATOR = re.compile(r"(?:[.!?…]+|[。！？｡]+)(?:\[\d{1,3}\])*[\"'”’»)\]」』）]*(?:\[\d{1,3}\])*")
_FULL_WIDTH = frozenset("。！？｡")
_LIST_NUMBER = re.compile(r"[ \t]*(?:\d{1,3}|[A-Za-z])\.")
_WORD_BEFORE = re.compile(r"[^\W_](?:[^\W_]|[.’'-](?=[^\W_]))*$")
_INITIALISM = re.compile(r"(?:[^\W\d_]\.)*[^\W\d_]")

# Followed by what they belong to, so never the end of a sentence.
_LEADING_WORDS = """
    dr mr mrs ms mx prof st mt ft gen col capt lt sgt rev hon sen rep gov pres fig figs eq eqs no nos nr vol
    vols ch sec secs sect pp pg cf vs viz ex approx ca resp dept univ est ed eds e.g i.e z.b d.h u.a bzw bspw
    vgl abb bd tab evtl ggf sr sra srta dra mme mlle env art núm pág págs
"""
# Can end a sentence; they do when an ordinary sentence opening follows.
_EITHER_WORDS = """
    etc al inc ltd co corp bros jr sr ph.d m.d b.a m.a b.sc m.sc a.m p.m a.d b.c b.c.e c.e u.s u.k u.s.a u.n e.u
    d.c usw jan feb mar apr jun jul aug sep sept oct nov dec min max
"""
_OPENING = re.compile(
    r"[\"'“‘«(\[]*(?:The|An?|In|On|At|By|For|From|To|With|As|It|Its|This|That|These|Those|There|Here|He|She|They|We|You|"
    r"I|His|Her|Their|Our|But|And|So|If|When|While|After|Before|Since|Because|However|Although|Thus|Then|What|Why|"
    r"How|Who|Which|Where|Der|Die|Das|Ein|Eine|Es|Er|Sie|Wir|Im|In|Le|La|Les|Un|Une|Il|Elle|El|Los|Las|Una)\s"
)
_LEADING, _EITHER = frozenset(_LEADING_WORDS.split()), frozenset(_EITHER_WORDS.split())
_GERMAN_MONTH = re.compile(
    r"(?:Januar|Februar|März|April|Mai|Juni|Juli|August|September|Oktober|November|Dezember|Jahrhundert|Jh)\b"
)
_HEADING_LENGTH = 60


def split_sentences(text: str) -> list[Sentence]:
    """Return the sentences of `text` in order; together they hold every character that is not white space.

    Knows abbreviations, initials, decimals, list numbers, closing quotes, footnote marks like `[3]` and the full stops
    of Chinese and Japanese. Blank lines, list items, table rows and a heading's line end a sentence too.
    """
    sentences = []
    for start, end in _segments(text):
        begin = start
        for cut in (*_cuts(text, start, end), end):
            piece = text[begin:cut]
            if stripped := piece.strip():
                first = begin + piece.index(stripped)
                sentences.append(Sentence(stripped, first, first + len(stripped)))
            begin = cut
    return sentences


def _segments(text: str) -> Iterator[tuple[int, int]]:
    """Yield the stretches that no sentence crosses."""
    begin = 0
    for found in _BREAK.finditer(text):
        yield from _without_heading(text, begin, found.start())
        begin = found.end()
    yield from _without_heading(text, begin, len(text))


def _without_heading(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Split off a first line that is a heading: unpunctuated and much shorter than the line below it.

    Hard-wrapped prose has lines of about one length, so its first line stays.
    """
    start += len(text[start:end]) - len(text[start:end].lstrip())
    newline = text.find("\n", start, end)
    if newline >= 0:
        first, second = text[start:newline].strip(), text[newline:end].strip().partition("\n")[0]
        short = len(first) <= _HEADING_LENGTH and len(first) * 5 < len(second) * 3
        if short and second[:1].isupper() and first[-1:].isalnum():
            yield start, newline
            start = newline
    yield start, end


def _cuts(text: str, start: int, end: int) -> Iterator[int]:
    """Yield the offsets between two sentences of one stretch."""
    begin = start
    for found in _TERMINATOR.finditer(text, start, end):
        if found.end() < end and _ends_sentence(text, begin, found, end):
            begin = found.end()
            yield begin


def _ends_sentence(text: str, begin: int, found: re.Match[str], end: int) -> bool:
    mark = found.group()
    if mark[0] in _FULL_WIDTH:
        # 「…？」と and 「…」って quote inside a sentence that goes on.
        return not (len(mark) > 1 and text[found.end()] in "とっ")
    if not text[found.end()].isspace():
        return False
    rest = text[found.end() : end].lstrip()
    if not rest or rest.lstrip("\"'“‘«([")[:1].islower():
        return False
    if mark[0] != "." or mark.startswith(".."):
        return True
    if _LIST_NUMBER.fullmatch(text[begin : found.start() + 1].lstrip()):
        return False
    before = _WORD_BEFORE.search(text[max(begin, found.start() - 40) : found.start()])
    return before is None or _word_may_end(before.group(), rest, quoted=len(mark) > 1)


def _word_may_end(word: str, rest: str, *, quoted: bool) -> bool:
    """Say whether a full stop after `word` ends the sentence, given what follows it."""
    folded = word.casefold()
    if folded.isdigit():
        return len(folded) > 2 or not _GERMAN_MONTH.match(rest)  # noqa: PLR2004 - a day or century has two digits
    if quoted:
        return True
    if folded in _LEADING:
        return False
    if folded in _EITHER or (_INITIALISM.fullmatch(word) and word[0].isupper()) or len(word) == 1:
        return bool(_OPENING.match(rest))
    return True
