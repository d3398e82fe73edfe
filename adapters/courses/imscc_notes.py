"""What a person should know of a package that could not be taken over as it was, in sentences."""

from __future__ import annotations

from collections.abc import Sequence

from adapters.courses.imscc_manifest import Manifest
from adapters.courses.imscc_outline import Outline
from adapters.courses.imscc_taken import Taken
from adapters.courses.imscc_weights import follows_groups

_NAMED = 8


def notes_of(manifest: Manifest, outline: Outline, taken: Taken) -> list[str]:
    """Return the notes, those first that need a look."""
    canvas = taken.canvas
    notes = [*manifest.notes, *canvas.notes, *taken.faults]
    for names, sentence in (
        (manifest.missing, "The package names files that it does not have"),
        (outline.gone, "The outline names things that the package does not have"),
        ([each.title for each in taken.lessons.values() if not each.body and not each.links], "Pages without any text"),
        (taken.twice, "These stand in the outline more than once and were imported once, where they stand first"),
        (outline.headings, "Headings inside modules were left out; what stood under them is straight in the module"),
        (canvas.unpublished, "Not published in Canvas; publishing here would show them like everything else"),
        (taken.by_tool, "Assignments that are handed in through an external tool, which does not come along"),
        (
            [each.title for each in canvas.groups.values() if each.has_rules],
            "Groups with rules about dropping grades; the class's settings have such a rule",
        ),
    ):
        if names:
            notes.append(ended(f"{sentence}: {_listed(names)}"))
    for number, sentence in (
        (taken.pictures, "Pictures that stayed behind (a page keeps a picture's description, if it has one)"),
        (taken.tools, "Links to external tools that stand in no module and were left out"),
        (taken.banks, "Question banks that were left out"),
    ):
        if number:
            notes.append(f"{sentence}: {number:,}.")
    if canvas.is_canvas and taken.assignments:
        notes.append(
            "Weights follow Canvas's groups of assignments, without the quizzes in them."
            if follows_groups(taken.assignments, canvas)
            else "Each assignment weighs as much as it has points, as in Canvas's total."
        )
    return notes


def ended(sentence: str) -> str:
    """End a sentence with a full stop, unless what it ends with does that."""
    return sentence if sentence.endswith((".", "!", "?", "…")) else f"{sentence}."


def _listed(names: Sequence[str]) -> str:
    unique = list(dict.fromkeys(names))
    more = f" and {len(unique) - _NAMED} more" if len(unique) > _NAMED else ""
    return "; ".join(unique[:_NAMED]) + more
