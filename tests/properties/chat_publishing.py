"""Showing, hiding and arranging things by chat."""

from __future__ import annotations

import hypothesis.strategies as st
from hypothesis.stateful import rule

from core.content.kinds import KINDS
from tests.properties import acts
from tests.properties.chat import channel
from tests.properties.chat_happening import Happening
from tests.properties.chat_pressing import AT, HOURS, LEAVE, ROOMS, WHO, Button
from tests.properties.chat_writing import Writing
from tests.properties.things import Thing
from tests.properties.waiting import Rows, call_off


class Publishing(Writing, Happening):
    """Teachers, and others, who publish."""

    @rule(at=AT, who=WHO, hours=HOURS, leave=LEAVE)
    def publish(self, at: int, who: str, hours: int, *, leave: bool) -> None:
        thing = self.school.pick(at, *KINDS, likely=lambda each: each.to_publish is not None)
        version, seen = thing.to_publish, thing.newest.seen
        line = f"/publish {self._name(thing, who)}{self._moment(hours)}"
        self._plan(
            thing, who, line, "publish.go", lambda: acts.publish(thing, seen, self.now, hours),
            shows=version is not None and version.ready is not False, leave=leave,
        )  # fmt: skip

    @rule(at=AT, how=st.sampled_from(["rewrite", "touch", "rename", "terms"]), at_once=st.booleans())
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

    @rule(at=AT, between=st.sampled_from(["tell", "time", "nothing"]))
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

    @rule(at=AT, who=WHO, hours=HOURS, leave=LEAVE)
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

    @rule(at=AT, who=WHO, hours=HOURS, leave=LEAVE)
    def unpublish(self, at: int, who: str, hours: int, *, leave: bool) -> None:
        thing = self.school.pick(at, *KINDS, likely=lambda each: each.shown is not None)
        line = f"/unpublish {self._name(thing, who)}{self._moment(hours, minutes=30)}"
        self._plan(
            thing, who, line, "unpublish.go", lambda: acts.unpublish(thing, self.now, hours),
            refused=thing.shown is None and not hours, leave=leave,
        )  # fmt: skip

    @rule(index=ROOMS, which=st.integers(0, 50), who=WHO, leave=LEAVE)
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
        how=st.sampled_from(["move", "move_lesson", "in_lesson", "give", "link", "unlink"]), at=AT, other=AT,
        to=st.integers(1, 5), of=st.sampled_from(["class", "module", "lesson"]), who=WHO, leave=LEAVE,
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

    @rule(at=AT, who=WHO, back=st.sampled_from([False, True, True]), leave=LEAVE)
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
