"""Names that several things go by: offered to be picked from, with all that was typed besides."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from uuid import UUID

from core.errors import Ambiguous
from core.replies import Choice, Choices, Reply, say
from core.text import literal_sentence, one_line

LONGEST_VALUE = 1_500  # characters that a choice may carry on every surface
_LONGEST_NAME = 300


def pick(error: Ambiguous, action: str, value: Callable[[UUID], str]) -> Reply:
    """Return the candidates as choices; `value` says what one carries. Raises the error where that is too long."""
    ids = error.data.get("ids")
    named = list(zip(error.candidates, ids if isinstance(ids, tuple) else (), strict=False))
    choices = tuple(Choice(name, action, value(id_)) for name, id_ in named)
    if not choices or sum(len(choice.value) for choice in choices) > LONGEST_VALUE:
        raise error
    return say(literal_sentence(error.sentence), Choices(choices))


def pack_options(names: Sequence[str], options: Mapping[str, str]) -> str:
    """Return what was typed as what a choice carries, in the order of the names; the last may be of several lines."""
    *lines, last = names
    return "\n".join([*(one_line(options.get(name, ""), _LONGEST_NAME) for name in lines), options.get(last, "")])


def unpack_options(names: Sequence[str], packed: str) -> dict[str, str]:
    """Return the options that `pack_options` was given, without those that were not typed."""
    values = packed.split("\n", len(names) - 1)
    return {name: value for name, value in zip(names, values, strict=False) if value}
