"""Whom a text mentions, and whom it notifies: what `allowed_mentions` leaves of it.

https://docs.discord.com/developers/resources/message#allowed-mentions-object
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from tests.fakes.discord.errors import Json

_PERSON, _ROLE, _ALL = re.compile(r"<@!?(\d+)>"), re.compile(r"<@&(\d+)>"), re.compile(r"@(everyone|here)\b")
_CODE = re.compile(r"```.*?```|``.*?``|`[^`\n]*`", re.DOTALL)
EVERYTHING: Json = {"parse": ["users", "roles", "everyone"], "replied_user": True}
PEOPLE_ONLY: Json = {"parse": ["users"]}  # what an interaction's answer may do where it does not say


@dataclass(frozen=True, slots=True)
class Mentions:
    """`people` are shown as mentioned; `pings` are all that is notified."""

    people: list[str]
    roles: list[str]
    everyone: bool

    @property
    def pings(self) -> frozenset[str]:
        everyone = ["@everyone"] if self.everyone else []
        return frozenset([*self.people, *self.roles, *everyone])


def mentioned(text: str, allowed: Any, *, may_all: bool, replied_to: str | None = None) -> Mentions:
    """Return what a text mentions, as far as that is allowed; code mentions nobody.

    `may_all` says whether its author may mention everyone and any role, `replied_to` whose message it answers.
    """
    allowed = EVERYTHING if allowed is None else allowed
    said = _CODE.sub(" ", text)
    parse = allowed.get("parse") or ()
    people = _allowed(_PERSON.findall(said), "users", parse, allowed)
    if replied_to and allowed.get("replied_user"):
        people.append(replied_to)
    roles = _allowed(_ROLE.findall(said), "roles", parse, allowed) if may_all else []
    everyone = may_all and "everyone" in parse and bool(_ALL.search(said))
    return Mentions(list(dict.fromkeys(people)), roles, everyone)


def _allowed(ids: list[str], kind: str, parse: Any, allowed: Json) -> list[str]:
    named = [str(each) for each in allowed.get(kind) or ()]
    return [each for each in dict.fromkeys(ids) if kind in parse or each in named]
