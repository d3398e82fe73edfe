"""A form of more fields than a modal of Discord's takes, page by page: pure functions.

Discord answers a modal with no other modal, so that between two pages stands a message with a button.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any
from uuid import UUID

from adapters.discord.controls import choice_units, component_ids, pack_id
from adapters.discord.forms import Json, form_modal, form_of, inputs_of
from adapters.discord.limits import INPUTS, MODAL_TITLE, fit, length
from adapters.discord.markdown import Piece, escape
from adapters.discord.packing import Control, Message, pack
from adapters.outgoing_text import harmless
from core.events import Attachment
from core.replies import Choice, Field, Form
from core.text import one_line

# Served by the surface itself; core never sees them. The second one is for messages that are only about the form,
# which its next page may take the place of.
OPEN_PAGE, NEXT_PAGE = "form.page", "form.next"
PAGE_ACTIONS = frozenset({OPEN_PAGE, NEXT_PAGE})
_SHOWN = 80  # characters of a label, and of what was typed


@dataclass(frozen=True, slots=True)
class PagedForm:
    """A form with what was typed so far. `sizes` is how many fields each page has, `left` which are still to be sent.

    Pages count from 0. How the fields are divided stays, whatever is typed into them.
    """

    form: Form
    sizes: tuple[int, ...]
    left: tuple[int, ...]
    files: Mapping[str, Attachment] = field(default_factory=dict)

    def page(self, number: int) -> tuple[Field, ...]:
        """Return the fields of a page."""
        start = sum(self.sizes[:number])
        return self.form.fields[start : start + self.sizes[number]]

    def named(self, number: int) -> str:
        """Return a page as people are told of it."""
        return f"{number + 1} of {len(self.sizes)}"


def divide(form: Form) -> PagedForm:
    """Return a form in as few pages as can be, each about as long. Raises `ValueError` for what fits no page."""
    counts = [len(inputs_of(field)) for field in form.fields]
    if not counts or max(counts) > INPUTS:
        raise ValueError(f"the form “{form.title}” has no fields, or one that is longer than a page")
    fewest = len(_fill(counts, INPUTS))
    sizes = next(found for most in range(1, INPUTS + 1) if len(found := _fill(counts, most)) == fewest)
    return PagedForm(replace(form, about=""), tuple(sizes), tuple(range(fewest)))


def page_modal(paged: PagedForm, number: int, form_id: UUID) -> Json:
    """Return the data of the modal for a page."""
    suffix = f" ({paged.named(number)})" if len(paged.sizes) > 1 else ""
    title = fit(one_line(harmless(paged.form.title), 1_000), MODAL_TITLE - len(suffix)) + suffix
    fields = tuple(_with_file(each, paged.files) for each in paged.page(number))
    return form_modal(Form(title, OPEN_PAGE, fields, page_value(form_id, number)))


def page_value(form_id: UUID, number: int) -> str:
    """Return the value of the button and the modal of a page."""
    return f"{form_id.hex}:{number}"


def read_page_value(value: str) -> tuple[UUID, int]:
    """Return the form's id and the page's number."""
    form_id, _, number = value.partition(":")
    return UUID(form_id), int(number)


def page_choice(paged: PagedForm, number: int, form_id: UUID, words: str) -> Choice:
    """Return a button that opens a page."""
    label = f"{words} ({paged.named(number)})" if len(paged.sizes) > 1 else f"{words}…"
    return Choice(label, OPEN_PAGE, page_value(form_id, number))


def fill_in(paged: PagedForm, number: int, typed: Mapping[str, str], files: Mapping[str, Attachment]) -> PagedForm:
    """Return a form with a page that was sent."""
    names = {each.name for each in paged.page(number)}
    fields = tuple(
        replace(each, value=typed.get(each.name, each.value)) if each.name in names else each
        for each in paged.form.fields
    )
    sent = {name: file for name, file in files.items() if name in names}
    left = tuple(each for each in paged.left if each != number)
    return replace(paged, form=replace(paged.form, fields=fields), left=left, files={**paged.files, **sent})


def reopen(paged: PagedForm, wrong: Collection[str]) -> PagedForm:
    """Return a form whose pages with these fields are to be sent again; the last one where none has them."""
    last = len(paged.sizes) - 1
    pages = [number for number in range(last + 1) if any(each.name in wrong for each in paged.page(number))]
    return replace(paged, left=tuple(pages) or (last,))


def typed_values(paged: PagedForm) -> dict[str, str]:
    """Return what stands in a form, by field."""
    return {each.name: each.value for each in paged.form.fields if not each.file}


def kept_message(paged: PagedForm, number: int, form_id: UUID) -> Message:
    """Return what is said after a page that is not the last one: what was kept, and how to go on."""
    head = f"Kept, page {paged.named(number)} of **{escape(_short(paged.form.title))}**:"
    lines = [f"- {escape(_short(each.label))}: {_value(each, paged.files)}" for each in paged.page(number)]
    note = "-# Nothing is saved before the last page is sent. It waits here for a day."
    following = next((each for each in paged.left if each > number), paged.left[0])
    choices = (page_choice(paged, following, form_id, "Continue"), page_choice(paged, number, form_id, "Change"))
    buttons = list(choice_units(tuple(replace(choice, action=NEXT_PAGE) for choice in choices)))
    first, *rest = (each for each in buttons if isinstance(each, Control))
    (message,) = pack([Piece("\n".join([head, *lines, note])), Control(first.body | {"style": 1}), *rest])
    return message


def sent_message(paged: PagedForm) -> Message:
    """Return what takes the place of that when the form was sent."""
    return Message(f"-# Sent: {escape(_short(paged.form.title))}")


def continues(components: Sequence[Json], form_id: UUID) -> bool:
    """Say whether a message with these components is only about the form."""
    start = pack_id(NEXT_PAGE, form_id.hex)
    return any(custom_id.startswith(start) for custom_id in component_ids(components))


def as_value(paged: PagedForm) -> str:
    """Return a form as text, without its files; `from_value` reads it."""
    return json.dumps({"form": asdict(paged.form), "sizes": paged.sizes, "left": paged.left}, ensure_ascii=False)


def from_value(value: str, files: Mapping[str, Attachment]) -> PagedForm:
    """Return the form that `as_value` was given."""
    kept: dict[str, Any] = json.loads(value)
    return PagedForm(form_of(kept["form"]), tuple(kept["sizes"]), tuple(kept["left"]), files)


def _fill(counts: Sequence[int], most: int) -> list[int]:
    """Return how many fields each page gets, so that it has at most so many inputs, or one field alone."""
    sizes: list[int] = []
    used = 0
    for count in counts:
        if sizes and used + count <= most:
            sizes[-1] += 1
            used += count
        else:
            sizes.append(1)
            used = count
    return sizes


def _with_file(of: Field, files: Mapping[str, Attachment]) -> Field:
    """Return a field; one whose file has come already may be left empty."""
    if not of.file or of.name not in files:
        return of
    return replace(of, required=False, label=f"{of.label} (empty keeps {one_line(files[of.name].name, 40)})")


def _value(of: Field, files: Mapping[str, Attachment]) -> str:
    value = files[of.name].name if of.name in files else of.shown
    shown = escape(_short(value))
    return f"**{shown}**" if shown else "–"


def _short(text: str) -> str:
    words = one_line(harmless(text), 1_000)
    return words if length(words) <= _SHOWN else fit(words, _SHOWN)
