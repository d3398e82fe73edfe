"""Whatever teachers do by chat, in any order: students see what the model says, wherever they look, and nothing else.

Two teachers of a class and one of another type commands, fill in forms and press buttons, also ones that have stood
there for a while; students, strangers and people without an account press them as well, and are refused.
"""

from __future__ import annotations

import copy
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import hypothesis.strategies as st
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from sqlalchemy import Row, text

from bot.clock import do_what_is_due
from bot.jobs import entrypoints
from core.audit.refused import REFUSED
from core.content.kinds import KINDS
from core.replies import Audience, Choice, Form
from tests.properties import acts
from tests.properties.acts import Content
from tests.properties.chat import ZONE, Chat, Screen, channel, direct, move_in, open_chat
from tests.properties.looking import Given, Looking
from tests.properties.school import School, number
from tests.properties.things import NO_ID, Room, Thing, Version
from tests.properties.waiting import Rows, call_off, processed, tick
from tests.properties.world import opened

TEACHERS = ("teacher", "second")
NOBODY = "nobody"  # has no account here
_TEXT = {"module": "description", "lesson": "body", "material": "file", "assignment": "instructions"}
# Two wordings without a word in common but those that are asked for.
_WORDINGS = (
    "while brooks run past mossy stones towards distant meadows under pale evening clouds",
    "because seven trams climbed steep hills carrying sleepy bakers beyond quiet market squares",
)
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
_REVISION = {
    "process_lesson": text(
        "SELECT lesson_unit_id AS root, revision_number AS number FROM lesson_unit_revisions WHERE id = :id"
    ),
    "process_material": text(
        "SELECT material_id AS root, revision_number AS number FROM material_revisions WHERE id = :id"
    ),
}


@dataclass
class Button:
    """A choice or a form that somebody was shown; `act` is what the model says comes of it."""

    thing: Thing
    shown: Choice | Form
    act: Callable[[], Rows | None]
    typed: dict[str, str]
    file: tuple[str, bytes] | None = None


