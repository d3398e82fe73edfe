"""What a teacher gives for a piece of work: points, excused, missing, or nothing yet."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from core.enums import GradeStatus
from core.errors import InvalidInput
from core.text import one_line

CENT = Decimal("0.01")
_MOST = Decimal("9999999.99")  # the column's room
_EXTRA = 2  # times the points, extra credit included; more than that is a slip of the finger
_MOST_WITHOUT_POINTS = Decimal(100)

_NUMBER = re.compile(r"([0-9]+)(?:[.,]([0-9]+))?")
_GROUPED = re.compile(r"[0-9]{1,3}(?:,[0-9]{3})+\.[0-9]+|[0-9]{1,3}(?:\.[0-9]{3})+,[0-9]+")
_EITHER = re.compile(r"[1-9][0-9]{0,2},[0-9]{3}")
_WORDS = {
    **dict.fromkeys(("ex", "excused", "excuse", "exempt"), GradeStatus.EXCUSED),
    **dict.fromkeys(("mi", "missing"), GradeStatus.MISSING),
    **dict.fromkeys(("ungraded", "none"), GradeStatus.UNGRADED),
}
_NOTHING = frozenset({"", "-", "–", "—", "n/a", "na"})


@dataclass(frozen=True, slots=True)
class Mark:
    """A status, and for GRADED the points, to two decimals. Raises `InvalidInput` where they can't be."""

    status: GradeStatus
    score: Decimal | None = None

    def __post_init__(self) -> None:
        if (self.status is GradeStatus.GRADED) != (self.score is not None):
            raise InvalidInput("A grade is a number of points, or one of excused, missing and ungraded.")
        if self.score is not None:
            object.__setattr__(self, "score", _checked(self.score))

    def __str__(self) -> str:
        return plain(self.score) if self.score is not None else self.status.value.lower()


NO_MARK = Mark(GradeStatus.UNGRADED)


def graded(score: Decimal | int | str) -> Mark:
    """Return the mark for so many points. Raises `InvalidInput`."""
    return Mark(GradeStatus.GRADED, Decimal(score))


def held_mark(status: str | None, score: Decimal | None) -> Mark:
    """Return the mark that two columns hold; where they contradict each other, that nothing is given yet."""
    if status is None or (status == GradeStatus.GRADED and score is None):
        return NO_MARK
    return Mark(GradeStatus(status), score if status == GradeStatus.GRADED else None)


def read_mark(text: str) -> Mark | None:
    """Return the mark that a person typed or a cell holds: `8.5`, `8,5`, `EX`, `missing`; None for nothing and `N/A`.

    Raises `InvalidInput`, also for what could be read in two ways, like `1,250`.
    """
    word = one_line(unicodedata.normalize("NFKC", text), 40).casefold()
    if word in _NOTHING:
        return None
    if word in _WORDS:
        return Mark(_WORDS[word])
    return Mark(GradeStatus.GRADED, read_points(word))


def read_points(text: str) -> Decimal:
    """Return a number of points as people of any country write it. Raises `InvalidInput`."""
    word = unicodedata.normalize("NFKC", text).strip()
    said = one_line(word, 30)
    if word.startswith("-") and _NUMBER.fullmatch(word[1:]):
        raise InvalidInput(f"“{said}” is negative, which no score is.")
    if _EITHER.fullmatch(word):
        raise InvalidInput(f"“{said}” could be read in two ways; write {word.replace(',', '')} or use a point.")
    if _GROUPED.fullmatch(word):  # the last mark is the decimal one
        whole, _, part = word.replace(",", ".").rpartition(".")
        return Decimal(f"{whole.replace('.', '')}.{part}")
    found = _NUMBER.fullmatch(word)
    if found is None:
        raise InvalidInput(f"“{said}” is not a score. Write points (8.5), EX for excused, or missing.")
    return Decimal(f"{found[1]}.{found[2] or '0'}")


def check_score(mark: Mark, points: Decimal) -> None:
    """Raise `InvalidInput` where a score is out of all proportion to the points, extra credit allowed for."""
    most = points * _EXTRA if points else _MOST_WITHOUT_POINTS
    if mark.score is not None and mark.score > most:
        raise InvalidInput(f"{plain(mark.score)} is too much: this is out of {plain(points)} points.")


def plain(number: Decimal) -> str:
    """Return a number without needless zeros: 8.5, 10."""
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _checked(score: Decimal) -> Decimal:
    if not score.is_finite():
        raise InvalidInput("A score is a number.")
    if score < 0:
        raise InvalidInput("A score is never negative.")
    if score > _MOST:
        raise InvalidInput(f"No score is more than {_MOST:,}.")
    return score.quantize(CENT, ROUND_HALF_UP)
