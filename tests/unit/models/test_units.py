from __future__ import annotations

import pytest

from adapters.models.units import cut_units


def quotes(text: str) -> list[str]:
    units = cut_units(text)
    for unit in units:
        assert text[unit.sentence.start : unit.sentence.end] == unit.sentence.text
    return [" ".join(unit.sentence.text.split()) for unit in units]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "12 kg\n\ntypical weight of a badger\n\nSleeps by day: it hunts at night\nLives in setts under ground",
            ["12 kg typical weight of a badger", "Sleeps by day: it hunts at night", "Lives in setts under ground"],
        ),
        (
            "Barn owls\n\nThe quietest hunters of all, at about 2 dB, over open fields",
            ["Barn owls The quietest hunters of all, at about 2 dB, over open fields"],
        ),
        (
            "Tawny Owl (T3) Woodland\n\n1.3 980\n\nA long, low hoot",
            ["Tawny Owl (T3) Woodland 1.3 980 A long, low hoot"],
        ),
        # Labels of a picture belong to no line, and prose is left alone however its lines are broken.
        ("Badger\n\nStoat\n\nOwl\n\nFox\n\nHare", ["Badger", "Stoat", "Owl", "Fox", "Hare"]),
        ("The sett of a badger\nHas many rooms.", ["The sett of a badger Has many rooms."]),
        ("", []),
    ],
)
def test_scraps_come_with_the_line_they_belong_to(text: str, expected: list[str]) -> None:
    assert quotes(text) == expected


@pytest.mark.parametrize(
    "table",
    [
        "Animal | Weight\nBadger | 12 kg\nStoat | 300 g",
        "| Animal | Weight |\n|---|---|\n| Badger | 12 kg |\n| Stoat | 300 g |",
    ],
)
def test_a_tables_rows_know_their_header(table: str) -> None:
    units = cut_units(f"Weights differ a lot:\n\n{table}\n\nNone of them is heavy.")
    rows = {unit.sentence.text.strip("| "): unit.header.strip("| ") for unit in units}
    assert rows["Badger | 12 kg"] == "Animal | Weight"
    assert rows["Stoat | 300 g"] == "Animal | Weight"
    assert not rows["Animal | Weight"]
    assert not rows["None of them is heavy."]


def test_lines_know_what_they_stand_under() -> None:
    text = (
        "If you meet a badger\n\nStand still at once, and let it pass. It does not see well.\n\n"
        "- To the sett. Follow the path from the gate.\n- To the pond. Turn left.\n\nNobody gets lost here."
    )
    under = {unit.sentence.text: unit.under for unit in cut_units(text)}
    assert under["Stand still at once, and let it pass."] == "If you meet a badger"
    assert under["It does not see well."] == "If you meet a badger"
    assert under["Follow the path from the gate."] == "- To the sett."
    assert under["Turn left."] == "- To the pond."
    assert under["Nobody gets lost here."] == ""