class Chatting(RuleBasedStateMachine):
    rooms = st.sampled_from([0, 0, 0, 1])
    # The class's own teachers most of the time, or nothing would ever happen.
    who = st.sampled_from([*TEACHERS] * 8 + ["foreign", "student", "stranger", NOBODY])
    at = st.integers(0, 2**12)
    hours = st.sampled_from([0, 0, 0, 1, 2])
    # Whether what is shown is left to be pressed later, perhaps by somebody else.
    leave = st.sampled_from([False, False, False, True])

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

    def publish_a_course(self) -> None:
        """Fill both classes with one thing in every place it can have, and with a draft of each kind."""
        for index in (0, 1):
            first = len(self.school.things)
            self.create("module", index, 0, "class", "teacher", form=False, soon=False)
            module = self.school.things[-1]
            self.create("lesson", index, self.school.at(module, "module"), "module", "teacher", form=True, soon=False)
            lesson = self.school.things[-1]
            at = self.school.at(lesson, "lesson")
            self.upload(index, at, "teacher", linked=True, broken=False)
            self.upload(index, at, "teacher", linked=False, broken=False)
            self.create("assignment", index, at, "lesson", "teacher", form=False, soon=True)
            self.create("assignment", index, at, "class", "teacher", form=False, soon=False)
            self.work(9)
            for thing in self.school.things[first:]:
                self.publish(self.school.at(thing, *KINDS), "teacher", 0, leave=False)
                assert thing.visible
            self.ask(self.school.at(lesson, *KINDS), in_lesson=False, private=True)
            self.create("lesson", index, self.school.at(module, "module"), "module", "teacher", form=False, soon=False)
        self.tell()
        self.world.run(self.eyes.look_everywhere())

    def keep(self) -> tuple[School, list[Given]]:
        """End with what was done so far as the beginning of other runs."""
        self.world.run(self.savepoint.commit())
        return self.school, self.eyes.given

    # Making things.

    @rule(
        kind=st.sampled_from(["module", "lesson", "lesson", "assignment"]), index=rooms, at=at,
        of=st.sampled_from(["class", "module", "lesson"]), who=who, form=st.booleans(), soon=st.booleans(),
    )  # fmt: skip
    def create(self, kind: str, index: int, at: int, of: str, who: str, *, form: bool, soon: bool) -> None:
        room, mark = self.school.rooms[index], self.school.new_mark(self.school.rooms[index])
        above = None
        if kind == "lesson" or (kind == "assignment" and of != "class"):
            above = self.school.pick(at, "module" if kind == "lesson" else of, likely=lambda each: each.room is room)
        if above is not None and above.room is not room:
            return
        typed = {"title": mark, _TEXT[kind]: _words(mark, 0)}
        if kind == "lesson":
            assert above
            typed["module"] = self._name(above, who)
        elif kind == "assignment":
            typed |= {"in": self._name(above, who) if above else "class", "due": f"in {9 if soon else 300} days"}
        thing = Thing(NO_ID, kind, room, self.school.last_place(kind, room, above), above)
        thing.versions.append(Version(NO_ID, 1, mark, soon=soon and kind == "assignment"))
        rows = [(f"{kind}.create", thing)] if self._may(who) and (above is None or above.reachable) else None
        name, place = self._name_of(room, who), channel(room)
        if form and self._may(who):
            screen = self._do(self.chat.type(name, place, f"/{kind} create"), name, [])
            screen = self._do(self.chat.fill(name, place, screen.forms()[0], typed), name, rows, made=thing)
        else:
            said = " ".join(f'{key}:"{value}"' for key, value in typed.items())
            screen = self._do(self.chat.type(name, place, f"/{kind} create {said}"), name, rows, made=thing)
        if rows is not None:
            self.school.things.append(thing)

    @rule(index=rooms, at=at, who=who, linked=st.booleans(), broken=leave)
    def upload(self, index: int, at: int, who: str, *, linked: bool, broken: bool) -> None:
        room, mark = self.school.rooms[index], self.school.new_mark(self.school.rooms[index])
        lesson = self.school.pick(at, "lesson", likely=lambda each: each.room is room) if linked else None
        if lesson is not None and lesson.room is not room:
            return
        thing = Thing(NO_ID, "material", room, self.school.last_place("material", room, None))
        thing.versions.append(Version(NO_ID, 1, mark, broken=broken))
        if lesson is not None:
            self.school.join(thing, lesson)
        rows = [("material.create", thing)] if self._may(who) and (lesson is None or lesson.reachable) else None
        name, into = self._name_of(room, who), f' lesson:"{self._name(lesson, who)}"' if lesson else ""
        line = f"/material upload title:{mark}{into}"
        self._do(self.chat.type(name, channel(room), line, file=_file(mark, 0, broken=broken)), name, rows, made=thing)
        if rows is not None:
            self.school.things.append(thing)

    # Writing.

    @rule(
        at=at, how=st.sampled_from(["rewrite", "touch", "rename", "terms", "same"]), who=who,
        other=st.sampled_from([False, False, True]), broken=leave, leave=leave,
    )  # fmt: skip
    def edit(self, at: int, how: str, who: str, *, other: bool, broken: bool, leave: bool) -> None:
        """Edit a draft; sometimes the other teacher saves theirs while the form is open."""
        thing = self.school.pick(at, *KINDS)
        opened = self._edit(thing, how, who, broken=broken)
        if opened is None:
            return
        if other and (between := self._edit(thing, "touch", "second", broken=False)) is not None:
            self._press(between, "second")
        mine = opened.typed | ({"file": opened.file[0]} if opened.file else {})
        stands = thing.newest.mark
        if leave:
            self.drawer.append(opened)
            return
        screen = self._press(opened, who)
        if screen.failed and not thing.waiting and thing.reachable and how == "rewrite" and not opened.file:
            # Both texts are there, and one's own can be saved over the other.
            assert {mine["title"], stands} <= screen.marks
            (again,) = screen.forms()
            seen = thing.newest.seen
            content = Content(mine["title"], mine["title"], self._wording(thing), None)
            self._press(Button(thing, again, lambda: acts.write(thing, content, seen), {}), who)

    def _edit(self, thing: Thing, how: str, who: str, *, broken: bool) -> Button | None:
        name, place = self._name_of(thing.room, who), channel(thing.room)
        terms = how == "terms" and thing.kind == "assignment"
        line = f"/{thing.kind} {'terms' if terms else 'edit'} {self._name(thing, who)}"
        rows: Rows | None = [] if self._may(who) and thing.reachable else None
        screen = self._do(self.chat.type(name, place, line), name, rows)
        if rows is None:
            return None
        seen, newest = thing.newest.seen, thing.newest
        mark, file, typed = self.school.new_mark(thing.room), None, {}
        if terms:
            content = Content(points=100 + int(mark[3:-1]))
            typed = {"points": str(content.points)}
        elif how == "same":
            # As the form holds it: what stands there by then may be something else.
            content = Content(newest.title, None if thing.kind == "material" else newest.mark, newest.wording)
        elif how == "rename":
            content = Content(mark, None if thing.kind == "material" else newest.mark, newest.wording)
            typed = {"title": mark}
        else:
            wording = self._wording(thing) if how == "rewrite" else newest.wording
            title = mark if how == "rewrite" else newest.title
            content = Content(title, mark, wording, broken=broken and thing.kind == "material")
            typed = {"title": title}
            if thing.kind == "material":
                file = _file(mark, wording, broken=broken)
            else:
                typed[_TEXT[thing.kind]] = _words(mark, wording)
        return Button(thing, screen.forms()[0], lambda: acts.write(thing, content, seen), typed, file)

    def _wording(self, thing: Thing) -> int:
        return 1 - thing.newest.wording

    @rule(at=at, to=st.integers(1, 4), who=who, leave=leave)
    def revert(self, at: int, to: int, who: str, *, leave: bool) -> None:
        thing = self.school.pick(at, *KINDS, likely=lambda each: len(each.versions) > 1)
        old, seen, newest = acts.revision(thing, to), thing.newest.seen, thing.newest
        shows = old is not None and old.says() != newest.says()
        self._plan(
            thing, who, f"/{thing.kind} revert {self._name(thing, who)} to:{to}", "write.revert",
            lambda: acts.revert(thing, to, seen), refused=old is None, shows=shows, leave=leave,
        )  # fmt: skip

    def delete(self, at: int, who: str, *, leave: bool) -> None:
        thing = self.school.pick(at, *KINDS)
        line = f"/{thing.kind} delete {self._name(thing, who)}"
        self._plan(thing, who, line, "write.delete", lambda: acts.delete(thing), leave=leave)

    def restore(self, at: int, who: str) -> None:
        thing = self.school.pick(at, *KINDS, deleted=True)
        rows = acts.restore(self.school, thing) if self._may(who) else None
        name = self._name_of(thing.room, who)
        line = f"/{thing.kind} restore {self._name(thing, who)}"
        self._do(self.chat.type(name, channel(thing.room), line), name, rows)

    # Publishing.

    @rule(at=at, who=who, hours=hours, leave=leave)
    def publish(self, at: int, who: str, hours: int, *, leave: bool) -> None:
        thing = self.school.pick(at, *KINDS, likely=lambda each: each.to_publish is not None)
        version, seen = thing.to_publish, thing.newest.seen
        line = f"/publish {self._name(thing, who)}{self._moment(hours)}"
        self._plan(
            thing, who, line, "publish.go", lambda: acts.publish(thing, seen, self.now, hours),
            shows=version is not None and version.ready is not False, leave=leave,
        )  # fmt: skip

    @rule(at=at, how=st.sampled_from(["rewrite", "touch", "rename", "terms"]), at_once=st.booleans())
    def publish_anew(self, at: int, how: str, *, at_once: bool) -> None:
        """Edit something and publish that, before or after its text is ready."""
        thing = self.school.pick(at, *KINDS)
        if (button := self._edit(thing, how, "second", broken=False)) is None:
            return
        self._press(button, "second")
        if not at_once:
            self.work(9)
        self.publish(self.school.at(thing, *KINDS), "teacher", 0, leave=False)
        self.work(9)
        self.tell()

    @rule(at=at, between=st.sampled_from(["tell", "time", "nothing"]))
    def hide_and_show_again(self, at: int, between: str) -> None:
        """Unpublish something and publish it again: whoever was told of it is not told anew."""
        thing = self.school.pick(at, *KINDS, likely=lambda each: each.visible)
        again = self.school.at(thing, *KINDS)
        self.unpublish(again, "second", 0, leave=False)
        if between == "tell":
            self.tell()
        elif between == "time":
            self.let_time_pass(1)
        self.publish(again, "teacher", 0, leave=False)
        self.tell()

    @rule(at=at, who=who, hours=hours, leave=leave)
    def publish_module(self, at: int, who: str, hours: int, *, leave: bool) -> None:
        module = self.school.pick(at, "module", likely=lambda each: bool(self.school.parts(each)))
        wanted = acts.parts(self.school, module)
        seen, waits = acts.fingerprint(wanted), acts.unready(wanted)
        line = f"/publish {self._name(module, who)}{self._moment(hours)} whole:yes"
        self._plan(
            module, who, line, "publish.go",
            lambda: acts.publish_module(self.school, module, seen, self.now, hours, when_ready=waits),
            shows=bool(wanted) and not acts.unreadable(wanted), leave=leave,
        )  # fmt: skip

    @rule(at=at, who=who, hours=hours, leave=leave)
    def unpublish(self, at: int, who: str, hours: int, *, leave: bool) -> None:
        thing = self.school.pick(at, *KINDS, likely=lambda each: each.shown is not None)
        line = f"/unpublish {self._name(thing, who)}{self._moment(hours, minutes=30)}"
        self._plan(
            thing, who, line, "unpublish.go", lambda: acts.unpublish(thing, self.now, hours),
            refused=thing.shown is None and not hours, leave=leave,
        )  # fmt: skip

    @rule(index=rooms, which=st.integers(0, 50), who=who, leave=leave)
    def call_off(self, index: int, which: int, who: str, *, leave: bool) -> None:
        """Look at what is to come in a class, and call something off."""
        room = self.school.rooms[index]
        name, place = self._name_of(room, who), channel(room)
        screen = self._do(self.chat.type(name, place, "/publish"), name, [] if self._may(who) else None)
        if not self._may(who):
            return
        things = [each for each in self.school.things if each.room is room]
        # What comes with a module is called off with it, as long as that stands.
        together = [each.batch.module if each.batch and not each.batch.module.deleted else each
                    for each in things if each.waiting]  # fmt: skip
        coming = {f"{each.kind}:{each.id.hex}:PUBLISH": each for each in together}
        coming |= {f"{each.kind}:{each.id.hex}:UNPUBLISH": each for each in things if each.hides_at}
        offered = {choice.value: choice for choice in screen.choices() if choice.action == "publish.cancel"}
        assert offered.keys() == coming.keys()
        if not offered:
            return
        value = sorted(offered)[which % len(offered)]
        thing, hides = coming[value], value.endswith("UNPUBLISH")
        self._press_or_leave(
            Button(thing, offered[value], lambda: self._called_off(thing, hides=hides), {}), who, leave
        )

    def _called_off(self, thing: Thing, *, hides: bool) -> Rows | None:
        if thing.deleted:
            return None
        if not hides:
            return call_off(self.school, thing) or None
        if thing.hides_at is None:
            return None
        thing.hides_at = None
        return [(f"{thing.kind}.call_off_unpublishing", thing)]

    # Arranging.

    @rule(
        how=st.sampled_from(["move", "move_lesson", "in_lesson", "give", "link", "unlink"]), at=at, other=at,
        to=st.integers(1, 5), of=st.sampled_from(["class", "module", "lesson"]), who=who, leave=leave,
    )  # fmt: skip
    def arrange(self, how: str, at: int, other: int, to: int, of: str, who: str, *, leave: bool) -> None:
        match how:
            case "move":
                self.move(at, to, who, leave=leave)
            case "move_lesson":
                self.move_lesson(at, other, to, who, leave=leave)
            case "in_lesson":
                self.move_in_lesson(at, other, to, who, leave=leave)
            case "give":
                self.give(at, other, of, who, leave=leave)
            case _:
                self.link(at, other, who, linked=how == "link", leave=leave)

    @rule(at=at, who=who, back=st.sampled_from([False, True, True]), leave=leave)
    def delete_or_restore(self, at: int, who: str, *, back: bool, leave: bool) -> None:
        if back and any(each.deleted for each in self.school.things):
            self.restore(at, who)
        else:
            self.delete(at, who, leave=leave)

    def move(self, at: int, to: int, who: str, *, leave: bool) -> None:
        thing = self.school.pick(at, *KINDS)
        line = f"/{thing.kind} move {self._name(thing, who)} to:{to}"
        self._plan(thing, who, line, "write.move", lambda: acts.move(self.school, thing, to), leave=leave)

    def move_lesson(self, at: int, other: int, to: int, who: str, *, leave: bool) -> None:
        lesson = self.school.pick(at, "lesson")
        module = self.school.pick(other, "module", likely=lambda each: each.room is lesson.room)
        line = f"/lesson move {self._name(lesson, who)} to:{to} in:{self._name(module, who, lesson.room)}"
        refused = module.deleted or module.room is not lesson.room
        self._plan(
            lesson, who, line, "write.move", lambda: acts.move(self.school, lesson, to, module), refused=refused,
            leave=leave,
        )  # fmt: skip

    def move_in_lesson(self, at: int, other: int, to: int, who: str, *, leave: bool) -> None:
        material = self.school.pick(at, "material", likely=lambda each: bool(each.lessons))
        here = material.room
        lesson = self.school.pick(other, "lesson", likely=material.lessons.__contains__)
        refused = not lesson.reachable or lesson.room is not here or lesson not in material.lessons
        line = f"/material move {self._name(material, who)} to:{to} lesson:{self._name(lesson, who, here)}"
        self._plan(
            material, who, line, "write.move", lambda: acts.move_in_lesson(self.school, material, lesson, to),
            refused=refused, leave=leave,
        )  # fmt: skip

    def give(self, at: int, other: int, of: str, who: str, *, leave: bool) -> None:
        work = self.school.pick(at, "assignment")
        above = self.school.pick(other, of, likely=lambda each: each.room is work.room) if of != "class" else None
        line = f"/assignment move {self._name(work, who)} in:{self._name(above, who, work.room) if above else 'class'}"
        refused = above is not None and (not above.reachable or above.room is not work.room)
        self._plan(work, who, line, "write.move", lambda: acts.give(work, above), refused=refused, leave=leave)

    def link(self, at: int, other: int, who: str, *, linked: bool, leave: bool) -> None:
        material = self.school.pick(at, "material")
        here = material.room
        lesson = self.school.pick(
            other, "lesson", likely=lambda each: each.room is here and (each in material.lessons) is not linked
        )
        refused = not lesson.reachable or lesson.room is not here
        verb = "link" if linked else "unlink"
        line = f"/material {verb} {self._name(material, who)} lesson:{self._name(lesson, who, here)}"
        self._plan(
            material, who, line, f"write.{verb}",
            lambda: acts.link(self.school, material, lesson, linked=linked), refused=refused, leave=leave,
        )  # fmt: skip

    # Pressing what was left, and looking at what is not one's own.

    @rule(which=st.integers(0, 2**12), who=who, private=st.booleans())
    def press_later(self, which: int, who: str, *, private: bool) -> None:
        if self.drawer:
            self._press(self.drawer[which % len(self.drawer)], who, private=private)

    @rule(
        at=at, who=st.sampled_from(["foreign", "student", "stranger", NOBODY]),
        line=st.sampled_from(["{0} list", "{0}", "{0} preview {1}", "{0} show {1}", "{0} history {1}", "{0} edit {1}",
                              "{0} edit", "{0} restore", "{0} create", "publish", "unpublish", "publish {1}"]),
        private=st.booleans(),
    )  # fmt: skip
    def pry(self, at: int, who: str, line: str, *, private: bool) -> None:
        """Type what is for the class's teachers alone."""
        thing = self.school.pick(at, *KINDS)
        if thing.kind == "material":
            line = line.replace("create", "upload")
        name = self._name_of(thing.room, who)
        place = direct(name) if private and who not in ("foreign", "student") else channel(thing.room)
        self._do(self.chat.type(name, place, "/" + line.format(thing.kind, self._name(thing, who))), name, None)

    def announce(self, index: int, who: str, *, announces: bool) -> None:
        room = self.school.rooms[index]
        name, changes = self._name_of(room, who), room.announces is not announces
        rows = ["class.settings"] * changes if self._may(who) else None
        line = f"/class settings announce:{'yes' if announces else 'no'}"
        self._do(self.chat.type(name, channel(room), line), name, None if rows is None else [], other=rows or ())
        if rows is not None:
            room.announces = announces

    # What happens by itself.

    @rule(most=st.integers(1, 4))
    def work(self, most: int) -> None:
        """Process some of the texts that wait for it."""
        for _ in range(most):
            if not self.world.queue.jobs:
                return
            job, revision_id = self.world.queue.take()
            found = self.world.run(self._revision(job, revision_id))
            thing = next(each for each in self.school.things if each.id == found[0])
            version = acts.revision(thing, found[1])
            assert version
            rows: Rows = []
            if not version.deleted and version.ready is None:
                rows = processed(self.school, thing, version, self.now)
            self._do(self._worked(job, revision_id), None, rows)

    async def _worked(self, job: str, revision_id: UUID) -> Screen:
        await entrypoints(self.chat.app.pipeline)[job](revision_id)
        return Screen()

    async def _revision(self, job: str, revision_id: UUID) -> tuple[UUID, int]:
        async with self.world.sessions() as session:
            row = (await session.execute(_REVISION[job], {"id": revision_id})).one()
            return row.root, row.number

    @rule(hours=st.integers(1, 3))
    def let_time_pass(self, hours: int) -> None:
        """Let time go by, and the clock do what is due then."""
        self.now += timedelta(hours=hours)
        self.world.run(self.chat.age(f"{hours} hours"))
        self._do(self._ticked(), None, tick(self.school, self.now))

    async def _ticked(self) -> Screen:
        await do_what_is_due(self.chat.app)
        return Screen()

    @rule(index=rooms, announces=st.sampled_from([None, None, True, True, False]), who=who)
    def tell(self, index: int = 0, announces: bool | None = None, who: str = "teacher") -> None:
        """Tell what there is to tell; now and then somebody has switched class news on or off."""
        if announces is not None:
            self.announce(index, who, announces=announces)
        self.world.run(self.eyes.news())
        self.state = self.world.run(self._state())

    @rule(at=at, in_lesson=st.booleans(), private=st.booleans())
    def ask(self, at: int, *, in_lesson: bool, private: bool) -> None:
        """Ask for a word of any text there ever was."""
        thing = self.school.pick(at, *KINDS)
        version = thing.versions[at % len(thing.versions)]
        name, room = f"student{thing.room.index}", thing.room
        lesson = self.school.pick(at // 3, "lesson", likely=lambda each: each.room is room) if in_lesson else None
        if lesson is not None and (lesson.room is not room or not self._is_only(lesson)):
            lesson = None
        place = direct(name) if private else channel(room)
        self.world.run(self.eyes.ask(room, name, place, version.mark, lesson))

    # What holds after every step.

    @invariant()
    def look(self) -> None:
        self.turn += 1
        self.world.run(self.eyes.look(self.room, self.turn))

    # How it is done.

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
        return _place(thing) if numbered and self._is_only(thing) else thing.newest.title

    def _is_only(self, thing: Thing) -> bool:
        """Whether a thing stands, and nothing else has its number."""
        living = [each for each in self.school.things if each.kind == thing.kind and each.reachable]
        return [each for each in living if (each.room, _place(each)) == (thing.room, _place(thing))] == [thing]

    def _moment(self, hours: int, *, minutes: int = 0) -> str:
        if not hours:
            return ""
        moment = datetime.now(ZONE) + timedelta(hours=hours, minutes=minutes - 1)
        return f" at:{moment:%Y-%m-%d %H:%M}"


def _place(thing: Thing) -> str:
    return number(thing) if thing.kind == "lesson" else str(thing.position)


def _words(mark: str, wording: int) -> str:
    return f"The word {mark} stands here alone {_WORDINGS[wording]}"


def _file(mark: str, wording: int, *, broken: bool) -> tuple[str, bytes]:
    if broken:
        return f"{mark}.ipynb", b"{"
    return f"{mark}.txt", _words(mark, wording).encode()


@contextmanager
def chatting(url: str, home: Path) -> Iterator[tuple[Chat, tuple[School, list[Given]]]]:
    """Open the bot with a whole course in each of two classes."""
    with opened(url) as world:
        school = world.run(world.build())
        world.run(move_in(world, school))
        opening = open_chat(world, home)
        chat = world.run(opening.__aenter__())
        try:
            machine = Chatting(chat, (school, []))
            machine.publish_a_course()
            yield chat, machine.keep()
        finally:
            world.run(opening.__aexit__(None, None, None))


def test_students_see_exactly_what_is_published_wherever_they_look(database_url: str, tmp_path: Path) -> None:
    with chatting(database_url, tmp_path) as (chat, base):

        class Here(Chatting):
            def __init__(self) -> None:
                super().__init__(chat, base)

        # Each step is a conversation, and a look at everything: an eighth as many as of the verbs alone.
        run_state_machine_as_test(Here, settings=settings(max_examples=settings().max_examples // 8))
