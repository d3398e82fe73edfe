"""Typing, filling in and pressing: what everybody's doing by chat must leave behind, and what a refusal must not."""

from __future__ import annotations

import copy
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import hypothesis.strategies as st
from hypothesis.stateful import RuleBasedStateMachine
from sqlalchemy import Row, text

from core.audit.refused import REFUSED
from core.replies import Audience, Choice, Form
from tests.properties.chat import ZONE, Chat, Screen, channel, direct
from tests.properties.looking import Given, Looking
from tests.properties.school import School, number
from tests.properties.things import Room, Thing
from tests.properties.waiting import Rows

TEACHERS = ("teacher", "second")
NOBODY = "nobody"  # has no account here
ROOMS = st.sampled_from([0, 0, 0, 1])
# The class's own teachers most of the time, or nothing would ever happen.
WHO = st.sampled_from([*TEACHERS] * 8 + ["foreign", "student", "stranger", NOBODY])
AT = st.integers(0, 2**12)
HOURS = st.sampled_from([0, 0, 0, 1, 2])
# Whether what is shown is left to be pressed later, perhaps by somebody else.
LEAVE = st.sampled_from([False, False, False, True])
# Everything that a command here may change; of what only grows, how much there is.
_STATE = text(
    "SELECT md5(concat("
    + ", ".join(
        f"(SELECT string_agg(t::text, '|' ORDER BY t.id) FROM {table} t)"
        for table in (
            "classes", "modules", "module_revisions", "lesson_units", "lesson_unit_revisions", "materials",
            "material_revisions", "lesson_unit_materials", "assignments", "assignment_revisions", "scheduled_actions",
        )
    )
    + ", (SELECT count(*) FROM audit_logs WHERE action <> 'refused')"
    + ", (SELECT count(*) FROM notifications WHERE deleted_at IS NULL)))"
)  # fmt: skip
_AUDIT = text(
    "SELECT id, action, actor_user_id, surface, request_id, CASE entity_type WHEN 'lesson_unit_material'"
    " THEN CAST(details ->> 'material' AS uuid) ELSE entity_id END AS entity_id FROM audit_logs"
)


@dataclass
class Button:
    """A choice or a form that somebody was shown; `act` is what the model says comes of it."""

    thing: Thing
    shown: Choice | Form
    act: Callable[[], Rows | None]
    typed: dict[str, str]
    file: tuple[str, bytes] | None = None


