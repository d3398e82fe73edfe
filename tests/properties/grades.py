"""What grades come to, worked out on paper: fractions, no database, and no code of the product's."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

import hypothesis.strategies as st


@dataclass(frozen=True)
class Rules:
    """A class's settings."""

    simple: bool = False
    missing_as_zero: bool = True
    drop_lowest: int = 0

    def settings(self) -> dict[str, object]:
        return {
            "grade_average": "simple" if self.simple else "weighted",
            "missing_as_zero": self.missing_as_zero,
            "drop_lowest": self.drop_lowest,
        }


RULES = st.builds(Rules, st.booleans(), st.booleans(), st.integers(0, 3))


def cents(most: int) -> st.SearchStrategy[Decimal]:
    """Return amounts of up to so many hundredths."""
    return st.integers(0, most).map(lambda cents: Decimal(cents) / 100)


@dataclass(frozen=True)
class Item:
    """A grade as it counts."""

    status: str
    score: Decimal | None
    points: Decimal
    weight: Decimal


def percent(items: Iterable[Item], rules: Rules) -> Decimal | None:
    """Return the mean in percent, rounded half up to two decimals; None where nothing counts."""
    counted: list[tuple[Fraction, Fraction]] = []
    for item in items:
        weight = Fraction(1) if rules.simple else Fraction(item.weight)
        if item.points == 0 or weight == 0:
            continue
        if item.status == "GRADED" and item.score is not None:
            counted.append((Fraction(item.score) / Fraction(item.points), weight))
        elif item.status == "MISSING" and rules.missing_as_zero:
            counted.append((Fraction(0), weight))
    if not counted:
        return None
    counted.sort(key=lambda each: (each[0], -each[1]))
    counted = counted[min(rules.drop_lowest, len(counted) - 1) :]
    mean = 100 * sum(share * weight for share, weight in counted) / sum(weight for _, weight in counted)
    return Decimal(math.floor(mean * 100 + Fraction(1, 2))) / 100
