"""Names that several things go by: offered to be picked from, with all that was typed besides."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from core.errors import Ambiguous
from core.replies import Choice, Choices, Reply, say

LONGEST_VALUE = 1_500  # characters that a choice may carry on every surface


def pick(error: Ambiguous, action: str, value: Callable[[UUID], str]) -> Reply:
    """Return the candidates as choices; `value` says what one carries. Raises the error where that is too long."""
    ids = error.data.get("ids")
    named = list(zip(error.candidates, ids if isinstance(ids, tuple) else (), strict=False))
    choices = tuple(Choice(name, action, value(id_)) for name, id_ in named)
    if not choices or sum(len(choice.value) for choice in choices) > LONGEST_VALUE:
        raise error
    return say(error.sentence, Choices(choices))
