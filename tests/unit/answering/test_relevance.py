from __future__ import annotations

from dataclasses import dataclass

import pytest

from core.answering.relevance import bears_on_question

PASSAGE = "x" * 600


@dataclass(frozen=True)
class Passage:
    coverage: float
    similarity: float
    text: str = PASSAGE


@pytest.mark.parametrize(
    ("hits", "bears"),
    [
        ((), False),
        ((Passage(0.6, 0.0),), True),
        ((Passage(0.4, 0.15),), True),
        ((Passage(0.1, 0.4),), True),
        ((Passage(0.3, 0.1),), False),
        # Eight passages with a stray word each are no better than one.
        ((Passage(0.3, 0.1),) * 8, False),
        # The title of a slide is close to whatever shares a word with it.
        ((Passage(0.38, 0.26, "Eight hats, one cat and a football"),), False),
        ((Passage(0.38, 0.26),), True),
    ],
)
def test_the_best_passage_decides(hits: tuple[Passage, ...], *, bears: bool) -> None:
    assert bears_on_question(hits, semantic=False, generative=False) is bears


@pytest.mark.parametrize(("semantic", "generative"), [(True, False), (False, True), (True, True)])
def test_who_can_tell_better_is_asked_more_often(*, semantic: bool, generative: bool) -> None:
    doubtful, hopeless = (Passage(0.3, 0.1),), (Passage(0.1, 0.1),)
    assert bears_on_question(doubtful, semantic=semantic, generative=generative)
    assert not bears_on_question(hopeless, semantic=semantic, generative=generative)
    assert bears_on_question((Passage(0.0, 0.4),), semantic=semantic, generative=generative)