class Pressing(RuleBasedStateMachine):
    """Everybody in front of a chat, with the model of what there is."""

    def __init__(self, chat: Chat, base: tuple[School, list[Given]]) -> None:
        super().__init__()
        self.chat, self.world = chat, chat.world
        self.school, given = copy.deepcopy(base)
        self.savepoint = self.world.run(self.world.connection.begin_nested().start())
        self.eyes = Looking(chat, self.school, given)
        self.drawer: list[Button] = []
        self.jobs = list(self.world.queue.jobs)
        self.audited = self.world.run(self._audit())
        self.state = self.world.run(self._state())
        self.now = datetime.now(ZONE)
        self.turn = 0
        self.room = self.school.rooms[0]  # where something was done last

    def teardown(self) -> None:
        try:
            self.world.run(self.eyes.look_everywhere())
        finally:
            self._forget()

    def _forget(self) -> None:
        self.world.run(self.savepoint.rollback())
        self.world.queue.drain()
        self.world.queue.jobs.extend(self.jobs)
        self.chat.posts.take()

    def keep(self) -> tuple[School, list[Given]]:
        """End with what was done so far as the beginning of other runs."""
        self.world.run(self.savepoint.commit())
        return self.school, self.eyes.given

    def _plan(
        self,
        thing: Thing,
        who: str,
        line: str,
        action: str,
        act: Callable[[], Rows | None],
        *,
        refused: bool = False,
        shows: bool = True,
        leave: bool,
    ) -> None:
        """Type what shows what will happen, and press what does it, now or later."""
        name = self._name_of(thing.room, who)
        rows: Rows | None = None if refused or not thing.reachable or not self._may(who) else []
        screen = self._do(self.chat.type(name, channel(thing.room), line), name, rows)
        offered = [choice for choice in screen.choices() if choice.action == action]
        assert bool(offered) is (rows is not None and shows), screen.rendered
        if offered:
            self._press_or_leave(Button(thing, offered[0], act, {}), who, leave)

    def _press_or_leave(self, button: Button, who: str, leave: bool) -> None:
        if leave:
            self.drawer.append(button)
        else:
            self._press(button, who)

    def _press(self, button: Button, who: str, *, private: bool = False) -> Screen:
        room = button.thing.room
        name = self._name_of(room, who)
        rows = button.act() if self._may(who) else None
        place = direct(name) if private else channel(room)
        if isinstance(button.shown, Form):
            return self._do(self.chat.fill(name, place, button.shown, button.typed, button.file), name, rows)
        return self._do(self.chat.press(name, place, button.shown), name, rows)

    def _do(
        self,
        doing: Awaitable[Screen],
        name: str | None,
        rows: Rows | None,
        *,
        made: Thing | None = None,
        other: Sequence[str] = (),
    ) -> Screen:
        """Do something: it leaves these audit rows, or is refused in private and changes nothing at all."""
        return self.world.run(self._done(doing, name, rows, made, other))

    async def _done(
        self, doing: Awaitable[Screen], name: str | None, rows: Rows | None, made: Thing | None, other: Sequence[str]
    ) -> Screen:
        screen = await doing
        state, audited = await self._state(), await self._audit()
        rows_now = [audited[each] for each in audited.keys() - self.audited.keys()]
        new = [each for each in rows_now if each.action != REFUSED]
        on_record = [each for each in rows_now if each.action == REFUSED]
        assert len(on_record) <= (rows is None), "only who was refused is on the record for it, once"
        assert {each.actor_user_id for each in on_record} <= {self.school.people.get(name or "")}
        if made is not None and rows:
            made.id = new[0].entity_id
        expected = sorted([(action, thing.id) for action, thing in rows or ()], key=str)
        assert sorted([(each.action, each.entity_id) for each in new if each.action not in other], key=str) == expected
        assert sorted(each.action for each in new if each.action in other) == sorted(other)
        if name is not None:
            people = self.school.people
            assert {each.actor_user_id for each in new} <= {people.get(name)}
            assert {each.surface for each in new} <= {"slack"}
            assert len({each.request_id for each in new}) <= 1
            assert screen.replies, "nobody is left without a word"
            assert all(reply.audience is Audience.PERSON for reply in screen.replies)
            assert screen.marks <= self.eyes.readable(name) | screen.typed, (
                f"{name} sees what they may not: {screen.rendered}"
            )
            known = name in people
            assert screen.failed is (rows is None and known), screen.rendered
            assert known or "Link your account" in screen.rendered
        if name is not None and not rows and not other:
            assert state == self.state, "what was refused has changed something"
        self.state, self.audited = state, audited
        self.room = next((thing.room for _, thing in rows or ()), self.room)
        return screen

    async def _audit(self) -> dict[UUID, Row[Any]]:
        async with self.world.sessions() as session:
            return {row.id: row for row in await session.execute(_AUDIT)}

    async def _state(self) -> str:
        async with self.world.sessions() as session:
            return str(await session.scalar(_STATE))

    def _may(self, who: str) -> bool:
        return who in TEACHERS

    def _name_of(self, room: Room, who: str) -> str:
        return {
            "teacher": f"teacher{room.index}",
            "second": "teacher1" if room.index else "second0",
            "foreign": f"teacher{1 - room.index}",
            "student": f"student{room.index}",
        }.get(who, who)

    def _name(self, thing: Thing, who: str, room: Room | None = None) -> str:
        """Return what a thing is called in a class: its number where that is its alone, else its title.

        Who may not know its title has its id, from wherever.
        """
        if who not in TEACHERS or room not in (None, thing.room):
            return thing.id.hex
        numbered = thing.kind in ("module", "lesson") and int(thing.newest.mark[3:-1]) % 2
        return place_of(thing) if numbered and self._is_only(thing) else thing.newest.title

    def _is_only(self, thing: Thing) -> bool:
        """Whether a thing stands, and nothing else has its number."""
        living = [each for each in self.school.things if each.kind == thing.kind and each.reachable]
        return [each for each in living if (each.room, place_of(each)) == (thing.room, place_of(thing))] == [thing]

    def _moment(self, hours: int, *, minutes: int = 0) -> str:
        if not hours:
            return ""
        moment = datetime.now(ZONE) + timedelta(hours=hours, minutes=minutes - 1)
        return f" at:{moment:%Y-%m-%d %H:%M}"


def place_of(thing: Thing) -> str:
    return number(thing) if thing.kind == "lesson" else str(thing.position)
