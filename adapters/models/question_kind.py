"""What kind of answer a question wants: a date, a quantity, a reason, a name or a definition."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

from adapters.models.terms import terms, tokenize

_KIND = 0.2
_NAME_KIND = 0.1
_DEFINITION = 0.35
_ABOUT_THE_LESSON = 0.4
_STEP = 0.15
_SUBJECT_WORDS = 4
_EARLY = 12  # characters before a defined term: room for "In general, a"

_DATE = re.compile(
    r"\b(?:1\d|20)\d\d\b|\b\d{1,2}(?:st|nd|rd|th) centur|\b\d+ (?:bce?|ad|ce)\b|"
    r"\b(?:january|february|march|april|may|june|july|august|september|october|november|december|"
    r"monday|tuesday|wednesday|thursday|friday|saturday|sunday|century|today)\b",
    re.IGNORECASE,
)
_QUANTITY = re.compile(
    r"\d|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|dozen|twenty|thirty|forty|fifty|sixty|"
    r"seventy|eighty|ninety|hundred|thousand|million|billion|half|third|quarter|percent)s?\b",
    re.IGNORECASE,
)
_REASON = re.compile(
    r"\b(?:because|due to|since|therefore|in order to|so that|caused?|reasons?|as a result|leads? to|allows?|"
    r"weil|deshalb|damit|parce que|porque)\b",
    re.IGNORECASE,
)
_KINDS = (
    (
        re.compile(
            r"\b(?:when|(?:what|which) (?:year|date|day|month|century|decade)|wann|quand|cuándo|quando|wanneer)\b"
        ),
        _DATE,
    ),
    (
        re.compile(
            r"\b(?:how (?:many|much|long|old|far|often|big|large|small|fast|high|tall|thick|wide|deep|hot|cold|heavy|"
            r"strong)|what (?:percent\w*|number|amount)|"
            r"wie ?viele?|combien|cuánt\w+|quant[oi]|hoeveel)\b"
        ),
        _QUANTITY,
    ),
    (re.compile(r"\b(?:why|warum|wieso|pourquoi|por qué|perché|waarom)\b"), _REASON),
)
_ASKS_NAME = re.compile(r"\b(?:who|whom|whose|where|which|wer|wem|wo|qui|où|quién|dónde|chi|dove|wie is)\b")
# A capital inside a sentence; the word itself is compared with the question's.
_NAME = re.compile(r"(?<=[\w,;:)] )[^\W\d_a-z]\w+")
# A course's text about itself ("In this lesson you will learn…") shares every word with a question and answers none.
_META = re.compile(
    r"\b(?:this|next|previous|last) (?:lesson|section|chapter|module|unit|assignment|project|exercise|video|course)\b|"
    r"\b(?:you|we)(?: will|'ll) (?:learn|cover|see|look|build|explore)\b|\blearning objectives\b|\bclick\b|\bquiz\b",
    re.IGNORECASE,
)
_INSTRUCTS = re.compile(r"\s*(?:[>*-]\s*)?(?:\d{1,3}[.)]\s|✅)")
_ASKS_STEPS = re.compile(r"\bhow (?:do|can|to|should|would)\b|\bsteps?\b|\bwie (?:kann|soll|macht)\b")
_ASKS_EXPLANATION = re.compile(
    r"\b(?:why|how come|warum|wieso|pourquoi|por qué|perché|waarom)\b|"
    r"^(?:and |but )?how (?:do|does|did|is|are|was|were)\b(?! (?:i|you|we|one)\b)|"
    r"^what (?:causes?|makes?)\b|^(?:explain|describe|tell me about)\b|^(?:wie|comment) (?!viel)"
)
_ASKS_DEFINITION = re.compile(
    r"\s*(?:what(?:'s| is| are| was| were| does)|define|explain|describe|was (?:ist|sind)|qu'est-ce qu(?:e |')|"
    r"qué (?:es|son)|che cos'è|wat is)\s*(?:an?\s|the\s|ein\w*\s|une?\s|l[ae]\s|una?\s|een\s)?"
    r"(?P<subject>[\w' -]{2,60}?)\s*(?:mean|stand for)?\s*[?.!]?\s*"
)
_DEFINES = (
    r"(?:,[^,]{1,60},)?\s*(?:\([^)]{1,40}\)\s*)?(?:is|are|was|were|means?|refers? to|describes?|denotes?|"
    r"consists? of|ist|sind|bezeichnet|bedeutet|est|sont|désigne|es|son|è|betekent)\b"
)


@dataclass(frozen=True, slots=True)
class QuestionKind:
    """The patterns that a fitting answer shows; None where the question does not ask for any."""

    pattern: re.Pattern[str] | None
    wants_name: bool
    definition: re.Pattern[str] | None
    wants_steps: bool
    explains: bool
    about_course: bool
    words: frozenset[str]

    def bonus(self, sentence: str) -> float:
        """Return what a sentence gains for being of the kind asked for, or loses for being of none (`Ranked.score`)."""
        if _META.search(sentence) and not self.about_course:
            return -_ABOUT_THE_LESSON
        points = 0.0
        if self.pattern and self.pattern.search(sentence):
            points += _KIND
        if self.wants_name and any(word.casefold() not in self.words for word in _NAME.findall(sentence)):
            points += _NAME_KIND
        if self.definition and (found := self.definition.search(sentence)):
            points += _DEFINITION if found.start() < _EARLY else _DEFINITION / 2
        if not self.wants_steps and _INSTRUCTS.match(sentence):
            points -= _STEP
        return points

    @property
    def wants_reason(self) -> bool:
        """Whether the question asks why."""
        return self.pattern is _REASON

    @property
    def needs_pattern(self) -> bool:
        """Whether hardly anything answers that does not show the kind's pattern: a quantity has a number."""
        return self.pattern is _QUANTITY

    def gives(self, sentence: str) -> bool:
        """Say whether a sentence shows what an answer of this kind shows."""
        return self.pattern is not None and self.pattern.search(sentence) is not None


def read_kind(question: str, language: str = "english") -> QuestionKind:
    """Tell from a question's words what kind of sentence answers it."""
    folded = " ".join(question.casefold().replace("\u2019", "'").split())
    pattern = next((answer for asks, answer in _KINDS if asks.search(folded)), None)
    return QuestionKind(
        pattern,
        bool(_ASKS_NAME.search(folded)),
        _definition_of(folded, language),
        bool(_ASKS_STEPS.search(folded)),
        bool(_ASKS_EXPLANATION.search(folded)),
        bool(_META.search(folded)),
        frozenset(tokenize(question)),
    )


def _definition_of(folded: str, language: str) -> re.Pattern[str] | None:
    found = _ASKS_DEFINITION.fullmatch(folded)
    if found is None or not _is_short(terms(found["subject"], language)):
        return None
    words = r"\W+".join(re.escape(word) for word in found["subject"].split()).removesuffix("s")
    return re.compile(rf"\b{words}(?:e?s)?\b{_DEFINES}", re.IGNORECASE)


def _is_short(subject: Collection[str]) -> bool:
    return 0 < len(subject) <= _SUBJECT_WORDS
