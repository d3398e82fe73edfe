"""Making, editing, reverting and deleting things by chat."""

from __future__ import annotations

import hypothesis.strategies as st
from hypothesis.stateful import rule

from core.content.kinds import KINDS
from tests.properties import acts
from tests.properties.acts import Content
from tests.properties.chat import channel
from tests.properties.chat_pressing import AT, LEAVE, ROOMS, WHO, Button, Pressing
from tests.properties.things import NO_ID, Thing, Version
from tests.properties.waiting import Rows

_TEXT = {"module": "description", "lesson": "body", "material": "file", "assignment": "instructions"}
# Two wordings without a word in common but those that are asked for.
_WORDINGS = (
    "while brooks run past mossy stones towards distant meadows under pale evening clouds",
    "because seven trams climbed steep hills carrying sleepy bakers beyond quiet market squares",
)


class Writing(Pressing):
    """Teachers, and others, who write."""

    @rule(
        kind=st.sampled_from(["module", "lesson", "lesson", "assignment"]), index=ROOMS, at=AT,
        of=st.sampled_from(["class", "module", "lesson"]), who=WHO, form=st.booleans(), soon=st.booleans(),
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

    @rule(index=ROOMS, at=AT, who=WHO, linked=st.booleans(), broken=LEAVE)
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

    @rule(
        at=AT, how=st.sampled_from(["rewrite", "touch", "rename", "terms", "same"]), who=WHO,
        other=st.sampled_from([False, False, True]), broken=LEAVE, leave=LEAVE,
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

    @rule(at=AT, to=st.integers(1, 4), who=WHO, leave=LEAVE)
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


def _words(mark: str, wording: int) -> str:
    return f"The word {mark} stands here alone {_WORDINGS[wording]}"


def _file(mark: str, wording: int, *, broken: bool) -> tuple[str, bytes]:
    if broken:
        return f"{mark}.ipynb", b"{"
    return f"{mark}.txt", _words(mark, wording).encode()
