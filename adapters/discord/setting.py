"""What all responders of one process share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from adapters.discord.alone import Alone
from adapters.discord.calls import Calls
from core.replies import Form

_MANY_FORMS = 1_000


@dataclass(frozen=True, slots=True)
class Setting:
    """The calls, the bot's user id `own`, and how its own `pages` begin. `opened` is filled by `remember_form`."""

    calls: Calls
    alone: Alone
    own: Callable[[], str]
    api_url: str
    pages: str | None = None
    opened: dict[tuple[str, str], Form] = field(default_factory=dict)  # forms by person and action, for their labels

    def remember_form(self, user: str, form: Form) -> None:
        """Keep a form that was opened, so that its labels are known should it come back wrong."""
        while len(self.opened) >= _MANY_FORMS:
            self.opened.pop(next(iter(self.opened)))
        self.opened[user, form.action] = form
