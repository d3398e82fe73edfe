"""What a check of the set-up found."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """How something is. A notice is nothing to mend, but good to know."""

    OK = "ok"
    NOTICE = "notice"
    WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of `homeroom doctor`: what was looked at, and what is so or how to mend it."""

    check: str
    state: State
    says: str
