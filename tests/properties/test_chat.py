"""Whatever teachers do by chat, in any order: students see what the model says, wherever they look, and nothing else.

Two teachers of a class and one of another type commands, fill in forms and press buttons, also ones that have stood
there for a while; students, strangers and people without an account press them as well, and are refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import hypothesis.strategies as st
from hypothesis import settings
from hypothesis.stateful import invariant, rule, run_state_machine_as_test

from core.content.kinds import KINDS
from tests.properties.chat import Chat, channel, direct, move_in, open_chat
from tests.properties.chat_pressing import AT, NOBODY, WHO
from tests.properties.chat_publishing import Publishing
from tests.properties.looking import Given
from tests.properties.school import School
from tests.properties.world import opened


class Chatting(Publishing):
    """All that anybody does by chat."""

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

    # Pressing what was left, and looking at what is not one's own.

    @rule(which=st.integers(0, 2**12), who=WHO, private=st.booleans())
    def press_later(self, which: int, who: str, *, private: bool) -> None:
        if self.drawer:
            self._press(self.drawer[which % len(self.drawer)], who, private=private)

    @rule(
        at=AT, who=st.sampled_from(["foreign", "student", "stranger", NOBODY]),
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

    @rule(at=AT, in_lesson=st.booleans(), private=st.booleans())
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
