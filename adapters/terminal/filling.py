"""A form at the terminal: its fields are asked for one by one, in plain lines, so that a pipe can fill it too."""

from __future__ import annotations

from dataclasses import dataclass, field

from adapters.terminal.render import harmless
from core.replies import Field, Form, Offer

CANCEL, CLEAR, END = "/cancel", "/clear", "."
HOW_TO = f"(An empty line keeps a value, {CLEAR} empties it, {CANCEL} drops the form.)"


@dataclass(slots=True)
class Filling:
    """A form being filled in: `values` holds the fields so far, by name."""

    form: Form
    values: dict[str, str] = field(default_factory=dict)
    _lines: list[str] = field(default_factory=list)  # of a long field that has not ended yet

    @property
    def asked(self) -> Field | None:
        """The field that is asked for now; None when all are filled."""
        return next((each for each in self.form.fields if each.name not in self.values), None)

    def question(self) -> str:
        """Return what to ask for the next field: its label, its value, its options. Empty when there is none."""
        asked = self.asked
        if asked is None:
            return ""
        label = f"{asked.label}{'' if asked.required else ' (optional)'}"
        if asked.long:
            shown = f"{label}, ending with a line that holds a single dot:"
            return harmless(f"{shown}\n{asked.value}" if asked.value else shown)
        shown = f"{label} [{' '.join(asked.shown.split())}]:" if asked.value else f"{label}:"
        options = "".join(f"  {number}) {each.label}" for number, each in enumerate(asked.options, start=1))
        return harmless(f"{shown}{options}")

    def take(self, line: str) -> str:
        """Take one line, and return what to say to it: the next question, why this one stands, or nothing."""
        asked, text = self.asked, line.strip()
        if asked is None:
            return ""
        if asked.long and (self._lines or text not in ("", CLEAR)):
            if text != END:
                self._lines.append(line.rstrip("\r\n"))
                return ""
            text = "\n".join(self._lines).strip("\n")
            self._lines = []
        if text == CLEAR:
            text = ""
        elif not text.strip():
            text = asked.value
        elif asked.options:
            chosen = _choose(text, asked.options)
            if chosen is None:
                return f"“{harmless(text)}” is none of the options.\n{self.question()}"
            text = chosen
        if asked.required and not text.strip():
            return f"This one is needed.\n{self.question()}"
        self.values[asked.name] = text
        return self.question()


def _choose(text: str, options: tuple[Offer, ...]) -> str | None:
    """Return the value of the option that was typed, or whose number was."""
    for option in options:
        if text.casefold() in (option.label.casefold(), option.value.casefold()):
            return option.value
    number = as_number(text)
    return options[number - 1].value if 0 < number <= len(options) else None


def as_number(text: str) -> int:
    """Return a typed number of an option; 0 for what is none."""
    # Bounded, for Python refuses to read numbers of thousands of digits.
    return int(text) if text.isdecimal() and len(text) <= len("9999") else 0
