"""Word-level differences: exact, readable, and quick whatever comes in."""

from __future__ import annotations

import time
from decimal import Decimal

import hypothesis.strategies as st
import pytest
from hypothesis import given

from core.content.diff import Change, diff_content, diff_words, words_changed
from core.content.history import diff_draft, diff_numbers
from core.content.kinds import Kind
from core.errors import NotFound
from tests.integration.content.desk import Desk, each_kind

WORDS = st.lists(st.sampled_from(["the", "moon", "moon.", "circles", "\n", "\n\n", " ", "\t", "é", "27.3", "#"])).map(
    " ".join
)


def marked(before: str, after: str, **more: int) -> str:
    """Write a difference out as a surface does."""
    write = {Change.SAME: "{}", Change.REMOVED: "[-{}-]", Change.ADDED: "{{+{}+}}", Change.ELIDED: "…"}
    return "".join(write[piece.change].format(piece.text) for piece in diff_words(before, after, **more))


@given(before=WORDS, after=WORDS)
def test_the_pieces_are_the_two_texts(before: str, after: str) -> None:
    pieces = diff_words(before, after, context=10_000)
    assert "".join(piece.text for piece in pieces if piece.change is not Change.REMOVED) == after
    assert "".join(piece.text for piece in pieces if piece.change is not Change.ADDED) == before
    assert all(piece.text for piece in pieces)
    assert any(piece.change is not Change.SAME for piece in pieces) == (before != after)


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("The Moon circles the Earth.", "The Moon orbits the Earth.", "The Moon [-circles-]{+orbits+} the Earth."),
        ("It takes 27 days.", "It takes 27.3 days.", "It takes [-27-]{+27.3+} days."),
        ("red green blue", "one two blue", "[-red green-]{+one two+} blue"),
        ("", "New.", "{+New.+}"),
        ("Same.", "Same.", "Same."),
    ],
)
def test_whole_words_go_and_come(before: str, after: str, said: str) -> None:
    assert marked(before, after) == said


def test_long_unchanged_stretches_are_left_out_and_counted() -> None:
    filler = " ".join(f"w{number}" for number in range(50))
    pieces = diff_words(f"A {filler} old {filler} Z", f"A {filler} new {filler} Z", context=2)
    assert marked(f"A {filler} old {filler} Z", f"A {filler} new {filler} Z", context=2) == (
        "…w48 w49 [-old-]{+new+} w0 w1 …"
    )
    assert [piece.words for piece in pieces if piece.change is Change.ELIDED] == [49, 49]


def test_a_large_text_takes_no_time_to_speak_of() -> None:
    lines = "\n".join(f"{number % 7} {'word ' * 10}{number}" for number in range(20_000))
    began = time.perf_counter()
    assert sum(piece.words for piece in diff_words(lines, lines[::-1]) if piece.change is Change.ADDED) > 0
    diff_words(lines, lines.replace("19999", "new"))
    assert time.perf_counter() - began < 10  # quadratic, it takes minutes


def test_content_is_compared_field_by_field() -> None:
    before = {"title": "Moon", "instructions": "Look at it.", "points": Decimal(10), "due_at": None}
    after = {"title": "Moon", "instructions": "Look at it again tonight.", "points": Decimal(20), "due_at": None}
    diff = diff_content(before, after)
    assert [each.name for each in diff.fields] == ["instructions", "points"]
    assert (diff.fields[1].before, diff.fields[1].after) == (Decimal(10), Decimal(20))
    assert diff.summary == "2 words added; points changed"
    assert not diff_content(before, before)
    assert diff_content(before, before).summary == "nothing changed"
    assert diff_content(None, after).new
    assert diff_content({"body": "a, b"}, {"body": "a b"}).summary == "only spaces and punctuation changed"


def test_a_file_is_told_by_its_content_and_name() -> None:
    before = {"title": "Notes", "storage_key": "a", "filename": "n.pdf", "byte_size": 1, "sha256": b"a"}
    assert not diff_content(before, before | {"storage_key": "b"})
    (change,) = diff_content(before, before | {"byte_size": 2, "sha256": b"b"}).fields
    assert change.name == "file"


def test_how_much_changed_is_counted_without_regard_to_order() -> None:
    assert words_changed("a b c d", "d c b a") == 0
    assert words_changed("a b c d", "a b c e f") == 2


@each_kind
async def test_a_draft_is_compared_with_what_is_live(desk: Desk, kind: Kind) -> None:
    root = await desk.published(kind, "First")
    with pytest.raises(NotFound):
        await diff_draft(desk.session, desk.teacher, kind, root.id)
    await desk.edit(kind, root, "Second")
    diff = await diff_draft(desk.session, desk.teacher, kind, root.id)
    assert diff.fields[0].name == "title"
    assert (diff.new, diff.added >= 1, diff.removed >= 1) == (False, True, True)
    assert diff == await diff_numbers(desk.session, desk.teacher, kind, root.id, 1, 2)
    assert (await diff_draft(desk.session, desk.teacher, kind, (await desk.create(kind)).id)).new
